"""Runs a bootstrap as its user would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tfbootstrap.errors import MachineError


def run_bootstrap(program: str, arguments: Sequence[str], *, report: bool = False) -> tuple[int, str]:
    """Run a bootstrap with this interpreter and return its exit code and, where wanted, its report (JSON).

    It lies in a temporary folder, so nothing is written beside the user's files. Its output goes to ours; with a report
    to stderr, for stdout belongs to the report then. Raises MachineError where it ends without the report.
    """
    with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as folder:
        script, written = Path(folder, "bootstrap.py"), Path(folder, "report.json")
        script.write_text(program, encoding="utf-8")
        command = [sys.executable, str(script), *arguments]
        if report:
            command += ["--json", str(written)]
        sys.stdout.flush()
        code = subprocess.call(command, stdout=sys.stderr.fileno() if report else None)
        if not report:
            return code, ""
        try:
            return code, written.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise MachineError(
                f"the verification ended without a report (exit code {code})",
                hint="the lines above name the cause",
            ) from None


def find_uv() -> str | None:
    """Return the uv that belongs to us, so that the bootstrap need not find one."""
    name = "uv.exe" if os.name == "nt" else "uv"
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else None
