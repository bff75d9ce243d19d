"""TensorFlow 2.10 with CUDA 11 from wheels, really installed: its own loader finds what registering a GPU needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tfbootstrap.edges.resources import load
from tfbootstrap.lock import read_lock
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.upkeep.elf import exported_symbols
from tfbootstrap.upkeep.loader import loader_functions

pytestmark = pytest.mark.real

NVIDIA_SMI = """\
#!/bin/sh
case "$*" in
*--query-gpu*) echo "Tesla T4, 7.5, 15360, 535.104.05, GPU-00000000-0000-0000-0000-000000000000" ;;
*) echo "| NVIDIA-SMI 535.104.05   Driver Version: 535.104.05   CUDA Version: 12.2 |" ;;
esac
"""
"""Says that there is a T4, so that the lock may be installed here; nothing else is pretended."""

PROGRAM = """\
import ctypes, json, sys
function = getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])
function.restype = None
function(ctypes.create_string_buffer(4096))
print(json.dumps(sorted({line.split("/")[-1].strip() for line in open("/proc/self/maps") if ".so" in line})))
"""
"""Calls TensorFlow's loader and prints which libraries are loaded then."""


@pytest.mark.parametrize("interpreter", ["3.10"], indirect=True)
def test_tensorflow_2_10_finds_its_cuda_11_wheels(sandbox: Sandbox, interpreter: Path, tmp_path: Path) -> None:
    wish = ("--tensorflow", "2.10", "--python", "3.10", "--gpu", "T4", "--driver", "535.104.05")
    made = sandbox.tfbootstrap("lock", *wish, "--runtime", "linux-gpu", timeout=300)
    assert made.returncode == 0, made.stderr
    found = read_lock((sandbox.work / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt")
    assert (found.header.tensorflow, found.header.cuda_provider) == ("2.10.1", "wheels")
    assert found.header.loader_links
    assert {pin.name for pin in found.pins} >= {"nvidia-cudnn-cu11", "nvidia-cublas-cu11", "nvidia-cuda-runtime-cu11"}

    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "nvidia-smi").write_text(NVIDIA_SMI, encoding="utf-8")
    (programs / "nvidia-smi").chmod(0o755)
    path = f"{programs}:{sandbox.environment()['PATH']}"
    command = (interpreter, "bootstrap.py", "--venv", "environment", "--json", "report.json")
    sandbox.run(*command, variables={"PATH": path}, timeout=1500)
    report = json.loads((sandbox.work / "report.json").read_text(encoding="utf-8"))
    assert report["installed"]["tensorflow"] == "2.10.1"
    status = {check["id"]: check["status"] for check in report["checks"]}
    assert status["import"] == "pass"

    # `libcuda` is the driver's: this machine has none, and the fake above does not bring one.
    needed = load(LibrariesMatrix).row("2.10.1")
    assert needed is not None
    assert set(needed.needed) <= loaded_by_tensorflow(sandbox)
    shutil.rmtree(sandbox.work / "environment")  # 3 GB, and pytest keeps folders of earlier runs


def loaded_by_tensorflow(sandbox: Sandbox) -> set[str]:
    """Return what is loaded in a plain new process once TensorFlow's loader was asked for all that a GPU needs."""
    library = next(
        (sandbox.work / "environment").glob("lib/python*/site-packages/tensorflow/libtensorflow_framework.so.2")
    )
    symbol = loader_functions(exported_symbols(library.read_bytes()))["TryDlopenCUDALibraries"]
    python = sandbox.work / "environment" / "bin" / "python"
    result = sandbox.run(python, "-c", PROGRAM, library, symbol, variables={"PYTHONPATH": None})
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))
