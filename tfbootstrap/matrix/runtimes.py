"""`runtimes/<name>.yaml`: runtimes that one can lock for without being on them. Layer 1: pure.

Colab's profiles are written by `python -m tfbootstrap.upkeep runtimes` from the lists that Colab publishes; the others
are typed by hand. GPUs and drivers belong to the host, not to an image: they are in `hosts.yaml`. The facts that a
profile stands for are made in `profiles`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from packaging.utils import canonicalize_name

from tfbootstrap.facts import HostKind, Machine, System
from tfbootstrap.matrix.reader import DateText, Lines, SourceText, Text, VersionText

_NAME = r"^[a-z][a-z0-9._-]*$"
_LIBC = r"^(glibc|musl) [0-9]+\.[0-9]+$"
_PIN = r"^[A-Za-z0-9][\w.-]*==[0-9][\w.!+-]*$"
_REFERENCE = r"^[A-Za-z0-9][\w.-]* @ \S+$"
_WHEEL = "torch @ torch-2.6.0%2Bcu124-cp311-cp311-linux_x86_64.whl"

NAME: Final = Text("the name of a runtime", re.compile(_NAME).match, "colab-2026.07", _NAME)
LIBC: Final = Text("a C library with its version", re.compile(_LIBC).match, "glibc 2.35", _LIBC)
PIN: Final = Text("an installed package", re.compile(_PIN).match, "numpy==2.0.2")
PACKAGE: Final = Text("the name of a package", re.compile(r"^[A-Za-z0-9][\w.-]*$").match, "numpy")
REFERENCE: Final = Text("a package installed from an address", re.compile(_REFERENCE).match, _WHEEL)

NameText = Annotated[str, NAME]
LibcText = Annotated[str, LIBC]
PinLines = Annotated[tuple[str, ...], Lines(PIN)]
PackageLines = Annotated[tuple[str, ...], Lines(PACKAGE)]
ReferenceLines = Annotated[tuple[str, ...], Lines(REFERENCE)]

Image = Literal["cpu", "gpu"]
"""Which of a host's two images: without or with what an NVIDIA GPU needs."""

GpuChoice = Literal["none", "given", "offered"]
"""`none`: has no GPU. `given`: whoever locks must say which, if any. `offered`: one of those that the host offers."""

_FILE_VERSION = re.compile(r"^[\w.]+?-(\d[\w.!]*(?:(?:%2B|\+)[\w.]+)?)(?:-|\.tar\.gz|\.zip)")
"""The version in the name of a wheel or a source distribution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemCuda:
    """CUDA as the image's own packages (not wheels) install it."""

    toolkit: VersionText
    """Version of the libraries as a whole: `cuda-libraries-X-Y`."""
    cudart: VersionText
    nvcc: VersionText
    cudnn: VersionText
    nccl: VersionText
    compat: VersionText | None = None
    """The user-mode driver of `cuda-compat-X-Y`, which serves data-centre GPUs under an older kernel driver."""

    @property
    def minor(self) -> str:
        """The toolkit's version as X.Y."""
        return ".".join(self.toolkit.split(".")[:2])


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An installed package that no index serves: `version` is None where the address does not tell it."""

    name: str
    version: str | None
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeProfile:
    """One runtime: what is the same for everybody who gets it."""

    FILE: ClassVar[str] = "runtimes/*.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = (
        "A runtime that one can lock for. Fields: tfbootstrap/matrix/runtimes.py; how to choose values: README.md.\n"
        "The images' package lists are as published; GPUs and drivers are in ../hosts.yaml."
    )

    name: NameText
    title: str
    host: HostKind
    python: VersionText
    """X.Y.Z where it is known, X.Y where a profile only proposes one (`--python` chooses another)."""
    system: System
    machine: Machine
    libc: LibcText | None = None
    release: str | None = None
    wsl: bool = False
    gpu: GpuChoice
    published: DateText | None = None
    """The day of the lists below."""
    cuda: SystemCuda | None = None
    complete: bool = True
    """False where the lists hold only what is certain, not the whole image."""
    note: str | None = None
    source: SourceText
    checked: DateText
    packages: PinLines = ()
    """Packages of the image without GPU; of the only image where there are no `gpu_…` keys."""
    unindexed: ReferenceLines = ()
    """Those of them that were installed from an address (built there, from a repository, from a file)."""
    gpu_packages: PinLines = ()
    """What the GPU image has besides, or in another version."""
    gpu_absent: PackageLines = ()
    """What the GPU image lacks, of `packages` and `unindexed`."""
    gpu_unindexed: ReferenceLines = ()
    """What the GPU image has from an address; the whole list."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this profile."""
        yield from _list_problems("packages", self.packages)
        yield from _list_problems("gpu_packages", self.gpu_packages)
        both = sorted({*self.gpu_packages} & {*self.packages})
        yield from (("gpu_packages", f"{line} is in `packages` too") for line in both)
        cpu = {*self.pins("cpu"), *(reference.name for reference in self.references("cpu"))}
        yield from (
            ("gpu_absent", f"{name} is in neither `packages` nor `unindexed`")
            for name in self.gpu_absent
            if canonicalize_name(name) not in cpu
        )
        if self.system == "linux" and self.libc is None:
            yield "libc", "is missing; every Linux runtime has a C library, and wheels depend on it"
        if self.packages and self.published is None:
            yield "published", "is missing; a package list has a day"

    def pins(self, image: Image) -> Mapping[str, str]:
        """Return the packages of an image that an index can serve: normalised name -> version."""
        pins = dict(_pin(line) for line in self.packages)
        if image == "gpu":
            for name in self.gpu_absent:
                pins.pop(canonicalize_name(name), None)
            for line in self.gpu_unindexed:
                pins.pop(_reference(line).name, None)
            pins.update(_pin(line) for line in self.gpu_packages)
        return pins

    def references(self, image: Image) -> tuple[Reference, ...]:
        """Return the packages of an image that no index serves."""
        if image == "cpu":
            return tuple(_reference(line) for line in self.unindexed)
        own = tuple(_reference(line) for line in self.gpu_unindexed)
        if self.gpu_packages or self.gpu_absent or own:
            return own
        return tuple(_reference(line) for line in self.unindexed)

    @property
    def images(self) -> tuple[Image, ...]:
        """The images that this runtime has lists for: none, one of both kinds, or two."""
        if not self.packages:
            return ()
        return ("cpu", "gpu") if self.gpu_packages or self.gpu_absent else ("gpu",)


def _pin(line: str) -> tuple[str, str]:
    name, _, version = line.partition("==")
    return canonicalize_name(name), version


def _reference(line: str) -> Reference:
    name, _, address = line.partition(" @ ")
    match = _FILE_VERSION.match(address.rsplit("/", 1)[-1])
    version = match[1].replace("%2B", "+") if match else None
    return Reference(name=canonicalize_name(name), version=version, address=address)


def _list_problems(key: str, lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    count = Counter(canonicalize_name(line.partition("==")[0]) for line in lines)
    yield from ((key, f"lists {name} twice") for name, times in count.items() if times > 1)
