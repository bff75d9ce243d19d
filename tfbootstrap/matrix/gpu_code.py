"""`gpu_code.yaml`: the GPU code that TensorFlow's wheels really hold, and what follows for one GPU. Layer 1: pure.

Written by `python -m tfbootstrap.upkeep gpu-code`, which reads the fat binaries; nobody types these rows by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from packaging.version import Version

from tfbootstrap.matrix.reader import ComputeCapabilityText, SourceText, Text, VersionText

ISA = Text("a PTX ISA version", re.compile(r"^[0-9]{1,2}\.[0-9]$").match, "8.5", r"^[0-9]{1,2}\.[0-9]$")
IsaText = Annotated[str, ISA]

Coverage = Literal["binary", "partly-ptx", "ptx", "none"]
"""How a wheel serves a GPU: every kernel as machine code; some kernels only as PTX, which the driver compiles at first
use; all kernels so (a first start takes up to half an hour); kernels that can't run at all.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeGroup:
    """Containers of one library that hold the same images. A container has all the images of one source file."""

    containers: int
    machine: tuple[ComputeCapabilityText, ...] = ()
    """Compute capabilities that there is machine code for. None at all, in PTX only: what the linker leaves of
    relocatable code (NCCL's) whose machine code it has gathered in a container without PTX.
    """
    ptx: tuple[ComputeCapabilityText, ...] = ()
    isa: IsaText | None = None
    """The ISA version of the PTX: the driver must know it to compile it."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together."""
        if self.containers < 1:
            yield "containers", "a group has at least one container"
        if (self.isa is None) != (not self.ptx):
            yield "isa", "`ptx` and `isa` go together"
        if not self.machine and not self.ptx:
            yield "machine", "a group without any image is no group"
        for name, images in (("machine", self.machine), ("ptx", self.ptx)):
            if list(images) != sorted(set(images), key=capability):
                yield name, "must be in ascending order, each once"

    @property
    def leftover(self) -> bool:
        """Whether this is what the linker left of relocatable code; it takes no part in running anything."""
        return not self.machine

    def runs_on(self, compute_capability: str) -> Literal["machine", "ptx"] | None:
        """Say as what this group's kernels run on a GPU, None where they can't."""
        if runs_machine_code(self.machine, compute_capability):
            return "machine"
        if any(capability(one) <= capability(compute_capability) for one in self.ptx):
            return "ptx"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryCode:
    """The GPU code of one shared library of a wheel."""

    library: str
    code: tuple[CodeGroup, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuSupport:
    """How a wheel serves one GPU."""

    coverage: Coverage
    isa: str | None = None
    """The newest PTX ISA version among the PTX that the driver has to compile; None where there is none to compile."""
    collectives: bool = True
    """Whether NCCL's kernels run too, where they are part of the wheel: without them there is no multi-GPU training."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuCodeRow:
    """What the Linux x86_64 wheels of one release hold; its minor's other patches hold the same."""

    tensorflow: VersionText
    source: SourceText
    """The wheel that was read: `wheel: <file>`."""
    libraries: tuple[LibraryCode, ...]

    @property
    def groups(self) -> tuple[CodeGroup, ...]:
        """The groups of all libraries that decide what runs: without the linker's leftovers."""
        return tuple(group for library in self.libraries for group in library.code if not group.leftover)

    def support(self, compute_capability: str) -> GpuSupport:
        """Say how this wheel serves a GPU."""
        # NCCL's kernels are the only ones without PTX, and only multi-GPU training needs them.
        collectives = [group for group in self.groups if not group.ptx]
        kernels = [group for group in self.groups if group.ptx]
        ways = {group.runs_on(compute_capability) for group in kernels}
        if not kernels or None in ways:
            return GpuSupport(coverage="none", collectives=False)
        needed = [group.isa for group in kernels if group.runs_on(compute_capability) == "ptx" and group.isa]
        coverage: Coverage = "binary" if ways == {"machine"} else "ptx" if ways == {"ptx"} else "partly-ptx"
        return GpuSupport(
            coverage=coverage,
            isa=max(needed, key=Version) if needed else None,
            collectives=all(group.runs_on(compute_capability) for group in collectives),
        )


@dataclass(frozen=True, kw_only=True)
class GpuCodeMatrix:
    """The whole of `gpu_code.yaml`, oldest version first."""

    FILE: ClassVar[str] = "gpu_code.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
The GPU code that TensorFlow's Linux x86_64 wheels hold: the newest release of each minor, oldest first.
Written by `python -m tfbootstrap.upkeep gpu-code --write` from the wheels' fat binaries; don't edit by hand.
`machine`: compute capabilities with machine code; `ptx`: with PTX, of ISA version `isa`; `containers`: in how many
source files' worth of kernels. How to read it: README.md in this folder.
"""

    rows: tuple[GpuCodeRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order, or of a minor that has a row already."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1], self.rows[index]
            if Version(row.tensorflow) <= Version(before.tensorflow):
                yield f"rows[{index}].tensorflow", f"{row.tensorflow} must not come after {before.tensorflow}"
            elif minor_of(row.tensorflow) == minor_of(before.tensorflow):
                yield f"rows[{index}].tensorflow", f"{minor_of(row.tensorflow)} has a row already: {before.tensorflow}"

    @cached_property
    def _by_minor(self) -> dict[str, GpuCodeRow]:
        return {minor_of(row.tensorflow): row for row in self.rows}

    def row(self, tensorflow: str) -> GpuCodeRow | None:
        """Return the row that speaks for a TensorFlow version (X.Y.Z or X.Y): its minor's; None where there is none."""
        return self._by_minor.get(minor_of(tensorflow))

    def support(self, tensorflow: str, compute_capability: str) -> GpuSupport | None:
        """Say how a TensorFlow version serves a GPU; None where its wheels were not read."""
        row = self.row(tensorflow)
        return row.support(compute_capability) if row else None


def capability(text: str) -> tuple[int, int]:
    """Return a compute capability as numbers that sort: `12.0` -> (12, 0)."""
    major, minor = text.split(".")
    return int(major), int(minor)


def runs_machine_code(machine: Iterable[str], compute_capability: str) -> bool:
    """Say whether machine code for one of these compute capabilities runs on a GPU.

    It runs on its own major from its own minor up (CUDA C++ Programming Guide, "Binary Compatibility").
    """
    major, minor = capability(compute_capability)
    return any(capability(one)[0] == major and capability(one)[1] <= minor for one in machine)


def minor_of(version: str) -> str:
    """Return the minor (X.Y) of a version."""
    release = Version(version).release
    return f"{release[0]}.{release[1]}"
