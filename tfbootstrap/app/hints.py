"""Next steps from the diagnoses for what other commands found: failed checks of a bootstrap, rejections of a lock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.errors import TfbootstrapError

if TYPE_CHECKING:
    from tfbootstrap.facts import Facts
    from tfbootstrap.plan.records import Rejections

CLASS_OF_RULE: Final[Mapping[str, str]] = {
    "cpu": "illegal-instruction-avx",
    "libc": "glibc-too-old",
    "gpu-build": "windows-native-gpu",
}
"""Rule of a rejection -> the class whose steps help where no other TensorFlow does; other rules have ways out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """What a class of diagnoses says about one failed check."""

    check: str
    diagnosis: str
    cause: str
    fix: tuple[str, ...]


def rejection_hints(rejections: Rejections, facts: Facts, matrix: Path | None) -> tuple[str, ...]:
    """Return the steps that the diagnoses have for what rejected releases; most rules have none beside the ways out."""
    from tfbootstrap.app.diagnose import load_diagnoses
    from tfbootstrap.diagnose.advice import steps_for
    from tfbootstrap.diagnose.context import make_context

    names = dict.fromkeys(CLASS_OF_RULE.get(rejection.rule, "") for rejection in rejections.rejections)
    if not any(names):
        return ()
    rows = {row.id: row for row in load_diagnoses(matrix_folder(matrix))}
    context = make_context({}, facts)
    steps = (step for name in names if name in rows for step in steps_for(rows[name].fix, context, context.values))
    return tuple(dict.fromkeys(steps))


def check_hints(report: Mapping[str, Any], venv: str | None = None) -> tuple[Hint, ...]:
    """Return what the diagnoses know about the failed checks of a bootstrap's report, a hint for each known one."""
    failed = [check for check in report["checks"] if check["status"] == "fail"]
    if not failed:
        return ()
    from tfbootstrap.app.diagnose import load_diagnoses
    from tfbootstrap.diagnose.findings import Diagnosis
    from tfbootstrap.diagnose.remarks import Tables
    from tfbootstrap.edges.resources import load
    from tfbootstrap.matrix.tensorflow import TensorflowMatrix

    folder = matrix_folder(None)
    rows, tables, facts = load_diagnoses(folder), Tables(tensorflow=load(TensorflowMatrix, folder)), _facts(venv)
    hints = []
    for check in failed:
        diagnosis = Diagnosis(rows, tables, facts)
        # The bootstrap joins the last lines of what a process printed.
        diagnosis.feed(check["found"].replace("; ", "\n"))
        serious = next((finding for finding in diagnosis.report().findings if not finding.harmless), None)
        if serious is not None:
            hints.append(Hint(check=check["id"], diagnosis=serious.id, cause=serious.cause, fix=serious.fix))
    return tuple(hints)


def _facts(venv: str | None) -> Facts | None:
    """Return the facts that steps depend on; without them fewer steps are known to hold, which is no failure."""
    from tfbootstrap.edges.machine import collect_facts, find_interpreter

    try:
        return collect_facts(None if venv is None else find_interpreter(Path(venv)))
    except TfbootstrapError:
        return None


def with_hints(report: str, hints: Iterable[Hint]) -> str:
    """Return a bootstrap's report (JSON) in which failed checks have the `class` and `fix` of their hint."""
    document, found = json.loads(report), {hint.check: hint for hint in hints}
    for check in document["checks"]:
        if check["status"] == "fail" and check["id"] in found:
            hint = found[check["id"]]
            check.update({"class": hint.diagnosis, "fix": list(hint.fix)})
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
