"""What is known about a runtime. Layer 1: pure.

A fact that could not be had is not guessed: it is `None` (or an `UNKNOWN` status) and `Facts.unknown` says why, by the
dotted path of the fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

SCHEMA = 1
"""Newest schema of a facts file that we read; a newer one is refused."""

System = Literal["linux", "macos", "windows"]
SYSTEMS: tuple[System, ...] = get_args(System)

Machine = Literal["x86_64", "aarch64", "arm64"]
"""As the platform tags spell it: `aarch64` on Linux, `arm64` on macOS, `x86_64` everywhere (Windows calls it amd64)."""

GpuStatus = Literal["present", "absent", "broken", "unknown"]
"""`absent`: we asked, there is none. `broken`: it is there and does not answer. `unknown`: we could ask nobody."""

HostKind = Literal["colab", "kaggle", "jupyter", "plain"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonFacts:
    """The interpreter: `version` as X.Y.Z, `implementation` in lower case (`cpython`), `executable` where known."""

    version: str
    implementation: str = "cpython"
    executable: str | None = None

    @property
    def minor(self) -> str:
        """The version as X.Y."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformFacts:
    """Operating system, processor and C library; `libc` as `glibc 2.36` or `musl 1.2`, None where there is none."""

    system: str
    machine: str
    libc: str | None = None
    release: str | None = None
    """Distribution or product version as a person says it: `Ubuntu 22.04`, `macOS 14.5`."""
    cpu_flags: tuple[str, ...] | None = None
    """Those of `avx avx2 fma avx512f` that the processor has; None where we could not ask."""
    wsl: bool = False
    container: bool = False

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The glibc version as (major, minor), None where the C library is another or unknown."""
        if self.libc is None or not self.libc.startswith("glibc "):
            return None
        major, minor = self.libc.removeprefix("glibc ").split(".")[:2]
        return int(major), int(minor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One GPU: the name as `nvidia-smi` prints it, compute capability as `7.5`, memory in MiB."""

    name: str
    compute_capability: str | None = None
    memory_mib: int | None = None
    uuid: str | None = None
    source: str | None = None
    """Which program or file answered: `nvidia-smi`, `nvml`, `libcuda`, `profile`, `option`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverFacts:
    """The NVIDIA kernel driver: its version, and the newest CUDA version that it serves (X.Y)."""

    version: str
    cuda_version: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaInstall:
    """A CUDA toolkit or cuDNN found: where, its version, and whether the system or an `nvidia-*` wheel brought it."""

    version: str
    path: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """An installed distribution: version, and its requirements as its metadata spells them."""

    version: str
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What kind of host this is, and (Colab) which dated image it runs."""

    kind: str = "plain"
    release: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything known about one runtime."""

    python: PythonFacts
    platform: PlatformFacts
    gpu_status: GpuStatus = "unknown"
    gpus: tuple[Gpu, ...] = ()
    driver: DriverFacts | None = None
    cuda_toolkits: tuple[CudaInstall, ...] = ()
    cudnn: tuple[CudaInstall, ...] = ()
    host: HostFacts = field(default_factory=HostFacts)
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    """By normalised name."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that matter, secrets removed."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Dotted path of a fact that we could not get -> the reason."""
