"""`tfbootstrap matrix companions`: what goes with TensorFlow. Returns outcomes, prints nothing."""

from __future__ import annotations

import os
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix


def list_companions(directory: Path | None = None) -> list[dict[str, Any]]:
    """Return every companion, by name. Raises MatrixError where the data is wrong."""
    return [_plain(row) for row in _load(directory).rows]


def show_companion(name: str, directory: Path | None = None) -> dict[str, Any]:
    """Return one companion, by any spelling of its name. Raises UsageError naming the nearest for an unknown one."""
    matrix = _load(directory)
    row = matrix.row(name)
    if row is None:
        near = get_close_matches(name.lower(), [row.name for row in matrix.rows], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"the matrix has no companion {name!r}", hint=f"{hint}`tfbootstrap matrix companions` lists them all"
        )
    return _plain(row)


def _load(directory: Path | None) -> CompanionsMatrix:
    return load(CompanionsMatrix, matrix_directory(directory, os.environ))


def _plain(row: CompanionRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "note": row.note,
        "successor": row.successor,
        "ended": asdict(row.ended) if row.ended else None,
        "legacy_keras": asdict(row.legacy_keras) if row.legacy_keras else None,
        "ties": [asdict(tie) for tie in row.all_ties()],
        "cuda": [asdict(tie) for tie in row.cuda],
        "also": [{"versions": tie.versions, "requires": list(tie.also)} for tie in row.wheels if tie.also],
    }
