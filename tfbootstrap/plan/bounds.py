"""Adds to published requirements the bounds that they lack. Pure.

Only ever tightens: every published line stays, a bound is one more line. A lock made from looser metadata than the
published one would be refused by `pip install --require-hashes -r`, which reads the wheels' own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.facts import Facts
from tfbootstrap.matrix.bounds import TENSORFLOW, Bound, BoundMatrix
from tfbootstrap.matrix.tensorflow import TensorflowRow


def published_requirements(row: TensorflowRow, facts: Facts) -> tuple[str, ...]:
    """Return what the wheels of a release for a runtime require, as published."""
    metadata = row.metadata_for(f"{facts.platform.system}-{facts.platform.machine}", facts.python.minor)
    return metadata.requires if metadata else ()


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
    environment = _marker_environment(facts)
    found: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, requires):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            found[name] = found.get(name, _ANY) & requirement.specifier
    return found


_SYSTEMS: Final = {
    "linux": ("Linux", "linux", "posix"),
    "macos": ("Darwin", "darwin", "posix"),
    "windows": ("Windows", "win32", "nt"),
}


def _marker_environment(facts: Facts) -> dict[str, str]:
    # Every variable that markers may name; what is left out would be asked of the machine that we run on.
    name, platform, kind = _SYSTEMS.get(facts.platform.system, (facts.platform.system, facts.platform.system, "posix"))
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{facts.python.minor}.0",
        "os_name": kind,
        "platform_machine": facts.platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": name,
        "platform_version": "",
        "python_full_version": f"{facts.python.minor}.0",
        "python_version": facts.python.minor,
        "sys_platform": platform,
    }


def bound_reason(bound: Bound) -> str:
    """Return why a bound is there: `setuptools<82: tensorboard fails beyond it (No module named 'pkg_resources')`."""
    return f"{bound.requirement}: {bound.needed_by} fails beyond it ({bound.symptom})"
