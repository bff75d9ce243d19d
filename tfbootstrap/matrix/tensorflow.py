"""`tensorflow.yaml`: every TensorFlow release since 1.15, as its published wheels describe it. Layer 1: pure.

Written by `python -m tfbootstrap.upkeep tensorflow`, which reads the wheels; nobody types these rows by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, ClassVar, Literal, get_args

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.markers import applies, applying, marker_environment
from tfbootstrap.matrix.reader import (
    DateText,
    RequirementLines,
    SpecifierText,
    Text,
    VersionText,
    WheelTagLines,
)

WheelPlatform = Literal["linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-arm64", "windows-x86_64"]
PLATFORMS: tuple[WheelPlatform, ...] = get_args(WheelPlatform)
"""Operating system and processor of a wheel, in the order that rows list them."""

CudaRecord = Literal["build_info.py", "cuda_config.h"]
"""Where a wheel says what it was built with: the module behind `tf.sysconfig.get_build_info()`, or a C header."""

CUDA_EXTRA = "and-cuda"
"""The extra that brings CUDA as wheels, from 2.14 on."""

ARCHITECTURE = Text(
    "a GPU architecture (`sm_XY`: machine code, `compute_XY`: machine code and PTX)",
    re.compile(r"^(sm|compute)_[0-9]{2,3}$").match,
    "sm_80",
    r"^(sm|compute)_[0-9]{2,3}$",
)
CUDA_VERSION = Text(
    "a CUDA or cuDNN version as the build records it", re.compile(r"^[0-9]+(\.[0-9]+){0,3}$").match, "12.5.1"
)

_INTERPRETER = re.compile(r"(?:cp|py)(\d)(\d*)")
_PLATFORM_TAGS: tuple[tuple[re.Pattern[str], WheelPlatform], ...] = (
    (re.compile(r"(?:many|musl)?linux.*_x86_64$"), "linux-x86_64"),
    (re.compile(r"(?:many|musl)?linux.*_aarch64$"), "linux-aarch64"),
    (re.compile(r"macosx_.*_(?:x86_64|intel|universal2)$"), "macos-x86_64"),
    (re.compile(r"macosx_.*_arm64$"), "macos-arm64"),
    (re.compile(r"win_amd64$"), "windows-x86_64"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelMetadata:
    """What the METADATA of a release's wheels says; wheels that say the same share one of these."""

    platforms: tuple[WheelPlatform, ...]
    pythons: tuple[VersionText, ...] = ()
    """Given (as X.Y) only where wheels of one platform differ by Python; empty: all of the platform's wheels."""
    requires_python: SpecifierText | None = None
    extras: tuple[str, ...] = ()
    requires: RequirementLines = ()
    """`Requires-Dist`, white space normalised, in the wheel's order, with the markers of extras."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorflowRow:
    """One release of the distribution `tensorflow`."""

    version: VersionText
    released: DateText
    """The day on which its first wheel was uploaded."""
    prerelease: bool = False
    yanked: bool = False
    cuda: Annotated[str, CUDA_VERSION] | None = None
    """The CUDA version that the Linux x86_64 wheel was built with; None where it is built for processors only."""
    cudnn: Annotated[str, CUDA_VERSION] | None = None
    """The cuDNN version it was built with, as the build records it: the major."""
    cudnn_headers: Annotated[str, CUDA_VERSION] | None = None
    """The exact cuDNN version it was compiled with, where the wheel carries cuDNN's headers (from 2.18 on)."""
    compute_capabilities: tuple[Annotated[str, ARCHITECTURE], ...] = ()
    """The GPU architectures it holds code for."""
    cuda_read_from: CudaRecord = "build_info.py"
    """The file of the wheel that says so; a running TensorFlow tells only what its `build_info.py` has."""
    cuda_platforms: tuple[WheelPlatform, ...] = ()
    """Whose wheels are built with CUDA."""
    shim_platforms: tuple[WheelPlatform, ...] = ()
    """Whose wheels hold no TensorFlow, only a requirement on the distribution that does (`tensorflow-intel`)."""
    wheels: WheelTagLines
    """The tag part of every published wheel file."""
    metadata: tuple[WheelMetadata, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if Version(self.version).is_prerelease != self.prerelease:
            yield "prerelease", f"must be {str(not self.prerelease).lower()} for {self.version}"
        if (self.cuda is None) != ("linux-x86_64" not in self.cuda_platforms):
            yield "cuda", "there must be a CUDA version exactly where the Linux x86_64 wheel is built with CUDA"
        described = [platform for metadata in self.metadata for platform in metadata.platforms]
        if set(described) != set(self.platforms):
            yield "metadata", f"describes {_words(described)}; the wheels are for {_words(self.platforms)}"

    @property
    def minor(self) -> str:
        """The version as X.Y."""
        release = Version(self.version).release
        return f"{release[0]}.{release[1]}"

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Python versions (X.Y) that some wheel of this release is for, oldest first."""
        return sort_versions({python for tag in self.wheels for python in tag_pythons(tag)})

    @property
    def platforms(self) -> tuple[WheelPlatform, ...]:
        """The platforms that some wheel of this release is for."""
        present = {platform for tag in self.wheels for platform in tag_platforms(tag)}
        return tuple(platform for platform in PLATFORMS if platform in present)

    @property
    def requires_python(self) -> str | None:
        """The Pythons that the wheels declare; None where they declare none."""
        return self.metadata[0].requires_python

    @property
    def nvidia(self) -> tuple[str, ...]:
        """What the extra `and-cuda` of the Linux x86_64 wheel requires, without markers; empty before 2.14."""
        metadata = self.metadata_for("linux-x86_64")
        return extra_requirements(metadata, CUDA_EXTRA, self.pythons[-1]) if metadata else ()

    def metadata_for(self, platform: str, python: str | None = None) -> WheelMetadata | None:
        """Return what the wheels for a platform (and Python X.Y) say, or None where there are none."""
        for metadata in self.metadata:
            if platform in metadata.platforms and (
                python is None or not metadata.pythons or python in metadata.pythons
            ):
                return metadata
        return None


@dataclass(frozen=True, kw_only=True)
class TensorflowMatrix:
    """The whole of `tensorflow.yaml`, oldest version first."""

    FILE: ClassVar[str] = "tensorflow.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Every release of the distribution `tensorflow` since 1.15, oldest first.
Written by `python -m tfbootstrap.upkeep tensorflow --write` from the published wheels; don't edit by hand.
What each key means and how awkward values are chosen: README.md in this folder.
"""

    rows: tuple[TensorflowRow, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are not in ascending order or there twice."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1], self.rows[index]
            if Version(row.version) <= Version(before.version):
                yield f"rows[{index}].version", f"{row.version} must not come after {before.version}"

    @cached_property
    def _by_version(self) -> dict[Version, TensorflowRow]:
        return {Version(row.version): row for row in self.rows}

    def row(self, version: str) -> TensorflowRow | None:
        """Return the row of one version, or None."""
        return self._by_version.get(Version(version))

    def of_minor(self, minor: str) -> tuple[TensorflowRow, ...]:
        """Return the rows of one minor (X.Y), oldest first."""
        return tuple(row for row in self.rows if row.minor == minor)

    @property
    def minors(self) -> tuple[str, ...]:
        """Return every minor (X.Y) that has a row, oldest first."""
        return tuple(dict.fromkeys(row.minor for row in self.rows))

    def matching(self, specifier: SpecifierSet, *, prereleases: bool | None = None) -> tuple[TensorflowRow, ...]:
        """Return the rows that a specifier admits, oldest first.

        Pre-releases only where the specifier names one, or `prereleases` says so.
        """
        # Always explicit: what packaging admits by default differs between its versions.
        admitted = bool(specifier.prereleases) if prereleases is None else prereleases
        return tuple(row for row in self.rows if specifier.contains(row.version, prereleases=admitted))


@lru_cache(maxsize=1024)
def tag_pythons(tag: str) -> tuple[str, ...]:
    """Return the Python versions (X.Y) of a wheel tag: `cp311-cp311-manylinux_2_17_x86_64` -> `3.11`."""
    matches = (_INTERPRETER.fullmatch(part) for part in tag.split("-", maxsplit=1)[0].split("."))
    return tuple(f"{match[1]}.{match[2]}" for match in matches if match and match[2])


@lru_cache(maxsize=1024)
def tag_platforms(tag: str) -> tuple[WheelPlatform, ...]:
    """Return the platforms of a wheel tag."""
    found = {
        platform for part in tag.split("-")[2].split(".") for pattern, platform in _PLATFORM_TAGS if pattern.match(part)
    }
    return tuple(platform for platform in PLATFORMS if platform in found)


@lru_cache(maxsize=512)
def extra_requirements(metadata: WheelMetadata, extra: str, python: str) -> tuple[str, ...]:
    """Return what one extra adds on Linux x86_64 under Python X.Y, markers removed: `nvidia-cudnn-cu12==9.3.0.75`."""
    plain = marker_environment("linux", "x86_64", python)
    return tuple(
        f"{requirement.name}{requirement.specifier}"
        for requirement in applying(metadata.requires, {**plain, "extra": extra})
        if not applies(requirement, plain)
    )


def sort_versions(versions: set[str]) -> tuple[str, ...]:
    """Sort versions as versions, oldest first."""
    return tuple(sorted(versions, key=Version))


def _words(names: list[WheelPlatform] | tuple[WheelPlatform, ...]) -> str:
    return ", ".join(sorted(names)) or "nothing"
