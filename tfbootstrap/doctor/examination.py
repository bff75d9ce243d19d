"""Runs all checks over one environment. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tfbootstrap.doctor.companions import check_companions, check_keras
from tfbootstrap.doctor.drift import check_lock
from tfbootstrap.doctor.environment import (
    check_disk,
    check_installer,
    check_processor,
    check_python_path,
    check_tensorflow,
)
from tfbootstrap.doctor.files import (
    check_clashes,
    check_collisions,
    check_files,
    check_hidden,
    check_leftovers,
    check_local_files,
)
from tfbootstrap.doctor.gpu import check_gpu
from tfbootstrap.doctor.libraries import find_library
from tfbootstrap.doctor.packages import check_known_bad, check_requirements
from tfbootstrap.doctor.records import SEVERITIES, Case, Examination, Finding, Looked
from tfbootstrap.doctor.shell import RESTART

CHECKS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    check_tensorflow,
    check_processor,
    check_clashes,
    check_leftovers,
    check_local_files,
    check_hidden,
    check_python_path,
    check_files,
    check_keras,
    check_companions,
    check_requirements,
    check_known_bad,
    check_collisions,
    check_gpu,
    check_lock,
    check_disk,
    check_installer,
)
"""In the order of what to mend first: what keeps TensorFlow from being imported, then what it lacks."""

_GPU_WORDS: Final = {"absent": "none", "broken": "there, not usable", "unknown": "could not be asked"}


def examine(case: Case) -> Examination:
    """Return everything found: errors before warnings before notes, each kind in the order of the checks."""
    found = [_with_restart(case, finding) for check in CHECKS for finding in check(case)]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Examination(findings=tuple(found), looked=tuple(_looked(case)), tensorflow=case.tensorflow)


def _with_restart(case: Case, finding: Finding) -> Finding:
    """Return a finding whose fix changes packages with the hint that a notebook's kernel keeps the old ones."""
    installs = any("install" in command for command in finding.commands)
    return replace(finding, advice=(RESTART, *finding.advice)) if installs and case.shell.notebook else finding


def _looked(case: Case) -> Iterator[Looked]:
    python, inventory = case.facts.python, case.inventory
    kind = "conda" if inventory.conda else "virtual environment" if inventory.virtual else "no virtual environment"
    yield Looked(what="Python", seen=f"{python.version}, {python.executable or 'unknown'} ({kind})")
    found = case.tensorflow
    yield Looked(what="TensorFlow", seen=f"{found.version} ({found.distribution})" if found else "none")
    if found and "keras" in case.versions:
        yield Looked(what="Keras", seen=case.versions["keras"])
    files = sum(one.files for one in inventory.installed)
    needed = f"TensorFlow needs {len(case.closure)} of them"
    yield Looked(what="packages", seen=f"{len(case.versions)}, with their requirements and {files} files; {needed}")
    yield Looked(what="GPU", seen=", ".join(gpu.name for gpu in case.facts.gpus) or _GPU_WORDS[case.facts.gpu_status])
    if case.facts.driver:
        yield Looked(what="driver", seen=case.facts.driver.version)
    yield from _libraries(case)
    if case.lock is not None:
        yield Looked(what="lock", seen=f"{case.lock_path}, {len(case.lock.pins)} packages")
    if inventory.disk:
        yield Looked(what="disk", seen=f"{inventory.disk[0].free_mib >> 10} GiB free in {inventory.disk[0].path}")


def _libraries(case: Case) -> Iterator[Looked]:
    hardware, found = case.tables.hardware, case.tensorflow
    loaded = hardware.libraries.row(found.row.version) if hardware and found and found.row else None
    if loaded is None or case.facts.gpu_status != "present":
        return
    there = [name for name in loaded.needed if find_library(name, case, loaded)]
    yield Looked(what="CUDA libraries", seen=f"{len(there)} of {len(loaded.needed)} found where TensorFlow looks")
