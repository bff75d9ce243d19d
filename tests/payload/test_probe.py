"""The probe on real processes and libraries, and its parsers on the texts that are awkward."""

from __future__ import annotations

import ctypes
import io
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import Sandbox
from tests.support.interpreters import PAYLOAD_PYTHONS
from tfbootstrap.payload.probe import (
    DRIVER_QUERY,
    MachineIO,
    parse_driver_version,
    parse_smi_banner,
    parse_smi_query,
    parse_uname,
    probe_machine,
    read_host,
)

FIELDS = ("name", "compute_cap", "memory.total", "driver_version", "uuid")

PRINT_PROBE = """
import json, sys
from tfbootstrap.payload.probe import probe_machine
print(json.dumps(probe_machine(timeout=float(sys.argv[1]))))
"""


def put_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def probe_in_child(sandbox: Sandbox, python: Path | str = sys.executable, timeout: float = 20) -> dict[str, Any]:
    """Probe in a process that finds the programs in the sandbox's `bin` first."""
    variables = {"PATH": os.pathsep.join([str(sandbox.root / "bin"), os.environ["PATH"]])}
    result = sandbox.run(python, "-c", PRINT_PROBE, str(timeout), variables=variables)
    assert result.returncode == 0, result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


# Real processes


@pytest.mark.parametrize("interpreter", PAYLOAD_PYTHONS, indirect=True)
def test_every_python_tells_its_own_facts(sandbox: Sandbox, interpreter: Path) -> None:
    put_program(sandbox.root / "bin", "nvidia-smi", "exit 9")
    facts = probe_in_child(sandbox, interpreter)
    version = subprocess.run(
        [interpreter, "-c", "import platform; print(platform.python_version())"], capture_output=True, encoding="utf-8"
    )
    assert facts["python"] == {
        "version": version.stdout.strip(),
        "implementation": "cpython",
        "executable": str(interpreter),
    }
    assert facts["platform"]["system"] == parse_uname(*MachineIO().uname())[0]
    assert facts["host"] == {"kind": "plain", "release": None}


def test_a_hanging_nvidia_smi_is_ended_with_what_it_started(sandbox: Sandbox) -> None:
    note = sandbox.root / "pid"
    # The grandchild holds the pipes open: ending the shell alone would leave us waiting for it.
    put_program(sandbox.root / "bin", "nvidia-smi", f"sleep 300 & echo $! > {note}; wait")
    began = time.monotonic()
    facts = probe_in_child(sandbox, timeout=0.5)
    assert time.monotonic() - began < 30
    assert facts["gpu_status"] == "unknown"
    assert facts["unknown"]["gpus"] == "nvidia-smi did not answer within 0.5 s"
    deadline = time.monotonic() + 10
    while is_running(int(note.read_text())):
        assert time.monotonic() < deadline, "the grandchild survived"
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that nobody waited for is dead all the same.
    return "(sleep) Z" not in Path(f"/proc/{process}/stat").read_text() if Path("/proc").is_dir() else True


def test_a_real_program_on_path_is_read(sandbox: Sandbox) -> None:
    script = """
case "$1" in
--query-gpu=name,compute_cap,memory.total,driver_version,uuid) echo "Tesla T4, 7.5, 15360, 550.54.15, GPU-1b965d81" ;;
"") echo "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |" ;;
*) exit 2 ;;
esac
"""
    put_program(sandbox.root / "bin", "nvidia-smi", script)
    facts = probe_in_child(sandbox)
    assert facts["gpus"] == [
        {
            "name": "Tesla T4",
            "uuid": "GPU-1b965d81",
            "compute_capability": "7.5",
            "memory_mib": 15360,
            "source": "nvidia-smi",
        }
    ]
    assert facts["driver"] == {"version": "550.54.15", "cuda_version": "12.4", "source": "nvidia-smi"}
    assert facts["unknown"] == {}


@pytest.mark.parametrize("script", ["echo 'what is this'", "printf '\\\\377\\\\376 garbage'", "kill -SEGV $$"])
def test_an_nvidia_smi_that_talks_nonsense_is_no_crash(sandbox: Sandbox, script: str) -> None:
    put_program(sandbox.root / "bin", "nvidia-smi", script)
    facts = probe_in_child(sandbox)
    assert facts["gpus"] == []
    assert facts["gpu_status"] != "present"


