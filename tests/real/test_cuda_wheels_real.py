"""TensorFlow 2.10 with CUDA 11 from wheels, really installed: its own loader finds what registering a GPU needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY
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
def test_tensorflow_2_10_finds_its_cuda_11_wheels(interpreter: Path, tmp_path: Path) -> None:
    wish = ["--tensorflow", "2.10", "--python", "3.10", "--gpu", "T4", "--driver", "535.104.05"]
    made = run([sys.executable, "-m", "tfbootstrap", "lock", *wish, "--runtime", "linux-gpu"], tmp_path)
    assert made.returncode == 0, made.stderr
    found = read_lock((tmp_path / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt")
    assert (found.header.tensorflow, found.header.cuda_provider) == ("2.10.1", "wheels")
    assert found.header.loader_links
    assert {pin.name for pin in found.pins} >= {"nvidia-cudnn-cu11", "nvidia-cublas-cu11", "nvidia-cuda-runtime-cu11"}

    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "nvidia-smi").write_text(NVIDIA_SMI, encoding="utf-8")
    (programs / "nvidia-smi").chmod(0o755)
    command: list[str | Path] = [interpreter, "bootstrap.py", "--venv", "environment", "--json", "report.json"]
    installed = run(command, tmp_path, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "tensorflow" in report["installed"], installed.stderr
    status = {check["id"]: check["status"] for check in report["checks"]}
    assert status["import"] == "pass"

    # `libcuda` is the driver's: this machine has none, and the fake above does not bring one.
    needed = load(LibrariesMatrix).row("2.10.1")
    assert needed is not None
    assert set(needed.needed) <= loaded_by_tensorflow(tmp_path)
    shutil.rmtree(tmp_path / "environment")  # 3 GB, and pytest keeps folders of earlier runs


def loaded_by_tensorflow(folder: Path) -> set[str]:
    """Return what is loaded in a plain new process once TensorFlow's loader was asked for all that a GPU needs."""
    library = next((folder / "environment").glob("lib/python*/site-packages/tensorflow/libtensorflow_framework.so.2"))
    symbol = loader_functions(exported_symbols(library.read_bytes()))["TryDlopenCUDALibraries"]
    result = run([folder / "environment" / "bin" / "python", "-c", PROGRAM, library, symbol], folder)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def run(command: list[str | Path], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with this machine's own index configuration, and with nothing that says where CUDA is."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(REPOSITORY), **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=1500,
        check=False,
    )
