"""Locks for six kinds of machines in one call, from the index that uv and pip are configured with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from tests.support.environment import REPOSITORY
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.plan.tags import target_tags, wheel_fits
from tfbootstrap.pylock import read_pylock
from tfbootstrap.toml import parse_toml

pytestmark = pytest.mark.online

PROJECT = """\
[tool.tfbootstrap]
tensorflow = "2.19"

[tool.tfbootstrap.targets.colab]
runtime = "colab-2026.07"
gpu = "T4"
tensorflow = ">=2.18"

[tool.tfbootstrap.targets.lab]
runtime = "linux-gpu"
gpu = "A100"
driver = "535.104.05"
python = "3.11"
cuda = "wheels"

[tool.tfbootstrap.targets.cpu]
runtime = "linux-cpu"

[tool.tfbootstrap.targets.mac]
runtime = "macos-arm64"

[tool.tfbootstrap.targets.windows]
runtime = "windows"
gpu = "none"

[tool.tfbootstrap.targets.arm]
runtime = "linux-aarch64"
gpu = "none"
"""
TARGETS = ("colab", "lab", "cpu", "mac", "windows", "arm")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("six")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "tfbootstrap", "lock", "--format", "pylock"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("name", TARGETS)
def test_every_file_fits_the_target(project: Path, name: str) -> None:
    text = (project / f"pylock.{name}.toml").read_text(encoding="utf-8")
    lock = read_pylock(text, name)
    target = lock.header.target
    facts = Facts(
        python=PythonFacts(version=target.python),
        platform=PlatformFacts(system=target.system, machine=target.machine, libc=target.libc),
    )
    accepted = target_tags(facts)
    document = Pylock.from_dict(parse_toml(text))
    wheels = [wheel.filename for package in document.packages for wheel in package.wheels or ()]
    assert [wheel for wheel in wheels if not wheel_fits(wheel, accepted)] == []
    assert len(document.packages) == len(lock.pins) > 20
    assert all(package.wheels or package.sdist for package in document.packages)


def test_cuda_comes_as_each_machine_wants_it(project: Path) -> None:
    locks = {name: read_pylock((project / f"pylock.{name}.toml").read_text(encoding="utf-8"), name) for name in TARGETS}
    assert {name: lock.header.cuda_provider for name, lock in locks.items()} == {
        **dict.fromkeys(TARGETS, "none"),
        "colab": "system",
        "lab": "wheels",
    }
    assert [name for name, lock in locks.items() if lock.pin("nvidia-cudnn-cu12")] == ["lab"]
