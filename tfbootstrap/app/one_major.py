"""Keeps CUDA wheels of two majors that own the same files out of one lock, or says why that can't be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from packaging.requirements import Requirement

from tfbootstrap.errors import EngineConflictError, Location
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.plan.cuda_majors import (
    collisions,
    cuda_majors,
    exclusions,
    moved_warning,
    other_majors,
    split_rejections,
)
from tfbootstrap.plan.records import Admission, Plan, Rejections
from tfbootstrap.request import WantedPackage
from tfbootstrap.resolution import Solution

MOST_ROUNDS = 4
"""Leaving one package out may bring another one that collides; there are about a dozen pairs."""

LACKS_EXTRA = "does not have an extra named"
"""What uv warns of where the version that it chose lacks an extra that was asked for."""

Resolve = Callable[[Admission], tuple[Plan, Solution]]


def resolve_one_major(
    admission: Admission,
    resolve: Resolve,
    tables: Callable[[], tuple[LibrariesMatrix, CompanionsMatrix]],
) -> tuple[Plan, Solution] | Rejections:
    """Resolve so that no two CUDA majors' wheels own the same files; rejections where that has no solution.

    The tables are read only where wheels of two majors meet. Raises what resolving raises.
    """
    plan, solution = first = resolve(admission)
    held = {name: distribution.version for name, distribution in admission.facts.distributions.items()}
    for _ in range(MOST_ROUNDS):
        if len(cuda_majors(plan.pins)) < 2:
            break
        libraries, companions = tables()
        rows = collisions(plan.pins, libraries, held)
        if not rows:
            break
        major = (plan.candidate.row.cuda or "").split(".")[0]
        others = other_majors(rows, major)
        admission = _without(admission, others, major)
        try:
            plan, solution = resolve(admission)
        except EngineConflictError:
            return split_rejections(admission, first[0].candidate, first[1], rows, companions)
        if _lost_extras(first[1], solution):
            return split_rejections(admission, first[0].candidate, first[1], rows, companions)
        note = moved_warning(first[1], solution, others, admission.request.packages)
        plan = replace(plan, warnings=(*plan.warnings, note))
    return plan, solution


def _lost_extras(before: Solution, after: Solution) -> bool:
    """Say whether what was asked for is there in a version that lacks its extra, such as jax[cuda13] in an old jax."""
    return any(LACKS_EXTRA in warning for warning in set(after.warnings) - set(before.warnings))


def _without(admission: Admission, names: tuple[str, ...], major: str) -> Admission:
    location = Location(f"one CUDA major, {major}")
    bounds = tuple(WantedPackage(requirement=Requirement(line), location=location) for line in exclusions(names))
    request = admission.request
    return replace(admission, request=replace(request, constraints=(*request.constraints, *bounds)))
