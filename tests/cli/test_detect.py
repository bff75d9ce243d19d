"""`tfbootstrap detect` as a user runs it."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.machines import MACHINES
from tfbootstrap.cli.detect import _rows
from tfbootstrap.edges.machine import read_facts


def put_smi(sandbox: Sandbox, script: str) -> dict[str, str]:
    """Put an `nvidia-smi` first on PATH and return the variables that say so."""
    folder = sandbox.root / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "nvidia-smi").chmod(0o755)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}


T4 = """
if [ "$1" = "" ]; then echo "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |"
else echo "Tesla T4, 7.5, 15360, 550.54.15, GPU-1"; fi
"""


def test_the_table_names_the_source_of_each_gpu_fact(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("detect", variables=put_smi(sandbox, T4))
    assert (result.returncode, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "GPU 0 Tesla T4, compute capability 7.5, 15360 MiB nvidia-smi" in lines
    assert "Driver 550.54.15, serves CUDA 12.4 nvidia-smi" in lines
    assert any(line.startswith(f"Python {platform.python_version()} ") for line in lines)


def test_json_is_one_document_and_nothing_else(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("detect", "--json", variables=put_smi(sandbox, T4))
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["gpus"][0]["compute_capability"] == "7.5"
    assert document["driver"] == {"version": "550.54.15", "cuda_version": "12.4", "source": "nvidia-smi"}
    assert document["python"]["executable"] == sys.executable


def test_the_file_is_what_json_prints(sandbox: Sandbox) -> None:
    variables = put_smi(sandbox, T4)
    result = sandbox.tfbootstrap("detect", "--json", "-o", "lab.json", variables=variables)
    assert (result.returncode, result.stderr) == (0, "wrote lab.json\n")
    assert (sandbox.work / "lab.json").read_text(encoding="utf-8") == result.stdout
    assert read_facts(sandbox.work / "lab.json").gpus[0].name == "Tesla T4"
    again = sandbox.tfbootstrap("detect", "-o", "lab.json", variables=variables)
    assert (again.returncode, again.stderr) == (0, "lab.json was up to date\n")
    sandbox.assert_nothing_left(expected=["lab.json"])


def test_a_broken_driver_is_a_finding_not_a_failure(sandbox: Sandbox) -> None:
    variables = put_smi(sandbox, "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    result = sandbox.tfbootstrap("detect", "--json", variables=variables)
    assert result.returncode == 0
    document = json.loads(result.stdout)
    assert document["gpus"] == []
    assert document["gpu_status"] in {"absent", "broken"}  # by what this machine's PCI bus shows
    if document["gpu_status"] == "broken":
        assert document["unknown"]["gpus"].startswith("nvidia-smi exited with 18: Failed to initialize NVML")


@pytest.mark.parametrize("interpreter", ["3.7"], indirect=True)
def test_another_python_is_asked(sandbox: Sandbox, interpreter: Path) -> None:
    result = sandbox.tfbootstrap("detect", "--json", "--python", interpreter)
    assert json.loads(result.stdout)["python"]["version"].startswith("3.7.")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--python", "nowhere/python"], 1, "error: can't run the interpreter nowhere/python: no such"),
        (["-o", "nowhere/lab.json"], 2, "error: can't write nowhere/lab.json: No such file or directory"),
        (["-o", "."], 2, "Error: Invalid value for '-o' / '--output-file': File '.' is a directory."),
        (["extra"], 2, "Error: Got unexpected extra argument (extra)"),
    ],
    ids=["python", "folder", "directory", "argument"],
)  # fmt: skip
def test_bad_input_is_one_message(sandbox: Sandbox, arguments: list[str], code: int, message: str) -> None:
    result = sandbox.tfbootstrap("detect", *arguments)
    assert result.returncode == code
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    sandbox.assert_nothing_left()


@pytest.mark.parametrize(
    ("machine", "row"),
    [
        ("linux-plain-cpu", ("GPU", "none", "")),
        ("linux-plain-broken-driver", ("GPU", "not usable", "")),
        ("linux-plain-hung-smi", ("GPU", "could not ask", "")),
        ("linux-plain-hung-smi", ("Unknown", "gpus: nvidia-smi did not answer within 20 s", "")),
        ("linux-plain-hung-smi", ("Driver", "570.133.20, serves CUDA unknown", "/sys/module/nvidia/version")),
        ("linux-plain-mixed", ("GPU 1", "NVIDIA GeForce GTX 1070, compute capability 6.1, 8192 MiB", "nvidia-smi")),
        ("linux-snap-rtx-pro", ("Unknown", "gpus[0].compute_capability: nvidia-smi does not tell it", "")),
        ("linux-kaggle-p100", ("Host", "kaggle, container", "release-colab-external_20251024-060052_RC00")),
        ("linux-colab-t4", ("cuDNN", "9.8.0, /usr/include", "header")),
        ("linux-colab-t4", ("", "tensorflow 2.20.0", "")),
        ("linux-wsl2-rtx4070", ("Host", "plain, WSL", "")),
        ("macos-plain-m2", ("Platform", "macos, arm64, macOS 14.5", "")),
        ("macos-plain-m2", ("CPU flags", "none", "")),
    ],
)
def test_rows_of_captured_machines(machine: str, row: tuple[str, str, str]) -> None:
    assert row in list(_rows(read_facts(MACHINES / machine / "facts.json")))
