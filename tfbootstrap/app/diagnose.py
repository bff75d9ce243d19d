"""`tfbootstrap diagnose`: from an error's text to its cause and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.diagnose.findings import Diagnosis, Report
from tfbootstrap.diagnose.remarks import Tables
from tfbootstrap.edges.logs import read_log
from tfbootstrap.edges.machine import read_facts
from tfbootstrap.edges.resources import load, load_file
from tfbootstrap.edges.symbols import load_symbols
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.diagnoses import DiagnosesFile, DiagnosisRow
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated


def diagnose(log: Path | None, facts: Path | None = None, matrix: Path | None = None) -> Report:
    """Say what the text of a file (None: of standard input) shows, on the machine that a facts file describes.

    Raises InputError for a log or facts that can't be read, MatrixError for wrong data.
    """
    folder = matrix_folder(matrix)
    tables = Tables(
        tensorflow=load(TensorflowMatrix, folder),
        libraries=load(LibrariesMatrix, folder),
        gpu_code=load(GpuCodeMatrix, folder),
        symbols=load_symbols(folder),
    )
    known = read_facts(facts) if facts is not None else None
    diagnosis = Diagnosis(load_diagnoses(folder), tables, known)
    for block in read_log(log):
        diagnosis.feed(block)
    return diagnosis.report()


def load_diagnoses(folder: Traversable | Path) -> tuple[DiagnosisRow, ...]:
    """Return the classes of every file below `diagnoses/`.

    Raises InputError where the folder is missing, MatrixError where its data is wrong.
    """
    below = folder / "diagnoses"
    if not below.is_dir():
        raise InputError(Location(str(below)), "there is no such folder", hint="is the matrix folder complete?")
    files = sorted((file for file in below.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(row for file in files for row in load_file(DiagnosesFile, file).rows)
