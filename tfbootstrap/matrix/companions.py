"""`companions.yaml`: packages that go with TensorFlow, and how each version is tied to it. Layer 1: pure.

Two kinds of ties: what wheels say is read from them (`wheels`, `cuda`, by `python -m tfbootstrap.upkeep companions`);
what only a person can know is typed by hand (`ties`), with its source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.matrix.reader import (
    DateText,
    RequirementLines,
    RequirementText,
    SourceText,
    SpecifierText,
    VersionText,
)

TieKind = Literal["abi", "import-check", "metadata", "tested", "needs"]
"""`abi`: compiled against that TensorFlow. `import-check`: refuses another one when imported. `metadata`: its wheel
requires it. `tested`: what its authors tested. `needs`: fails without it at some point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """One tie: these versions of the companion go with those of TensorFlow; `source` is None where a wheel says it."""

    versions: str
    tensorflow: str
    kind: TieKind
    extra: str | None = None
    """The extra with which it holds; None: it always does."""
    note: str | None = None
    source: str | None = None

    def allows(self, tensorflow: str) -> bool:
        """Say whether a TensorFlow version fits."""
        return SpecifierSet(self.tensorflow).contains(tensorflow, prereleases=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentedTie:
    """A tie that the wheel's metadata does not tell, or tells too loosely."""

    versions: SpecifierText
    tensorflow: SpecifierText
    kind: Literal["abi", "import-check", "tested", "needs"]
    note: str | None = None
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelTie:
    """What the wheels of some versions say: neighbours that say the same share one of these."""

    versions: SpecifierText
    tensorflow: SpecifierText | None = None
    """The requirement on `tensorflow`; None where METADATA has none."""
    extra: str | None = None
    """The extra that brings that requirement; None: it always holds."""
    check: SpecifierText | None = None
    """What the package itself checks when it is imported."""
    also: RequirementLines = ()
    """What else of TensorFlow's family it always requires."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaTie:
    """Which CUDA the Linux x86_64 wheels of some versions bring along."""

    versions: SpecifierText
    extra: str | None = None
    """The extra that brings it; None: always."""
    cuda: VersionText
    """The major version: wheels of two majors own the same files."""
    cudnn: RequirementText | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyKeras:
    """Versions that work with Keras 2 only: since TensorFlow 2.16 they need tf-keras and TF_USE_LEGACY_KERAS=1."""

    versions: SpecifierText
    note: str | None = None
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The companion, or its support of TensorFlow, has ended."""

    last: VersionText
    """The last version that works with TensorFlow."""
    note: str
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanionRow:
    """One package; its name is normalised."""

    name: str
    role: str
    """What it is, in a few words."""
    note: str | None = None
    successor: str | None = None
    ended: Ended | None = None
    legacy_keras: LegacyKeras | None = None
    ties: tuple[DocumentedTie, ...] = ()
    wheels: tuple[WheelTie, ...] = ()
    """Oldest first, from TensorFlow 2.3's days on."""
    cuda: tuple[CudaTie, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if self.name != canonicalize_name(self.name):
            yield "name", f"must be normalised: {canonicalize_name(self.name)}"
        if self.successor and self.ended is None:
            yield "successor", "only what has ended has a successor"
        starts = [_first(tie.versions) for tie in self.wheels]
        if starts != sorted(starts):
            yield "wheels", "must be sorted by version, oldest first"
        for index, tie in enumerate(self.wheels):
            if tie.extra and tie.tensorflow is None:
                yield f"wheels[{index}].extra", "has no requirement that it would bring"
            if index and _last(self.wheels[index - 1].versions) >= _first(tie.versions):
                yield f"wheels[{index}].versions", f"overlaps {self.wheels[index - 1].versions}"

    def ties_of(self, version: str) -> tuple[Tie, ...]:
        """Return everything that ties one version of this package to TensorFlow."""
        return tuple(tie for tie in self.all_ties() if _contains(tie.versions, version))

    def all_ties(self) -> Iterator[Tie]:
        """Yield every tie: the documented ones, then those of the wheels, oldest first."""
        for tie in self.ties:
            yield Tie(versions=tie.versions, tensorflow=tie.tensorflow, kind=tie.kind, note=tie.note, source=tie.source)
        for wheel in self.wheels:
            if wheel.tensorflow:
                yield Tie(versions=wheel.versions, tensorflow=wheel.tensorflow, kind="metadata", extra=wheel.extra)
            if wheel.check:
                yield Tie(versions=wheel.versions, tensorflow=wheel.check, kind="import-check")

    def broken_ties(self, version: str, tensorflow: str, extras: Collection[str] = ()) -> tuple[Tie, ...]:
        """Return the ties of a version, asked for with these extras, that a TensorFlow version does not keep.

        Empty: nothing known keeps them apart.
        """
        held = (tie for tie in self.ties_of(version) if tie.extra is None or tie.extra in _normalised(extras))
        return tuple(tie for tie in held if not tie.allows(tensorflow))

    def wheel_of(self, version: str) -> WheelTie | None:
        """Return what the wheel of a version says; None where it was not read."""
        return next((tie for tie in self.wheels if _contains(tie.versions, version)), None)

    def cuda_of(self, version: str, extras: Collection[str] = ()) -> CudaTie | None:
        """Return the CUDA that a version brings along, with these extras; None where it brings none.

        A version newer than all that were read is taken to bring what the newest brings.
        """
        for extra in (None, *_normalised(extras)):
            own = [tie for tie in self.cuda if tie.extra == extra]
            for tie in own:
                if _contains(tie.versions, version):
                    return tie
            if own and Version(version) > _last(own[-1].versions):
                return own[-1]
        return None

    def needs_legacy_keras(self, version: str) -> bool:
        """Say whether a version needs Keras 2."""
        return self.legacy_keras is not None and _contains(self.legacy_keras.versions, version)


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasRow:
    """Which Keras `tf.keras` is."""

    tensorflow: SpecifierText
    major: Literal["2", "3"]
    """Of `tf.keras`, unless TF_USE_LEGACY_KERAS chooses tf-keras."""
    provider: Literal["tensorflow", "keras"]
    """Whose files it is: TensorFlow's own, or the distribution keras."""
    switch: bool
    """Whether TF_USE_LEGACY_KERAS (`1`, `true`, `True`, set before the first import) chooses tf-keras."""
    note: str | None = None
    source: SourceText
    checked: DateText


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanionsMatrix:
    """The whole of `companions.yaml`, by name."""

    FILE: ClassVar[str] = "companions.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
What goes with TensorFlow, and how each version of it is tied to TensorFlow's, by name.
`wheels`, `cuda` and `read` are written by `python -m tfbootstrap.upkeep companions --write`; the rest is typed by hand.
What each key means and how awkward values are chosen: README.md in this folder.
"""

    read: DateText
    """The day on which `wheels` and `cuda` were read."""
    keras: tuple[KerasRow, ...]
    rows: tuple[CompanionRow, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is there twice, out of order, or names what is not there."""
        names = [row.name for row in self.rows]
        if names != sorted(set(names)):
            yield "rows", "must be sorted by name, each name once"
        for index, row in enumerate(self.rows):
            if row.successor and row.successor not in names:
                yield f"rows[{index}].successor", f"{row.successor} has no row"

    def row(self, name: str) -> CompanionRow | None:
        """Return the row of a package, by any spelling of its name."""
        wanted = canonicalize_name(name)
        return next((row for row in self.rows if row.name == wanted), None)

    def keras_of(self, tensorflow: str) -> KerasRow | None:
        """Return which Keras a TensorFlow version has."""
        return next((row for row in self.keras if _contains(row.tensorflow, tensorflow)), None)


def _normalised(extras: Collection[str]) -> tuple[str, ...]:
    return tuple(canonicalize_name(extra) for extra in extras)


def _contains(specifier: str, version: str) -> bool:
    return SpecifierSet(specifier).contains(version, prereleases=True)


def _first(versions: str) -> Version:
    return min(Version(item.version) for item in SpecifierSet(versions))


def _last(versions: str) -> Version:
    return max(Version(item.version) for item in SpecifierSet(versions))
