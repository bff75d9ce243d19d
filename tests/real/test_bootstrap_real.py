"""A bootstrap with a real TensorFlow, from the index that uv is configured with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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

    @property
    def site_packages(self) -> Path:
        """The library folder of the environment."""
        (found,) = (self.folder / ".tf" / "lib").glob("python*/site-packages")
        return found


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
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
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
    return Project(folder, report)


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


def test_one_changed_byte_is_found_by_deep(project: Project) -> None:
    victim = project.site_packages / "keras" / "__init__.py"
    content = victim.read_bytes()
    try:
        victim.write_bytes(content.replace(b"keras", b"kerAs", 1))
        code, report, _ = project.bootstrap("--verify-only", "--deep")
    finally:
        victim.write_bytes(content)
    assert code == 1
    assert "keras/__init__.py" in failures(report)["record"]


def test_a_deleted_package_is_found_and_repaired(project: Project) -> None:
    subprocess.run(
        [UV, "pip", "uninstall", "--quiet", "--python", project.folder / ".tf/bin/python", "opt-einsum"], check=True
    )
    code, report, _ = project.bootstrap("--verify-only")
    assert code == 1
    assert failures(report)["versions"] == "opt-einsum: missing"
    code, report, output = project.bootstrap("--deep")
    assert code == 0, output
    assert report["installed"] == {"opt-einsum": "missing"}


def test_a_tensorflow_beside_the_script_is_named(project: Project) -> None:
    local = project.folder / "tensorflow.py"
    local.touch()
    try:
        code, report, output = project.bootstrap("--verify-only")
    finally:
        local.unlink()
    assert code == 1
    assert failures(report) == {"shadowing": str(local)}
    assert f"rename {local}" in output


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
