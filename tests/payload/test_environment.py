"""Finding a Python for a lock, and making an environment with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.locks import PYTHON
from tests.support.programs import UV
from tfbootstrap.payload import environment
from tfbootstrap.payload.environment import find_python, interpreter_in, make_environment
from tfbootstrap.payload.install import BootstrapError


def stand_in(path: Path, code: int = 0) -> Path:
    """Make a program that ends as an interpreter would that is asked for its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a machine have nothing but uv."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    stand_in(tmp_path / "programs" / "uv").unlink()
    (tmp_path / "programs" / "uv").symlink_to(UV)
    return tmp_path


def test_this_python_is_taken_where_it_fits() -> None:
    assert find_python(PYTHON) == sys.executable


def test_a_python_is_found_on_path_then_where_pyenv_and_conda_have_theirs(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_python("3.99") is None
    conda = stand_in(machine / "home/miniconda3/envs/old/bin/python3.99")
    assert find_python("3.99") == str(conda)
    pyenv = stand_in(machine / "home/.pyenv/versions/3.99.1/bin/python3.99")
    assert find_python("3.99") == str(pyenv)
    own = stand_in(machine / "pyenv/versions/3.99.2/bin/python3.99")
    monkeypatch.setenv("PYENV_ROOT", str(machine / "pyenv"))
    assert find_python("3.99") == str(own)
    on_path = stand_in(machine / "programs/python3.99")
    assert find_python("3.99") == str(on_path)
    stand_in(on_path, code=127)  # a version manager's, for a Python that is not there
    assert find_python("3.99") == str(own)


@pytest.mark.slow
def test_uv_finds_what_we_do_not_and_the_environment_has_pip(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_python", lambda _version: None)
    monkeypatch.setenv("PATH", f"{machine / 'programs'}:{Path(sys.base_prefix) / 'bin'}")
    said: list[str] = []
    make_environment(str(machine / "made"), PYTHON, said.append)
    python = interpreter_in(str(machine / "made"))
    subprocess.run([python, "-m", "pip", "--version"], check=True, capture_output=True)
    assert f"a Python {PYTHON} that uv finds or fetches" in said[0]


@pytest.mark.parametrize("uv", [True, False])
def test_where_there_is_none_the_way_out_is_named_and_nothing_left(
    machine: Path, monkeypatch: pytest.MonkeyPatch, *, uv: bool
) -> None:
    if not uv:
        monkeypatch.setattr(environment, "find_uv", lambda: None)
    with pytest.raises(
        BootstrapError, match=r"the lock is for Python 3\.99, this is .*, and there is no other"
    ) as raised:
        make_environment(str(machine / "made"), "3.99", lambda _line: None)
    assert ("uv fetched none" in str(raised.value)) == uv
    assert "pip install uv" in raised.value.hint
    assert f"tfbootstrap lock --python {PYTHON}" in raised.value.hint
    assert not (machine / "made").exists()
