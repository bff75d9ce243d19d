"""`tfbootstrap scan`: which TensorFlow code fits, and the lines that decide it. Prints nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.edges.sources import find_sources, read_source
from tfbootstrap.edges.symbols import load_symbols
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.replacements import ReplacementsMatrix
from tfbootstrap.scan.judge import Evidence, Judge, Verdict
from tfbootstrap.scan.lacking import lacking
from tfbootstrap.scan.pieces import Piece, Skipped, read_pieces
from tfbootstrap.scan.uses import Use, find_uses

_LEGACY_KERAS: Final = "TF_USE_LEGACY_KERAS"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanOutcome:
    """What code fits; `files` is how many were read."""

    verdict: Verdict
    judge: Judge
    uses: tuple[Use, ...]
    skipped: tuple[Skipped, ...]
    files: int
    legacy_keras: bool
    """The code asks for Keras 2 behind `tf.keras`."""

    def lacking(self, minor: str) -> tuple[Evidence, ...]:
        """Return every line that breaks with a minor (X.Y) of TensorFlow."""
        return lacking(self.judge, self.uses, minor)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; keys are part of the command line's contract."""
        return {
            "fits": self.verdict.fits,
            "minors": list(self.verdict.minors),
            "evidence": [
                {
                    "file": one.file,
                    "cell": one.cell,
                    "line": one.line,
                    "symbol": one.symbol,
                    "bound": one.bound,
                    "replacement": one.replacement,
                    "note": one.note,
                }
                for one in self.verdict.evidence
            ],
            "skipped": [{"file": one.file, "cell": one.cell, "reason": one.reason} for one in self.skipped],
            "files": self.files,
            "legacy_keras": self.legacy_keras,
        }


def scan(paths: Sequence[Path], directory: Path | None = None) -> ScanOutcome:
    """Scan files and everything below folders. Raises InputError where a path is not there."""
    folder = matrix_directory(directory, os.environ)
    uses: list[Use] = []
    skipped: list[Skipped] = []
    legacy_keras = False
    files = find_sources(paths)
    for path in files:
        try:
            text = read_source(path)
        except InputError as error:
            skipped.append(Skipped(file=path.as_posix(), reason=error.problem))
            continue
        if "tensorflow" not in text and "keras" not in text:
            continue
        legacy_keras = legacy_keras or _LEGACY_KERAS in text
        pieces = list(read_pieces(path.as_posix(), text))
        skipped += [piece for piece in pieces if isinstance(piece, Skipped)]
        uses += find_uses(piece for piece in pieces if isinstance(piece, Piece))
    judge = Judge(load_symbols(folder), load(ReplacementsMatrix, folder), legacy_keras)
    return ScanOutcome(
        verdict=judge.judge(uses),
        judge=judge,
        uses=tuple(uses),
        skipped=tuple(skipped),
        files=len(files),
        legacy_keras=legacy_keras,
    )
