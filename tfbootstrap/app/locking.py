"""Locks one target: from a job to the texts of its files, or to the reasons why nothing fits. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tfbootstrap import __version__
from tfbootstrap.app.hints import rejection_hints
from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.one_major import resolve_one_major
from tfbootstrap.app.proven import proof_of, told_by
from tfbootstrap.app.requests import Job, LockOptions
from tfbootstrap.app.slim import slimmed
from tfbootstrap.app.targets import Target, find_target
from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.errors import EngineConflictError, EngineError, InputError, UnsatisfiableError
from tfbootstrap.lock import Lock, write_lock
from tfbootstrap.lock_diff import LockChanges, diff
from tfbootstrap.matrix.proofs import Proof
from tfbootstrap.plan.admission import admit, parts_needed
from tfbootstrap.plan.companions import with_broken_ties
from tfbootstrap.plan.decision import chosen_candidate, decide, make_lock
from tfbootstrap.plan.distributions import renamed_reasons
from tfbootstrap.plan.evidence import hardware_rows
from tfbootstrap.plan.keras import with_keras_notes
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.known_bad import judge_solution
from tfbootstrap.plan.markers import meant_for
from tfbootstrap.plan.overlay import is_provisioned
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.plan.proven import covers, proven_solution, with_preferences
from tfbootstrap.plan.records import Admission, Plan, Rejections
from tfbootstrap.plan.ways_out import rejections
from tfbootstrap.request import TENSORFLOW_NAMES
from tfbootstrap.resolution import ResolutionInput, Solution

MOST_UNKNOWN_RELEASES = 20
"""How many releases newer than the matrix an index may hold before we give up excluding them one by one."""

Solve = Callable[[ResolutionInput], Solution]


@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """What all targets of one call share, read once."""

    options: LockOptions
    tables: Tables
    indexes: IndexConfiguration
    solve: Solve


@dataclass(frozen=True, kw_only=True, slots=True)
class PinDifference:
    """A package that two engines pin differently; engine -> its version, None where it has no such package."""

    name: str
    versions: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """What locking one target came to: a lock and its plan, or rejections; and which files changed."""

    name: str
    output: str = ""
    lock: Lock | None = None
    plan: Plan | None = None
    engine: str = ""
    rejections: Rejections | None = None
    hints: tuple[str, ...] = ()
    """Beside the ways out of rejections: what the diagnoses know to do about the machine."""
    target: Target | None = None
    changes: LockChanges | None = None
    """The difference to the lock that was there; None where there was none."""
    differences: tuple[PinDifference, ...] | None = None
    """Where the other engine's pins differ; None where it was not asked."""
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    texts: dict[Path, str] = field(default_factory=dict)


def lock_target(job: Job, common: Common) -> LockOutcome:
    """Plan, resolve and render one target.

    An unsatisfiable request is an outcome with rejections; what else goes wrong raises a TfbootstrapError.
    """
    options = common.options
    target = find_target(job.request, options.matrix)
    name = job.name or target.name
    request, left_out = meant_for(job.request, target.facts)
    knowledge = common.tables.knowledge(parts_needed(target.facts, request))
    admission = admit(target.facts, knowledge, request)
    outcome = LockOutcome(name=name, output=job.output, target=target)
    if not admission.candidates:
        rejected = rejections(admission, knowledge)
        return replace(outcome, rejections=rejected, hints=rejection_hints(rejected, target.facts, options.matrix))
    existing = existing_lock(Path(job.output))
    proof = proof_of(admission, options)
    kept, preferred = _kept(existing, admission, proof, options)
    try:
        found = resolve_one_major(
            admission,
            lambda asked: (
                _proven(asked, proof, job, common, kept) or _resolve(asked, knowledge, common, preferred, proof)
            ),
            common.tables.companionship,
        )
    except EngineConflictError as conflict:
        return replace(outcome, rejections=_retold(conflict, admission, knowledge, common))
    if isinstance(found, Rejections):
        return replace(outcome, rejections=found)
    plan, solution = _completed(*found, admission, knowledge, common)
    plan = told_by(proof, plan)
    made = make_lock(
        plan,
        solution,
        name=name,
        command=job.command,
        inputs=job.request.digest(target.digest),
        tool=__version__,
        matrix=common.tables.digest(),
    )
    return replace(
        outcome,
        lock=made,
        plan=replace(
            plan,
            reasons=(*plan.reasons, *left_out, *renamed_reasons(request, knowledge.distributions)),
            warnings=(*plan.warnings, *solution.warnings),
            request=request,
        ),
        engine=solution.engine,
        changes=diff(existing, made) if existing else None,
        texts=_texts(job, made, solution, bootstrap=options.bootstrap),
    )


