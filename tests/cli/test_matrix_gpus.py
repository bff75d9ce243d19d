"""`tfbootstrap matrix gpus` as a user runs it."""

from __future__ import annotations

import json

import pytest

from tests.support.environment import Sandbox

H100 = """\
GPU          Compute capability  Generation  Sold as
NVIDIA H100  9.0                 Hopper      datacenter

TensorFlow  Runs as                 Linux driver
2.19-2.22   machine code, some PTX  555.42.02 or newer
2.17-2.18   machine code, some PTX  545.23.06 or newer
2.16        machine code, some PTX  525.60.13 or newer
2.15        PTX only                530.30.02 or newer
2.12-2.14   PTX only                520.61.05 or newer
2.1-2.11    PTX only *              520.61.05 or newer

PTX is compiled by the driver: a slow first start (PTX only: up to half an hour), cached after.
* the CUDA it was built with does not know the GPU: without newer libraries cuBLAS and cuDNN fail.
"""

K80 = """\
GPU        Compute capability  Generation  Sold as
Tesla K80  3.7                 Kepler      datacenter

TensorFlow  Runs as       Linux driver
2.15-2.22   not at all    -
2.4-2.14    machine code  450.80.02 to branch 470
2.1-2.3     machine code  418.39 to branch 470
"""


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("Tesla T4", "7.5"),
        ("NVIDIA L4", "8.9"),
        ("NVIDIA H100 80GB HBM3", "9.0"),
        ("NVIDIA GeForce RTX 5090", "12.0"),
        ("Quadro P4000", "6.1"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "12.0"),
        ("Orin", "8.7"),
    ],
)
def test_gpus_of_the_issue_answer_right(sandbox: Sandbox, name: str, capability: str) -> None:
    result = sandbox.tfbootstrap("matrix", "gpus", name, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    (gpu,) = json.loads(result.stdout)
    assert gpu["compute_capability"] == capability


@pytest.mark.parametrize(("name", "table"), [("NVIDIA H100 80GB HBM3", H100), ("k80", K80)])
def test_table_of_one_gpu(sandbox: Sandbox, name: str, table: str) -> None:
    result = sandbox.tfbootstrap("matrix", "gpus", name, "--no-color")
    assert (result.returncode, result.stdout, result.stderr) == (0, table, "")


def test_aliases_are_told(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "gpus", "Jetson Orin Nano")
    assert "also called Jetson AGX Orin, Jetson Orin NX, Jetson Orin Nano\n" in result.stdout
    assert "Jetson is aarch64, for which TensorFlow's wheels have no CUDA" in result.stdout


def test_table_of_all_gpus_fits_100_columns(sandbox: Sandbox) -> None:
    lines = sandbox.tfbootstrap("matrix", "gpus").stdout.splitlines()
    assert len(lines) > 250
    assert max(map(len, lines)) <= 100


def test_gpus_of_a_compute_capability(sandbox: Sandbox) -> None:
    rows = json.loads(sandbox.tfbootstrap("matrix", "gpus", "7.0", "--json").stdout)
    assert {row["generation"] for row in rows} == {"Volta"}
    newest = rows[0]["tensorflow"][0]
    assert newest == {"version": "2.22.0rc0", "coverage": "binary", "driver": "525.60.13", "cuda_knows": True}
    assert {row["last_driver_branch"] for row in rows} == {"580"}


def test_json_of_all_gpus_has_no_judgement(sandbox: Sandbox) -> None:
    rows = json.loads(sandbox.tfbootstrap("matrix", "gpus", "--json").stdout)
    assert set(rows[0]) == {"name", "aliases", "compute_capability", "generation", "family", "source", "checked"}


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("RTX 4000", "the matrix has no GPU that is certainly 'RTX 4000'", "did you mean Quadro RTX 4000, "),
        ("Voodoo 2", "the matrix has no GPU that is certainly 'Voodoo 2'", "hint: give its compute capability instead"),
        ("9.9", "the matrix has no GPU of compute capability 9.9", "hint: it has GPUs of 3.5, 3.7, "),
    ],
)
def test_unknown_gpu_is_named_with_what_is_near(sandbox: Sandbox, name: str, message: str, hint: str) -> None:
    result = sandbox.tfbootstrap("matrix", "gpus", name)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}\n")
    assert hint in result.stderr


def test_another_matrix_is_used(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "gpus", "--matrix", sandbox.work / "nowhere")
    assert result.returncode == 2
    assert "is not a folder" in result.stderr
