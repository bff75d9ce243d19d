"""Commands as they are typed: by the interpreter, the installer and the shell that a machine has."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doctor.support import broken, healthy_inventory, machine, proven, with_packages
from tfbootstrap.doctor.shell import Shell, shell_of
from tfbootstrap.facts import HostFacts

TF220 = "2.20.0-cp312-linux-cpu"
POSIX = Shell(python="/my env/bin/python")
WINDOWS = Shell(kind="powershell", python=r"C:\My Envs\tf\Scripts\python.exe")
PLAIN_WINDOWS = replace(WINDOWS, python=r"C:\tf\Scripts\python.exe")
CELL = Shell(kind="cell", python="/usr/bin/python3")
WITHOUT_PIP = Shell(python="/env/bin/python", pip=False)
CONDA = Shell(python="/conda/bin/python", prefix="/conda", conda=frozenset({"numpy", "six"}))


@pytest.mark.parametrize(
    ("shell", "command"),
    [
        (POSIX, "'/my env/bin/python' -m pip install 'numpy<2'"),
        (WINDOWS, r"& 'C:\My Envs\tf\Scripts\python.exe' -m pip install 'numpy<2'"),
        (PLAIN_WINDOWS, r"C:\tf\Scripts\python.exe -m pip install 'numpy<2'"),
        (CELL, "%pip install 'numpy<2'"),
        (WITHOUT_PIP, "uv pip install --python /env/bin/python 'numpy<2'"),
        (CONDA, "conda install --yes --prefix /conda 'numpy<2'"),
    ],
)
def test_installing(shell: Shell, command: str) -> None:
    assert shell.install("numpy<2") == command


def test_conda_changes_only_what_it_has_installed() -> None:
    assert CONDA.install("keras<3") == "/conda/bin/python -m pip install 'keras<3'"
    assert CONDA.install("keras<3", "numpy<2").startswith("/conda/bin/python -m pip")
    assert CONDA.uninstall("numpy", "six") == "conda remove --yes --force --prefix /conda numpy six"
    assert CONDA.reinstall("six", "1") == "conda install --yes --force-reinstall --prefix /conda six"


def test_reinstalling_and_removing() -> None:
    assert CELL.reinstall("six", "1") == "%pip install --force-reinstall --no-deps six==1"
    assert WITHOUT_PIP.reinstall("six", "1") == "uv pip install --python /env/bin/python --reinstall --no-deps six==1"
    assert WITHOUT_PIP.overwrite("six", "1") == WITHOUT_PIP.reinstall("six", "1")
    assert POSIX.overwrite("six", "1") == "'/my env/bin/python' -m pip install --ignore-installed --no-deps six==1"
    assert WITHOUT_PIP.uninstall("a", "b") == "uv pip uninstall --python /env/bin/python a b"
    assert CELL.uninstall("a") == "%pip uninstall --yes a"
    assert POSIX.remove("/x y") == "rm -rf '/x y'"
    assert WINDOWS.remove(r"C:\x y") == r"Remove-Item -Recurse -Force 'C:\x y'"
    assert CELL.line("rm", "-rf", "x") == "!rm -rf x"


def test_variables() -> None:
    assert (POSIX.variable("A", "x y"), POSIX.variable("A", None)) == ("export A='x y'", "unset A")
    assert WINDOWS.variable("A", "it's") == "$env:A = 'it''s'"
    assert WINDOWS.variable("A", None) == "Remove-Item Env:A"
    assert CELL.variable("A", "1") == "%env A=1"
    assert CELL.variable("A", None) == "import os; os.environ.pop('A', None)"


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_posix_shell_reads_the_words_back(words: list[str]) -> None:
    assert shlex.split(POSIX.line(*words)) == words


@given(st.text())
def test_powershell_takes_a_word_as_it_is(word: str) -> None:
    quoted = WINDOWS.quote(word)
    if quoted != word:
        assert quoted[1:-1].replace("''", "'") == word
        assert "'" not in quoted[1:-1].replace("''", "")


def test_the_machine_decides() -> None:
    facts = proven(TF220)
    assert shell_of(facts, healthy_inventory(facts)).kind == "posix"
    hosted = replace(facts, host=HostFacts(kind="colab"))
    assert shell_of(hosted, healthy_inventory(hosted)).kind == "cell"
    assert shell_of(hosted, healthy_inventory(hosted), here=False).kind == "posix"
    windows = machine("windows-plain-rtx2080s")
    assert shell_of(windows, healthy_inventory(windows)).kind == "powershell"
    without = with_packages(facts, {"pip": None})
    assert not shell_of(without, healthy_inventory(without)).pip
    assert shell_of(facts, broken(facts, "numpy", installer="conda")).conda == {"numpy"}
