"""The smallest change of a provisioned runtime (Colab, Kaggle): what its image holds, what must move, what would break.

Pure. The search over the resolver is `app.overlay`'s; here is what each step asks and what an answer means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfbootstrap.facts import Facts
from tfbootstrap.matrix.markers import applying, parsed
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.markers import runtime_environment

PROVISIONED_HOSTS = frozenset({"colab", "kaggle"})
"""Hosts whose image comes with hundreds of packages that notebooks rely on."""

_NAME = re.compile(r"(?<![\w.-])([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?=\s*(?:\[[^\]]*\])?\s*(?:[=<>!~]=|[<>]))")
"""A package name in a resolver's derivation: what stands before a comparison."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """A package of the image whose requirement a change violates."""

    name: str
    version: str
    requirement: str
    would_be: str
    """The version that the required package would have."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} requires {self.requirement}, and would get {self.would_be}"


def is_provisioned(facts: Facts) -> bool:
    """Say whether a runtime comes with an image to be careful with."""
    return facts.host.kind in PROVISIONED_HOSTS and bool(facts.distributions)


def image_pins(facts: Facts) -> dict[str, str]:
    """Return what the image holds and an index may serve: normalised name -> version.

    Builds with a local version (`2.11.0+cu128`) come from elsewhere; the resolution leaves them alone.
    """
    return {
        name: distribution.version
        for name, distribution in facts.distributions.items()
        if "+" not in distribution.version and _is_version(distribution.version)
    }


def unindexed(facts: Facts) -> tuple[str, ...]:
    """Return the packages of the image that no index can serve, as `name version`."""
    pins = image_pins(facts)
    return tuple(
        f"{name} {distribution.version}" for name, distribution in facts.distributions.items() if name not in pins
    )


def needs(row: TensorflowRow, facts: Facts, wanted: Iterable[Requirement]) -> dict[str, SpecifierSet]:
    """Return what a TensorFlow and the user's requirements need, by name, for this runtime."""
    metadata = row.metadata_for(f"{facts.platform.system}-{facts.platform.machine}", facts.python.minor)
    lines = metadata.requires if metadata else ()
    environment = runtime_environment(facts)
    found: dict[str, SpecifierSet] = {"tensorflow": SpecifierSet(f"=={row.version}")}
    for requirement in applying((*lines, *(str(one) for one in wanted)), environment):
        name = canonicalize_name(requirement.name)
        found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    return found


def must_move(needed: Mapping[str, SpecifierSet], facts: Facts) -> frozenset[str]:
    """Return the packages of the image that can't stay as they are."""
    return frozenset(
        name
        for name, specifier in needed.items()
        if (held := facts.distributions.get(name)) and not specifier.contains(held.version, prereleases=True)
    ) | {"tensorflow"}


def requirers(facts: Facts, moving: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return what the image's packages require of those that move, as (requirer, requirement)."""
    names = frozenset(moving)
    environment = runtime_environment(facts)
    return frozenset(
        (name, f"{canonicalize_name(requirement.name)}{requirement.specifier}")
        for name, distribution in facts.distributions.items()
        if name not in names
        for requirement in applying(distribution.requires, environment)
        if canonicalize_name(requirement.name) in names and str(requirement.specifier)
    )


def can_not_bind(binding: Iterable[tuple[str, str]], needed: Mapping[str, SpecifierSet]) -> frozenset[tuple[str, str]]:
    """Return the requirements of the image that no version can meet together with what is needed."""
    return frozenset(
        (requirer, line)
        for requirer, line in binding
        if (requirement := parsed(line)).name in needed
        and not may_meet(requirement.specifier, needed[requirement.name])
    )


def may_meet(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Say whether some version can satisfy both specifiers: one at, or just above, a bound that they name."""
    named = {clause.version.removesuffix(".*") for clause in (*one, *other)}
    tried = {"0", *named, *(f"{version}.1" for version in named if version.replace(".", "").isdigit())}
    both = one & other
    return any(both.contains(version, prereleases=True) for version in tried)


def named_in(derivation: str, names: Iterable[str]) -> frozenset[str]:
    """Return which of these packages a resolver's derivation speaks of."""
    spoken: set[str] = {canonicalize_name(match) for match in _NAME.findall(derivation)}
    return frozenset(spoken & set(names))


def breaks(facts: Facts, pins: Mapping[str, str]) -> tuple[Break, ...]:
    """Return every requirement within the image that holds now and would not with these pins, by name."""
    environment = runtime_environment(facts)
    found = [
        Break(name=name, version=distribution.version, requirement=str(requirement), would_be=pins[required])
        for name, distribution in facts.distributions.items()
        if name not in pins or pins[name] == distribution.version
        for requirement in applying(distribution.requires, environment)
        if (required := canonicalize_name(requirement.name)) in pins
        and not requirement.specifier.contains(pins[required], prereleases=True)
        and _held(facts, requirement, required)
    ]
    return tuple(sorted(found, key=lambda item: (item.name, item.requirement)))


def changes(facts: Facts, pins: Mapping[str, str]) -> tuple[str, ...]:
    """Return the packages of the image that would get another version, as `numpy 2.0.2 -> 2.1.3`."""
    return tuple(
        f"{name} {facts.distributions[name].version} -> {version}"
        for name, version in sorted(pins.items())
        if name in facts.distributions and not same_version(facts.distributions[name].version, version)
    )


def same_version(one: str, other: str) -> bool:
    """Say whether two versions are the same, a local part apart (`2.6.0+cu124` is 2.6.0)."""
    try:
        return Version(one).public == Version(other).public
    except InvalidVersion:
        return one == other


def _held(facts: Facts, requirement: Requirement, required: str) -> bool:
    """Say whether a requirement holds in the image as it is: what is broken already, no change breaks."""
    present = facts.distributions.get(required)
    return present is None or requirement.specifier.contains(present.version, prereleases=True)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
