"""Serves what was proven: a request that a proof covers whole, and proven pins as preferences for all others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.facts import Facts
from tfbootstrap.lock import Lock
from tfbootstrap.matrix.proofs import PROVEN_RUNTIME, Proof, ProvenPin, proof_name
from tfbootstrap.plan.records import Admission, Candidate
from tfbootstrap.resolution import ResolvedPackage, Solution

TYPED: Final = ("the request", "the command line")
"""Reasons for a pin that were those of the proof's own lock."""


def proof_for(candidate: Candidate, facts: Facts) -> str | None:
    """Return the name of the proof that would speak of a candidate on a runtime, None where there can't be one."""
    platform = (facts.platform.system, facts.platform.machine)
    if platform != ("linux", "x86_64") or candidate.cuda_provider != "none":
        return None
    return proof_name(candidate.row.version, facts.python.minor, PROVEN_RUNTIME)


def covers(proof: Proof, admission: Admission, existing: Lock | None) -> bool:
    """Say whether a proof is all that a request needs, so that nothing has to be resolved.

    It must be of the version that would be taken, for an older C library than the runtime's, and hold every package
    asked for within every bound. A lock that is there and pins something else has its say first.
    """
    candidate, request = admission.candidates[0], admission.request
    wanted = [item.name for item in request.packages]
    if request.slim or request.extras or not _serves_libc(proof.libc, admission.facts.platform.libc):
        return False
    pins = {pin.name: pin.version for pin in pins_for(proof, wanted)}
    if existing is not None and {pin.name: pin.version for pin in existing.pins} != pins:
        return False
    asked = [wanted.requirement for wanted in request.packages]
    held = [wanted.requirement for wanted in request.constraints if canonicalize_name(wanted.requirement.name) in pins]
    bounds = [Requirement(bound.requirement) for bound in candidate.bounds]
    return all(_is_met(requirement, pins) for requirement in (*asked, *held, *bounds))


def _is_met(requirement: Requirement, pins: Mapping[str, str]) -> bool:
    found = pins.get(canonicalize_name(requirement.name))
    # What an extra brings is not in the pins.
    return found is not None and not requirement.extras and _admits(requirement.specifier, found)


def _admits(specifier: SpecifierSet, version: str) -> bool:
    return specifier.contains(version, prereleases=True)


def _serves_libc(floor: str, found: str | None) -> bool:
    family, _, version = floor.partition(" ")
    own_family, _, own = (found or "").partition(" ")
    return family == own_family and Version(own) >= Version(version)


def pins_for(proof: Proof, wanted: Collection[str]) -> tuple[ProvenPin, ...]:
    """Return the pins of a proof, with those of its companions that are wanted and what these need, sorted by name.

    Where one of them needs another version of one of the pins, all versions are those that were tried with it.
    """
    pins = {pin.name: pin for pin in proof.packages}
    left = list(proof.companion_packages)
    moved = [pin for pin in left if pin.name in pins]
    asking = set(wanted) - pins.keys()
    while found := [pin for pin in left if pin.name in asking or asking.intersection(pin.via)]:
        if any(pin in moved for pin in found):
            found += [pin for pin in moved if pin in left and pin not in found]
        pins |= {pin.name: pin for pin in found}
        asking |= {pin.name for pin in found}
        left = [pin for pin in left if pin not in found]
    return tuple(pins[name] for name in sorted(pins))


def proven_solution(proof: Proof, wanted: Collection[str] = ()) -> Solution:
    """Return the pins of a proof as a resolver would, with the companions that are wanted."""
    return Solution(
        packages=tuple(
            ResolvedPackage(
                name=pin.name,
                version=pin.version,
                via=tuple(reason for reason in pin.via if reason not in TYPED),
                files=(),
                hashes=pin.hashes,
            )
            for pin in pins_for(proof, wanted)
        ),
        engine=f"proof of {proof.proven}",
    )


def with_preferences(
    preferences: tuple[tuple[str, str], ...], proof: Proof | None, wanted: Collection[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Return preferences with the proven pins after them: what is preferred already stays.

    What other companions than the wanted ones bring comes last: something that is wanted may bring them.
    """
    if proof is None:
        return preferences
    known = {name for name, _ in preferences}
    proven = {pin.name: pin.version for pin in pins_for(proof, wanted)}
    others = {pin.name: pin.version for pin in proof.companion_packages if pin.name not in proven}
    return (*preferences, *((name, version) for name, version in {**proven, **others}.items() if name not in known))


def unproven(pins: Mapping[str, str], proof: Proof) -> tuple[str, ...]:
    """Return the packages among pins that are not as the proof has them."""
    proven = {pin.name: pin.version for pin in pins_for(proof, pins)}
    return tuple(name for name, version in sorted(pins.items()) if proven.get(name) != version)


def proof_reason(proof: Proof, different: tuple[str, ...]) -> str:
    """Return what a proof says of a lock."""
    what = f"installed and tried on {proof.proven} with Python {proof.interpreter} ({proof.machine})"
    if not different:
        return f"every pin is proven: {what}"
    shown = ", ".join(different[:8]) + (f" and {len(different) - 8} more" if len(different) > 8 else "")
    return f"proven but for {shown}: the other pins were {what}"
