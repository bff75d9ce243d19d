"""Real environments that are broken, told by doctor, mended by the printed commands, and well."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import REPOSITORY
from tests.support.programs import UV

pytestmark = pytest.mark.real

USE = "import tensorflow as tf; assert int(tf.reduce_sum(tf.range(10))) == 45"


class Environment:
    """A virtual environment in a folder of its own, made of requirements."""

    def __init__(self, folder: Path, python: Path, *requirements: str) -> None:
        self.folder = folder
        self.run(UV, "venv", "--quiet", "--python", python, ".tf")
        self.install(*requirements)

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder, with uv on PATH."""
        path = os.pathsep.join([str(UV.parent), os.environ["PATH"]])
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            encoding="utf-8",
            check=check,
            timeout=900,
        )

    def install(self, *words: str) -> None:
        """Install requirements."""
        self.run(UV, "pip", "install", "--quiet", "--python", ".tf/bin/python", *words)

    def works(self) -> bool:
        """Say whether TensorFlow computes."""
        return self.run(".tf/bin/python", "-c", USE, check=False).returncode == 0

    def examined(self, *options: str) -> dict[str, dict[str, Any]]:
        """Return the findings of doctor, by id."""
        command = [sys.executable, "-m", "tfbootstrap", "doctor", "--venv", ".tf", "--json", *options]
        path = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(REPOSITORY)}
        told = subprocess.run(command, cwd=self.folder, env=path, stdout=subprocess.PIPE, check=False, timeout=900)
        findings = {finding["id"]: finding for finding in json.loads(told.stdout)["findings"]}
        findings.pop("disk-space", None)  # how full the host's disk is must not decide
        return findings

    def mend(self, finding: dict[str, Any]) -> None:
        """Run the commands of a finding."""
        for command in finding["commands"]:
            self.run(*shlex.split(command))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is emptied at the end: a TensorFlow is large, and pytest keeps folders of earlier runs."""
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / ".tf"], check=True)


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_a_numpy_that_this_tensorflow_was_not_compiled_for(folder: Path, interpreter: Path) -> None:
    environment = Environment(folder, interpreter, "tensorflow-cpu==2.16.2", "setuptools<82")
    environment.install("numpy==2.0.2")
    assert not environment.works()
    findings = environment.examined("--deep")
    assert {name: finding["class"] for name, finding in findings.items()} == {
        "trial-import": "numpy2-abi", "requirement-broken": "numpy2-abi"
    }  # fmt: skip
    environment.mend(findings["requirement-broken"])
    assert environment.works()
    assert environment.examined() == {}


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_two_tensorflows_and_a_text_of_another(folder: Path, interpreter: Path) -> None:
    environment = Environment(folder, interpreter, "tensorflow-cpu==2.20.0", "setuptools<82")
    environment.install("--no-deps", "tensorflow==2.20.0", "tensorflow-text==2.19.0")
    next(folder.glob(".tf/lib/python*/site-packages/wrapt-*.dist-info/RECORD")).unlink()
    findings = environment.examined()
    assert set(findings) == {"clashing-distributions", "companion-of-another-tensorflow", "record-missing"}
    for finding in findings.values():
        environment.mend(finding)
    assert environment.works()
    assert environment.run(".tf/bin/python", "-c", "import tensorflow_text", check=False).returncode == 0
    assert environment.examined() == {}
