"""Locks for tests: of tiny wheels, for this interpreter."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from typing import Any

from tests.support.wheel_factory import Artefact, normalised
from tfbootstrap.lock import Lock, LockHeader, LockTarget, Pin

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of this interpreter, as locks name it."""


def make_header(**changes: Any) -> LockHeader:
    """Return the header of a CPU lock for this machine, with these fields changed; some go to its target."""
    target: dict[str, Any] = {
        "name": "this-machine",
        "python": PYTHON,
        "system": platform.system().lower().replace("darwin", "macos"),
        "machine": platform.machine().lower().replace("amd64", "x86_64"),
        "libc": None,
        "host": None,
        "release": None,
    }
    target.update({key: changes.pop(key) for key in list(changes) if key in target})
    fields: dict[str, Any] = {
        "command": "tfbootstrap lock --tensorflow=2.20.0",
        "tool": "0.1.0",
        "matrix": "sha256:00",
        "inputs": "sha256:11",
        "tensorflow": "2.20.0",
        "distribution": "tensorflow",
        "cuda_provider": "none",
    }
    return LockHeader(target=LockTarget(**target), **{**fields, **changes})


def make_lock(artefacts: Iterable[Artefact], **changes: Any) -> Lock:
    """Return a lock that pins these files, and nothing else."""
    pins = [
        Pin(
            name=normalised(artefact.project.name),
            version=artefact.project.version,
            hashes=(f"sha256:{artefact.sha256}",),
        )
        for artefact in artefacts
    ]
    return Lock(header=make_header(**changes), pins=tuple(pins))
