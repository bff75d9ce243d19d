"""Adds to published requirements the bounds that they lack. Pure.

Only ever tightens: every published line stays, a bound is one more line. A lock made from looser metadata than the
published one would be refused by `pip install --require-hashes -r`, which reads the wheels' own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.facts import Facts
from tfbootstrap.matrix.bounds import TENSORFLOW, Bound, BoundMatrix
from tfbootstrap.matrix.distributions import DistributionsMatrix, stand_in
from tfbootstrap.matrix.markers import applying
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.markers import runtime_environment
from tfbootstrap.plan.records import Avoided


def published_requirements(
    row: TensorflowRow, facts: Facts, distributions: DistributionsMatrix | None = None
) -> tuple[str, ...]:
    """Return what the wheels of a release for a runtime require, as published.

    Where they hold nothing but a requirement on the distribution that has TensorFlow in it, what that one requires too.
    """
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    metadata = row.metadata_for(platform, facts.python.minor)
    instead = stand_in(row, platform, facts.python.minor, distributions) if distributions else None
    held = instead.release.metadata_for(platform, facts.python.minor) if instead and instead.release else None
    return (*(metadata.requires if metadata else ()), *(held.requires if held else ()))


def missing_bounds(
    requires: tuple[str, ...], tensorflow: str, facts: Facts, bounds: BoundMatrix, wanted: Collection[str] = ()
) -> tuple[Bound, ...]:
    """Return the bounds that a TensorFlow release with these requirements lacks, for what is really needed.

    A bound for TensorFlow itself needs the package among the requirements, one for another package needs that package
    there, or asked for: nothing is brought in that would not be there anyway. Where the published requirement refuses
    the bad version already, there is nothing to add.
    """
    published = _published(requires, facts)
    named = {*published, *wanted}
    return tuple(
        bound
        for bound in bounds.rows
        if (bound.package if bound.needed_by == TENSORFLOW else bound.needed_by) in named
        and bound.is_for(tensorflow, facts.python.minor)
        and published.get(bound.package, _ANY).contains(bound.bad, prereleases=True)
    )


_ANY: Final = SpecifierSet()


def _published(requires: tuple[str, ...], facts: Facts) -> dict[str, SpecifierSet]:
    """Return package -> specifier of requirement lines; those of extras and of other runtimes are left out."""
    found: dict[str, SpecifierSet] = {}
    for requirement in applying(requires, runtime_environment(facts)):
        name = canonicalize_name(requirement.name)
        found[name] = found.get(name, _ANY) & requirement.specifier
    return found


def bound_reason(bound: Bound) -> str:
    """Return why a bound is there: `setuptools<82: tensorboard fails beyond it (No module named 'pkg_resources')`."""
    return f"{bound.requirement}: {bound.needed_by} fails beyond it ({bound.symptom})"


def avoided_reason(avoided: Avoided) -> str:
    """Return why a bound is there: `nvidia-cudnn-cu12<9.11: without it … fails (…)`."""
    return f"{avoided.row.bound}: without it {avoided.row.breaks} fails ({avoided.row.symptom})"
