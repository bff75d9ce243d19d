"""`distributions.yaml`: the other distributions of TensorFlow (`tensorflow-cpu`, `tensorflow-intel`, …). Layer 1: pure.

Which releases each has, for which Pythons and platforms, is read from its wheels by
`python -m tfbootstrap.upkeep distributions`; what it is and how it ended is typed by hand, with its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.matrix.markers import applies, marker_environment, parsed
from tfbootstrap.matrix.reader import DateText, SourceText, VersionText, WheelTagLines
from tfbootstrap.matrix.tensorflow import (
    CUDA_VERSION,
    TensorflowRow,
    WheelMetadata,
    WheelPlatform,
    sort_versions,
    tag_platforms,
    tag_pythons,
)

Kind = Literal["slim", "stand-in", "gpu", "rocm", "plug-in"]
"""`slim`: the same for processors only. `stand-in`: what shim wheels of `tensorflow` redirect to. `gpu`, `rocm`: builds
for GPUs. `plug-in`: goes beside `tensorflow`."""

FOLLOWS: tuple[Kind, ...] = ("slim", "stand-in")
"""Kinds whose releases are those of `tensorflow`, so that their requirements are compared with its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """There are no further releases."""

    last: VersionText
    """The last release that brings something."""
    note: str
    """What came after it, and what to take instead."""
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class AlikeReleases:
    """Neighbouring final releases whose wheels say the same."""

    versions: tuple[VersionText, ...]
    owns: tuple[str, ...] = ("tensorflow",)
    """Folders that its wheels bring; `tensorflow/` is that of the distribution `tensorflow`, too."""
    cuda: Annotated[str, CUDA_VERSION] | None = None
    """The CUDA version that the Linux x86_64 wheel was built with."""
    shim_platforms: tuple[WheelPlatform, ...] = ()
    """Whose wheels hold nothing but a requirement."""
    wheels: WheelTagLines
    metadata: tuple[WheelMetadata, ...] = ()
    """What wheels require, extras left out, where those of `tensorflow` for the platform require something else."""

    def metadata_for(self, platform: str, python: str) -> WheelMetadata | None:
        """Return what is required on a platform under Python X.Y; None: the same as of `tensorflow`."""
        for metadata in self.metadata:
            if platform in metadata.platforms and (not metadata.pythons or python in metadata.pythons):
                return metadata
        return None

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons (X.Y) that some wheel is for, oldest first."""
        return sort_versions({python for tag in self.wheels for python in tag_pythons(tag)})

    def pythons_for(self, platform: str) -> tuple[str, ...]:
        """The Pythons (X.Y) that a wheel for a platform is for, oldest first."""
        tags = (tag for tag in self.wheels if platform in tag_platforms(tag))
        return sort_versions({python for tag in tags for python in tag_pythons(tag)})


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionRow:
    """One distribution; its name is normalised."""

    name: str
    kind: Kind
    role: str
    """What it is, in a few words."""
    ended: End | None = None
    releases: tuple[AlikeReleases, ...] = ()
    """Oldest first."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if self.name != canonicalize_name(self.name):
            yield "name", f"must be normalised: {canonicalize_name(self.name)}"
        versions = [version for group in self.releases for version in group.versions]
        if versions != sorted(set(versions), key=Version):
            yield "releases", "must be sorted by version, oldest first, each version once"
        last = next((group.versions[-1] for group in reversed(self.releases) if group.owns), None)
        if self.ended and self.ended.last != last:
            yield "ended.last", f"{self.ended.last} is not the last release that brings something: {last}"

    def release(self, version: str) -> AlikeReleases | None:
        """Return what is known of one release, or None."""
        wanted = Version(version)
        return next((group for group in self.releases if wanted in map(Version, group.versions)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionsMatrix:
    """The whole of `distributions.yaml`, by name."""

    FILE: ClassVar[str] = "distributions.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Other distributions of TensorFlow than `tensorflow`, and Apple's plug-in: final releases from TensorFlow 1.15's days on.
`releases` and `read` are written by `python -m tfbootstrap.upkeep distributions --write`; the rest is typed by hand.
What each key means and how awkward values are chosen: README.md in this folder.
"""

    read: DateText
    """The day on which `releases` were read."""
    rows: tuple[DistributionRow, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is out of order or there twice."""
        names = [row.name for row in self.rows]
        if names != sorted(set(names)):
            yield "rows", "must be sorted by name, each name once"

    def row(self, name: str) -> DistributionRow | None:
        """Return the row of a distribution, by any spelling of its name."""
        wanted = canonicalize_name(name)
        return next((row for row in self.rows if row.name == wanted), None)

    def of_kind(self, kind: Kind) -> tuple[DistributionRow, ...]:
        """Return the distributions of a kind."""
        return tuple(row for row in self.rows if row.kind == kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class StandIn:
    """The distribution that a shim wheel of `tensorflow` redirects to: its name, version, and what is known of it."""

    name: str
    version: str
    release: AlikeReleases | None


def stand_in(row: TensorflowRow, platform: str, python: str, matrix: DistributionsMatrix) -> StandIn | None:
    """Return who holds TensorFlow where a release's wheel for this platform and Python X.Y does not; else None."""
    metadata = row.metadata_for(platform, python)
    if platform not in row.shim_platforms or metadata is None:
        return None
    system, _, machine = platform.partition("-")
    environment = marker_environment(system, machine, python)
    for requirement in map(parsed, metadata.requires):
        known = matrix.row(requirement.name)
        if known is not None and applies(requirement, environment):
            version = next(item.version for item in requirement.specifier if item.operator == "==")
            return StandIn(name=known.name, version=version, release=known.release(version))
    return None