def _proven(
    admission: Admission, proof: Proof | None, job: Job, common: Common, existing: Lock | None
) -> tuple[Plan, Solution] | None:
    """Return the plan that a proof covers whole, without asking anybody; None where something has to be resolved."""
    # What an index in the public one's place holds is not known, and a pylock.toml needs the files' addresses.
    options = common.options
    if common.indexes.replaces_public or options.engine != "uv" or options.cross_check or job.format == "pylock":
        return None
    if proof is None or not covers(proof, admission, existing):
        return None
    solution = proven_solution(proof, [item.name for item in admission.request.packages])
    return decide(admission, admission.candidates[0], solution), solution


def _kept(
    existing: Lock | None, admission: Admission, proof: Proof | None, options: LockOptions
) -> tuple[Lock | None, Lock | None]:
    """Return the lock that a proof must agree with to be taken whole, and the one whose pins are preferred.

    Where TensorFlow is to move on, nothing of the lock that is there speaks against what was proven with the new one.
    """
    if options.upgrade or existing is None:
        return None, None
    if not options.newest_tensorflow or existing.header.tensorflow == admission.candidates[0].row.version:
        return existing, existing
    proven = {pin.name for pin in (*proof.packages, *proof.companion_packages)} if proof else set()
    rest = tuple(pin for pin in existing.pins if pin.name not in TENSORFLOW_NAMES | proven)
    return None, replace(existing, pins=rest)


def _with_hardware_rows(plan: Plan, knowledge: Knowledge) -> Plan:
    if knowledge.hardware is None or plan.candidate.cuda_provider == "none":
        return plan
    return replace(plan, rows={**plan.rows, **hardware_rows(plan.candidate.row, knowledge.hardware)})


def cross_check(job: Job, common: Common, other: Common, engines: tuple[str, str]) -> LockOutcome:
    """Lock one target with two engines; return the first one's outcome with the pins in which the other differs.

    Where the other finds nothing, its rejections are the outcome.
    """
    outcome, second = lock_target(job, common), lock_target(job, other)
    if outcome.rejections or second.rejections:
        return outcome if outcome.rejections else second
    pins, others = ({pin.name: pin.version for pin in one.lock.pins} if one.lock else {} for one in (outcome, second))
    differences = tuple(
        PinDifference(name=name, versions=dict(zip(engines, (pins.get(name), others.get(name)), strict=True)))
        for name in sorted(pins.keys() | others.keys())
        if pins.get(name) != others.get(name)
    )
    return replace(outcome, differences=differences)


def _completed(
    plan: Plan, solution: Solution, admission: Admission, knowledge: Knowledge, common: Common
) -> tuple[Plan, Solution]:
    """Return the plan with what its pins come to.

    Raises EngineConflictError for a known-bad combination, UnsatisfiableError where the image is to stay whole.
    """
    plan = _with_hardware_rows(judge_solution(plan, knowledge.known_bad), knowledge)
    if admission.request.packages:
        companions = common.tables.companionship()[1]
        plan = with_broken_ties(with_keras_notes(plan, companions), companions)
    if plan.breaks and common.options.strict_image:
        raise UnsatisfiableError(
            "the image would break, and --strict-image forbids that:\n  " + "\n  ".join(plan.breaks),
            hint="leave out --strict-image, or take another TensorFlow: tfbootstrap explain shows which fit",
        )
    if admission.request.slim:
        problem = resolution_input(admission, knowledge, offline=common.options.offline)
        return slimmed(admission, plan, solution, problem, common.solve, knowledge.distributions)
    return plan, solution