def test_a_file_that_is_no_program_could_not_be_asked(sandbox: Sandbox) -> None:
    put_program(sandbox.root / "bin", "nvidia-smi", "")
    (sandbox.root / "bin" / "nvidia-smi").write_bytes(b"\x7fELF nothing of the sort")
    facts = probe_in_child(sandbox)
    assert facts["gpu_status"] == "unknown"
    assert facts["unknown"]["gpus"].startswith("nvidia-smi: ")


def test_run_gives_exit_code_and_both_streams() -> None:
    code, out, err = MachineIO().run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 10)
    assert (code, out, err) == (3, "out\n", "err\n")


# libcuda and NVML


class FakeLibraries:
    """libcuda and NVML as Python functions that fill the buffers they are given, as the C functions do."""

    def __init__(self, gpus: list[tuple[bytes, int, int]], *, init: int = 0, nvml: bool = True) -> None:
        self.gpus, self.init, self.nvml = gpus, init, nvml

    def load(self, path: str) -> Any:
        if path == "libcuda.so.1":
            return self
        if path == "libnvidia-ml.so.1" and self.nvml:
            return self
        raise OSError(path)

    def nvmlInit_v2(self) -> int:  # noqa: N802 - C's name
        return 0

    def nvmlSystemGetDriverVersion(self, text: Any, size: int) -> int:  # noqa: N802 - C's name
        text.value = b"550.54.15"
        return 0

    def cuInit(self, flags: int) -> int:  # noqa: N802 - C's name
        assert "CUDA_VISIBLE_DEVICES" not in os.environ
        return self.init

    def cuDriverGetVersion(self, number: Any) -> int:  # noqa: N802 - C's name
        number[0] = 12040
        return 0

    def cuDeviceGetCount(self, number: Any) -> int:  # noqa: N802 - C's name
        number[0] = len(self.gpus)
        return 0

    def cuDeviceGetName(self, text: Any, size: int, index: int) -> int:  # noqa: N802 - C's name
        text.value = self.gpus[index][0]
        return 0

    def cuDeviceGetAttribute(self, number: Any, attribute: int, index: int) -> int:  # noqa: N802 - C's name
        number[0] = self.gpus[index][{75: 1, 76: 2}[attribute]]
        return 0

    def cuDeviceTotalMem_v2(self, number: Any, index: int) -> int:  # noqa: N802 - C's name
        number[0] = 15360 << 20
        return 0

    def cuDeviceGetUuid(self, ident: Any, index: int) -> int:  # noqa: N802 - C's name
        ctypes.memmove(ident, bytes(range(16)), 16)
        return 0


def run_query(monkeypatch: pytest.MonkeyPatch, libraries: FakeLibraries) -> dict[str, Any]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(ctypes, "CDLL", libraries.load)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(DRIVER_QUERY, {})
    answer: dict[str, Any] = json.loads(printed.getvalue())
    return answer


def test_libcuda_lists_the_gpus_and_nvml_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run_query(monkeypatch, FakeLibraries([(b"Tesla T4", 7, 5), (b"NVIDIA RTX PRO 6000", 12, 0)]))
    gpu = {"uuid": "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f", "memory_mib": 15360, "source": "libcuda"}
    assert answer == {
        "source": "nvml",
        "driver": "550.54.15",
        "cuda": "12.4",
        "gpus": [
            {"name": "Tesla T4", "compute_capability": "7.5", **gpu},
            {"name": "NVIDIA RTX PRO 6000", "compute_capability": "12.0", **gpu},
        ],
    }


def test_libcuda_that_fails_tells_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run_query(monkeypatch, FakeLibraries([], init=803, nvml=False))
    assert answer == {"source": "nvml", "gpus": [], "failure": "libcuda: [Errno 803] cuInit failed", "code": 803}


def test_query_without_libraries_is_empty() -> None:
    done = subprocess.run([sys.executable, "-c", DRIVER_QUERY], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).keys() >= {"source", "gpus"}


