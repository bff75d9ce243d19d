"""Locks made here for other Pythons install there with pip's own hash check, and pass verification."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY
from tests.support.programs import UV

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("tensorflow", "interpreter"),
    [("2.15", "3.10"), ("2.18", "3.12"), ("2.20", "3.13")],
    indirect=["interpreter"],
    ids=["2.15-on-3.10", "2.18-on-3.12", "2.20-on-3.13"],
)
def test_a_lock_for_another_python_installs_and_passes_there(
    tmp_path: Path, tensorflow: str, interpreter: Path
) -> None:
    version = subprocess.run(
        [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.strip()
    run(
        [
            sys.executable,
            "-m",
            "tfbootstrap",
            "lock",
            "--tensorflow",
            tensorflow,
            "--python",
            version,
            "--runtime",
            "linux-cpu",
        ],
        tmp_path,
    )
    environment = tmp_path / "environment"
    run([UV, "venv", "--quiet", "--python", interpreter, environment], tmp_path)
    run(
        [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            environment / "bin" / "python",
            "--require-hashes",
            "--no-deps",
            "-r",
            "requirements.txt",
        ],
        tmp_path,
    )
    run([interpreter, "bootstrap.py", "--venv", environment, "--json", "report.json"], tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["ok"]
    assert report["installed"] == {}
    shutil.rmtree(environment)  # a TensorFlow is large, and pytest keeps folders of earlier runs


def run(command: list[str | Path], folder: Path) -> None:
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stdout
