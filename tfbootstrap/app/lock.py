"""`tfbootstrap lock`: a request in, a lock and its bootstrap out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfbootstrap import __version__
from tfbootstrap.app.knowledge import load_knowledge
from tfbootstrap.app.targets import Target, find_target, runtime_digest
from tfbootstrap.errors import EngineError, InputError, Location, OutputError, UsageError
from tfbootstrap.lock import Lock, read_lock, write_lock
from tfbootstrap.plan.admission import admit, needs_hardware
from tfbootstrap.plan.decision import chosen_candidate, decide, make_lock, record_digest
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.overlay import is_provisioned
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.plan.records import Admission, Plan, Rejections
from tfbootstrap.plan.ways_out import rejections
from tfbootstrap.request import (
    CudaPolicy,
    Engine,
    Request,
    WantedPackage,
    lock_command,
    parse_driver,
    parse_python,
    parse_requirement,
    split_tensorflow,
)
from tfbootstrap.resolution import Solution

if TYPE_CHECKING:
    from tfbootstrap.edges.index_configuration import IndexConfiguration

COMMAND_LINE = "the command line"
MOST_UNKNOWN_RELEASES = 20
"""How many releases newer than the matrix an index may hold before we give up excluding them one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions:
    """The options of `tfbootstrap lock` as given."""

    requirements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tensorflow: str | None = None
    runtime: str | None = None
    python: str | None = None
    gpu: str = "auto"
    driver: str | None = None
    cuda: CudaPolicy = "auto"
    output: str = "requirements.txt"
    upgrade: bool = False
    engine: Engine = "uv"
    offline: bool = False
    dry_run: bool = False
    bootstrap: bool = True
    slim: bool = False
    matrix: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """What locking one target came to: a lock and its plan, or rejections; and which files changed."""

    name: str
    lock: Lock | None = None
    plan: Plan | None = None
    engine: str = ""
    rejections: Rejections | None = None
    target: Target | None = None
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    texts: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOutcome:
    """Whether a lock is fresh: no reasons, or why it is stale."""

    path: str
    reasons: tuple[str, ...] = ()


def read_request(options: LockOptions) -> Request:
    """Return what the options and the files that they name ask for."""
    from tfbootstrap.edges.inputs import read_requirements

    wanted = [parse_requirement(text, Location(COMMAND_LINE)) for text in options.requirements]
    constraints: list[WantedPackage] = []
    for path in options.files:
        more, bounds = read_requirements(Path(path))
        wanted += more
        constraints += bounds
    wishes, extra, packages = split_tensorflow(options.tensorflow, tuple(wanted))
    bound_wishes, _, bounds_left = split_tensorflow(None, tuple(constraints))
    if options.gpu == "none" and options.cuda in ("wheels", "system"):
        raise UsageError(f"--gpu none and --cuda {options.cuda} contradict each other", hint="leave out one of the two")
    return Request(
        tensorflow=(*wishes, *bound_wishes),
        wants_cuda_extra=extra,
        packages=packages,
        constraints=bounds_left,
        gpu=options.gpu,
        driver=parse_driver(options.driver) if options.driver else None,
        cuda=options.cuda,
        python=parse_python(options.python) if options.python else None,
        runtime=options.runtime,
        slim=options.slim,
        arguments=options.requirements,
        files=options.files,
    )


def lock(options: LockOptions) -> LockOutcome:
    """Lock one target and write its files, all or none; nothing is written for `dry_run` or when nothing fits."""
    request = read_request(options)
    output = Path(options.output)
    check_output_folder(output)
    target = find_target(request, options.matrix)
    knowledge = load_knowledge(options.matrix, hardware=needs_hardware(target.facts, request))
    admission = admit(target.facts, knowledge, request)
    if not admission.candidates:
        return LockOutcome(name=target.name, target=target, rejections=rejections(admission, knowledge))
    existing = None if options.upgrade else _existing_lock(output)
    plan, solution = _resolve(admission, knowledge, existing, offline=options.offline)
    made = make_lock(
        plan,
        solution,
        name=target.name,
        command=lock_command(request, output=options.output),
        inputs=request.digest(target.digest),
        tool=__version__,
        matrix=record_digest(knowledge.tensorflow),
    )
    texts = {output: write_lock(made)}
    if options.bootstrap:
        texts[bootstrap_path(output)] = _bootstrap_text(made)
    outcome = LockOutcome(name=target.name, lock=made, plan=plan, engine=solution.engine, target=target, texts=texts)
    return outcome if options.dry_run else _written(outcome)


