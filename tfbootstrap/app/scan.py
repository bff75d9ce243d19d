"""`tfbootstrap scan`: which TensorFlow code fits, and the lines that decide it. Prints nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import tfbootstrap
from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.edges.sources import find_sources, read_source
from tfbootstrap.edges.symbols import load_signatures, load_symbols
from tfbootstrap.edges.workers import map_in_processes
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.marks import MarksMatrix
from tfbootstrap.matrix.replacements import ReplacementsMatrix
from tfbootstrap.scan.findings import Finder, Finding
from tfbootstrap.scan.imports import ProjectModules, imported_names
from tfbootstrap.scan.judge import Evidence, Judge, Verdict
from tfbootstrap.scan.lacking import lacking
from tfbootstrap.scan.pieces import Piece, Skipped, read_pieces
from tfbootstrap.scan.reader import Exports, find_uses
from tfbootstrap.scan.sarif import to_sarif
from tfbootstrap.scan.uses import Interest, Use

_LEGACY_KERAS: Final = "TF_USE_LEGACY_KERAS"
_ROUNDS: Final = 3
"""Names of TensorFlow are followed through so many files of the project."""
_WORTH_PROCESSES: Final = 4 << 20
"""Bytes; less is read before other processes have started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanOutcome:
    """What code fits; `files` is how many were read."""

    verdict: Verdict
    judge: Judge
    """Judges other choices of the uses by the same data."""
    uses: tuple[Use, ...]
    skipped: tuple[Skipped, ...]
    files: int
    legacy_keras: bool
    """The code asks for Keras 2 behind `tf.keras`."""
    findings: tuple[Finding, ...] = ()
    """What else lines say: of other packages' versions, of what Keras 3 does otherwise."""

    def lacking(self, minor: str) -> tuple[Evidence, ...]:
        """Return every line that breaks with a minor (X.Y) of TensorFlow."""
        return lacking(self.judge, self.uses, minor)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; keys are part of the command line's contract."""
        return {
            "fits": self.verdict.fits,
            "minors": list(self.verdict.minors),
            "evidence": [asdict(one) for one in self.verdict.evidence],
            "findings": [asdict(one) for one in self.findings],
            "skipped": [{"file": one.file, "cell": one.cell, "reason": one.reason} for one in self.skipped],
            "files": self.files,
            "legacy_keras": self.legacy_keras,
        }

    def to_sarif(self) -> dict[str, Any]:
        """Return it as a SARIF log."""
        return to_sarif(self.verdict, self.findings, tfbootstrap.__version__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """A file to read, and what other files of the project hand to it."""

    path: Path
    exports: Exports | None = None
    """None: read it only if it speaks of TensorFlow itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _FileReading:
    uses: tuple[Use, ...] = ()
    exports: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    imports: frozenset[str] = frozenset()
    """What it could get from other files: `.compat.tf`."""
    legacy_keras: bool = False


def scan(paths: Sequence[Path], directory: Path | None = None) -> ScanOutcome:
    """Scan files and everything below folders. Raises InputError where a path is not there."""
    folder = matrix_directory(directory, os.environ)
    table = load_symbols(folder)
    marks, companions = load(MarksMatrix, folder), load(CompanionsMatrix, folder)
    replacements = load(ReplacementsMatrix, folder)
    files = find_sources(paths)
    readings = _read_project(files, Finder.interest(marks, companions))
    legacy_keras = any(reading.legacy_keras for reading in readings)
    uses = tuple(use for reading in readings for use in reading.uses)
    finder = Finder(table, marks, companions, replacements, legacy_keras)
    judge = Judge(table, replacements, legacy_keras, load_signatures(table, folder), finder.needs)
    return ScanOutcome(
        verdict=judge.judge(uses),
        judge=judge,
        uses=uses,
        skipped=tuple(one for reading in readings for one in reading.skipped),
        files=len(files),
        legacy_keras=legacy_keras,
        findings=finder.find(uses)[0],
    )


def _read_project(files: Sequence[Path], interest: Interest) -> list[_FileReading]:
    """Read every file; those to which another one hands a name of TensorFlow once more, until nothing new comes up."""
    read = partial(_read_file, interest)
    worth = sum(_size(path) for path in files) > _WORTH_PROCESSES
    readings = map_in_processes(read, [_Task(path=path) for path in files], worth=worth)
    known: dict[int, Exports] = {}
    for _ in range(_ROUNDS):
        modules = ProjectModules(
            {path.as_posix(): reading.exports for path, reading in zip(files, readings, strict=True)}
        )
        handed = {
            place: seen
            for place, (path, reading) in enumerate(zip(files, readings, strict=True))
            if (seen := modules.seen_from(path.as_posix(), reading.imports)) and known.get(place) != seen
        }
        if not handed:
            break
        known.update(handed)
        tasks = [_Task(path=files[place], exports=seen) for place, seen in handed.items()]
        again = map_in_processes(read, tasks, worth=worth)
        for place, reading in zip(handed, again, strict=True):
            readings[place] = reading
    return readings


def _read_file(interest: Interest, task: _Task) -> _FileReading:
    file = task.path.as_posix()
    try:
        text = read_source(task.path)
    except InputError as error:
        return _FileReading(skipped=(Skipped(file=file, reason=error.problem),))
    imports = imported_names(text) if task.path.suffix != ".ipynb" else frozenset()
    if task.exports is None and "tensorflow" not in text and "keras" not in text:
        return _FileReading(imports=imports)
    pieces = list(read_pieces(file, text))
    reading = find_uses((piece for piece in pieces if isinstance(piece, Piece)), interest, task.exports)
    return _FileReading(
        uses=reading.uses,
        exports=reading.exports,
        skipped=tuple(piece for piece in pieces if isinstance(piece, Skipped)),
        imports=imports,
        legacy_keras=_LEGACY_KERAS in text,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
