"""What the known-bad combinations mean for a plan: versions refused, bounds added, warnings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tfbootstrap.errors import EngineConflictError
from tfbootstrap.facts import Facts, Gpu
from tfbootstrap.lock import CudaProvider, Lock
from tfbootstrap.matrix.known_bad import KnownBad, KnownBadMatrix, Situation
from tfbootstrap.matrix.markers import parsed
from tfbootstrap.plan.decision import record_digest
from tfbootstrap.plan.records import Avoided, Plan, Rejection

RULE = "known-bad"


def situation_of(
    tensorflow: str,
    facts: Facts,
    provider: CudaProvider,
    gpus: tuple[Gpu, ...],
    packages: Mapping[str, str] | None = None,
) -> Situation:
    """Return what the rows are compared with, for a TensorFlow release on a runtime."""
    return Situation(
        tensorflow=tensorflow,
        python=facts.python.minor,
        platform=f"{facts.platform.system}-{facts.platform.machine}",
        cuda_provider=provider,
        compute_capabilities=tuple(gpu.compute_capability for gpu in gpus if gpu.compute_capability),
        packages=packages or {},
    )


def known_bad_rejection(situation: Situation, matrix: KnownBadMatrix) -> Rejection | None:
    """Return why a release is refused before anything is resolved, None where no row excludes it."""
    row = next((row for row in matrix.before_packages(situation) if row.effect == "exclude"), None)
    if row is None:
        return None
    return Rejection(
        tensorflow=situation.tensorflow,
        rule=RULE,
        found=f"{row.breaks} fails ({row.symptom})",
        needed=row.way_out,
        source=row.source,
    )


def known_bad_bounds(situation: Situation, requires: tuple[str, ...], matrix: KnownBadMatrix) -> tuple[Avoided, ...]:
    """Return requirements that avoid combinations; for a package that only extras name, with their marker.

    An exact pin that the bound admits needs none.
    """
    named: dict[str, Requirement] = {}
    for requirement in map(parsed, requires):
        # A requirement without marker wins: then the bound needs none either.
        name = canonicalize_name(requirement.name)
        if name not in named or requirement.marker is None:
            named[name] = requirement
    found = (_avoided(row, named) for row in matrix.avoidable(situation, named.keys()))
    return tuple(one for one in found if one)


def _avoided(row: KnownBad, named: Mapping[str, Requirement]) -> Avoided | None:
    bound = Requirement(row.bound or "")
    published = named[canonicalize_name(bound.name)]
    if any(clause.operator == "==" and bound.specifier.contains(clause.version) for clause in published.specifier):
        return None
    bound.marker = published.marker
    return Avoided(row=row, requirement=str(bound))


def judge_solution(plan: Plan, matrix: KnownBadMatrix) -> Plan:
    """Return a plan with the warnings that its pins deserve.

    Raises EngineConflictError where its pins are a combination that must not be locked.
    """
    candidate = plan.candidate
    situation = situation_of(candidate.row.version, plan.facts, candidate.cuda_provider, plan.gpus, plan.pins)
    matching = matrix.matching(situation)
    for row in matching:
        if row.effect == "exclude":
            raise EngineConflictError(
                f"the requirements lead to a combination that is known to be broken ({row.id}, {row.source})",
                known_bad_sentence(row),
                hint=row.way_out,
            )
    warnings = tuple(known_bad_sentence(row) for row in matching)
    rows = {f"known_bad:{row.id}": record_digest(row) for row in matching}
    return replace(plan, warnings=(*plan.warnings, *warnings), rows={**plan.rows, **rows})


def known_bad_sentence(row: KnownBad) -> str:
    """Return a row in words: what does not work, how it shows, what to do."""
    return f"{row.breaks} does not work here ({row.symptom}); {row.way_out}"


def became_known_bad(lock: Lock, matrix: KnownBadMatrix) -> Iterator[KnownBad]:
    """Yield the rows that exclude what a lock pins: they came after it."""
    header = lock.header
    situation = Situation(
        tensorflow=header.tensorflow,
        python=header.target.python,
        platform=f"{header.target.system}-{header.target.machine}",
        cuda_provider=header.cuda_provider,
        compute_capabilities=tuple(gpu.compute_capability for gpu in header.gpus),
        packages={pin.name: pin.version for pin in lock.pins},
    )
    yield from (row for row in matrix.matching(situation) if row.effect == "exclude")
