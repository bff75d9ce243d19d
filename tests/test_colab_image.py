"""The cell on an image like Colab 2026.07's: its list as tiny wheels, its variables, and what its T4 answered."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bootstraps import PASSING_TRIAL, TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.interpreters import find_interpreter
from tests.support.loopback_index import LoopbackIndex
from tests.support.machines import CapturedMachine
from tests.support.programs import UV
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tests.support.wheel_factory import Artefact, Project, build_wheel
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.edges.runtimes import load_requirements, load_runtime
from tfbootstrap.lock import read_lock
from tfbootstrap.render import render_cell

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)]

RUNTIME, MACHINE = "colab-2026.07", "linux-colab-t4"


def image_wheels() -> Iterator[Artefact]:
    """Yield a tiny wheel for each package of the image but TensorFlow, with what it requires of the others."""
    profile = load_runtime(RUNTIME).profile
    requires = load_requirements(profile, "gpu")
    for name, version in profile.pins("gpu").items():
        if name != "tensorflow":
            yield build_wheel(Project(name=name, version=version, requires=requires.get(name, ())))


def unpack(wheel: bytes, folder: Path) -> None:
    """Install a wheel that has modules only; an installer takes a minute for seven hundred on a busy machine."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        archive.extractall(folder)


class Colab(TinyBootstrap):
    """A virtual machine of Colab: its packages, variables and GPU."""

    def uv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `uv pip`."""
        command: list[str | Path] = [UV, "pip", *arguments, "--python", self.python]
        return self.sandbox.run(*command, variables=self.variables)

    def installed(self) -> dict[str, str]:
        """Return name -> version of every package."""
        listed = json.loads(self.uv("list", "--format", "json").stdout)
        return {row["name"]: row["version"] for row in listed}

    def broken(self) -> set[str]:
        """Return the packages of which a requirement does not hold, as uv sees it."""
        return set(re.findall(r"^The package `(\S+)` requires", self.uv("check").stderr, re.MULTILINE))

    def run_cell(self, tensorflow: str) -> str:
        """Lock for the image and run the cell of the lock; return what it says."""
        wish = ("--runtime", RUNTIME, "--gpu", "T4", "--tensorflow", tensorflow)
        made = self.sandbox.tfbootstrap("lock", *wish, variables=self.variables)
        assert made.returncode == 0, made.stderr
        lock = read_lock((self.sandbox.work / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt")
        cell = render_cell(lock, {**read_payload(), "trial": PASSING_TRIAL}, read_template("cell.py.j2"))
        (self.sandbox.root / "cell.py").write_text(cell, encoding="utf-8")
        self.index.requests.clear()
        machine = {**CapturedMachine.named(MACHINE).environment(), "HOME": str(self.sandbox.home)}
        path = f"{self.sandbox.root / 'programs'}:{UV.parent}:/usr/bin:/bin"
        variables = {**machine, **self.variables, "PATH": path, "UV_CONSTRAINT": "/of/colab/and/not/there"}
        ran = self.sandbox.run(self.python, self.sandbox.root / "cell.py", variables=variables)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "hardware   pass  Tesla T4\n" in ran.stdout
        assert "image      pass  colab 2026.07\n" in ran.stdout
        return ran.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colab]:
    """Return a machine with the image; of seven hundred packages there is one copy, for many small files take long."""
    interpreter = find_interpreter("3.12")
    assert interpreter is not None, "collection leaves out what this machine lacks"
    folder = tmp_path_factory.mktemp("image")
    with LoopbackIndex() as index:
        wheels = list(image_wheels())
        fill_with_tensorflow(index)
        index.add(*wheels)
        machine = Colab(Sandbox.below(folder / "sandbox"), index)
        machine.make_environment(interpreter)
        for wheel in wheels:
            unpack(wheel.content, machine.site_packages)
        machine.uv("install", "--no-deps", "tensorflow==2.20.0")
        yield machine
    shutil.rmtree(folder)


@pytest.fixture
def colab(sandbox: Sandbox, image: Colab, interpreter: Path) -> Iterator[Colab]:
    machine = Colab(sandbox, image.index, image.environment)
    CapturedMachine.named(MACHINE).write_programs(sandbox.root / "programs")
    before = machine.installed()
    yield machine
    after = machine.installed()
    changed = [f"{name}=={version}" for name, version in before.items() if after.get(name) != version]
    if changed:
        machine.uv("install", "--no-deps", *changed)
    assert machine.installed() == before


def test_its_own_tensorflow_installs_nothing(colab: Colab) -> None:
    before = colab.installed()
    assert len(before) > 650
    assert "nothing to install\n" in colab.run_cell("2.20")
    assert colab.index.requests == []
    assert colab.installed() == before


@pytest.mark.parametrize(
    ("tensorflow", "changed", "breaks"),
    [
        ("2.19", {"tensorflow", "tensorboard"}, {"tensorflow-text", "tf-keras"}),
        (
            "2.21",
            {"tensorflow", "protobuf", "h5py"},
            {"google-ai-generativelanguage", "grpcio-status", "tensorflow-text", "tf-keras"},
        ),
    ],
)
def test_another_changes_the_fewest_packages_and_names_what_breaks(
    colab: Colab, tensorflow: str, changed: set[str], breaks: set[str]
) -> None:
    colab.uv("uninstall", "ydf-tf")  # what is not there is not broken, whatever the lock says
    before, broken = colab.installed(), colab.broken()
    said = colab.run_cell(tensorflow)
    after = colab.installed()
    assert {name for name, version in before.items() if after.get(name) != version} == changed
    named = re.findall(r"^  breaks: (\S+) ", said, re.MULTILINE)
    assert set(named) == breaks == colab.broken() - broken
    assert said.index("breaks: ") < said.index("Prepared ")
