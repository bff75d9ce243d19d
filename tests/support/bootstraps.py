"""Bootstraps of tiny locks, run for real: in a virtual environment, from a loopback index."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.programs import UV
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.lock import Lock
from tfbootstrap.render import render_bootstrap

PASSING_TRIAL = '''"""Stands for the trial of a TensorFlow that works."""

import json
import os


def run_trial(path, lock):
    with open(path, "a") as report:
        check = {"id": "import", "status": "pass", "expected": "", "found": "fine", "hint": ""}
        report.write(json.dumps(check) + "\\n")
'''

HASTE = {
    "\nPAUSES = (2, 8, 30)\n": "\nPAUSES = (0.1, 0.2, 0.3)\n",
    "\nPROBE_TIMEOUT = 20.0\n": "\nPROBE_TIMEOUT = 2.0\n",
}
"""What a bootstrap waits for -> what it waits for in tests."""


@dataclass(frozen=True, slots=True)
class BootstrapRun:
    """How a bootstrap ended."""

    code: int
    stdout: str
    stderr: str
    report: Any

    def statuses(self) -> dict[str, str]:
        """Return check id -> status."""
        return {check["id"]: check["status"] for check in self.report["checks"]}


@dataclass(frozen=True, slots=True)
class TinyBootstrap:
    """A bootstrap in the working folder of a sandbox, and an environment beside it."""

    sandbox: Sandbox
    index: LoopbackIndex
    home: Path | None = None
    """Where the environment lies; beside the working folder unless told."""

    @property
    def script(self) -> Path:
        """Where the bootstrap lies."""
        return self.sandbox.work / "project" / "bootstrap.py"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.environment / "bin" / "python"

    @property
    def environment(self) -> Path:
        """The folder of the environment."""
        return self.home or self.sandbox.root / "venv"

    @property
    def site_packages(self) -> Path:
        """The library folder of the environment."""
        (found,) = (self.environment / "lib").glob("python*/site-packages")
        return found

    def write(self, lock: Lock, trial: str = PASSING_TRIAL) -> None:
        """Render the bootstrap of a lock, with a trial that needs no TensorFlow."""
        self.script.parent.mkdir(exist_ok=True)
        text = render_bootstrap(lock, {**read_payload(), "trial": trial}, read_template("bootstrap.py.j2"))
        for patience, haste in HASTE.items():
            assert patience in text
            text = text.replace(patience, haste)
        self.script.write_text(text, encoding="utf-8")

    def make_environment(self, python: Path | str) -> None:
        """Make an environment without pip, as uv does."""
        command: list[str | Path] = [UV, "venv", "--quiet", "--python", python, self.environment]
        subprocess.run(command, check=True, env=self.sandbox.environment())

    def copy_environment(self, template: Path) -> None:
        """Take a copy of an environment instead; its interpreter finds itself by where it lies."""
        shutil.rmtree(self.sandbox.root / "venv", ignore_errors=True)
        shutil.copytree(template, self.sandbox.root / "venv", symlinks=True)

    def run(
        self,
        *arguments: str,
        python: Path | None = None,
        installer: str | None = str(UV),
        variables: Mapping[str, str | None] | None = None,
    ) -> BootstrapRun:
        """Run the bootstrap with the environment's interpreter."""
        command: list[str | Path] = [python or self.python, self.script, "--json", self.report, *arguments]
        if installer:
            command += ["--installer", installer]
        result = self.sandbox.run(*command, variables={**self.variables, **(variables or {})})
        written = json.loads(self.report.read_text()) if self.report.exists() else None
        return BootstrapRun(result.returncode, result.stdout, result.stderr, written)

    def start(self, *, installer: str = str(UV)) -> subprocess.Popen[str]:
        """Start the bootstrap in a process group of its own, and return at once."""
        return subprocess.Popen(
            [self.python, self.script, "--json", self.report, "--installer", installer],
            cwd=self.sandbox.work,
            env=self.sandbox.environment(**self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    @property
    def report(self) -> Path:
        """Where the report is written."""
        return self.sandbox.root / "report.json"

    @property
    def variables(self) -> dict[str, str | None]:
        """What tells installers where to look."""
        return {"UV_DEFAULT_INDEX": self.index.simple_url, "UV_NO_CACHE": "1", "PYTHONPATH": None}
