"""Lints of diagnoses: each class is found in its own texts and left out of its neighbours'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tfbootstrap.diagnose.findings import Diagnosis
from tfbootstrap.matrix.diagnoses import DiagnosesFile, DiagnosisRow
from tfbootstrap.upkeep.lints import Finding, lint


@lint(DiagnosesFile)
def examples_show_their_class(matrix: DiagnosesFile) -> Iterator[Finding]:
    """Every text that a class must be found in shows it."""
    for index, row in enumerate(matrix.rows):
        for place, example in enumerate(row.matches):
            if not _is_found(row, example.text):
                yield f"rows[{index}].matches[{place}]", f"{row.id} is not found in this text"


@lint(DiagnosesFile)
def neighbours_do_not_show_the_class(matrix: DiagnosesFile) -> Iterator[Finding]:
    """No text of a neighbour shows the class."""
    for index, row in enumerate(matrix.rows):
        for line in row.unlike:
            if _is_found(row, (line,)):
                yield f"rows[{index}].unlike", f"{row.id} is found in {line!r}"


def _is_found(row: DiagnosisRow, lines: Iterable[str]) -> bool:
    # Which releases have a name is not this file's to know: its patterns are judged.
    signs = tuple(replace(sign, symbol=None) for sign in row.signs)
    diagnosis = Diagnosis((replace(row, signs=signs),))
    diagnosis.feed("\n".join(lines))
    return bool(diagnosis.report().findings)
