"""The shipped classes, and what they say of a text."""

from __future__ import annotations

from tests.support.environment import REPOSITORY
from tfbootstrap.app.diagnose import load_diagnoses
from tfbootstrap.diagnose.findings import Diagnosis, Finding, Report
from tfbootstrap.diagnose.remarks import Tables
from tfbootstrap.edges.resources import load
from tfbootstrap.edges.symbols import load_symbols
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix

MATRIX = REPOSITORY / "compat_matrix"
ROWS = load_diagnoses(MATRIX)
TABLES = Tables(
    tensorflow=load(TensorflowMatrix, MATRIX),
    libraries=load(LibrariesMatrix, MATRIX),
    gpu_code=load(GpuCodeMatrix, MATRIX),
    symbols=load_symbols(MATRIX),
)


def read(text: str, facts: Facts | None = None, *, block: int = 1 << 20) -> Report:
    """Diagnose a text that arrives in blocks of this many characters."""
    diagnosis = Diagnosis(ROWS, TABLES, facts)
    for start in range(0, len(text), block):
        diagnosis.feed(text[start : start + block])
    return diagnosis.report()


def ids(report: Report) -> list[str]:
    """Return the classes found, most important first."""
    return [finding.id for finding in report.findings]


def only(report: Report) -> Finding:
    """Return the one finding that there is."""
    (finding,) = report.findings
    return finding
