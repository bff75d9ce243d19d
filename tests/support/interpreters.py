"""Other Pythons of this machine. A test asks for one with the `interpreter` fixture:

    @pytest.mark.parametrize("interpreter", ["3.7", "3.13"], indirect=True)
    def test_x(interpreter: Path) -> None: ...

What this machine lacks is not run and named at the end of the report.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.programs import UV

PAYLOAD_PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
"""The Pythons that a bootstrap may meet."""


@cache
def find_interpreter(version: str) -> Path | None:
    """Return a working CPython of that version (`3.9`), ours, pyenv's, the system's or uv's, if there is one."""
    for candidate in _candidates(version):
        if _version_of(candidate) == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    command = [str(UV), "python", "find", "--no-python-downloads", "--no-project", "--system", f"cpython@{version}"]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30, check=False)
    if found.returncode == 0:
        yield Path(found.stdout.strip())


def _version_of(python: Path) -> str | None:
    """Return X.Y of an interpreter; None for one that does not start, such as a shim without its Python."""
    code = "import platform; print('.'.join(platform.python_version_tuple()[:2]), platform.python_implementation())"
    try:
        asked = subprocess.run([python, "-c", code], capture_output=True, encoding="utf-8", timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, implementation = asked.stdout.strip().partition(" ")
    return version if implementation == "CPython" else None