def check(options: LockOptions) -> CheckOutcome:
    """Compare a lock with what is asked for now and with the matrix rows that decided; no network, no detection."""
    output = Path(options.output)
    found = _read_existing(output)
    request = read_request(options)
    reasons = []
    if request.digest(runtime_digest(request.runtime)) != found.header.inputs:
        reasons.append(f"other inputs than the lock was made for (it was made by: {found.header.command})")
    reasons += _changed_rows(found, load_knowledge(options.matrix))
    if options.bootstrap:
        reasons += _bootstrap_problem(output, found)
    return CheckOutcome(path=options.output, reasons=tuple(reasons))


def recorded_command(output: str) -> str:
    """Return the command in the header of a lock that is there."""
    return _read_existing(Path(output)).header.command


def bootstrap_path(output: Path) -> Path:
    """Return where a lock's bootstrap lies: `bootstrap.py` for `requirements.txt`, else `<lock stem>.bootstrap.py`."""
    name = "bootstrap.py" if output.name == "requirements.txt" else f"{output.stem}.bootstrap.py"
    return output.with_name(name)


def check_output_folder(output: Path) -> None:
    """Refuse an output that can't be written before anything costly is done; raises OutputError."""
    import os

    folder = output.parent
    if not folder.is_dir():
        raise OutputError(f"the folder of {output} does not exist: {folder}", hint=f"make it with: mkdir -p {folder}")
    if output.is_dir():
        raise OutputError(f"{output} is a folder", hint="name a file, for example requirements.txt in it")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"the folder of {output} is read-only: {folder}", hint="choose another with --output-file")


def _resolve(
    admission: Admission, knowledge: Knowledge, existing: Lock | None, *, offline: bool
) -> tuple[Plan, Solution]:
    from tfbootstrap.edges.engines import resolve
    from tfbootstrap.edges.index_configuration import read_index_configuration

    indexes = read_index_configuration()
    if is_provisioned(admission.facts):
        return _resolve_overlay(admission, knowledge, indexes, offline=offline)
    preferences = tuple((pin.name, pin.version) for pin in existing.pins) if existing else ()
    excluded: tuple[str, ...] = ()
    for _ in range(MOST_UNKNOWN_RELEASES):
        problem = resolution_input(admission, knowledge, preferences=preferences, excluded=excluded, offline=offline)
        solution = resolve(problem, indexes)
        candidate = chosen_candidate(admission, solution)
        if candidate:
            return decide(admission, candidate, solution), solution
        excluded = (*excluded, solution.version("tensorflow") or "")
    raise EngineError(
        f"the index holds more than {MOST_UNKNOWN_RELEASES} TensorFlow releases that the matrix does not know",
        hint="update tfbootstrap, or name a TensorFlow with --tensorflow",
    )


def _resolve_overlay(
    admission: Admission, knowledge: Knowledge, indexes: IndexConfiguration, *, offline: bool
) -> tuple[Plan, Solution]:
    from tfbootstrap.app.overlay import resolve_overlay
    from tfbootstrap.edges.engines import resolve
    from tfbootstrap.plan.overlay import breaks, unindexed

    candidate, solution = resolve_overlay(
        admission,
        lambda narrowed: resolution_input(narrowed, knowledge, offline=offline),
        lambda problem: resolve(problem, indexes),
    )
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


def _existing_lock(output: Path) -> Lock | None:
    try:
        return _read_existing(output)
    except InputError:
        # What is there is no lock of ours: its pins are no preference, and writing over it is what the user asked for.
        return None


def _read_existing(output: Path) -> Lock:
    from tfbootstrap.edges.inputs import read_text

    return read_lock(read_text(output, what="lock", hint="make it with `tfbootstrap lock`"), str(output))


def _changed_rows(found: Lock, knowledge: Knowledge) -> list[str]:
    current = {f"tensorflow:{row.version}": row for row in knowledge.tensorflow.rows}
    reasons = []
    for name, digest in found.header.rows.items():
        if name not in current:
            reasons.append(f"the matrix row {name} is gone")
        elif record_digest(current[name]) != digest:
            reasons.append(f"the matrix row {name} has changed")
    return reasons


def _bootstrap_text(made: Lock) -> str:
    from tfbootstrap.app.render import bootstrap_text

    return bootstrap_text(made)


def _bootstrap_problem(output: Path, found: Lock) -> list[str]:
    path = bootstrap_path(output)
    if not path.is_file():
        return []
    from tfbootstrap.edges.inputs import read_text
    from tfbootstrap.render import is_made_from

    if is_made_from(read_text(path, what="bootstrap"), found):
        return []
    return [f"{path} was not made from this lock"]


def _written(outcome: LockOutcome) -> LockOutcome:
    from tfbootstrap.edges.files import write_all_atomically

    written = write_all_atomically(outcome.texts)
    changed = tuple(str(path) for path in outcome.texts if path in written)
    return replace(
        outcome, written=changed, unchanged=tuple(str(path) for path in outcome.texts if path not in written)
    )
