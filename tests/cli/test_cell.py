"""`tfbootstrap cell` as its user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.locks import make_lock
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.lock import write_lock

pytestmark = pytest.mark.slow

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


@pytest.fixture
def project(sandbox: Sandbox) -> Path:
    """Return a folder with a lock and a notebook."""
    lock = make_lock([build_wheel(Project(name="six", version="1.17.0"))])
    (sandbox.work / "requirements.txt").write_text(write_lock(lock))
    (sandbox.work / "train.ipynb").write_text(NOTEBOOK)
    return sandbox.work


def test_the_cell_goes_to_stdout(sandbox: Sandbox, project: Path) -> None:
    result = sandbox.tfbootstrap("cell")
    assert (result.returncode, result.stderr) == (0, "")
    assert '"six==1.17.0"' in result.stdout
    assert result.stdout.endswith('tfbootstrap.run_cell(tfbootstrap.LOCK, tfbootstrap.TRIAL, "ask")\n')
    sandbox.assert_nothing_left(expected=["requirements.txt", "train.ipynb"])


def test_into_puts_it_in_once(sandbox: Sandbox, project: Path) -> None:
    first = sandbox.tfbootstrap("cell", "--into", "train.ipynb")
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "wrote the cell into train.ipynb\n")
    (cell,) = json.loads((project / "train.ipynb").read_text())["cells"]
    assert "".join(cell["source"]) + "\n" == sandbox.tfbootstrap("cell").stdout
    assert cell["metadata"] == {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tfbootstrap": {"target": "this-machine", "tensorflow": "2.20.0"},
    }
    written = (project / "train.ipynb").stat()
    second = sandbox.tfbootstrap("cell", "--into", "train.ipynb")
    assert (second.returncode, second.stderr) == (0, "train.ipynb has the cell already\n")
    assert (project / "train.ipynb").stat().st_mtime_ns == written.st_mtime_ns
    assert (project / "train.ipynb").stat().st_ino == written.st_ino


def test_options_stay_until_others_are_named(sandbox: Sandbox, project: Path) -> None:
    def source_after(*options: str) -> str:
        result = sandbox.tfbootstrap("cell", "--into", "train.ipynb", *options)
        assert result.returncode == 0, result.stderr
        (cell,) = json.loads((project / "train.ipynb").read_text())["cells"]
        assert cell["metadata"]["cellView"] == "form"
        return "".join(cell["source"])

    compact = source_after("--style", "compact", "--on-restart", "auto")
    assert compact.endswith('"auto")')
    assert "def run_cell" not in compact
    assert source_after() == compact
    readable = source_after("--style", "readable")
    assert "def run_cell" in readable
    assert readable.endswith('"auto")')
    assert readable + "\n" == sandbox.tfbootstrap("cell", "--on-restart", "auto").stdout


def test_isolation_and_wheelhouse_are_remembered_and_taken_back(sandbox: Sandbox, project: Path) -> None:
    def cell_after(*options: str) -> tuple[str, dict[str, object]]:
        result = sandbox.tfbootstrap("cell", "--into", "train.ipynb", *options)
        assert result.returncode == 0, result.stderr
        (cell,) = json.loads((project / "train.ipynb").read_text())["cells"]
        return "".join(cell["source"]), cell["metadata"]["tfbootstrap"]

    wheels = "/content/drive/MyDrive/wheels"
    source, mark = cell_after("--isolate", "--wheelhouse", wheels)
    assert "tf_python = tfbootstrap.run_isolated(" in source
    assert source.endswith('"ask",\n "/content/drive/MyDrive/wheels",\n)')
    assert mark == {"target": "this-machine", "tensorflow": "2.20.0", "isolate": True, "wheelhouse": wheels}
    assert cell_after() == (source, mark)
    source, mark = cell_after("--no-isolate")
    assert source.endswith('"ask", tfbootstrap.install_from("/content/drive/MyDrive/wheels"))')
    assert "isolate" not in mark
    source, mark = cell_after("--wheelhouse", "")
    assert source.endswith('TRIAL, "ask")')
    assert mark == {"target": "this-machine", "tensorflow": "2.20.0"}


@pytest.mark.parametrize("option", [("--isolate",), ("--wheelhouse", "x"), ("--on-restart", "auto")])
def test_a_script_has_no_options_of_a_cell(sandbox: Sandbox, project: Path, option: tuple[str, ...]) -> None:
    result = sandbox.tfbootstrap("cell", "--style", "shell", *option)
    assert result.returncode == 2
    assert "--style shell is no cell" in result.stderr


def test_an_option_that_the_mark_garbles_is_the_default(sandbox: Sandbox, project: Path) -> None:
    sandbox.tfbootstrap("cell", "--into", "train.ipynb", "--on-restart", "never")
    text = (project / "train.ipynb").read_text()
    assert '"on_restart": "never"' in text
    (project / "train.ipynb").write_text(text.replace('"on_restart": "never"', '"on_restart": ["x"]'))
    assert sandbox.tfbootstrap("cell", "--into", "train.ipynb").returncode == 0
    assert (project / "train.ipynb").read_text() == text.replace(',\n     "on_restart": "never"', "").replace(
        'TRIAL, \\"never\\")', 'TRIAL, \\"ask\\")'
    )


def test_where_one_notebook_is_wrong_none_changes(sandbox: Sandbox, project: Path) -> None:
    (project / "broken.ipynb").write_text("{")
    result = sandbox.tfbootstrap("cell", "--into", "train.ipynb", "--into", "broken.ipynb")
    assert result.returncode == 2
    assert "broken.ipynb:1:2: is no JSON" in result.stderr
    assert (project / "train.ipynb").read_text() == NOTEBOOK


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.txt",), "nothing.txt: there is no such lock"),
        (("train.ipynb",), "this is no lock of tfbootstrap"),
        (("--into", "nothing.ipynb"), "nothing.ipynb: there is no such notebook"),
    ],
)
def test_bad_input_is_one_message(sandbox: Sandbox, project: Path, arguments: tuple[str, ...], message: str) -> None:
    result = sandbox.tfbootstrap("cell", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert "hint:" in result.stderr
    assert "Traceback" not in result.stderr
