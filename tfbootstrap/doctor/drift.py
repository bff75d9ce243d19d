"""What differs between an environment and its lock. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.facts import facts_to_mapping
from tfbootstrap.payload.judge import judge_runtime
from tfbootstrap.render import lock_data

SHOWN: Final = 12


def check_lock(case: Case) -> Iterator[Finding]:
    """Find pins that are not installed, or in another version, and a machine that the lock is not for."""
    if case.lock is None:
        return
    yield from _drift(case)
    checks = judge_runtime(lock_data(case.lock), facts_to_mapping(case.facts))
    for check in checks:
        if check["status"] in ("fail", "warn"):
            yield Finding(
                id=f"lock-{check['id']}",
                severity="error" if check["status"] == "fail" else "note",
                summary=f"the lock is for {check['expected']}, here is {check['found']}",
                evidence=(case.lock_path,),
                advice=(check["hint"],) if check["hint"] else (),
            )


def _drift(case: Case) -> Iterator[Finding]:
    assert case.lock is not None
    different = [
        f"{pin.name} {case.versions[pin.name]} instead of {pin.version}"
        if pin.name in case.versions
        else f"{pin.name} {pin.version} is missing"
        for pin in case.lock.pins
        if case.versions.get(pin.name) != pin.version
    ]
    if not different:
        return
    more = (f"and {len(different) - SHOWN} more",) if len(different) > SHOWN else ()
    venv = ["--venv", case.venv] if case.venv else []
    yield Finding(
        id="lock-drift",
        severity="error",
        summary=f"{len(different)} of {len(case.lock.pins)} packages are not as {case.lock_path} has them",
        evidence=(*different[:SHOWN], *more),
        commands=(case.shell.line("tfbootstrap", "install", case.lock_path, *venv),),
    )
