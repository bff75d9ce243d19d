"""Whether a TensorFlow version uses the GPUs of a runtime: code, libraries and driver, judged one GPU at a time. Pure.

Driver and compute capability are two independent axes. The driver must serve the CUDA major that TensorFlow was built
with (minor-version compatibility), and know the PTX that it has to compile. The wheel, and the CUDA libraries beside
it, must hold code that the GPU runs. A GPU that is there is used, or the version is rejected with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from packaging.version import Version

from tfbootstrap.facts import Facts, Gpu
from tfbootstrap.matrix.cuda import CudaMatrix, DriverSystem
from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
from tfbootstrap.matrix.cudnn import CudnnMatrix
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix, GpuSupport, runs_machine_code
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.payload.judge import code_for, driver_serves
from tfbootstrap.plan.records import Rejection, reject

LAST_WINDOWS_GPU = "2.10"
"""The last minor whose Windows wheels use GPUs (TensorFlow's install guide, "Windows Native")."""

GUIDE = "https://www.tensorflow.org/install/pip"
PTX_START_UP = "the driver compiles them at the first start, which can take half an hour"
PARTLY_PTX_START_UP = "the driver compiles those at first use: the first start takes minutes, later ones use its cache"


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The tables that judge GPUs."""

    gpu_code: GpuCodeMatrix
    cuda: CudaMatrix
    cudnn: CudnnMatrix
    cuda_wheels: CudaWheelsMatrix
    libraries: LibrariesMatrix


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuVerdict:
    """What using the GPUs takes: the oldest driver, and what to say about it."""

    driver_floor: str | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Findings:
    floor: str | None = None
    warnings: list[str] = field(default_factory=list)

    def need_driver(self, version: str | None) -> None:
        if version and (self.floor is None or Version(version) > Version(self.floor)):
            self.floor = version


def judge_gpus(row: TensorflowRow, facts: Facts, gpus: tuple[Gpu, ...], hardware: Hardware) -> Rejection | GpuVerdict:
    """Return what it takes that a TensorFlow version uses all of these GPUs, or why it can't."""
    if rejection := _build_for_platform(row, facts):
        return rejection
    findings = _Findings()
    findings.need_driver(hardware.cuda.driver_floor(row.cuda, driver_system(facts)) if row.cuda else None)
    distinct = _distinct(gpus)
    served = _as_served(facts, hardware)
    # What no driver can mend decides first: a newer driver is no advice for a GPU that the wheel has no code for.
    judged = [_code(row, gpu, hardware, findings) for gpu in distinct]
    judged += [_driver(row, served, findings.floor, f"CUDA {_major(row.cuda)}")]
    judged += [_known(row, facts, gpu, hardware, findings) for gpu in distinct]
    judged += [_retired(row, facts, gpu, hardware) or _ptx(row, served, gpu, hardware, findings) for gpu in distinct]
    if rejection := next((one for one in judged if one), None):
        return rejection
    if facts.driver and served != facts:
        findings.warnings.append(
            f"driver {facts.driver.version} serves CUDA {facts.driver.cuda_version} by a forward-compatibility package:"
            " programs must go on finding its libcuda.so.1 first (LD_LIBRARY_PATH, ldconfig)"
        )
    if len(gpus) > 1:
        findings.warnings += _several(row, gpus, hardware)
    if facts.driver is None and findings.floor:
        findings.warnings.append(
            f"the NVIDIA driver is not known; TensorFlow {row.version} needs {findings.floor} or newer"
        )
    return GpuVerdict(
        driver_floor=findings.floor, reasons=_served(row, facts, findings.floor), warnings=tuple(findings.warnings)
    )


def _served(row: TensorflowRow, facts: Facts, floor: str | None) -> tuple[str, ...]:
    if facts.driver is None or floor is None:
        return ()
    needed = f"CUDA {row.cuda} and the GPU need {floor} or newer"
    return (f"driver {facts.driver.version} serves: {needed}",)


def _as_served(facts: Facts, hardware: Hardware) -> Facts:
    """Return facts with the driver that programs find: a forward-compatibility package makes it newer."""
    if facts.driver is None:
        return facts
    version = hardware.cuda.serving_driver(facts.driver.version, facts.driver.cuda_version, driver_system(facts))
    return replace(facts, driver=replace(facts.driver, version=version))


def driver_system(facts: Facts) -> DriverSystem:
    """Return whose driver versions count: WSL2 shows those of its Windows host."""
    return "windows" if facts.platform.system == "windows" or facts.platform.wsl else "linux"


def _build_for_platform(row: TensorflowRow, facts: Facts) -> Rejection | None:
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    if platform in row.cuda_platforms:
        return None
    needed = f"one of {', '.join(row.cuda_platforms)}" if row.cuda_platforms else "another TensorFlow"
    if facts.platform.system == "windows":
        needed = f"TensorFlow {LAST_WINDOWS_GPU} or older, or WSL2"
    return reject(row, "gpu-build", f"an NVIDIA GPU on {platform}", needed, GUIDE)


def _code(row: TensorflowRow, gpu: Gpu, hardware: Hardware, findings: _Findings) -> Rejection | None:
    """Reject a GPU that the wheel has no code for; warn of PTX, which the driver compiles when it is needed."""
    if gpu.compute_capability is None:
        return reject(row, "gpu-unknown", f"{gpu.name} of unknown compute capability", "its compute capability")
    coverage = support_of(row, gpu.compute_capability, hardware).coverage
    if coverage == "none":
        return _no_code(row, gpu)
    if coverage == "ptx":
        findings.warnings.append(
            f"TensorFlow {row.version} has no machine code for {_named(gpu)}, only PTX: {PTX_START_UP}"
        )
    elif coverage == "partly-ptx":
        findings.warnings.append(
            f"TensorFlow {row.version} has some kernels for {_named(gpu)} only as PTX: {PARTLY_PTX_START_UP}"
        )
    return None


def _known(row: TensorflowRow, facts: Facts, gpu: Gpu, hardware: Hardware, findings: _Findings) -> Rejection | None:
    """Reject a driver that is older than the GPU."""
    driver = hardware.cuda.gpu_driver(gpu.compute_capability or "", driver_system(facts))
    # Its branch: boards are sold with drivers of that branch that are older than the toolkit's.
    needed = driver.split(".")[0] if driver else None
    findings.need_driver(needed)
    return _driver(row, facts, needed, f"the first that knows {gpu.name}")


def _ptx(row: TensorflowRow, facts: Facts, gpu: Gpu, hardware: Hardware, findings: _Findings) -> Rejection | None:
    """Reject a driver that does not know the PTX it would have to compile."""
    isa = support_of(row, gpu.compute_capability, hardware).isa if gpu.compute_capability else None
    if isa is None:
        return None
    needed = hardware.cuda.ptx_driver(isa, driver_system(facts))
    findings.need_driver(needed)
    return _driver(row, facts, needed, f"PTX {isa} for {gpu.name}", rule="ptx-driver")


def support_of(row: TensorflowRow, compute_capability: str, hardware: Hardware) -> GpuSupport:
    """Return how the wheels of a release serve GPUs of a compute capability."""
    read = hardware.gpu_code.support(row.version, compute_capability)
    if read is not None:
        return read
    # Wheels whose fat binaries were not read say in build_info what they were built for.
    code = code_for(compute_capability, row.compute_capabilities)
    coverage: Literal["binary", "ptx", "none"] = "binary" if code == "binary" else "ptx" if code == "ptx" else "none"
    return GpuSupport(coverage=coverage)


def _no_code(row: TensorflowRow, gpu: Gpu) -> Rejection:
    codes = row.compute_capabilities
    oldest = min(int(code.split("_")[1]) for code in codes)
    needed = f"compute capability {oldest // 10}.{oldest % 10} or newer (it was built for {' '.join(codes)})"
    return reject(row, "compute-capability", _named(gpu), needed)


def _retired(row: TensorflowRow, facts: Facts, gpu: Gpu, hardware: Hardware) -> Rejection | None:
    """Reject a driver that is too new for an old GPU: support for its generation ended with a branch."""
    generation = hardware.cuda.generation(gpu.compute_capability or "")
    if facts.driver is None or generation is None or generation.last_branch is None:
        return None
    if Version(facts.driver.version).release[0] <= int(generation.last_branch):
        return None
    return reject(
        row,
        "driver-branch",
        f"driver {facts.driver.version} with {_named(gpu)}",
        f"a driver of branch {generation.last_branch} or older, the last for {generation.generation}",
        generation.source,
    )


def _driver(
    row: TensorflowRow, facts: Facts, needed: str | None, what: str, *, rule: str = "driver"
) -> Rejection | None:
    if needed is None or facts.driver is None or driver_serves(facts.driver.version, needed):
        return None
    return reject(
        row,
        rule,
        f"driver {facts.driver.version}",
        f"driver {needed} or newer ({what})",
        "https://docs.nvidia.com/deploy/cuda-compatibility/",
    )


def _several(row: TensorflowRow, gpus: tuple[Gpu, ...], hardware: Hardware) -> list[str]:
    warnings = []
    names = {gpu.name for gpu in gpus}
    if len(names) > 1:
        warnings.append(
            f"the GPUs differ ({', '.join(sorted(names))}): each was judged; together they are as slow as the slowest"
        )
    lacking = [
        gpu
        for gpu in _distinct(gpus)
        if gpu.compute_capability and not support_of(row, gpu.compute_capability, hardware).collectives
    ]
    warnings += [
        f"TensorFlow {row.version} has no NCCL kernels for {_named(gpu)}: training over several GPUs does not work"
        for gpu in lacking
    ]
    return warnings


def library_knows(cuda: str, compute_capability: str, hardware: Hardware) -> bool:
    """Say whether a CUDA toolkit's libraries (cuBLAS, cuFFT …) hold code that a GPU runs; unknown ones do."""
    toolkit = hardware.cuda.toolkit(cuda)
    return toolkit is None or runs_machine_code(toolkit.architectures, compute_capability)


def _distinct(gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    return tuple({(gpu.name, gpu.compute_capability): gpu for gpu in gpus}.values())


def _named(gpu: Gpu) -> str:
    if gpu.name.startswith("compute capability"):
        return f"a GPU of {gpu.name}"
    return f"{gpu.name} (compute capability {gpu.compute_capability})"


def _major(cuda: str | None) -> str:
    return cuda.split(".")[0] if cuda else "of unknown version"
