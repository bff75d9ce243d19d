"""`tfbootstrap matrix distributions`: TensorFlow by other names. Returns outcomes, prints nothing."""

from __future__ import annotations

import os
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.distributions import AlikeReleases, DistributionRow, DistributionsMatrix
from tfbootstrap.matrix.tensorflow import PLATFORMS


def list_distributions(directory: Path | None = None) -> list[dict[str, Any]]:
    """Return every distribution, by name. Raises MatrixError where the data is wrong."""
    return [_plain(row) for row in _load(directory).rows]


def show_distribution(name: str, directory: Path | None = None) -> dict[str, Any]:
    """Return one distribution, by any spelling of its name. Raises UsageError naming the nearest for an unknown one."""
    matrix = _load(directory)
    row = matrix.row(name)
    if row is None:
        near = get_close_matches(name.lower(), [row.name for row in matrix.rows], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"the matrix has no other distribution of TensorFlow {name!r}",
            hint=f"{hint}`tfbootstrap matrix distributions` lists them all",
        )
    return _plain(row)


def _load(directory: Path | None) -> DistributionsMatrix:
    return load(DistributionsMatrix, matrix_directory(directory, os.environ))


def _plain(row: DistributionRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "role": row.role,
        "ended": asdict(row.ended) if row.ended else None,
        "releases": [_release(group) for group in row.releases],
    }


def _release(group: AlikeReleases) -> dict[str, Any]:
    return {
        "versions": list(group.versions),
        "owns": list(group.owns),
        "cuda": group.cuda,
        "pythons": {platform: list(pythons) for platform in PLATFORMS if (pythons := group.pythons_for(platform))},
        "shim_platforms": list(group.shim_platforms),
        "requires": {
            platform: list(metadata.requires) for metadata in group.metadata for platform in metadata.platforms
        },
    }
