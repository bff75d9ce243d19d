"""Which cells there are, and that proving one leaves a whole record, whatever becomes of it, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.support.environment import REPOSITORY, Sandbox
from tests.support.loopback_index import LoopbackIndex, slow
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tfbootstrap.edges.resources import load, load_file
from tfbootstrap.matrix.proofs import FAILED, Proof
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.upkeep.cells import all_cells, select
from tfbootstrap.upkeep.dump import dump

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TENSORFLOW = "2.20.0"


def test_there_are_72_cells() -> None:
    cells = all_cells(load(TensorflowMatrix))
    assert len(cells) == 72
    assert cells[0].minor == "2.21"
    assert {(cell.tensorflow, cell.python) for cell in cells if cell.minor == "2.11"} == {
        ("2.11.0", "3.7"),
        ("2.11.1", "3.8"),
        ("2.11.1", "3.9"),
        ("2.11.1", "3.10"),
    }
    assert [cell.name for cell in select(cells, SpecifierSet("==2.0.*"), None)] == ["2.0.4-cp37-linux-cpu"]
    assert {cell.python for cell in select(cells, None, "3.13")} == {"3.13"}


@pytest.fixture
def matrix(sandbox: Sandbox) -> Path:
    """Return a matrix without proofs."""
    folder = sandbox.root / "matrix"
    shutil.copytree(REPOSITORY / "compat_matrix", folder, ignore=shutil.ignore_patterns("proofs"))
    return folder


def command(sandbox: Sandbox, matrix: Path, python: str = PYTHON) -> list[str]:
    work = str(sandbox.root / "workshop")
    asked = [f"--only==={TENSORFLOW}", f"--python={python}", f"--matrix={matrix}", f"--work={work}"]
    return [sys.executable, "-m", "tfbootstrap.upkeep", "prove", *asked]


def test_a_tensorflow_that_does_not_work_leaves_a_failure_with_its_cause(
    sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex
) -> None:
    fill_with_tensorflow(loopback_index)
    result = sandbox.run(
        *command(sandbox, matrix), variables={"UV_DEFAULT_INDEX": loopback_index.simple_url}, timeout=300
    )
    assert result.returncode == 1, result.stderr
    assert "0 of 1 cells proven" in result.stderr
    (path,) = (matrix / "proofs").iterdir()
    proof = load_file(Proof, path)
    assert path.name == f"{TENSORFLOW}-cp{PYTHON.replace('.', '')}-linux-cpu{FAILED}.yaml" == proof.file_name
    assert dump(proof) == path.read_text(encoding="utf-8")
    assert any(line.startswith("fail import ") for line in proof.checks)
    assert proof.version("tensorflow") == TENSORFLOW
    assert str(sandbox.root) not in path.read_text(encoding="utf-8")
    assert [entry.name for entry in (sandbox.root / "workshop").iterdir()] == ["cache"]


def test_a_cell_that_was_proven_is_left_alone(sandbox: Sandbox, matrix: Path) -> None:
    name = f"{TENSORFLOW}-cp310-linux-cpu.yaml"
    (matrix / "proofs").mkdir()
    shutil.copyfile(REPOSITORY / "compat_matrix" / "proofs" / name, matrix / "proofs" / name)
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    result = sandbox.run(*command(sandbox, matrix, "3.10"), variables=nowhere)
    assert (result.returncode, result.stderr) == (0, "1 of 1 cells proven\n")


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_run_that_is_stopped_leaves_no_record_of_the_cell_in_hand(
    sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex, signal_number: signal.Signals
) -> None:
    fill_with_tensorflow(loopback_index)
    delay = loopback_index.misbehave(slow(30))
    process = subprocess.Popen(
        command(sandbox, matrix),
        cwd=sandbox.work,
        env=sandbox.environment(UV_DEFAULT_INDEX=loopback_index.simple_url),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not delay.hits and time.monotonic() < deadline:
        time.sleep(0.05)
    assert delay.hits
    os.killpg(process.pid, signal_number)
    assert process.wait(timeout=20) != 0
    assert not (matrix / "proofs").exists()


def test_a_seal_covers_everything() -> None:
    proof = load_file(Proof, next(iter(sorted((REPOSITORY / "compat_matrix" / "proofs").glob("*.yaml")))))
    assert list(proof.problems()) == []
    for changed in (
        replace(proof, interpreter="3.12.99"),
        replace(proof, proven="2020-01-01"),
        replace(proof, note="all is well"),
        replace(proof, pins=proof.pins[1:]),
    ):
        assert "seal" in [key for key, _ in changed.problems()]


@pytest.mark.real
def test_a_real_cell_is_proven(sandbox: Sandbox, matrix: Path) -> None:
    result = sandbox.run(*command(sandbox, matrix), variables={"PIP_CONFIG_FILE": None}, timeout=1800)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (0, "1 of 1 cells proven"), result.stderr
