"""Where CUDA's libraries come from: the runtime's own, wheels, or nowhere; chosen for one TensorFlow version. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from tfbootstrap.facts import CudaInstall, Facts, Gpu
from tfbootstrap.lock import CudaProvider
from tfbootstrap.matrix.markers import parsed
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.gpu import Hardware, library_knows
from tfbootstrap.plan.records import Rejection, reject
from tfbootstrap.request import Request

CUDA_UNKNOWN = "cuda_toolkits"
"""The fact whose absence means that nobody could look, rather than that there is none."""

EXACT_BEFORE = Version("11")
"""Before CUDA 11 a program needs the very minor it was built with: the sonames carry it (libcudart.so.10.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaSource:
    """The choice, why, and what it takes: wheels to require, and whether the bootstrap must make them loadable."""

    provider: CudaProvider
    reason: str
    requirements: tuple[str, ...] = ()
    """What stands in for the extra `and-cuda`: empty where the extra itself does."""
    loader_links: bool = False
    warnings: tuple[str, ...] = ()


def choose_cuda(
    row: TensorflowRow, facts: Facts, gpus: tuple[Gpu, ...], request: Request, hardware: Hardware
) -> CudaSource | Rejection:
    """Return where a TensorFlow version's CUDA comes from on this runtime, or why it can't come from anywhere."""
    own = system_cuda(row, facts, hardware)
    if facts.platform.system == "windows" and CUDA_UNKNOWN in facts.unknown:
        return CudaSource(
            provider="system",
            reason=f"on Windows CUDA is installed apart from Python; TensorFlow {row.minor} loads it from PATH",
            warnings=(f"whether that machine has it is not known: it needs {own.needed}",),
        )
    if request.cuda == "system" or (request.cuda == "auto" and not request.wants_cuda_extra and own.serves):
        return own.source if own.serves else own.rejection(row)
    if facts.platform.system != "linux":
        return own.source if own.serves else own.rejection(row)
    return _from_wheels(row, gpus, hardware)


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemCuda:
    """The runtime's own CUDA and cuDNN beside what a TensorFlow version needs."""

    toolkit: CudaInstall | None
    cudnn: CudaInstall | None
    needed: str
    warnings: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether both are there and serve."""
        return self.toolkit is not None and self.cudnn is not None

    @property
    def source(self) -> CudaSource:
        """The choice of them; only where they serve."""
        assert self.toolkit is not None
        assert self.cudnn is not None
        where = self.cudnn.source if _is_wheel(self.cudnn) else "the system"
        return CudaSource(
            provider="system",
            reason=(
                f"the runtime's own CUDA {self.toolkit.version} serves, with cuDNN {self.cudnn.version} of {where}, "
                "which is the one TensorFlow loads; nothing of CUDA is downloaded"
            ),
            warnings=self.warnings,
        )

    def rejection(self, row: TensorflowRow) -> Rejection:
        """Return why they don't serve."""
        have = [f"CUDA {self.toolkit.version}"] if self.toolkit else []
        have += [f"cuDNN {self.cudnn.version}"] if self.cudnn else []
        found = " and ".join(have) + " only" if have else "no CUDA on this runtime that serves"
        return reject(row, "cuda-system", found, self.needed)


def system_cuda(row: TensorflowRow, facts: Facts, hardware: Hardware) -> SystemCuda:
    """Return the runtime's CUDA and cuDNN that a TensorFlow version would load, where they serve it."""
    cuda, cudnn = row.cuda or "", minimal_cudnn(row)
    present = [one for one in facts.cuda_toolkits if not _is_wheel(one)]
    toolkits = [one for one in present if cuda and _serves_cuda(cuda, one.version)]
    loaded = loaded_cudnn(row, facts, hardware)
    major = cuda.split(".")[0]
    return SystemCuda(
        toolkit=max(toolkits, key=lambda one: Version(one.version), default=None),
        cudnn=loaded if loaded and cudnn and _serves_cudnn(cudnn, loaded.version) else None,
        needed=f"CUDA {_minor(cuda)} or a newer {major}.x, with cuDNN {cudnn} or a newer one of its major",
        warnings=tuple(_passed_over(row, facts, loaded)) if loaded else (),
    )


def _passed_over(row: TensorflowRow, facts: Facts, loaded: CudaInstall) -> Iterator[str]:
    for one in facts.cudnn:
        if one != loaded:
            chosen = f"TensorFlow {row.minor} loads {loaded.version} ({loaded.source})"
            yield f"cuDNN {one.version} ({one.source}) is there too; {chosen}"


def loaded_cudnn(row: TensorflowRow, facts: Facts, hardware: Hardware) -> CudaInstall | None:
    """Return the cuDNN that TensorFlow loads where there are several: a wheel's where its loader looks there first."""
    loaded = hardware.libraries.row(row.version)
    major = (row.cudnn or "").split(".")[0]
    fitting = [one for one in facts.cudnn if one.version.split(".")[0] == major]
    wheels = [one for one in fitting if _is_wheel(one)]
    if loaded and loaded.finds("nvidia/cudnn/lib") and wheels:
        return wheels[0]
    return next((one for one in fitting if not _is_wheel(one)), None)


def _is_wheel(install: CudaInstall) -> bool:
    """Say whether a wheel brought it; what the system has is found by its library or its header."""
    return install.source.startswith("nvidia-")


def minimal_cudnn(row: TensorflowRow) -> str | None:
    """Return the oldest cuDNN that serves: the extra's pin or floor names the minor, the build only the major."""
    for line in row.nvidia:
        requirement = parsed(line)
        if requirement.name.startswith("nvidia-cudnn"):
            floors = [clause.version for clause in requirement.specifier if clause.operator in (">=", "==")]
            return ".".join(floors[0].split(".")[:2]) if floors else row.cudnn
    return row.cudnn_headers or row.cudnn


def _serves_cuda(built: str, present: str) -> bool:
    need, have = Version(built), Version(present)
    if need < EXACT_BEFORE:
        return need.release[:2] == have.release[:2]
    return need.release[0] == have.release[0] and have.release[:2] >= need.release[:2]


def _serves_cudnn(needed: str, present: str) -> bool:
    need, have = Version(needed), Version(present)
    return need.release[0] == have.release[0] and have.release[: len(need.release)] >= need.release


def _from_wheels(row: TensorflowRow, gpus: tuple[Gpu, ...], hardware: Hardware) -> CudaSource | Rejection:
    instead = hardware.cuda_wheels.pin_set(row.version)
    pins = instead.pins if instead else row.nvidia
    if not pins:
        return _unserved(
            row, "no CUDA wheels for this release", f"CUDA {_minor(row.cuda or '')} and cuDNN on the system"
        )
    capabilities = tuple(gpu.compute_capability for gpu in gpus if gpu.compute_capability)
    blind = next(_blind_libraries(pins, capabilities, hardware), None)
    if blind:
        return _unserved(row, blind, "CUDA libraries with code for the GPU")
    return CudaSource(
        provider="wheels",
        reason=_wheels_reason(row, instead.reason if instead else None),
        requirements=pins if instead else (),
        loader_links=not _finds_wheels(row, hardware),
    )


def _wheels_reason(row: TensorflowRow, why: str | None) -> str:
    if why is None:
        return f"CUDA comes as wheels, by TensorFlow {row.version}'s own extra `and-cuda`"
    return f"CUDA comes as wheels that the matrix names for TensorFlow {row.minor}: {why}"


def _blind_libraries(pins: tuple[str, ...], capabilities: tuple[str, ...], hardware: Hardware) -> Iterator[str]:
    """Yield which library of an exact pin has no code for a GPU; what is open takes the newest of its major."""
    for line in pins:
        requirement = parsed(line)
        exact = [clause.version for clause in requirement.specifier if clause.operator == "=="]
        if not exact:
            continue
        for capability in capabilities:
            if requirement.name.startswith("nvidia-cuda-runtime") and not library_knows(exact[0], capability, hardware):
                yield f"CUDA {_minor(exact[0])} libraries without code for compute capability {capability}"
            if requirement.name.startswith("nvidia-cudnn") and (
                hardware.cudnn.runs_on(requirement.name, exact[0], capability) is False
            ):
                yield f"cuDNN {exact[0]} without code for compute capability {capability}"


def _finds_wheels(row: TensorflowRow, hardware: Hardware) -> bool:
    """Say whether the loader looks by itself where the wheels put all that registering a GPU needs."""
    loaded = hardware.libraries.row(row.version)
    carriers = hardware.libraries.needed_carriers(row.version, (row.cuda or "").split(".")[0])
    return loaded is not None and carriers is not None and all(loaded.finds(one.folder) for one in carriers)


def _unserved(row: TensorflowRow, found: str, needed: str) -> Rejection:
    return reject(row, "cuda-wheels", found, needed)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
