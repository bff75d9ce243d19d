"""`cuda.yaml`: CUDA toolkits, the drivers that serve them, and the GPUs that both know. Layer 1: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from packaging.version import Version

from tfbootstrap.matrix.gpu_code import IsaText
from tfbootstrap.matrix.reader import ComputeCapabilityText, DateText, SourceText, Text

CUDA_MINOR = Text("a CUDA version (X.Y)", re.compile(r"^[0-9]{1,2}\.[0-9]$").match, "12.5", r"^[0-9]{1,2}\.[0-9]$")
CUDA_MAJOR = Text("a CUDA major version", re.compile(r"^[0-9]{1,2}$").match, "12", r"^[0-9]{1,2}$")
DRIVER = Text(
    "a driver version",
    re.compile(r"^[0-9]{3}(\.[0-9]{2,3}){1,2}$").match,
    "535.104.05",
    r"^[0-9]{3}(\.[0-9]{2,3}){1,2}$",
)
BRANCH = Text("a driver branch", re.compile(r"^[0-9]{3}$").match, "535", r"^[0-9]{3}$")

CudaMinorText = Annotated[str, CUDA_MINOR]
CudaMajorText = Annotated[str, CUDA_MAJOR]
DriverText = Annotated[str, DRIVER]
BranchText = Annotated[str, BRANCH]

DriverSystem = Literal["linux", "windows"]
"""Whose driver is meant. WSL2 runs, and shows, that of Windows."""

GpuClass = Literal["datacenter", "workstation", "geforce", "jetson"]
"""What NVIDIA sells a GPU as; forward compatibility depends on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolkitRow:
    """One toolkit minor: the oldest driver that serves all of it, and what it compiles for."""

    cuda: CudaMinorText
    linux: DriverText
    windows: DriverText | None = None
    """None from 13.0 on: the release notes no longer name a Windows driver."""
    source: SourceText
    checked: DateText
    isa: IsaText
    """The PTX ISA version that it writes, and that its driver can compile."""
    isa_source: SourceText
    architectures: tuple[ComputeCapabilityText, ...]
    """What its assembler knows; its libraries hold code for no others."""
    architectures_source: SourceText

    def driver(self, system: DriverSystem) -> str | None:
        """Return the driver of a system, None where none is named."""
        return self.linux if system == "linux" else self.windows


@dataclass(frozen=True, kw_only=True, slots=True)
class FloorRow:
    """Minor-version compatibility: the oldest driver on which every X.y of a CUDA major runs, save its PTX."""

    major: CudaMajorText
    linux: DriverText
    windows: DriverText | None = None
    source: SourceText
    checked: DateText

    def driver(self, system: DriverSystem) -> str | None:
        """Return the driver of a system, None where none is named."""
        return self.linux if system == "linux" else self.windows


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchRow:
    """A driver branch and the newest CUDA that it serves, which is what `nvidia-smi` prints as `CUDA Version`."""

    branch: BranchText
    cuda: CudaMinorText
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationRow:
    """A GPU generation: its compute capabilities, and the last driver branch and toolkit that know it."""

    generation: str
    compute_capabilities: tuple[ComputeCapabilityText, ...]
    last_branch: BranchText | None = None
    """None where current drivers know it."""
    last_cuda: CudaMinorText | None = None
    """None where current toolkits know it."""
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardRow:
    """Forward compatibility: the package `cuda-compat-X-Y` lets an older kernel driver serve a newer CUDA major."""

    package: str
    cuda: CudaMinorText
    classes: tuple[GpuClass, ...]
    """On which GPUs; of the workstation boards only selected ones in NGC-ready servers."""
    systems: tuple[DriverSystem, ...]
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True)
class CudaMatrix:
    """The whole of `cuda.yaml`."""

    FILE: ClassVar[str] = "cuda.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
