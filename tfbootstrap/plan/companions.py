"""Keeps companions that were asked for to versions that go with TensorFlow, or says that they don't. Pure.

Ties that wheels' metadata has are kept by the resolver. What only the package checks when it is imported, or what its
compiled code needs, is not: it becomes a bound here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, Tie, TieKind
from tfbootstrap.plan.records import Plan
from tfbootstrap.request import Request, WantedPackage

BINDING: tuple[TieKind, ...] = ("abi", "import-check", "needs")
"""Kinds of ties that break something where they are not kept, and that the resolver does not know."""

_LOWER = (">=", "==", "~=", ">")

_SAID: dict[TieKind, str] = {
    "abi": "is compiled for TensorFlow {0}",
    "import-check": "can be imported beside TensorFlow {0} only",
    "metadata": "requires TensorFlow {0}",
    "needs": "needs TensorFlow {0}",
    "tested": "was tested by its authors with TensorFlow {0}",
}


def companion_bounds(request: Request, tensorflow: str, companions: CompanionsMatrix) -> tuple[str, ...]:
    """Return a requirement for each companion asked for that has versions which don't go with a TensorFlow version.

    A version that the user pins is left alone, and warned of once it is locked. Where nothing goes there is no bound.
    """
    found = []
    for wanted in request.packages:
        row = companions.row(wanted.name)
        bound = _bound(row, tensorflow) if row and not _is_pinned(wanted) else None
        if bound:
            found.append(f"{wanted.name}{bound}")
    return tuple(found)


def _is_pinned(wanted: WantedPackage) -> bool:
    return any(clause.operator in ("==", "===") for clause in wanted.requirement.specifier)


def _bound(row: CompanionRow, tensorflow: str) -> str | None:
    """Return the newest run of versions that go, as a specifier; None where none goes, or all do."""
    fits = _by_start(row, tensorflow)
    starts = sorted(fits)
    going = [start for start in starts if fits[start]]
    if not going:
        return None
    newest = going[-1]
    broken_before = [start for start in starts if start < newest and not fits[start]]
    first = next(start for start in going if not broken_before or start > broken_before[-1])
    after = next((start for start in starts if start > newest), None)
    lower = f">={first}" if broken_before else ""
    upper = f"<{after}" if after else ""
    return ",".join(part for part in (lower, upper) if part) or None


def _by_start(row: CompanionRow, tensorflow: str) -> dict[Version, bool]:
    """Return for each run of versions, by its first, whether its binding ties allow a TensorFlow version."""
    ties: dict[Version, dict[TieKind, bool]] = {}
    for tie in row.all_ties():
        if tie.kind in BINDING and tie.extra is None:
            kinds = ties.setdefault(_first(tie.versions), {})
            kinds[tie.kind] = kinds.get(tie.kind, False) or tie.allows(tensorflow)
    return {start: all(kinds.values()) for start, kinds in ties.items()}


def _first(versions: str) -> Version:
    lower = [
        Version(clause.version.removesuffix(".*")) for clause in SpecifierSet(versions) if clause.operator in _LOWER
    ]
    return max(lower, default=Version("0"))


def with_broken_ties(plan: Plan, companions: CompanionsMatrix) -> Plan:
    """Return a plan with a warning for each package asked for that does not go with its TensorFlow."""
    return replace(plan, warnings=(*plan.warnings, *_broken(plan, companions)))


def _broken(plan: Plan, companions: CompanionsMatrix) -> Iterator[str]:
    tensorflow = plan.candidate.row.version
    for wanted in plan.request.packages:
        row, version = companions.row(wanted.name), plan.pins.get(wanted.name)
        if row is None or version is None:
            continue
        kept = {tie.kind for tie in row.ties_of(version) if tie.allows(tensorflow)}
        extras = tuple(wanted.requirement.extras)
        for tie in row.broken_ties(version, tensorflow, extras):
            if tie.kind not in kept:
                said = _SAID[tie.kind].format(tie.tensorflow)
                yield f"{row.name} {version} {said}{_source(tie)}{_fitting(row, plan)}"
                break


def _source(tie: Tie) -> str:
    return f" ({tie.source})" if tie.source else ""


def _fitting(row: CompanionRow, plan: Plan) -> str:
    tensorflow = plan.candidate.row
    fitting = next((tie for tie in reversed([*row.all_ties()]) if tie.allows(tensorflow.version)), None)
    return f"; {row.name}{fitting.versions} goes with {tensorflow.minor}" if fitting else ""
