"""What a trial of the installed TensorFlow is to find, and what its failures mean. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfbootstrap.doctor.companions import LEGACY, SWITCH, SWITCHED_ON
from tfbootstrap.doctor.packages import cuda_provider
from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.payload.judge import Check


def expectation(case: Case) -> dict[str, Any]:
    """Return what the trial compares with, in a lock's form: what the installed packages themselves promise."""
    assert case.tensorflow is not None
    row = case.tensorflow.row
    keras = case.tables.companions.keras_of(case.tensorflow.version)
    legacy = case.facts.environment.get(SWITCH) in SWITCHED_ON and LEGACY in case.versions
    uses_gpu = case.facts.gpu_status == "present" and cuda_provider(case) != "none"
    return {
        "tensorflow": case.tensorflow.version,
        "keras": None if keras is None or legacy else int(keras.major),
        "cuda": {
            "provider": cuda_provider(case) if uses_gpu else "none",
            "version": row.cuda if row else None,
            "cudnn": row.cudnn if row else None,
            "capabilities": list(row.compute_capabilities) if row else [],
        },
        "visible_gpus": len(case.facts.gpus),
        "pins": {},
    }


def check_trial(case: Case, checks: Iterable[Check]) -> Iterator[Finding]:
    """Find what failed when TensorFlow was tried; the trial's own hints speak of a lock, which there need not be."""
    importing = f"{case.shell.line(case.shell.python, '-c', 'import tensorflow')} 2>&1 | tfbootstrap diagnose"
    for check in checks:
        if check["status"] == "fail":
            yield Finding(
                id=f"trial-{check['id']}",
                severity="error",
                summary=f"trying TensorFlow failed at: {check['id']}",
                evidence=tuple(filter(None, [check["found"], check["expected"] and f"expected: {check['expected']}"])),
                advice=(f"what it prints tells more: {importing}",),
                symptom=check["found"],
            )
