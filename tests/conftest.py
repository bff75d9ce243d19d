"""Fixtures that all tests share, and the report of tests for which this machine lacks an interpreter."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support.environment import Sandbox
from tests.support.filesystems import SmallDisk, can_mount
from tests.support.golden import GOLDEN_FOLDER, Golden
from tests.support.interpreters import find_interpreter
from tests.support.loopback_index import LoopbackIndex

# How long an example takes depends on the machine.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

NOT_RUN = pytest.StashKey[list[tuple[str, str]]]()


@pytest.fixture
def loopback_index() -> Iterator[LoopbackIndex]:
    """Return an empty package index on this machine; see its module for what it can do wrong."""
    with LoopbackIndex() as index:
        yield index


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a clean environment to run programs in."""
    return Sandbox.below(tmp_path / "sandbox")


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    """Return a file system of four megabytes of its own; see its module for what can happen to it."""
    # Not below pytest's folders: where a run is killed its mount stays, and pytest fails at the end of every later run
    # because it can't remove that.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, SmallDisk(Path(folder) / "disk") as disk:
        yield disk


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return the whole artefacts in `tests/golden/`, which `--update-golden` writes anew."""
    return Golden(GOLDEN_FOLDER, update=request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def environment_with_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment of this Python with pip, to be copied: making one takes seconds."""
    template = tmp_path_factory.mktemp("with_pip") / "venv"
    subprocess.run([sys.executable, "-m", "venv", template], check=True)
    return template


@pytest.fixture
def interpreter(request: pytest.FixtureRequest) -> Path:
    """Return the Python that the test asks for by its version."""
    found = find_interpreter(request.param)
    assert found is not None, "collection leaves out what this machine lacks"
    return found


def pytest_configure() -> None:
    """Listen to Ctrl-C: a background job of a script ignores it, and children that tests interrupt inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options to pytest."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/ anew instead of comparing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests for which this machine lacks something, and remember their names."""
    lacking = {item: what for item in items if (what := _lacking(item))}
    config.stash[NOT_RUN] = [(item.nodeid, what) for item, what in lacking.items()]
    if hasattr(config, "workeroutput"):  # a worker of `pytest -n` can't write to the report
        config.workeroutput["not_run"] = config.stash[NOT_RUN]
    if lacking:
        config.hook.pytest_deselected(items=list(lacking))
        items[:] = [item for item in items if item not in lacking]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of `pytest -n` has left out; each of them leaves out the same."""
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not_run", [])


def _lacking(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    version: str | None = callspec.params.get("interpreter") if callspec else None
    if version and find_interpreter(version) is None:
        return f"no Python {version} on this machine"
    if "small_disk" in getattr(item, "fixturenames", ()) and not can_mount():
        return "mounting a file system is not permitted on this machine"
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that were left out."""
    for nodeid, what in config.stash.get(NOT_RUN, []):
        terminalreporter.write_line(f"NOT RUN {nodeid}: {what}", yellow=True)
