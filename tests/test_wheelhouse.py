"""The wheelhouse: what the next machine installs from, without the index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bootstraps import TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex, status
from tests.support.programs import UV
from tests.support.wheel_factory import Project, build_wheel

pytestmark = pytest.mark.slow

SIX = build_wheel(Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"}))
SIX_ALIKE = build_wheel(Project(name="six", version="1.17.0.1", files={"six.py": "x = 2\n"}))
TENSORFLOW = build_wheel(Project(name="tensorflow", version="2.20.0", files={"tensorflow/__init__.py": ""}))
KERAS = build_wheel(Project(name="tf-keras", version="2.20.0"))
LOCKED = (SIX, TENSORFLOW, KERAS)


@pytest.fixture
def bootstrap(sandbox: Sandbox, loopback_index: LoopbackIndex) -> TinyBootstrap:
    """Return a bootstrap beside an empty environment."""
    loopback_index.add(*LOCKED)
    made = TinyBootstrap(sandbox, loopback_index)
    made.write(make_lock(LOCKED))
    made.make_environment(sys.executable)
    return made


@pytest.fixture
def wheelhouse(bootstrap: TinyBootstrap) -> Path:
    """Return a wheelhouse that a first machine has filled; the environment is new, and the index gone."""
    folder = bootstrap.sandbox.root / "drive" / "wheels"
    run = bootstrap.run("--wheelhouse", str(folder))
    assert run.code == 0, run.stdout + run.stderr
    assert {path.name for path in folder.iterdir()} == {wheel.filename for wheel in LOCKED}
    renew(bootstrap)
    bootstrap.index.requests.clear()
    return folder


def renew(bootstrap: TinyBootstrap) -> None:
    subprocess.run(["rm", "-r", bootstrap.environment], check=True)
    bootstrap.make_environment(sys.executable)


@pytest.mark.parametrize("installer", [str(UV), "pip"])
def test_the_next_machine_asks_no_index(bootstrap: TinyBootstrap, wheelhouse: Path, installer: str) -> None:
    if installer == "pip":
        subprocess.run([bootstrap.python, "-m", "ensurepip"], check=True, capture_output=True)
    bootstrap.index.misbehave(status(404))
    run = bootstrap.run("--wheelhouse", str(wheelhouse), installer=installer)
    assert run.code == 0, run.stdout + run.stderr
    assert bootstrap.index.requests == []
    assert (bootstrap.site_packages / "six.py").read_text() == "x = 1\n"


def test_pages_of_the_index_that_uv_remembers_do_not_matter(bootstrap: TinyBootstrap, wheelhouse: Path) -> None:
    remember: dict[str, str | None] = {"UV_NO_CACHE": None, "UV_CACHE_DIR": str(bootstrap.sandbox.root / "cache")}
    variables = bootstrap.sandbox.environment(**{**bootstrap.variables, **remember})
    subprocess.run(
        [UV, "pip", "compile", "--quiet", "-"], input=b"six\n", check=True, env=variables, capture_output=True
    )
    run = bootstrap.run("--wheelhouse", str(wheelhouse), variables=remember)
    assert run.code == 0, run.stdout + run.stderr


@pytest.mark.parametrize("content", [b"", b"no wheel at all"], ids=["empty", "other"])
def test_a_corrupt_wheel_is_fetched_again_and_replaced(
    bootstrap: TinyBootstrap, wheelhouse: Path, content: bytes
) -> None:
    (wheelhouse / SIX.filename).write_bytes(content)
    run = bootstrap.run("--wheelhouse", str(wheelhouse))
    assert run.code == 0, run.stdout + run.stderr
    assert f"six has another hash than the lock: {SIX.filename}" in run.stdout
    assert (wheelhouse / SIX.filename).read_bytes() == SIX.content
    assert bootstrap.index.paths("/files/*.whl") == [f"/files/{SIX.filename}"]
    assert (bootstrap.site_packages / "six.py").read_text() == "x = 1\n"


def test_a_corrupt_wheel_without_an_index_is_no_success(bootstrap: TinyBootstrap, wheelhouse: Path) -> None:
    (wheelhouse / SIX.filename).write_bytes(SIX.content[:-10])
    bootstrap.index.misbehave(status(404))
    run = bootstrap.run("--wheelhouse", str(wheelhouse))
    assert (run.code, run.report["ok"]) == (4, False)
    assert "not using the wheelhouse" in run.stdout
    bootstrap.index.behave()
    assert bootstrap.run("--wheelhouse", str(wheelhouse)).code == 0
    assert (wheelhouse / SIX.filename).read_bytes() == SIX.content


def test_a_wheel_of_a_longer_version_is_another(bootstrap: TinyBootstrap, wheelhouse: Path) -> None:
    (wheelhouse / SIX.filename).rename(wheelhouse / SIX_ALIKE.filename)
    run = bootstrap.run("--wheelhouse", str(wheelhouse))
    assert run.code == 0, run.stdout + run.stderr
    assert "six is not there" in run.stdout


def test_a_folder_that_can_not_be_made_is_said_and_the_index_serves(bootstrap: TinyBootstrap) -> None:
    file = bootstrap.sandbox.root / "file"
    file.touch()
    run = bootstrap.run("--wheelhouse", str(file / "wheels"))
    assert run.code == 0, run.stdout + run.stderr
    assert "not using the wheelhouse" in run.stdout


def test_a_drive_that_is_not_mounted_is_not_written_to(bootstrap: TinyBootstrap) -> None:
    drive = str(bootstrap.sandbox.root / "drive")
    text = bootstrap.script.read_text()
    bootstrap.script.write_text(text.replace('_DRIVE = "/content/drive"', f"_DRIVE = {drive!r}"))
    run = bootstrap.run("--wheelhouse", f"{drive}/MyDrive/wheels")
    assert run.code == 0, run.stdout + run.stderr
    assert f"no Drive is mounted; run this first: from google.colab import drive; drive.mount('{drive}')" in run.stdout
    assert not Path(drive).exists()


def test_where_nothing_differs_the_wheelhouse_is_left_alone(bootstrap: TinyBootstrap, wheelhouse: Path) -> None:
    assert bootstrap.run("--wheelhouse", str(wheelhouse)).code == 0
    for path in wheelhouse.iterdir():
        path.unlink()
    assert bootstrap.run("--wheelhouse", str(wheelhouse)).code == 0
    assert list(wheelhouse.iterdir()) == []
