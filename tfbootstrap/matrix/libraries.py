"""`libraries.yaml`: the CUDA libraries that TensorFlow loads, and the wheels that carry them. Layer 1: pure.

Written by `python -m tfbootstrap.upkeep libraries`, which asks TensorFlow's own loader and reads the nvidia wheels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from packaging.version import Version

from tfbootstrap.matrix.cuda import CudaMajorText
from tfbootstrap.matrix.gpu_code import minor_of
from tfbootstrap.matrix.reader import DateText, Lines, SourceText, Text, VersionText

SONAME = Text("a soname", re.compile(r"^lib[\w.-]+\.so(\.\d+)*$").match, "libcudnn.so.9")
FOLDER = Text("a folder below site-packages", re.compile(r"^[a-z_]+(/[a-z0-9_]+)*$").match, "nvidia/cudnn/lib")
FILE_PATH = Text("a file below site-packages", re.compile(r"^[\w./+-]+$").match, "nvidia/nccl/lib/libnccl.so.2")

SonameText = Annotated[str, SONAME]
SonameLines = Annotated[tuple[str, ...], Lines(SONAME)]
FolderLines = Annotated[tuple[str, ...], Lines(FOLDER)]
FileLines = Annotated[tuple[str, ...], Lines(FILE_PATH)]

Origin = Literal["driver", "toolkit", "tensorrt"]
"""Where a library that no wheel of the index carries comes from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedRow:
    """What the loader of one release opens, and where it looks by itself (which patches of one minor differ in)."""

    tensorflow: VersionText
    source: SourceText
    """The wheel whose loader was asked: `wheel: <file>`."""
    needed: SonameLines
    """In the order in which it tries them; unless all of them load, no GPU is registered."""
    optional: SonameLines
    """Opened by what needs them: profiling (cupti), several GPUs (nccl), TensorRT (nvinfer)."""
    searches: FolderLines = ()
    """Where below site-packages the loader looks by itself; a library anywhere else must be made findable."""

    def finds(self, folder: str) -> bool:
        """Say whether libraries in a folder below site-packages are found without anybody's help."""
        return folder in self.searches


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierRow:
    """A wheel that carries a library: every final release from `first` to `last` does; all were read."""

    soname: SonameText
    distribution: str
    cuda: CudaMajorText
    """The CUDA major that the distribution is for."""
    first: VersionText
    last: VersionText
    folder: Annotated[str, FOLDER]
    source: SourceText
    """The wheel of `last`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWheelRow:
    """A library that no wheel of the index carries."""

    soname: SonameText
    origin: Origin
    reason: str
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class CollisionRow:
    """Two distributions that own the same files: installed together, whichever comes last wins, for both."""

    distributions: tuple[str, ...]
    files: FileLines
    sources: tuple[SourceText, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together."""
        if len(set(self.distributions)) != 2 or len(self.distributions) != 2:
            yield "distributions", "names two different distributions"


@dataclass(frozen=True, kw_only=True)
class LibrariesMatrix:
    """The whole of `libraries.yaml`."""

    FILE: ClassVar[str] = "libraries.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
The CUDA libraries that TensorFlow's Linux x86_64 wheels load, and the wheels that carry them.
Written by `python -m tfbootstrap.upkeep libraries --write`: `loaded` by calling TensorFlow's own loader and listening
to the dynamic linker, `carriers` and `collisions` from the file lists of the nvidia wheels; `no_wheel` is kept by hand.
"""

    loaded: tuple[LoadedRow, ...] = ()
    carriers: tuple[CarrierRow, ...] = ()
    no_wheel: tuple[NoWheelRow, ...] = ()
    collisions: tuple[CollisionRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or overlap, and which library nobody accounts for."""
        versions = [Version(row.tensorflow) for row in self.loaded]
        for index in range(1, len(versions)):
            if versions[index] <= versions[index - 1]:
                yield f"loaded[{index}].tensorflow", f"{versions[index]} must not come after {versions[index - 1]}"
        carried = [(row.soname, row.distribution) for row in self.carriers]
        for index, pair in enumerate(carried):
            if pair in carried[:index]:
                yield f"carriers[{index}].soname", f"{pair[0]} of {pair[1]} is there already"
        known = {row.soname for row in self.carriers} | {row.soname for row in self.no_wheel}
        for index, loaded in enumerate(self.loaded):
            for soname in (*loaded.needed, *loaded.optional):
                if soname not in known:
                    yield f"loaded[{index}]", f"{soname} has neither a carrier nor a `no_wheel` row"

    @cached_property
    def _rows(self) -> dict[str, LoadedRow]:
        minors = {minor_of(row.tensorflow): row for row in self.loaded}
        return minors | {row.tensorflow: row for row in self.loaded}

    def row(self, tensorflow: str) -> LoadedRow | None:
        """Return the row of a TensorFlow version (X.Y.Z or X.Y), else its minor's newest; None where there is none."""
        return self._rows.get(tensorflow) or self._rows.get(minor_of(tensorflow))

    def carriers_of(self, soname: str) -> tuple[CarrierRow, ...]:
        """Return every wheel that carries a library."""
        return tuple(row for row in self.carriers if row.soname == soname)

    def needed_carriers(self, tensorflow: str, cuda: str) -> tuple[CarrierRow, ...] | None:
        """Return the wheels for a CUDA major with all that registering a GPU needs; None where one has no wheel."""
        row = self.row(tensorflow)
        if row is None:
            return None
        found = [[one for one in self.carriers_of(soname) if one.cuda == cuda] for soname in row.needed]
        return tuple(rows[0] for rows in found) if all(found) else None

    def unfound(self, tensorflow: str, cuda: str) -> tuple[CarrierRow, ...]:
        """Return the wheels whose needed libraries a TensorFlow version does not find without help, once each.

        Empty: everything is found, or wheels for that CUDA major don't have it all.
        """
        row = self.row(tensorflow)
        carriers = self.needed_carriers(tensorflow, cuda) or ()
        lost = {one.distribution: one for one in carriers if row and not row.finds(one.folder)}
        return tuple(lost.values())

    def collides(self, one: str, other: str) -> CollisionRow | None:
        """Return the row of two distributions that own the same files, None where they don't."""
        return next((row for row in self.collisions if set(row.distributions) == {one, other}), None)
