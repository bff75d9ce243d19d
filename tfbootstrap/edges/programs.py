"""Runs a resolver: in its folder, with its variables, and not for ever."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfbootstrap.errors import EngineError


def run_engine(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, name: str, seconds: int, hint: str
) -> subprocess.CompletedProcess[str]:
    """Run a resolver and return how it ended; raises EngineError, with `hint`, where it takes longer than `seconds`."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{name} found no solution within {seconds} seconds", hint=hint) from error
