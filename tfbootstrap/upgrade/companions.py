"""Packages that go with TensorFlow, judged against another release of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, Tie
from tfbootstrap.upgrade.records import CompanionProblem

_WHY = {
    "abi": "is compiled against TensorFlow {range}",
    "import-check": "refuses to be imported with another TensorFlow than {range}",
    "metadata": "requires TensorFlow {range}",
    "tested": "was made for TensorFlow {range}",
    "needs": "needs TensorFlow {range}",
}


def companion_problems(
    pins: Mapping[str, str], tensorflow: str, companions: CompanionsMatrix, extras: Mapping[str, Collection[str]]
) -> tuple[CompanionProblem, ...]:
    """Return the pins that do not go with a TensorFlow version; `extras` says which extras were asked of a package."""
    rows = (row for row in companions.rows if row.name in pins)
    return tuple(
        CompanionProblem(
            name=row.name, version=pins[row.name], problem=f"{sentence}; {_way_out(row, pins[row.name], tensorflow)}"
        )
        for row in rows
        if (sentence := _problem(row, pins[row.name], tensorflow, extras.get(row.name, ())))
    )


def companions_without_build(
    versions: Mapping[str, str | None], tensorflow: str, companions: CompanionsMatrix
) -> tuple[CompanionProblem, ...]:
    """Return the packages of which no known release goes with a TensorFlow version: neither that of the lock that was
    there (None: there was none) nor a newer one.
    """
    known = [(row, versions[row.name]) for row in companions.rows if row.name in versions]
    return tuple(
        CompanionProblem(name=row.name, version=version, problem=_way_out(row, version, tensorflow))
        for row, version in known
        if _not_older(row, version) and not _fitting(row, version, tensorflow)
    )


def _problem(row: CompanionRow, version: str, tensorflow: str, extras: Collection[str]) -> str | None:
    every = tuple(tie.extra for tie in _own_ties(row) if tie.extra)
    broken = row.broken_ties(version, tensorflow, (*extras, *every))
    if not broken:
        return None
    tie = broken[0]
    return f"{row.name} {version} {_WHY[tie.kind].format(range=tie.tensorflow)}"


def _way_out(row: CompanionRow, version: str | None, tensorflow: str) -> str:
    if fitting := _fitting(row, version, tensorflow):
        return f"{row.name}{fitting[-1].versions} goes with TensorFlow {tensorflow}"
    ended = f": {row.ended.note}" if row.ended else ""
    successor = f"; {row.successor} goes on with it" if row.successor else ""
    return f"no release of {row.name} that is known goes with TensorFlow {tensorflow}{ended}{successor}"


def _fitting(row: CompanionRow, version: str | None, tensorflow: str) -> list[Tie]:
    return [tie for tie in _not_older(row, version) if tie.allows(tensorflow)]


def _not_older(row: CompanionRow, version: str | None) -> list[Tie]:
    """Return the ties, newest last, without those of releases older than a version: nobody goes back."""
    ties = sorted(_own_ties(row), key=_last)
    return [
        tie
        for tie in ties
        if version is None
        or _last(tie) >= Version(version)
        or SpecifierSet(tie.versions).contains(version, prereleases=True)
    ]


def _own_ties(row: CompanionRow) -> Iterator[Tie]:
    """Yield what says which release is made for which TensorFlow.

    Of what has ended an extra may be the only place, unless it is known to go on with tf-keras.
    """
    by_extras = row.ended is not None and row.legacy_keras is None
    return (tie for tie in row.all_ties() if tie.extra is None or by_extras)


def _last(tie: Tie) -> Version:
    return max(Version(part.version.removesuffix(".*")) for part in SpecifierSet(tie.versions))
