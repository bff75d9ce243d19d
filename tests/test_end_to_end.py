"""The first set-up command of the README, for real: lock, install, verify a TensorFlow on this machine; then break it.

The tests share one installation and leave it as they found it.
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
from tests.support.sources import repository_files

pytestmark = pytest.mark.real

SET_UP = "pip install . && tfbootstrap lock --tensorflow 2.20 && python bootstrap.py --venv .tf"
"""As in the README; tests/test_readme.py compares."""

NO_INDEX = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/", "PIP_INDEX_URL": "http://127.0.0.1:9/", "UV_NO_CACHE": "1"}
"""An index at a port where nobody answers: whatever asks it fails."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A fresh copy of the repository and the variables of a shell in which a new virtual environment is active."""

    folder: Path
    variables: dict[str, str]

    def shell(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a line as typed into a shell; the output has both streams."""
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=900,
            check=False,
        )

    def bootstrap(self, options: str = "", **variables: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """Run the bootstrap again and return its report too."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        result = self.shell(f"python bootstrap.py --venv .tf --json report.json {options}", **variables)
        return result, json.loads(report.read_text(encoding="utf-8"))

    @property
    def site_packages(self) -> Path:
        """Where the bootstrap installed TensorFlow."""
        (package,) = self.folder.glob(".tf/lib/python*/site-packages/tensorflow")
        return package.parent


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Run the set-up command in a fresh copy, with the network and index settings that this machine has."""
    root = tmp_path_factory.mktemp("end_to_end")
    for path in repository_files():
        (root / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, root / "copy" / path)
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True, timeout=120)
    variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    variables["PATH"] = os.pathsep.join([str(root / "venv" / "bin"), os.environ["PATH"]])
    checkout = Checkout(root / "copy", variables)
    result = checkout.shell(SET_UP)
    assert result.returncode == 0, result.stdout
    yield checkout
    shutil.rmtree(root)  # a TensorFlow is large, and pytest keeps folders of earlier runs


def failed(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [check for check in report["checks"] if check["status"] == "fail"]


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in report["checks"]}


def test_a_second_run_installs_nothing_needs_no_index_and_finds_all_in_order(checkout: Checkout) -> None:
    result, report = checkout.bootstrap(**NO_INDEX)
    assert (result.returncode, report["ok"], report["installed"]) == (0, True, {}), result.stdout
    assert "nothing to install" in result.stdout
    assert report["tensorflow"].startswith("2.20.")
    working = {"versions", "ownership", "shadowing", "import", "build", "keras", "eager", "matmul", "fit"}
    found = statuses(report)
    assert {name: found.get(name) for name in working | {"save-load", "xla"}} == dict.fromkeys(
        working | {"save-load", "xla"}, "pass"
    )


def test_the_command_verifies_the_same(checkout: Checkout) -> None:
    _, report = checkout.bootstrap("--verify-only")
    result = checkout.shell("tfbootstrap verify --venv .tf --json 2>/dev/null", **NO_INDEX)
    verified = json.loads(result.stdout)
    assert result.returncode == 0, failed(verified)
    assert statuses(verified) == statuses(report)


def test_a_changed_byte_is_found_by_deep(checkout: Checkout) -> None:
    victim = checkout.site_packages / "absl" / "flags" / "_flag.py"
    original = victim.read_bytes()
    victim.write_bytes(original.replace(b"#", b"%", 1))
    try:
        result, report = checkout.bootstrap("--verify-only --deep")
    finally:
        victim.write_bytes(original)
    assert (result.returncode, report["ok"]) == (1, False), result.stdout
    assert "absl/flags/_flag.py" in json.dumps(failed(report))


def test_a_deleted_package_is_repaired(checkout: Checkout) -> None:
    python = checkout.site_packages.parents[2] / "bin" / "python"
    subprocess.run([UV, "pip", "uninstall", "--quiet", "--python", python, "six"], check=True, timeout=120)
    result, report = checkout.bootstrap()
    assert (result.returncode, report["ok"], list(report["installed"])) == (0, True, ["six"]), result.stdout


@pytest.mark.parametrize("name", ["tensorflow.py", "keras.py"])
def test_a_shadowing_file_is_named(checkout: Checkout, name: str) -> None:
    shadow = checkout.folder / name
    shadow.write_text("raise SystemExit('the wrong one')\n", encoding="utf-8")
    try:
        result, report = checkout.bootstrap("--verify-only")
    finally:
        shadow.unlink()
    assert (result.returncode, report["ok"]) == (1, False), result.stdout
    assert str(shadow) in json.dumps(failed(report))
