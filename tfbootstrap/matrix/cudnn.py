"""`cudnn.yaml`: which GPUs each cuDNN has code for, by version and CUDA major. Layer 1: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.cuda import CudaMajorText, DriverText
from tfbootstrap.matrix.gpu_code import capability, runs_machine_code
from tfbootstrap.matrix.reader import ComputeCapabilityText, DateText, SourceText, SpecifierText, VersionText


@dataclass(frozen=True, kw_only=True, slots=True)
class CudnnRow:
    """A run of versions of one distribution that hold code for the same GPUs: both ends were read."""

    distribution: str
    first: VersionText
    last: VersionText
    cuda: CudaMajorText
    """The CUDA major that it is built for."""
    machine: tuple[ComputeCapabilityText, ...]
    """Compute capabilities with machine code in `libcudnn_ops`, which every call needs."""
    ptx: tuple[ComputeCapabilityText, ...] = ()
    source: SourceText
    """The wheel of `last`; that of `first` was read too."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together."""
        if Version(self.first) > Version(self.last):
            yield "first", f"{self.first} is newer than {self.last}"
        if not self.distribution.endswith(f"-cu{self.cuda}"):
            yield "cuda", f"{self.distribution} is not for CUDA {self.cuda}"

    def runs_on(self, compute_capability: str) -> bool:
        """Say whether these versions have code that runs on a GPU."""
        return serves(self.machine, self.ptx, compute_capability)


@dataclass(frozen=True, kw_only=True, slots=True)
class CudnnSupportRow:
    """What NVIDIA documents: the CUDA majors and the oldest drivers of some versions."""

    versions: SpecifierText
    cuda: CudaMajorText
    linux: DriverText
    windows: DriverText | None = None
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True)
class CudnnMatrix:
    """The whole of `cudnn.yaml`."""

    FILE: ClassVar[str] = "cudnn.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Which GPUs each cuDNN has code for: read from the wheels, by `python -m tfbootstrap.upkeep cudnn --write`.
A row speaks for the versions from `first` up to the next row; `first` and `last` were read.
`support` is what NVIDIA documents beside that. Rules: README.md in this folder.
"""

    rows: tuple[CudnnRow, ...] = ()
    support: tuple[CudnnSupportRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or overlap."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1], self.rows[index]
            if row.distribution == before.distribution and Version(row.first) <= Version(before.last):
                yield f"rows[{index}].first", f"{row.first} must come after {before.last}, the end of the row before"
            if (row.distribution, Version(row.first)) < (before.distribution, Version(before.first)):
                yield (
                    f"rows[{index}].distribution",
                    f"{row.distribution} {row.first} must not come after {before.distribution}",
                )

    def row(self, distribution: str, version: str) -> CudnnRow | None:
        """Return the row that speaks for a version of `nvidia-cudnn-cuNN`; None for versions older than any row."""
        wanted = Version(version)
        known = [row for row in self.rows if row.distribution == distribution and Version(row.first) <= wanted]
        return known[-1] if known else None

    def runs_on(self, distribution: str, version: str, compute_capability: str) -> bool | None:
        """Say whether a version has code for a GPU; None where no row speaks for it."""
        row = self.row(distribution, version)
        return None if row is None else row.runs_on(compute_capability)

    def bound(self, distribution: str, compute_capability: str) -> SpecifierSet | None:
        """Return the bound that keeps to versions with code for a GPU; None where no version has any.

        An empty set of specifiers means that every version has: no bound is needed.
        """
        own = [row for row in self.rows if row.distribution == distribution]
        good = [row for row in own if row.runs_on(compute_capability)]
        if not good:
            return None
        after = [row for row in own if Version(row.first) > Version(good[-1].last)]
        before = [row for row in own if Version(row.first) < Version(good[0].first)]
        bounds = [f">={good[0].first}"] if before else []
        return SpecifierSet(",".join([*bounds, f"<{after[0].first}"] if after else bounds))


def serves(machine: tuple[str, ...], ptx: tuple[str, ...], compute_capability: str) -> bool:
    """Say whether machine code or PTX for these compute capabilities runs on a GPU."""
    compiled = any(capability(one) <= capability(compute_capability) for one in ptx)
    return compiled or runs_machine_code(machine, compute_capability)
