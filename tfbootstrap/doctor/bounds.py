"""What versions of a package an environment asks for. Layer 2: pure."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfbootstrap.doctor.case import requirements_of
from tfbootstrap.doctor.records import Case
from tfbootstrap.matrix.bounds import TENSORFLOW


def admits(specifier: SpecifierSet, version: str) -> bool:
    """Say whether a specifier admits a version; one that is no version is not judged."""
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def sort_key(version: str) -> Version:
    """Return what versions are sorted by, oldest first; what is no version comes before all."""
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0.dev0")


def all_bounds(case: Case, package: str) -> SpecifierSet:
    """Return what TensorFlow's family and the matrix ask of a package, together."""
    found = SpecifierSet()
    for name in sorted(case.family & set(case.facts.distributions)):
        for requirement in requirements_of(case.facts, name):
            if canonicalize_name(requirement.name) == package:
                found &= requirement.specifier
    for bound in case.tables.bounds.rows:
        involved = bound.needed_by == TENSORFLOW or bound.needed_by in case.versions
        if case.tensorflow and bound.package == package and involved:
            applies = bound.is_for(case.tensorflow.version, case.facts.python.minor)
            found &= SpecifierSet(bound.bound if applies else "")
    return found


def tightest(specifier: SpecifierSet) -> SpecifierSet:
    """Return the same range in fewer words: the highest of its lower bounds, the lowest of its upper ones."""
    clauses = sorted(specifier, key=str)  # a set has no order of its own, and the words must be the same each time
    lower = [clause for clause in clauses if clause.operator in (">=", ">")]
    upper = [clause for clause in clauses if clause.operator in ("<", "<=")]
    others = [clause for clause in clauses if clause not in lower and clause not in upper]
    # Of two bounds with one number the one that excludes it is the tighter.
    lower = sorted(lower, key=lambda clause: (Version(clause.version), clause.operator == ">"))[-1:]
    upper = sorted(upper, key=lambda clause: (Version(clause.version), clause.operator == "<="))[:1]
    return SpecifierSet(",".join(str(clause) for clause in [*others, *lower, *upper]))
