"""What the hardware files say together: the drivers that a TensorFlow build needs for one GPU. Layer 1: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

from tfbootstrap.matrix.cuda import CudaMatrix, DriverSystem
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix, GpuSupport, capability

DriverReason = Literal["cuda", "gpu", "ptx"]
"""What asks for the oldest driver: the CUDA that TensorFlow was built with, the GPU itself, or PTX for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverNeed:
    """The drivers on which a TensorFlow build runs on a GPU."""

    oldest: str
    """A driver version (`555.42.02`)."""
    reason: DriverReason
    source: str
    """Where the row that decided comes from."""
    last_branch: str | None = None
    """The last driver branch that knows the GPU; None where current ones do."""

    def met_by(self, driver: str) -> bool:
        """Say whether a driver will do."""
        version = Version(driver)
        known = self.last_branch is None or version.release[0] <= int(self.last_branch)
        return known and version >= Version(self.oldest)


def driver_need(
    cuda: CudaMatrix, *, built_with: str, compute_capability: str, isa: str | None, system: DriverSystem = "linux"
) -> DriverNeed | None:
    """Return the drivers for a build (CUDA version, PTX that has to be compiled or None) and a GPU.

    None where the matrix knows no driver for that CUDA on that system, or the GPU is in no row.
    """
    generation = cuda.generation(compute_capability)
    floor = cuda.floor_row(built_with)
    wanted: list[tuple[str | None, DriverReason, str]] = []
    if floor is not None:
        wanted.append((floor.driver(system), "cuda", floor.source))
    for row in cuda.toolkits:
        if compute_capability in row.architectures:
            wanted.append((row.driver(system), "gpu", row.source))
            break
    compiler = cuda.compiler_of(isa) if isa else None
    if compiler is not None:
        wanted.append((compiler.driver(system), "ptx", compiler.isa_source))
    known = [(driver, reason, source) for driver, reason, source in wanted if driver is not None]
    if generation is None or floor is None or not known or (isa and compiler is None):
        return None
    oldest, reason, source = max(known, key=lambda item: Version(item[0]))
    return DriverNeed(oldest=oldest, reason=reason, source=source, last_branch=generation.last_branch)


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuFit:
    """How one TensorFlow minor serves a GPU, and on which drivers."""

    tensorflow: str
    support: GpuSupport
    driver: DriverNeed | None
    knows: bool | None
    """Whether the libraries of the CUDA it was built with have code for the GPU; None where that CUDA has no row.

    Without it a GPU that runs the kernels still fails in cuBLAS, unless a newer one of that major is used.
    """


def gpu_fit(
    gpu_code: GpuCodeMatrix, cuda: CudaMatrix, *, tensorflow: str, built_with: str, compute_capability: str
) -> GpuFit | None:
    """Judge a TensorFlow version, built with a CUDA version, on a GPU under Linux; None where it was not read."""
    support = gpu_code.support(tensorflow, compute_capability)
    if support is None:
        return None
    need = driver_need(cuda, built_with=built_with, compute_capability=compute_capability, isa=support.isa)
    return GpuFit(
        tensorflow=tensorflow,
        support=support,
        driver=need if support.coverage != "none" else None,
        knows=cuda.knows(built_with, _family(compute_capability, cuda, built_with)),
    )


def _family(compute_capability: str, cuda: CudaMatrix, built_with: str) -> str:
    # 3.7 is served by the code for 3.5, 6.1 by that for 6.0: the nearest that the toolkit knows of the same major.
    row = cuda.toolkit(built_with)
    own = capability(compute_capability)
    nearest = [
        one for one in (row.architectures if row else ()) if capability(one)[0] == own[0] and capability(one) <= own
    ]
    return nearest[-1] if nearest else compute_capability
