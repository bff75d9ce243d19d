"""Runs a bootstrap as its user would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tfbootstrap.errors import MachineError


def run_bootstrap(program: str, arguments: Sequence[str], *, as_json: bool = False) -> tuple[int, str]:
    """Run a bootstrap with this interpreter and return its exit code and its report (JSON), empty where it wrote none.

    It lies in a temporary folder, so nothing is written beside the user's files. Its output goes to ours; for `as_json`
    to stderr, for stdout belongs to the report then. Raises MachineError where it ends without one that is wanted so.
    """
    with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as folder:
        script, written = Path(folder, "bootstrap.py"), Path(folder, "report.json")
        script.write_text(program, encoding="utf-8")
        command = [sys.executable, str(script), *arguments, "--json", str(written)]
        sys.stdout.flush()
        code = subprocess.call(command, stdout=sys.stderr.fileno() if as_json else None)
        try:
            return code, written.read_text(encoding="utf-8")
        except FileNotFoundError:
            if not as_json:
                return code, ""
            raise MachineError(
                f"the verification ended without a report (exit code {code})",
                hint="the lines above name the cause",
            ) from None


def find_uv() -> str | None:
    """Return the uv that belongs to us, so that the bootstrap need not find one."""
    name = "uv.exe" if os.name == "nt" else "uv"
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else None
