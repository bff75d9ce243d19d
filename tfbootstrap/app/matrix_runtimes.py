"""`tfbootstrap matrix runtimes`: what one can lock for. Returns outcomes, prints nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tfbootstrap.edges.resources import matrix_directory
from tfbootstrap.edges.runtimes import NamedRuntime, load_runtime, runtime_names
from tfbootstrap.matrix.runtimes import RuntimeProfile

QUICK: Final = ("tensorflow", "keras", "tf-keras", "numpy", "protobuf", "torch", "jax")
"""Packages that say at a glance what an image is."""


def list_runtimes(directory: Path | None = None) -> list[dict[str, Any]]:
    """Return every runtime in short: profiles by name, then distributions by their C library.

    Raises MatrixError where one of them is wrong.
    """
    folder = matrix_directory(directory, os.environ)
    return [_short(load_runtime(name, folder)) for name in runtime_names(folder)]


def show_runtime(name: str, directory: Path | None = None) -> dict[str, Any]:
    """Return everything known of one runtime. Raises UsageError for an unknown one, MatrixError for wrong data."""
    runtime = load_runtime(name, matrix_directory(directory, os.environ))
    profile = runtime.profile
    lists: dict[str, Mapping[str, str]] = {image: profile.pins(image) for image in profile.images}
    return {
        **_short(runtime),
        "release": profile.release,
        "wsl": profile.wsl,
        "published": profile.published,
        "system_cuda": asdict(profile.cuda) if profile.cuda else None,
        "gpus": [asdict(gpu) for gpu in runtime.host.gpus] if runtime.host else [],
        "drivers": [asdict(driver) for driver in runtime.host.drivers] if runtime.host else [],
        "environment": [asdict(variable) for variable in runtime.host.environment] if runtime.host else [],
        "uv": runtime.host.uv if runtime.host else None,
        "packages": lists,
        "unindexed": {image: [asdict(item) for item in profile.references(image)] for image in profile.images},
        "complete": profile.complete,
        "notes": [note for note in (profile.note, runtime.host.note if runtime.host else None) if note],
        "source": profile.source,
        "checked": profile.checked,
    }


def _short(runtime: NamedRuntime) -> dict[str, Any]:
    profile = runtime.profile
    return {
        "name": profile.name,
        "title": profile.title,
        "host": profile.host,
        "python": profile.python,
        "platform": {"system": profile.system, "machine": profile.machine, "libc": profile.libc},
        "gpu": profile.gpu,
        "cuda": profile.cuda.minor if profile.cuda else None,
        "cudnn": profile.cuda.cudnn if profile.cuda else None,
        "quick": _quick(profile),
    }


def _quick(profile: RuntimeProfile) -> dict[str, str]:
    pins = profile.pins("gpu")
    return {name: pins[name] for name in QUICK if name in pins}