# Parsers


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Tesla T4, 7.5, 15360, 550.54.15, GPU-1", ("Tesla T4", "7.5", 15360, "GPU-1", "550.54.15")),
        ("GB10, 12.1, [N/A], 580.95.05, GPU-1", ("GB10", "12.1", None, "GPU-1", "580.95.05")),
        ("X, [Not Supported], 9, [Unknown Error], [N/A]", ("X", None, 9, None, None)),
        ("A name, with a comma, 8.0, 9, 1.2, GPU-1", ("A name, with a comma", "8.0", 9, "GPU-1", "1.2")),
        ("H100 MIG 1g.10gb, 9.0, 9856, 535.1.2, MIG-2", ("H100 MIG 1g.10gb", "9.0", 9856, "MIG-2", "535.1.2")),
    ],
    ids=["plain", "shared memory", "nothing told", "comma in the name", "MIG"],
)
def test_rows_of_the_query(row: str, expected: tuple[object, ...]) -> None:
    answer = parse_smi_query(row + "\n", FIELDS)
    (gpu,) = answer["gpus"]
    found = (gpu["name"], gpu["compute_capability"], gpu["memory_mib"], gpu["uuid"], answer["driver"])
    assert found == expected


def test_a_row_with_too_few_cells_is_refused() -> None:
    with pytest.raises(ValueError, match=r"can't read the row 'Tesla T4, 7\.5"):
        parse_smi_query("Tesla T4, 7.5\n", FIELDS)


@pytest.mark.parametrize(
    ("text", "cuda"),
    [
        ("| NVIDIA-SMI 550.54.15    Driver Version: 550.54.15    CUDA Version: 12.4     |", "12.4"),
        ("| NVIDIA-SMI 610.43.02    KMD Version: 610.43.02     CUDA UMD Version: 13.3     |", "13.3"),
        ("| NVIDIA-SMI 450.80.02    Driver Version: 450.80.02    CUDA Version: N/A      |", None),
        ("| NVIDIA-SMI 545.46       Driver Version: 546.80       CUDA Version: ERR!     |", None),
        ("CUDA Version                              : Not Found", None),
        ("| NVIDIA-SMI 331.62     Driver Version: 331.62         |", None),
    ],
    ids=["usual", "610", "no libcuda", "WSL", "vGPU host", "before 410"],
)
def test_cuda_version_of_the_banner(text: str, cuda: str | None) -> None:
    assert parse_smi_banner(text) == cuda


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.154.05  Thu Dec 28 15:37:48 UTC 2023\n", "535.154.05"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  525.60.11  Release Build  (a@b)\n", "525.60.11"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build  (a@b)\n", "35.3.1"),
        ("570.133.20\n", "570.133.20"),
        ("", None),
    ],
    ids=["proprietary", "open", "Jetson", "module", "no file"],
)
def test_driver_version_of_the_kernel(text: str, version: str | None) -> None:
    assert parse_driver_version(text) == version


@pytest.mark.parametrize(
    ("uname", "expected"),
    [
        (("Linux", "x86_64"), ("linux", "x86_64")),
        (("Linux", "aarch64"), ("linux", "aarch64")),
        (("Linux", "arm64"), ("linux", "aarch64")),
        (("Darwin", "arm64"), ("macos", "arm64")),
        (("Windows", "AMD64"), ("windows", "x86_64")),
        (("Linux", "32-bit"), ("linux", "32-bit")),
    ],
)
def test_platform_names(uname: tuple[str, str], expected: tuple[str, str]) -> None:
    assert parse_uname(*uname) == expected


class Environment(MachineIO):
    """A machine of which only the variables matter."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def getenv(self, name: str) -> str | None:
        return self.variables.get(name)


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, "plain"),
        ({"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k"}, "plain"),
        ({"JPY_PARENT_PID": "8"}, "jupyter"),
        ({"COLAB_RELEASE_TAG": "release-colab_20260714", "JPY_PARENT_PID": "8"}, "colab"),
        ({"COLAB_GPU": ""}, "colab"),
        ({"COLAB_RELEASE_TAG": "release-colab_20260714", "KAGGLE_KERNEL_RUN_TYPE": "Batch"}, "kaggle"),
    ],
)
def test_host_kinds(variables: dict[str, str], kind: str) -> None:
    assert read_host(Environment(**variables))["kind"] == kind


def test_probe_of_this_machine_needs_no_arguments() -> None:
    assert probe_machine()["python"]["executable"] == sys.executable
