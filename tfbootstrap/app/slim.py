"""`--slim`: `tensorflow-cpu`, half the download, where nothing else needs the distribution `tensorflow`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from packaging.utils import canonicalize_name

from tfbootstrap.errors import EngineConflictError
from tfbootstrap.matrix.distributions import DistributionsMatrix
from tfbootstrap.plan.bounds import published_requirements
from tfbootstrap.plan.distributions import slim_hindrance, slim_requirements
from tfbootstrap.plan.problem import DISTRIBUTION, SLIM_DISTRIBUTION, slim_input
from tfbootstrap.plan.records import Admission, Plan
from tfbootstrap.plan.tags import target_tags
from tfbootstrap.resolution import ResolutionInput, Solution


def slimmed(
    admission: Admission,
    plan: Plan,
    solution: Solution,
    problem: ResolutionInput,
    solve: Callable[..., Solution],
    distributions: DistributionsMatrix | None,
) -> tuple[Plan, Solution]:
    """Return the plan and solution with `tensorflow-cpu`, or unchanged with the reason why not."""
    row, facts = plan.candidate.row, plan.facts
    assert distributions is not None, "who plans asks `parts_needed` first"
    reason = _hindrance(admission, solution) or slim_hindrance(row, facts, target_tags(facts), distributions)
    if reason is None:
        own = slim_requirements(row, facts, distributions)
        try:
            slim = solve(slim_input(problem, row.version, published_requirements(row, facts), own))
        except EngineConflictError:
            reason = f"the index has no {SLIM_DISTRIBUTION} {row.version} for this runtime"
        else:
            reason = _hindrance(admission, slim)
            if reason is None:
                said = f"{SLIM_DISTRIBUTION} is taken: nothing here needs {DISTRIBUTION} itself"
                pins = {package.name: package.version for package in slim.packages}
                return (
                    replace(plan, distribution=SLIM_DISTRIBUTION, pins=pins, reasons=(*plan.reasons, said)),
                    slim,
                )
    return replace(plan, warnings=(*plan.warnings, f"{SLIM_DISTRIBUTION} is not taken: {reason}")), solution


def _hindrance(admission: Admission, solution: Solution) -> str | None:
    if admission.request.gpu != "none":
        return "--slim is for the CPU and goes with --gpu none"
    package = next((one for one in solution.packages if one.name == DISTRIBUTION), None)
    named = {canonicalize_name(via) for via in package.via} if package else set()
    packages = {one.name for one in solution.packages}
    requiring = sorted((named & packages) - {DISTRIBUTION})
    return f"{', '.join(requiring)} requires {DISTRIBUTION} itself" if requiring else None
