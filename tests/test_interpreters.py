"""Finding other Pythons, and the report of those that are not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY, Sandbox
from tests.support.interpreters import find_interpreter
from tests.support.sources import write_tree


def test_finds_its_own_version() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert find_interpreter(own) == Path(sys.executable)
    assert find_interpreter("2.1") is None


@pytest.mark.parametrize("workers", ["0", "1"])
def test_names_what_is_not_run(sandbox: Sandbox, workers: str) -> None:
    sample = """
import pytest

@pytest.mark.parametrize("interpreter", ["2.1"], indirect=True)
def test_old(interpreter):
    assert False

def test_new():
    assert True
"""
    write_tree(sandbox.work, {"test_sample.py": sample, "pytest.ini": "[pytest]\n"})
    result = sandbox.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", "-n", workers,
        variables={"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout
    assert result.stdout.count("NOT RUN test_sample.py::test_old[2.1]: no Python 2.1 on this machine") == 1


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_gives_the_interpreter_that_was_asked_for(sandbox: Sandbox, interpreter: Path) -> None:
    result = sandbox.run(interpreter, "-c", "import sys; print(sys.version_info[:2])")
    assert result.stdout.strip() == "(3, 12)"
