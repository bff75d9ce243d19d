"""Which class of `tfbootstrap diagnose` a finding shows as, and the steps that the class has. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfbootstrap.diagnose.advice import steps_for
from tfbootstrap.diagnose.context import Context, make_context
from tfbootstrap.diagnose.findings import Diagnosis
from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.matrix.diagnoses import DiagnosisRow, Situation


def with_classes(findings: Sequence[Finding], rows: Sequence[DiagnosisRow], case: Case) -> tuple[Finding, ...]:
    """Return the findings with the classes that they name or whose symptom they have.

    Where a finding has no command of its own, the steps of its class are its advice.
    """
    known, context = {row.id: row for row in rows}, context_of(case)
    return tuple(_with_class(finding, known.get(_class(finding, rows) or ""), context) for finding in findings)


def _class(finding: Finding, rows: Sequence[DiagnosisRow]) -> str | None:
    return finding.diagnosis or (class_of(finding.symptom, rows) if finding.symptom else None)


def class_of(text: str, rows: Sequence[DiagnosisRow]) -> str | None:
    """Return the gravest class that an error's text shows, None where it shows none."""
    diagnosis = Diagnosis(rows)
    diagnosis.feed(text)
    return next((found.id for found in diagnosis.report().findings if not found.harmless), None)


def _with_class(finding: Finding, row: DiagnosisRow | None, context: Context) -> Finding:
    if row is None:
        return replace(finding, diagnosis=None)
    steps = () if finding.commands else tuple(steps_for(row.fix, context, context.values))
    return replace(finding, diagnosis=row.id, advice=tuple(dict.fromkeys((*finding.advice, *steps))))


def context_of(case: Case) -> Context:
    """Return what the conditions of steps are judged by: the facts, and what kind of environment it is."""
    context = make_context({}, case.facts, case.tables.tensorflow)
    own: dict[Situation, bool] = {"conda": case.inventory.conda, "venv": case.inventory.virtual}
    situations = {name for name in context.situations if name not in own}
    situations |= {name for name, holds in own.items() if holds}
    return replace(context, situations=frozenset(situations))
