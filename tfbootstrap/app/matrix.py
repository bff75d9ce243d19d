"""`tfbootstrap matrix`: look at the compatibility data. Returns outcomes, prints nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.proofs import proof_names
from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.distributions import DistributionsMatrix, stand_in
from tfbootstrap.matrix.proofs import PROVEN_RUNTIME, proof_name
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow
from tfbootstrap.matrix.tested import OfficialMatrix
from tfbootstrap.request import parse_tensorflow


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixOutcome:
    """The TensorFlow releases that were asked for, newest first."""

    rows: tuple[TensorflowRow, ...]
    proofs: frozenset[str]
    """Names of the cells that were proven."""
    official: OfficialMatrix
    """What TensorFlow's page of tested configurations says."""
    distributions: DistributionsMatrix
    """Where wheels that hold no TensorFlow lead to."""

    def to_json(self) -> list[dict[str, Any]]:
        """Return them as plain data; keys are part of the command line's contract."""
        return [
            _plain(row, self.proofs)
            | {"redirects": _redirects(row, self.distributions), "tested": _tested(row, self.official)}
            for row in self.rows
        ]


def show_matrix(
    specifier: str | None = None, *, prereleases: bool = False, directory: Path | None = None
) -> MatrixOutcome:
    """Return the rows that a specifier (`2.15`, `>=2.18`) admits, all without one.

    Pre-releases are in it where the specifier names one, or `prereleases` asks for them.
    Raises UsageError where nothing matches, MatrixError where the matrix is wrong.
    """
    folder = matrix_directory(directory, os.environ)
    matrix = load(TensorflowMatrix, folder)
    wanted = parse_tensorflow(specifier or ">=0")
    rows = matrix.matching(wanted, prereleases=True if prereleases else None)
    if not rows:
        raise _nothing(matrix, wanted, specifier or "")
    return MatrixOutcome(
        rows=tuple(reversed(rows)),
        proofs=proof_names(folder),
        official=load(OfficialMatrix, folder),
        distributions=load(DistributionsMatrix, folder),
    )


def _nothing(matrix: TensorflowMatrix, wanted: SpecifierSet, specifier: str) -> UsageError:
    unfinished = matrix.matching(wanted, prereleases=True)
    if unfinished:
        hint = f"`--pre` shows its pre-releases: {', '.join(row.version for row in unfinished)}"
        return UsageError(f"the matrix has no finished TensorFlow {specifier}", hint=hint)
    known = f"it knows {matrix.minors[0]} to {matrix.minors[-1]}" if matrix.minors else "it has no rows"
    near = get_close_matches(specifier.strip("=~<> "), [*matrix.minors, *(row.version for row in matrix.rows)], n=3)
    hint = f"{known}; near: {', '.join(near)}" if near else known
    return UsageError(f"the matrix has no TensorFlow {specifier}".rstrip(), hint=hint)


def _redirects(row: TensorflowRow, distributions: DistributionsMatrix) -> dict[str, str]:
    """Return for each platform with a shim wheel the distribution that it requires."""
    found = {platform: stand_in(row, platform, row.pythons[-1], distributions) for platform in row.shim_platforms}
    return {platform: instead.name for platform, instead in found.items() if instead}


def _tested(row: TensorflowRow, official: OfficialMatrix) -> list[dict[str, Any]]:
    """Return what the page says of the minor, and in what the wheels of this release differ."""
    return [
        {
            "tensorflow": line.tensorflow,
            "system": line.system,
            "pythons": list(line.pythons),
            "cuda": line.cuda,
            "cudnn": line.cudnn,
            "differences": list(line.differences(row)),
            "word": line.word if line.tensorflow == row.version else None,
            "source": line.source,
            "checked": line.checked,
        }
        for line in official.of_minor(row.minor)
    ]


def _plain(row: TensorflowRow, proofs: frozenset[str]) -> dict[str, Any]:
    facts: Mapping[str, Any] = {
        "version": row.version,
        "released": row.released,
        "prerelease": row.prerelease,
        "yanked": row.yanked,
        "pythons": list(row.pythons),
        "requires_python": row.requires_python,
        "platforms": list(row.platforms),
        "cuda_platforms": list(row.cuda_platforms),
        "shim_platforms": list(row.shim_platforms),
        "cuda": row.cuda,
        "cudnn": row.cudnn,
        "cudnn_headers": row.cudnn_headers,
        "compute_capabilities": list(row.compute_capabilities),
        "nvidia": list(row.nvidia),
        "proven": [python for python in row.pythons if proof_name(row.version, python, PROVEN_RUNTIME) in proofs],
    }
    return dict(facts)