def bootstrap_path(output: Path) -> Path:
    """Return where a lock's bootstrap lies: `bootstrap.py` for `requirements.txt`, else `<lock stem>.bootstrap.py`."""
    name = "bootstrap.py" if output.name == "requirements.txt" else f"{output.stem}.bootstrap.py"
    return output.with_name(name)


def existing_lock(output: Path) -> Lock | None:
    """Return the lock that is there, None where there is none or something else.

    What is there and no lock of ours is no preference; whether it may be written over, `app.outputs` says.
    """
    from tfbootstrap.app.locks import open_lock

    try:
        return open_lock(str(output)) if output.exists() else None
    except InputError:
        return None


def _resolve(
    admission: Admission, knowledge: Knowledge, common: Common, existing: Lock | None, proof: Proof | None
) -> tuple[Plan, Solution]:
    offline = common.options.offline
    preferences = tuple((pin.name, pin.version) for pin in existing.pins) if existing else ()
    preferences = with_preferences(preferences, proof, [item.name for item in admission.request.packages])
    if is_provisioned(admission.facts):
        return _resolve_overlay(admission, knowledge, common, preferences)
    excluded: tuple[str, ...] = ()
    for _ in range(MOST_UNKNOWN_RELEASES):
        problem = resolution_input(admission, knowledge, preferences=preferences, excluded=excluded, offline=offline)
        solution = common.solve(problem)
        candidate = chosen_candidate(admission, solution)
        if candidate:
            kept = existing.header.tensorflow if existing and not common.options.newest_tensorflow else None
            return decide(admission, candidate, solution, kept=kept), solution
        excluded = (*excluded, solution.version("tensorflow") or "")
    raise EngineError(
        f"the index holds more than {MOST_UNKNOWN_RELEASES} TensorFlow releases that the matrix does not know",
        hint="update tfbootstrap, or name a TensorFlow with --tensorflow",
    )


def _retold(conflict: EngineConflictError, admission: Admission, knowledge: Knowledge, common: Common) -> Rejections:
    from tfbootstrap.app.conflicts import explain_conflict

    def version_of(other: Admission) -> str:
        problem = resolution_input(other, knowledge, offline=common.options.offline)
        candidate = chosen_candidate(other, common.solve(problem)) if other.candidates else None
        if candidate is None:
            raise conflict
        return candidate.row.version

    return explain_conflict(conflict, admission, knowledge, version_of, common.indexes.shown)


def _resolve_overlay(
    admission: Admission, knowledge: Knowledge, common: Common, preferences: tuple[tuple[str, str], ...]
) -> tuple[Plan, Solution]:
    from tfbootstrap.app.overlay import resolve_overlay
    from tfbootstrap.plan.overlay import breaks, unindexed

    def problem_of(narrowed: Admission) -> ResolutionInput:
        return resolution_input(narrowed, knowledge, preferences=preferences, offline=common.options.offline)

    candidate, solution = resolve_overlay(admission, problem_of, common.solve)
    plan = decide(admission, candidate, solution)
    apart = [name for name in unindexed(admission.facts) if name.split()[0] in plan.pins]
    warnings = tuple(f"{name} of the image is from no index; the lock takes the index's instead" for name in apart)
    return (
        replace(
            plan,
            breaks=tuple(str(item) for item in breaks(admission.facts, plan.pins)),
            warnings=(*plan.warnings, *warnings),
        ),
        solution,
    )


def _texts(job: Job, made: Lock, solution: Solution, *, bootstrap: bool) -> dict[Path, str]:
    """Return every file that the target's lock goes into, and its text."""
    output = Path(job.output)
    if job.format == "pylock":
        from tfbootstrap.pylock import write_pylock

        texts = {output: write_pylock(made, {package.name: package.files for package in solution.packages})}
    else:
        texts = {output: write_lock(made)}
    if bootstrap:
        from tfbootstrap.app.render import bootstrap_text

        texts[bootstrap_path(output)] = bootstrap_text(made)
    if job.notebooks:
        from tfbootstrap.app.cell import notebook_texts

        texts.update(notebook_texts(made, job.notebooks))
    return texts
