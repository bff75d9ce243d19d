"""`hosts.yaml`: what notebook services offer, whatever image runs on them, and the C library of Linux distributions.
Layer 1: pure.

GPUs, drivers and preset variables come with the host, not with an image: Colab's runtime version 2025.07 chosen today
runs under today's driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from packaging.version import Version

from tfbootstrap.matrix.reader import ComputeCapabilityText, DateText, SourceText, Text, VersionText

_DRIVER = r"^[0-9]{3}\.[0-9]{2,3}(\.[0-9]{2})?$"
_VARIABLE = r"^[A-Z][A-Z0-9_]*$"
_GLIBC = r"^2\.[0-9]+$"

DRIVER: Final = Text("a driver version", re.compile(_DRIVER).match, "580.82.07", _DRIVER)
VARIABLE: Final = Text(
    "the name of an environment variable", re.compile(_VARIABLE).match, "COLAB_RELEASE_TAG", _VARIABLE
)
GLIBC: Final = Text("a glibc version", re.compile(_GLIBC).match, "2.35", _GLIBC)

DriverText = Annotated[str, DRIVER]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedGpu:
    """A GPU that a host lends, under the name that it has in the host's menu and under that of `nvidia-smi`."""

    offer: str
    """As the menu says: `T4`, `GPU T4 x2`."""
    name: str
    compute_capability: ComputeCapabilityText
    memory_mib: int | None = None
    count: int = 1
    access: Literal["everybody", "paid", "some"]
    """`some`: only in certain competitions, or by arrangement."""
    last: DateText | None = None
    """The last day on which it is known to have been offered; None: still is."""
    note: str | None = None
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenDriver:
    """An NVIDIA driver that the host's machines had, from its first day to that of the next one."""

    version: DriverText
    cuda: VersionText
    """The newest CUDA that this driver serves, as X.Y."""
    first: DateText
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class PresetVariable:
    """An environment variable that the host sets; `value` is None where it differs from session to session."""

    name: Annotated[str, VARIABLE]
    value: str | None = None
    note: str
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRow:
    """One service that runs notebooks."""

    name: Literal["colab", "kaggle"]
    title: str
    uv: bool
    """Whether uv is there without installing it."""
    note: str | None = None
    source: SourceText
    checked: DateText
    gpus: tuple[OfferedGpu, ...]
    """The one that `--gpu auto` means comes first."""
    drivers: tuple[SeenDriver, ...]
    """Newest first; empty where nobody published one."""
    environment: tuple[PresetVariable, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which lists are not in order."""
        days = [driver.first for driver in self.drivers]
        if days != sorted(days, reverse=True):
            yield "drivers", "must be newest first"
        if self.gpus and self.gpus[0].last is not None:
            yield "gpus[0].last", "the first GPU is the one that is taken, so it must still be offered"

    def driver_on(self, day: str | None = None) -> SeenDriver | None:
        """Return the driver of a day (ISO date); the newest seen without one."""
        return next((driver for driver in self.drivers if day is None or driver.first <= day), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinuxDistribution:
    """One release of a Linux distribution; its name is a runtime's name."""

    name: str
    title: str
    glibc: Annotated[str, GLIBC]
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class HostsMatrix:
    """The whole of `hosts.yaml`."""

    FILE: ClassVar[str] = "hosts.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
What notebook services offer to every image, and the C library of Linux distributions (oldest glibc first).
What each key means and how awkward values are chosen: README.md in this folder.
"""

    hosts: tuple[HostRow, ...]
    distribution_python: VersionText
    """The Python (X.Y) proposed for a distribution when nobody names one."""
    distributions: tuple[LinuxDistribution, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is there twice or out of order."""
        names = [row.name for row in self.hosts] + [row.name for row in self.distributions]
        repeated = sorted({name for name in names if names.count(name) > 1})
        yield from (("distributions", f"{name} is there twice") for name in repeated)
        floors = [Version(row.glibc) for row in self.distributions]
        if floors != sorted(floors):
            yield "distributions", "must be sorted by glibc, oldest first"

    def host(self, name: str) -> HostRow | None:
        """Return the row of a host, or None for one that is no service."""
        return next((row for row in self.hosts if row.name == name), None)

    def distribution(self, name: str) -> LinuxDistribution | None:
        """Return the row of a distribution's release (`ubuntu-22.04`)."""
        return next((row for row in self.distributions if row.name == name), None)
