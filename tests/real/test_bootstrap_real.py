"""A bootstrap with a real TensorFlow, from the index that uv is configured with.

What it finds when the environment is damaged is tried in `tests/test_end_to_end.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import REPOSITORY
from tests.support.programs import UV

pytestmark = pytest.mark.real

NO_INDEX = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/", "PIP_INDEX_URL": "http://127.0.0.1:9/", "UV_NO_CACHE": "1"}
"""An index at a port where nobody answers: whatever asks it fails."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a lock of TensorFlow 2.20, its bootstrap, and the environment that the first run made."""

    folder: Path
    first: dict[str, Any]

    def bootstrap(self, *arguments: str, **variables: str) -> tuple[int, dict[str, Any], str]:
        """Run the bootstrap; return its exit code, its report and what it printed."""
        return _bootstrap(self.folder, *arguments, **variables)


def _bootstrap(folder: Path, *arguments: str, **variables: str) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, "bootstrap.py", "--venv", ".tf", "--json", "report.json", "--installer", str(UV)]
    result = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=900,
    )
    return result.returncode, json.loads((folder / "report.json").read_text()), result.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Lock TensorFlow 2.20 for this machine's CPU and run the bootstrap once."""
    folder = tmp_path_factory.mktemp("tf220")
    subprocess.run(
        [sys.executable, "-m", "tfbootstrap", "lock", "--tensorflow", "2.20", "--gpu", "none"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
        timeout=300,
    )
    code, report, output = _bootstrap(folder)
    assert code == 0, output
    yield Project(folder, report)
    shutil.rmtree(folder)  # a TensorFlow is large, and pytest keeps folders of earlier runs


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in report["checks"]}


def failures(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["found"] for check in report["checks"] if check["status"] == "fail"}


def test_the_first_run_installs_a_tensorflow_that_works(project: Project) -> None:
    assert project.first["ok"] is True
    assert {"tensorflow", "numpy", "keras"} <= project.first["installed"].keys()
    found = statuses(project.first)
    working = ["versions", "record", "ownership", "shadowing", "import", "build", "keras", "eager", "matmul", "fit"]
    assert {name: found[name] for name in [*working, "save-load", "xla"]} == dict.fromkeys(
        [*working, "save-load", "xla"], "pass"
    )


def test_the_second_run_installs_nothing_and_needs_no_index(project: Project) -> None:
    code, report, output = project.bootstrap(**NO_INDEX)
    assert code == 0, output
    assert report["installed"] == {}
    assert "nothing to install" in output


def test_the_commands_say_the_same(project: Project) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tfbootstrap", "verify", "--venv", ".tf", "--json"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **NO_INDEX},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=900,
    )
    report = json.loads(result.stdout)
    # This repository is on PYTHONPATH here, which the verification sees as the user's own.
    assert result.returncode == 0, failures(report)
    assert statuses(report) == statuses(project.first)
