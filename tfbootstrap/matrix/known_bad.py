"""`known_bad.yaml`: combinations that the metadata allows and that are broken nevertheless. Layer 1: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.bounds import PackageName, RowName
from tfbootstrap.matrix.reader import DateText, RequirementText, SourceText, SpecifierText, Text
from tfbootstrap.matrix.tensorflow import WheelPlatform

Effect = Literal["exclude", "warn"]
Provider = Literal["wheels", "system", "none"]


def _is_capability_range(text: str) -> bool:
    return all(len(Version(specifier.version).release) == 2 for specifier in SpecifierSet(text))


CAPABILITY_RANGE: Final = Text("a range of compute capabilities (X.Y)", _is_capability_range, ">=10.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What a row is compared with; what is not known yet is None and meets no condition about it."""

    tensorflow: str
    python: str
    """X.Y."""
    platform: str
    """Operating system and processor: `linux-x86_64`."""
    cuda_provider: Provider | None = None
    compute_capabilities: tuple[str, ...] = ()
    """Of the GPUs that are to be used."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Normalised name -> version of what is, or would be, installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownBad:
    """A combination that is broken: all of its conditions hold together."""

    id: RowName
    effect: Effect
    """`exclude`: never lock it; `warn`: lock it and say so."""
    tensorflow: SpecifierText | None = None
    python: SpecifierText | None = None
    """The Pythons (X.Y)."""
    platforms: tuple[WheelPlatform, ...] = ()
    """Empty: all."""
    cuda_providers: tuple[Provider, ...] = ()
    """Where CUDA comes from; empty: anywhere, and nowhere."""
    compute_capabilities: Annotated[str, CAPABILITY_RANGE] | None = None
    """Some GPU to be used lies in this range."""
    packages: Mapping[PackageName, SpecifierText] = field(default_factory=dict)
    """Packages that are there, each in a version of its range."""
    breaks: str
    """What does not work."""
    symptom: str
    """The error as it is printed."""
    way_out: str
    """What to do instead."""
    bound: RequirementText | None = None
    """A requirement that avoids the combination: added where the rest of the conditions holds."""
    instead: SpecifierText | None = None
    """TensorFlow releases that don't have it."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if not (self.tensorflow or self.packages):
            yield "tensorflow", "names neither TensorFlow releases nor packages, so it would be everything"
        if self.bound is not None:
            name = next((name for name in self.packages if self.bound.startswith(name)), None)
            if name is None:
                yield "bound", "is on none of the packages that the row names"
            elif _overlap(self.bound.removeprefix(name), self.packages[name]):
                yield "bound", f"{self.bound} admits versions of {self.packages[name]}"
        if self.instead is not None and self.tensorflow is not None and _overlap(self.instead, self.tensorflow):
            yield "instead", f"{self.instead} admits versions of {self.tensorflow}"

    def holds(self, situation: Situation, *, ignoring_packages: bool = False) -> bool:
        """Say whether this is the case."""
        return (
            (self.tensorflow is None or SpecifierSet(self.tensorflow).contains(situation.tensorflow, prereleases=True))
            and (self.python is None or SpecifierSet(self.python).contains(situation.python))
            and (not self.platforms or situation.platform in self.platforms)
            and (not self.cuda_providers or situation.cuda_provider in self.cuda_providers)
            and (self.compute_capabilities is None or self._names_a_gpu_of(situation))
            and (ignoring_packages or self._has_its_packages(situation.packages))
        )

    def _names_a_gpu_of(self, situation: Situation) -> bool:
        # A GPU matters only where TensorFlow has CUDA to reach it.
        specifier = SpecifierSet(self.compute_capabilities or "")
        used = situation.compute_capabilities if situation.cuda_provider not in (None, "none") else ()
        return any(specifier.contains(capability) for capability in used)

    def _has_its_packages(self, packages: Mapping[str, str]) -> bool:
        return all(
            name in packages and SpecifierSet(specifier).contains(packages[name], prereleases=True)
            for name, specifier in self.packages.items()
        )


@dataclass(frozen=True, kw_only=True)
class KnownBadMatrix:
    """The whole of `known_bad.yaml`, sorted by name."""

    FILE: ClassVar[str] = "known_bad.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Combinations that published metadata allows and that are broken, with what they do, evidence, and the way out.
How a row is written: README.md in this folder.
"""

    rows: tuple[KnownBad, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or there twice."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1], self.rows[index]
            if row.id <= before.id:
                yield f"rows[{index}].id", f"{row.id} must not come after {before.id}: rows are sorted, each once"

    def matching(self, situation: Situation) -> tuple[KnownBad, ...]:
        """Return the rows that are the case."""
        return tuple(row for row in self.rows if row.holds(situation))

    def before_packages(self, situation: Situation) -> tuple[KnownBad, ...]:
        """Return the rows without conditions on packages that are the case: what can be said before resolving."""
        return tuple(row for row in self.rows if not row.packages and row.holds(situation))

    def avoidable(self, situation: Situation, named: Collection[str]) -> tuple[KnownBad, ...]:
        """Return the rows with a bound that avoids them: all but the packages' versions holds, and they are named."""
        return tuple(
            row
            for row in self.rows
            if row.bound is not None
            and row.packages.keys() <= set(named)
            and row.holds(situation, ignoring_packages=True)
        )


def _overlap(one: str, other: str) -> bool:
    """Say whether a version that either specifier names, or one beside it, satisfies both."""
    both = SpecifierSet(one) & SpecifierSet(other)
    named = {Version(item.version.removesuffix(".*")) for item in both if item.operator != "==="}
    beside = {Version(f"{version}.1") for version in named if not version.is_prerelease and not version.is_postrelease}
    return any(both.contains(version, prereleases=True) for version in named | beside)
