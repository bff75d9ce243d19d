"""`tested.yaml`: what TensorFlow's page of tested configurations says, beside what the wheels say. Layer 1: pure.

The page has one line for each minor. Read by `python -m tfbootstrap.upkeep tested` from a checkout of tensorflow/docs;
`word` is typed by hand: why the wheel is followed where the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from packaging.version import Version

from tfbootstrap.matrix.markers import parsed
from tfbootstrap.matrix.reader import DateText, SourceText, VersionText
from tfbootstrap.matrix.tensorflow import CUDA_VERSION, TensorflowRow, sort_versions, tag_platforms, tag_pythons

System = Literal["linux", "macos", "windows"]
SYSTEMS: tuple[System, ...] = get_args(System)


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficialRow:
    """One line of the page: a release, a system, and with what it was built and tested."""

    tensorflow: VersionText
    system: System
    pythons: tuple[VersionText, ...]
    cuda: Annotated[str, CUDA_VERSION] | None = None
    """None: the page has the release in its table for processors only."""
    cudnn: Annotated[str, CUDA_VERSION] | None = None
    word: str | None = None
    """Where the wheels of that release say something else: why they are followed."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if (self.cuda is None) != (self.cudnn is None):
            yield "cudnn", "CUDA and cuDNN go together"

    @property
    def minor(self) -> str:
        """The release as X.Y."""
        release = Version(self.tensorflow).release
        return f"{release[0]}.{release[1]}"

    def differences(self, release: TensorflowRow) -> tuple[str, ...]:
        """Return in what the wheels of the release for this system differ from the page."""
        return tuple(self._differences(release))

    def _differences(self, release: TensorflowRow) -> Iterator[str]:
        pythons = _pythons(release, self.system)
        if pythons != self.pythons:
            yield f"Python {', '.join(pythons) or 'none'}, on the page {', '.join(self.pythons)}"
        if self.cuda is None or self.cudnn is None:
            return
        if not any(platform.startswith(self.system) for platform in release.cuda_platforms):
            yield f"no CUDA, on the page {self.cuda}"
            return
        for name, wheel, page in (("CUDA", release.cuda, self.cuda), ("cuDNN", built_cudnn(release), self.cudnn)):
            if wheel and not _agree(wheel, page):
                yield f"{name} {wheel}, on the page {page}"


def built_cudnn(release: TensorflowRow) -> str | None:
    """Return the cuDNN of a release as exactly as its wheel tells: from its headers, its extra's pin, or the major."""
    pins = (parsed(line) for line in release.nvidia if line.startswith("nvidia-cudnn"))
    exact = next((clause.version for pin in pins for clause in pin.specifier if clause.operator == "=="), None)
    return release.cudnn_headers or exact or release.cudnn


def _pythons(release: TensorflowRow, system: System) -> tuple[str, ...]:
    tags = (tag for tag in release.wheels if any(name.startswith(system) for name in tag_platforms(tag)))
    return sort_versions({python for tag in tags for python in tag_pythons(tag)})


def _agree(one: str, other: str) -> bool:
    """Say whether two versions are the same as far as both tell."""
    return all(a == b for a, b in zip(one.split("."), other.split("."), strict=False))


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficialMatrix:
    """The whole of `tested.yaml`: by system, oldest release first."""

    FILE: ClassVar[str] = "tested.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
What TensorFlow's page of tested configurations says of each minor since 1.15, and a word where the wheels differ.
All but `word` is written by `python -m tfbootstrap.upkeep tested --write`. Plans follow the wheels, see README.md here.
"""

    rows: tuple[OfficialRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or there twice."""
        keys = [(SYSTEMS.index(row.system), Version(row.tensorflow)) for row in self.rows]
        for index in range(1, len(keys)):
            if keys[index] <= keys[index - 1]:
                yield f"rows[{index}]", "must be sorted by system and release, each once"

    def of_minor(self, minor: str) -> tuple[OfficialRow, ...]:
        """Return what the page says of a minor (X.Y), system by system."""
        return tuple(row for row in self.rows if row.minor == minor)