CUDA toolkits, the drivers that serve them, and the GPUs that both know.
`toolkits`: a toolkit minor, the oldest driver that serves all of it, the PTX it writes and the GPUs it compiles for.
`floors`: the oldest driver for any X.y of a major (minor-version compatibility; PTX still needs the toolkit's driver).
`branches`: driver branch -> newest CUDA served. `generations`: the last branch and toolkit that know a GPU generation.
`forward`: packages that let an older kernel driver serve a newer CUDA. Rules: README.md in this folder.
"""

    toolkits: tuple[ToolkitRow, ...] = ()
    floors: tuple[FloorRow, ...] = ()
    branches: tuple[BranchRow, ...] = ()
    generations: tuple[GenerationRow, ...] = ()
    forward: tuple[ForwardRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or not monotone: a newer CUDA never needs an older driver."""
        yield from _ascending("toolkits", [(row.cuda, row.linux) for row in self.toolkits])
        yield from _ascending("floors", [(row.major, row.linux) for row in self.floors])
        yield from _ascending("branches", [(row.branch, row.cuda) for row in self.branches])
        isas = [Version(row.isa) for row in self.toolkits]
        for index in range(1, len(isas)):
            if isas[index] < isas[index - 1]:
                yield f"toolkits[{index}].isa", f"{isas[index]} is older than the toolkit's before it"

    def toolkit(self, cuda: str) -> ToolkitRow | None:
        """Return the row of a toolkit (X.Y or X.Y.Z), None where it has none."""
        wanted = Version(cuda).release[:2]
        return next((row for row in self.toolkits if Version(row.cuda).release == wanted), None)

    def floor_row(self, cuda: str) -> FloorRow | ToolkitRow | None:
        """Return the row with the oldest driver for programs built with a CUDA version; None where nothing is known.

        From CUDA 11 on that of its major (minor-version compatibility), before that the toolkit's own.
        """
        major = str(Version(cuda).release[0])
        return next((row for row in self.floors if row.major == major), None) or self.toolkit(cuda)

    def driver_floor(self, cuda: str, system: DriverSystem = "linux") -> str | None:
        """Return the oldest driver that programs built with a CUDA version run on (their PTX apart)."""
        row = self.floor_row(cuda)
        return row.driver(system) if row else None

    def compiler_of(self, isa: str) -> ToolkitRow | None:
        """Return the oldest toolkit whose driver can compile PTX of an ISA version; None where none here can."""
        wanted = Version(isa)
        return next((row for row in self.toolkits if Version(row.isa) >= wanted), None)

    def ptx_driver(self, isa: str, system: DriverSystem = "linux") -> str | None:
        """Return the oldest driver that can compile PTX of an ISA version; None where no toolkit here writes it."""
        row = self.compiler_of(isa)
        return row.driver(system) if row else None

    def gpu_driver(self, compute_capability: str, system: DriverSystem = "linux") -> str | None:
        """Return the driver of the first toolkit that knows a GPU: older ones don't drive it; None where none does."""
        row = next((row for row in self.toolkits if compute_capability in row.architectures), None)
        return row.driver(system) if row else None

    def newest_cuda(self, driver: str) -> str | None:
        """Return the newest CUDA (X.Y) that a driver serves, by its branch; None for drivers older than any row."""
        branch = Version(driver).release[0]
        served = [row.cuda for row in self.branches if int(row.branch) <= branch]
        return served[-1] if served else None

    def serves(self, driver: str, cuda: str, system: DriverSystem = "linux") -> bool:
        """Say whether a driver runs programs built with a CUDA version (their PTX apart)."""
        floor = self.driver_floor(cuda, system)
        return floor is not None and Version(driver) >= Version(floor)

    def forward_package(self, cuda: str, system: DriverSystem = "linux") -> ForwardRow | None:
        """Return the forward-compatibility package of a CUDA version (X.Y or X.Y.Z), None where there is none."""
        wanted = Version(cuda).release[:2]
        return next(
            (row for row in self.forward if Version(row.cuda).release == wanted and system in row.systems), None
        )

    def serving_driver(self, driver: str, cuda: str | None, system: DriverSystem = "linux") -> str:
        """Return the driver that programs find: the kernel's, or that of a forward-compatibility package over it.

        Such a package is there where the newest CUDA served (X.Y, as `nvidia-smi` prints it) is newer than what the
        kernel driver's branch serves itself. Source: NVIDIA's guide "CUDA Compatibility", "Forward Compatibility".
        """
        own = self.newest_cuda(driver)
        toolkit = self.toolkit(cuda) if cuda and self.forward_package(cuda, system) else None
        if own is None or toolkit is None or Version(toolkit.cuda) <= Version(own):
            return driver
        return toolkit.linux

    def generation(self, compute_capability: str) -> GenerationRow | None:
        """Return the generation of a compute capability, None for one that no row knows."""
        return next((row for row in self.generations if compute_capability in row.compute_capabilities), None)

    def knows(self, cuda: str, compute_capability: str) -> bool | None:
        """Say whether a toolkit's libraries hold code for a GPU; None for a toolkit without a row."""
        row = self.toolkit(cuda)
        return None if row is None else compute_capability in row.architectures


def _ascending(name: str, rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for index in range(1, len(rows)):
        if Version(rows[index][0]) <= Version(rows[index - 1][0]):
            yield f"{name}[{index}]", f"{rows[index][0]} must not come after {rows[index - 1][0]}"
        if Version(rows[index][1]) < Version(rows[index - 1][1]):
            yield f"{name}[{index}]", f"{rows[index][1]} is older than {rows[index - 1][1]} of the row before"
