"""Which TensorFlow minors a companion has some version for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.companions import CompanionRow, Tie
from tfbootstrap.matrix.symbol_table import SymbolTable

_HARD: Final = frozenset({"abi", "import-check", "metadata", "needs"})
"""Ties that break what they tie; what was only tested may work with more."""
_READ_FROM: Final = "2.3"
"""The minor from whose days on companions were read; that older ones have none says nothing."""


@dataclass(frozen=True, slots=True)
class CompanionRange:
    """What a companion goes with."""

    works: str | None
    """A specifier of TensorFlow releases; None where nothing is known, empty where every one has a version."""
    sure: frozenset[str] | None
    """The minors outside of which no version works; None where that is not certain, or where none is left out."""


def range_of(row: CompanionRow, table: SymbolTable) -> CompanionRange:
    """Return the range over all versions of a companion: one of them has to go with each TensorFlow in it.

    Minors older than all that any tie speaks of are not judged: versions from those days were not read.
    """
    ties = [tie for tie in row.all_ties() if tie.extra is None or row.ended is not None]
    if not ties:
        return CompanionRange(None, None)
    hard = [tie for tie in ties if tie.kind in _HARD and tie.extra is None]
    fitting = _minors(_versions(ties), ties, table)
    return CompanionRange(
        _specifier(table.minors, fitting), _upper(table.minors, _minors(_versions(ties), hard, table))
    )


def _minors(versions: Iterable[str], ties: Collection[Tie], table: SymbolTable) -> frozenset[str]:
    """Return the minors with which some of these versions breaks none of the ties."""
    found: set[str] = set()
    for version in versions:
        fitting = frozenset(table.minors)
        for tie in ties:
            if version in SpecifierSet(tie.versions, prereleases=True):
                fitting &= table.within(tie.tensorflow)
        found |= fitting
    return frozenset(found)


def _versions(ties: Collection[Tie]) -> Iterator[str]:
    """Yield versions that stand for all that ties speak of: the ends of their ranges."""
    for tie in ties:
        for one in SpecifierSet(tie.versions):
            yield str(Version(one.version.removesuffix(".*")))


def _specifier(axis: tuple[str, ...], fitting: frozenset[str]) -> str | None:
    if not fitting:
        return None
    places = [place for place, minor in enumerate(axis) if minor in fitting]
    above = f"<{axis[places[-1] + 1]}" if places[-1] + 1 < len(axis) else ""
    below = f">={axis[places[0]]}" if axis[places[0]] not in axis[: axis.index(_READ_FROM) + 1] else ""
    return ",".join(one for one in (below, above) if one)


def _upper(axis: tuple[str, ...], surely: frozenset[str]) -> frozenset[str] | None:
    """Return the minors up to the last one, None where that is the newest."""
    if not surely:
        return None
    last = max(axis.index(minor) for minor in surely)
    return frozenset(axis[: last + 1]) if last + 1 < len(axis) else None
