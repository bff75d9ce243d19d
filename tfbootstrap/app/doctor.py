"""`tfbootstrap doctor`: what is wrong in an environment, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tfbootstrap import __version__
from tfbootstrap.app.diagnose import load_diagnoses
from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.doctor.case import find_tensorflow, make_case
from tfbootstrap.doctor.classes import with_classes
from tfbootstrap.doctor.examination import examine
from tfbootstrap.doctor.records import Case, Examination, Tables
from tfbootstrap.doctor.report import report_document, report_json, report_markdown
from tfbootstrap.doctor.trial import check_trial, expectation
from tfbootstrap.edges.files import write_atomically
from tfbootstrap.edges.machine import collect_inventory, find_interpreter, try_tensorflow
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import digest, load
from tfbootstrap.errors import UsageError
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.render import TRIAL, TRIAL_CALL

REPORT_SUFFIXES = (".json", ".md", ".markdown")


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorOutcome:
    """What was found, and whether the report's file changed (None: none was asked for)."""

    examination: Examination
    report_changed: bool | None = None


def doctor(
    lock_path: str | None = None,
    *,
    venv: Path | None = None,
    matrix: Path | None = None,
    report: Path | None = None,
    deep: bool = False,
) -> DoctorOutcome:
    """Examine this interpreter's environment, or that of a folder; `deep` imports TensorFlow and tries it, too.

    Raises InputError for a lock or folder that can't be used, UsageError for a report of an unknown kind, MachineError
    where the environment's interpreter does not work, OutputError where the report can't be written.
    """
    if report is not None and report.suffix.lower() not in REPORT_SUFFIXES:
        problem = f"a report is JSON or Markdown, and {report.name!r} says neither"
        raise UsageError(problem, hint="name a file that ends with .json or .md")
    lock = open_lock(lock_path) if lock_path else None
    python = None if venv is None else find_interpreter(venv)
    facts, inventory = collect_inventory(python)
    tables = _load_tables(facts, matrix)
    named = None if venv is None else str(venv)
    case = make_case(facts, inventory, tables, lock=lock, lock_path=lock_path or "", venv=named)
    examination = examine(case)
    if deep and case.tensorflow is not None:
        trial = read_payload()[TRIAL] + TRIAL_CALL
        tried = tuple(check_trial(case, try_tensorflow(python, trial, expectation(case))))
        examination = replace(examination, findings=(*tried, *examination.findings))
    examination = _with_classes(case, examination, matrix)
    changed = None if report is None else _write_report(report, case, examination, matrix)
    return DoctorOutcome(examination=examination, report_changed=changed)


def _load_tables(facts: Facts, matrix: Path | None) -> Tables:
    folder = matrix_folder(matrix)
    tensorflow = load(TensorflowMatrix, folder)
    versions = {name: found.version for name, found in facts.distributions.items()}
    hardware = None
    if facts.gpu_status == "present" and find_tensorflow(versions, tensorflow) is not None:
        from tfbootstrap.app.knowledge import load_hardware

        hardware = load_hardware(matrix)
    cuda = any(name.startswith("nvidia-") for name in versions)
    plain = load(LibrariesMatrix, folder) if cuda else LibrariesMatrix()
    return Tables(
        tensorflow=tensorflow,
        bounds=load(BoundMatrix, folder),
        known_bad=load(KnownBadMatrix, folder),
        companions=load(CompanionsMatrix, folder),
        libraries=hardware.libraries if hardware else plain,
        hardware=hardware,
    )


def _with_classes(case: Case, examination: Examination, matrix: Path | None) -> Examination:
    """Return the findings with their classes; the classes are read only where there is something to name."""
    if not any(finding.diagnosis or finding.symptom for finding in examination.findings):
        return examination
    rows = load_diagnoses(matrix_folder(matrix))
    return replace(examination, findings=with_classes(examination.findings, rows, case))


def _write_report(path: Path, case: Case, examination: Examination, matrix: Path | None) -> bool:
    document = report_document(case, examination, tool=__version__, matrix=digest(matrix_folder(matrix)))
    text = report_json(document) if path.suffix.lower() == ".json" else report_markdown(document)
    return write_atomically(path, text)
