"""The machine and the environment around TensorFlow: processor, Python, installer, disk. Layer 2: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from packaging.version import InvalidVersion, Version

from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.matrix.tensorflow import sort_versions

FIRST_PIP: Final = "20.3"
"""The first pip that knows every name of TensorFlow's wheels (manylinux_2_17: PEP 600, pip's release notes of 20.3)."""
PIP_ABOVE: Final = {"3.7": "24.1", "3.8": "25.1"}
"""Python -> the first pip that is not for it any more (pip's release notes): an old pip may not know that by itself."""
LITTLE_SPACE: Final = 2048
"""MiB below which TensorFlow can't be installed again (its wheel and what it unpacks to)."""
NO_SPACE: Final = 200
"""MiB below which caches and temporary files begin to fail."""


def check_tensorflow(case: Case) -> Iterator[Finding]:
    """Find that there is no TensorFlow, or one that nothing is known of."""
    if case.tensorflow is None:
        yield _missing(case)
    elif case.tensorflow.row is None:
        yield Finding(
            id="tensorflow-unknown",
            severity="note",
            summary="the matrix has no row for this build of TensorFlow: what it needs is not known",
            evidence=(f"{case.tensorflow.distribution} {case.tensorflow.version}",),
        )
    elif case.tensorflow.distribution == "tensorflow-gpu" and Version(case.tensorflow.version) >= Version("2.12"):
        yield Finding(
            id="tensorflow-gpu-removed",
            severity="error",
            summary="tensorflow-gpu is an empty package since 2.12",
            evidence=(f"tensorflow-gpu {case.tensorflow.version}",),
            commands=(case.shell.uninstall("tensorflow-gpu"), case.shell.install("tensorflow")),
            diagnosis="tensorflow-gpu-removed",
        )


def _missing(case: Case) -> Finding:
    python = case.facts.python
    final = [row for row in case.tables.tensorflow.rows if python.minor in row.pythons and not row.prerelease]
    minors = sort_versions({row.minor for row in final})
    fitting = f"{minors[0]} to {minors[-1]} have wheels for it" if minors else "no TensorFlow has wheels for it"
    active = {name: case.facts.environment.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    others = {name: path for name, path in active.items() if path and path != case.inventory.prefix}
    commands = [case.shell.line("tfbootstrap", "doctor", "--venv", path) for path in others.values()]
    if case.lock_path:
        commands = [case.shell.line("tfbootstrap", "install", *_lock_arguments(case))]
    return Finding(
        id="tensorflow-missing",
        severity="error",
        summary="there is no TensorFlow in this environment",
        evidence=(
            f"{python.executable or 'this Python'} (Python {python.version}); {fitting}",
            *(f"{name}={path} names another environment" for name, path in others.items()),
        ),
        commands=tuple(commands),
        advice=(
            "to look at another environment, name its folder: tfbootstrap doctor --venv DIR",
            "to choose a TensorFlow for this machine: tfbootstrap lock, then tfbootstrap install",
        ),
        diagnosis="tensorflow-not-installed",
    )


def _lock_arguments(case: Case) -> list[str]:
    return [case.lock_path, *(["--venv", case.venv] if case.venv else [])]


def check_processor(case: Case) -> Iterator[Finding]:
    """Find a processor without AVX, which every TensorFlow wheel since 1.6 is compiled for."""
    place = case.facts.platform
    if place.machine != "x86_64" or place.cpu_flags is None or "avx" in place.cpu_flags or case.tensorflow is None:
        return
    yield Finding(
        id="no-avx",
        severity="error",
        summary="this processor, or the virtual machine, has no AVX: TensorFlow ends with 'Illegal instruction'",
        evidence=(f"of AVX, AVX2, FMA and AVX-512 it has: {' '.join(place.cpu_flags) or 'none'}",),
        diagnosis="illegal-instruction-arm-mac" if place.system == "macos" else "illegal-instruction-avx",
    )


def check_installer(case: Case) -> Iterator[Finding]:
    """Find a pip that is too old for the names of TensorFlow's wheels, and an environment that can't be changed."""
    have = case.versions.get("pip")
    try:
        old = have is not None and Version(have) < Version(FIRST_PIP)
    except InvalidVersion:
        old = False
    if old:
        above = PIP_ABOVE.get(case.facts.python.minor)
        wanted = f"pip>={FIRST_PIP},<{above}" if above else f"pip>={FIRST_PIP}"
        yield Finding(
            id="pip-old",
            severity="warning",
            summary=f"pip {have} does not know the names of current wheels: it finds no TensorFlow, or an old one",
            evidence=(f"pip {have}; {FIRST_PIP} is the first that knows them",),
            commands=(case.shell.install(wanted),),
            diagnosis="no-matching-distribution",
        )
    if case.inventory.managed:
        yield Finding(
            id="managed-by-system",
            severity="note",
            summary="this Python belongs to the operating system, which keeps pip from changing it",
            evidence=(case.inventory.home,),
            advice=("to change packages, make an environment: tfbootstrap install --venv .tf",),
            diagnosis="externally-managed",
        )
    elif not case.inventory.writable:
        yield Finding(
            id="not-writable",
            severity="note",
            summary="this user may not change the environment",
            evidence=(case.inventory.home,),
            advice=("to change packages, make an environment of your own: tfbootstrap install --venv .tf",),
            diagnosis="pip-permission",
        )


def check_disk(case: Case) -> Iterator[Finding]:
    """Find disks that are nearly full."""
    # Several places may lie on one disk: it is told once.
    for disk in {disk.free_mib: disk for disk in reversed(case.inventory.disk)}.values():
        if disk.free_mib < LITTLE_SPACE:
            yield Finding(
                id="disk-space",
                severity="error" if disk.free_mib < NO_SPACE else "warning",
                summary=f"little space is left where {disk.path} lies",
                evidence=(f"{disk.free_mib} MiB; TensorFlow takes about {LITTLE_SPACE}, with CUDA four times that",),
                commands=(case.shell.line(case.shell.python, "-m", "pip", "cache", "purge"),) if case.shell.pip else (),
                diagnosis="pip-disk-or-memory",
            )


def check_python_path(case: Case) -> Iterator[Finding]:
    """Find library folders of another Python on PYTHONPATH."""
    python_path = case.facts.environment.get("PYTHONPATH", "")
    folders = re.split(r";" if case.facts.platform.system == "windows" else r":", python_path)
    for folder in folders:
        match = re.search(r"[Pp]ython(\d)\.?(\d{1,2})[\\/](?:[\w.]+[\\/])?(?:site|dist)-packages", folder)
        if match and f"{match[1]}.{match[2]}" != case.facts.python.minor:
            own, other = case.facts.python.minor, f"{match[1]}.{match[2]}"
            yield Finding(
                id="pythonpath-of-another-python",
                severity="error",
                summary=f"PYTHONPATH brings packages of Python {other} into Python {own}",
                evidence=(f"PYTHONPATH={python_path}",),
                commands=(case.shell.variable("PYTHONPATH", None),),
            )
