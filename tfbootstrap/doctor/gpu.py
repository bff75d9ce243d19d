"""A GPU that is there and that TensorFlow can't use: which link of the chain is broken. Layer 2: pure.

The chain: driver, device nodes, what the container was given, libraries (there, of the right version, where they are
looked for), code in the wheel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tfbootstrap.doctor.libraries import check_libraries
from tfbootstrap.doctor.records import Case, Finding, Link
from tfbootstrap.facts import Gpu
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.gpu import GUIDE, LAST_WINDOWS_GPU, Hardware, judge_gpus
from tfbootstrap.plan.records import Rejection

NO_CUDA: Final = frozenset({"tensorflow-cpu", "tensorflow-intel", "tensorflow-macos"})
"""Distributions that are built for processors only."""
HIDING: Final = frozenset({"", "-1", "NoDevFiles", "none"})
"""Values of CUDA_VISIBLE_DEVICES that hide every GPU."""

_BROKEN: Final[tuple[tuple[str, str, Link, str | None], ...]] = (
    (r"not given the GPU of its host", "container-without-gpu", "container", "cuda-no-device"),
    (r"(?i)version mismatch|exited with 18\b|803", "driver-mismatch", "driver", "driver-library-mismatch"),
    (r"(?i)GPU access blocked|exited with 17\b", "driver-blocked", "driver", "cuinit-unknown"),
    (r"(?i)permission|exited with 4\b", "device-nodes", "device-nodes", None),
    (r"(?i)couldn't communicate|exited with 9\b", "driver-not-running", "driver", "cuda-no-device"),
    (r"", "driver-missing", "driver", "libcuda-missing"),
)
"""What the probe said -> id, link and class; the first that is found counts."""
_SUMMARIES: Final = {
    "container-without-gpu": "the machine has a GPU, but this container was not given it",
    "driver-mismatch": "the driver's libraries and its kernel module are of different versions",
    "driver-blocked": "Windows keeps the GPU from WSL",
    "device-nodes": "this user may not use the GPU's device nodes",
    "driver-not-running": "a GPU is there, but its driver is not running",
    "driver-missing": "a GPU is there, but no driver answers for it",
}
_BLOCKED_ADVICE: Final = (
    "in Windows: wsl --shutdown, then start WSL again; if that is not enough, update the NVIDIA driver there"
)
_RULES: Final[dict[str, tuple[str, Link, str | None]]] = {
    "driver": ("driver-too-old", "driver", "driver-too-old"),
    "ptx-driver": ("driver-too-old", "driver", "driver-too-old"),
    "driver-branch": ("driver-too-new", "driver", None),
    "compute-capability": ("gpu-not-in-wheel", "wheel", "gpu-too-old"),
    "gpu-build": ("wheel-without-cuda", "wheel", None),
    "gpu-unknown": ("gpu-capability-unknown", "wheel", None),
}
"""Rule of a rejection -> id, link and class."""


def check_gpu(case: Case) -> Iterator[Finding]:
    """Find what keeps TensorFlow from using the GPUs of this machine."""
    if case.facts.gpu_status == "unknown":
        reason = case.facts.unknown.get("gpus", "no source answered")
        yield Finding(
            id="gpu-unknown",
            severity="warning",
            summary="whether there is a GPU could not be asked",
            evidence=(reason,),
            advice=("see whether nvidia-smi answers; where it hangs, so does TensorFlow: restart the machine",),
        )
    if case.facts.gpu_status == "broken":
        yield _broken(case)
    if case.facts.gpu_status == "present":
        yield from _present(case)


def _broken(case: Case) -> Finding:
    reason = case.facts.unknown.get("gpus", "no reason given")
    name, link, diagnosis = next(
        (name, link, row) for pattern, name, link, row in _BROKEN if re.search(pattern, reason)
    )
    driver = case.facts.driver
    evidence = [reason, *([f"driver {driver.version} ({driver.source})"] if driver else [])]
    commands: tuple[str, ...] = ()
    if name == "device-nodes":
        commands = (_join_group(case),)
    elif name == "driver-not-running" and not case.facts.platform.wsl:
        commands = (case.shell.line("sudo", "modprobe", "nvidia"),)
    return Finding(
        id=name,
        severity="error",
        summary=_SUMMARIES[name],
        evidence=tuple(evidence),
        commands=commands,
        advice=(_BLOCKED_ADVICE,) if name == "driver-blocked" else (),
        link=link,
        diagnosis=diagnosis,
    )


def _present(case: Case) -> Iterator[Finding]:
    yield from _hidden(case)
    yield from _devices(case)
    if case.tensorflow is None or case.tensorflow.row is None:
        return
    row, hardware = case.tensorflow.row, case.tables.hardware
    if case.tensorflow.distribution in NO_CUDA:
        yield _without_cuda(case, f"{case.tensorflow.distribution} is built for processors only")
        return
    if hardware is None:
        return
    judged = [(gpu, judge_gpus(row, case.facts, (gpu,), hardware)) for gpu in _distinct(case)]
    rejected = [(gpu, verdict) for gpu, verdict in judged if isinstance(verdict, Rejection)]
    for gpu, rejection in rejected:
        yield _rejected(case, row, gpu, rejection, alone=len(rejected) == len(judged))
    yield from _slow(case, row, hardware)
    if not any(rejection.rule == "gpu-build" for _, rejection in rejected):
        yield from check_libraries(case, row, hardware)


def _distinct(case: Case) -> tuple[Gpu, ...]:
    return tuple({(gpu.name, gpu.compute_capability): gpu for gpu in case.facts.gpus}.values())


def _hidden(case: Case) -> Iterator[Finding]:
    shown = case.facts.environment.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return
    first = shown.split(",")[0].strip()
    count = len(case.facts.gpus)
    if first in HIDING or (first.isdigit() and int(first) >= count):
        why = "" if first in HIDING else f": there is no GPU {first}, there are {count}, counted from 0"
        yield Finding(
            id="gpu-hidden",
            severity="warning",
            summary=f"CUDA_VISIBLE_DEVICES hides every GPU from what is started here{why}",
            evidence=(f"CUDA_VISIBLE_DEVICES={shown!r}", *(gpu.name for gpu in case.facts.gpus)),
            commands=(case.shell.variable("CUDA_VISIBLE_DEVICES", None),),
            advice=("if that is meant, nothing is wrong",),
            link="hidden",
        )


def _devices(case: Case) -> Iterator[Finding]:
    devices = {device.name: device for device in case.inventory.devices}
    locked = [device.name for device in case.inventory.devices if not device.usable]
    container = case.facts.platform.container
    if locked:
        yield Finding(
            id="device-nodes",
            severity="error",
            summary=_SUMMARIES["device-nodes"],
            evidence=tuple(f"/dev/{name}: no permission to read and write" for name in locked),
            commands=() if container else (_join_group(case),),
            advice=("log in again after that",),
            link="device-nodes",
        )
    # nvidia-smi does without this node, CUDA does not.
    if "nvidiactl" in devices and "nvidia-uvm" not in devices:
        yield Finding(
            id="device-nodes",
            severity="error",
            summary="the device node /dev/nvidia-uvm is missing: nvidia-smi works without it, CUDA does not",
            evidence=tuple(f"/dev/{name} is there" for name in devices),
            commands=() if container else (case.shell.line("sudo", "nvidia-modprobe", "-u", "-c=0"),),
            advice=("start the container with all of the GPU: docker run --gpus all",) if container else (),
            link="container" if container else "device-nodes",
            diagnosis="cuinit-unknown",
        )


def _join_group(case: Case) -> str:
    return f'{case.shell.line("sudo", "usermod", "-aG", "video,render")} "$USER"'


def _without_cuda(case: Case, why: str) -> Finding:
    windows = case.facts.platform.system == "windows"
    tensorflow = case.tensorflow
    assert tensorflow is not None
    swap: tuple[str, ...] = ()
    if tensorflow.distribution == "tensorflow-cpu" and not windows:
        extra = "[and-cuda]" if tensorflow.row and tensorflow.row.nvidia else ""
        swap = (
            case.shell.uninstall(tensorflow.distribution),
            case.shell.install(f"tensorflow{extra}=={tensorflow.version}"),
        )
    return Finding(
        id="wheel-without-cuda",
        severity="warning",
        summary=f"the installed TensorFlow leaves the GPU unused: {why}",
        evidence=(f"{tensorflow.distribution} {tensorflow.version}", *(gpu.name for gpu in case.facts.gpus)),
        commands=swap,
        link="wheel",
        diagnosis="windows-native-gpu" if windows else None,
    )


def _rejected(case: Case, row: TensorflowRow, gpu: Gpu, rejection: Rejection, *, alone: bool) -> Finding:
    if rejection.rule == "gpu-build":
        windows = case.facts.platform.system == "windows"
        last = f"; on Windows {LAST_WINDOWS_GPU} was the last with CUDA ({GUIDE})" if windows else ""
        return _without_cuda(case, f"it was built without CUDA for this platform{last}")
    name, link, diagnosis = _RULES[rejection.rule]
    found, needed = rejection.found, rejection.needed
    words = {
        "driver-too-old": f"{found} is too old for TensorFlow {row.version}: it needs {needed}",
        "driver-too-new": f"{found}: that GPU needs {needed}",
        "gpu-not-in-wheel": f"TensorFlow {row.version} has no code for {found}: it needs {needed}",
        "gpu-capability-unknown": f"{found} can't be judged",
    }
    severity = "error" if alone and rejection.rule != "gpu-unknown" else "warning"
    asking = ["tfbootstrap", "explain", "--gpu", gpu.compute_capability or gpu.name]
    if case.facts.driver is not None:
        asking += ["--driver", case.facts.driver.version]
    return Finding(
        id=name,
        severity="warning" if severity == "warning" else "error",
        summary=words[name],
        evidence=(f"{gpu.name}, compute capability {gpu.compute_capability or 'unknown'}", rejection.source),
        commands=(case.shell.line(*asking),),
        advice=("that command says which TensorFlow serves this GPU and driver",),
        link=link,
        diagnosis=diagnosis,
    )


def _slow(case: Case, row: TensorflowRow, hardware: Hardware) -> Iterator[Finding]:
    verdict = judge_gpus(row, case.facts, case.facts.gpus, hardware)
    if isinstance(verdict, Rejection):
        return
    for warning in verdict.warnings:
        if "driver is not known" not in warning:
            yield Finding(
                id="gpu-partly-served",
                severity="note",
                summary=warning,
                evidence=tuple(f"{gpu.name}, compute capability {gpu.compute_capability}" for gpu in _distinct(case)),
                link="wheel",
            )
