"""The cell in a real kernel of another Python, with a real TensorFlow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import REPOSITORY
from tests.support.programs import UV
from tfbootstrap.edges.proofs import read_proof
from tfbootstrap.edges.resources import matrix_directory

pytestmark = pytest.mark.real

USE = "import tensorflow as tf\nprint('TensorFlow', tf.__version__, int(tf.reduce_sum(tf.range(10))))"
NOTEBOOK = {
    "cells": [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": [USE]}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 4,
}


def tfbootstrap(folder: Path, *arguments: str) -> str:
    """Run the command line in a folder; return what it says on stderr."""
    return subprocess.run(
        [sys.executable, "-m", "tfbootstrap", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=True,
        timeout=300,
    ).stderr


@pytest.fixture
def kernel(tmp_path: Path, interpreter: Path) -> Iterator[dict[str, str]]:
    """Make an environment with a kernel; return the variables with which Jupyter finds it."""
    home = tmp_path / "kernel"
    subprocess.run([UV, "venv", "--quiet", "--python", interpreter, home], check=True)
    # ipykernel loads packaging: another one than the lock's would rightly ask for a restart.
    proof = read_proof("2.19.1-cp312-linux-cpu", matrix_directory(None, {}))
    assert proof is not None
    packages = ["ipykernel", f"packaging=={proof.version('packaging')}"]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", home / "bin/python", *packages], check=True)
    subprocess.run(
        [home / "bin/python", "-m", "ipykernel", "install", "--prefix", tmp_path / "jupyter", "--name", "under-test"],
        check=True,
        capture_output=True,
    )
    search = os.pathsep.join([str(UV.parent), os.environ["PATH"]])
    yield {**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter/share/jupyter"), "PATH": search}
    shutil.rmtree(home)  # a TensorFlow is large, and pytest keeps folders of earlier runs


def execute(notebook: Path, kernel: dict[str, str]) -> list[str]:
    """Run all cells in a new kernel; return the text that each printed."""
    program = "from nbclient.cli import main; main()"
    options = ["--kernel_name=under-test", "--timeout=900", "--inplace"]
    result = subprocess.run(
        [sys.executable, "-c", program, *options, notebook],
        env=kernel,
        cwd=notebook.parent,
        capture_output=True,
        encoding="utf-8",
        timeout=1000,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return [_printed(cell) for cell in json.loads(notebook.read_text())["cells"]]


def _printed(cell: dict[str, Any]) -> str:
    texts = [output["text"] for output in cell["outputs"] if output.get("name") == "stdout"]
    return "".join("".join(text) for text in texts)


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_the_cell_installs_and_verifies_in_a_kernel(tmp_path: Path, kernel: dict[str, str]) -> None:
    notebook = tmp_path / "train.ipynb"
    notebook.write_text(json.dumps(NOTEBOOK, indent=1) + "\n")
    tfbootstrap(tmp_path, "lock", "--tensorflow", "2.19", "--python", "3.12", "--gpu", "none")
    assert "wrote the cell" in tfbootstrap(tmp_path, "cell", "--into", "train.ipynb")
    once = notebook.read_bytes()
    assert "has the cell already" in tfbootstrap(tmp_path, "cell", "--into", "train.ipynb")
    assert notebook.read_bytes() == once

    first, use = execute(notebook, kernel)
    assert "installed " in first
    assert first.endswith(": verified\n")
    assert use.startswith("TensorFlow 2.19.")
    assert use.endswith(" 45\n")

    again, use = execute(notebook, {**kernel, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/"})
    assert "nothing to install" in again
    assert again.endswith(": verified\n")
    assert use.endswith(" 45\n")
