"""`tfbootstrap lock --check`: whether locks are what would be made now. No network, no detection, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.locking import bootstrap_path
from tfbootstrap.app.locks import DEFAULT_LOCK, open_lock
from tfbootstrap.app.requests import Job, LockOptions, jobs_of
from tfbootstrap.app.targets import runtime_digest
from tfbootstrap.lock import Lock
from tfbootstrap.plan.decision import record_digest
from tfbootstrap.plan.evidence import PREFIXES, hardware_rows
from tfbootstrap.plan.known_bad import became_known_bad, known_bad_sentence
from tfbootstrap.request import Request


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOutcome:
    """Whether a lock is fresh: no reasons, or why it is stale."""

    name: str
    path: str
    reasons: tuple[str, ...] = ()


def check(options: LockOptions) -> tuple[CheckOutcome, ...]:
    """Compare locks with what is asked for now and with the matrix rows that decided."""
    jobs = jobs_of(options)
    tables = Tables(options.matrix)
    return tuple(_check(job, tables, bootstrap=options.bootstrap) for job in jobs)


def recorded_command(options: LockOptions) -> str:
    """Return the command in the header of the lock that is there."""
    return open_lock(options.output or DEFAULT_LOCK).header.command


def _check(job: Job, tables: Tables, *, bootstrap: bool) -> CheckOutcome:
    output = Path(job.output)
    if job.name and not output.is_file():
        return CheckOutcome(name=job.name, path=job.output, reasons=("there is no lock yet",))
    found = open_lock(job.output)
    reasons = []
    if job.request.digest(runtime_digest(job.request.runtime)) != found.header.inputs:
        reasons.append(f"other inputs than the lock was made for (it was made by: {found.header.command})")
    reasons += _code_problems(job.request, found)
    reasons += _changed_rows(found, tables)
    if bootstrap:
        reasons += _bootstrap_problem(output, found)
    reasons += _notebook_problems(job.notebooks, found)
    return CheckOutcome(name=job.name or found.header.target.name, path=job.output, reasons=tuple(reasons))


def _code_problems(request: Request, found: Lock) -> Iterator[str]:
    for wish in request.tensorflow:
        if wish.by_code and not wish.specifier.contains(found.header.tensorflow, prereleases=True):
            yield f"the code needs TensorFlow {wish.specifier}: {wish.said_by}; the lock has {found.header.tensorflow}"


def _changed_rows(found: Lock, tables: Tables) -> Iterator[str]:
    if found.header.matrix == tables.digest():
        return  # the very data that the lock was made with: no need to read it, which takes longer than all else
    knowledge = tables.knowledge()
    current: dict[str, object] = {
        **{f"tensorflow:{row.version}": row for row in knowledge.tensorflow.rows},
        **{f"bounds:{row.id}": row for row in knowledge.bounds.rows},
        **{f"known_bad:{row.id}": row for row in knowledge.known_bad.rows},
    }
    digests = {name: record_digest(row) for name, row in current.items() if name in found.header.rows}
    if any(name.startswith(PREFIXES) for name in found.header.rows):
        digests |= _hardware_digests(found, tables)
    for row in became_known_bad(found, knowledge.known_bad):
        yield f"what it pins has become known to be broken: {known_bad_sentence(row)} ({row.source})"
    for name, digest in found.header.rows.items():
        if name not in digests:
            yield f"the matrix row {name} is gone"
        elif digests[name] != digest:
            yield f"the matrix row {name} has changed"


def _hardware_digests(found: Lock, tables: Tables) -> dict[str, str]:
    knowledge = tables.knowledge(frozenset({"hardware"}))
    row = knowledge.tensorflow.row(found.header.tensorflow)
    return hardware_rows(row, knowledge.hardware) if row and knowledge.hardware else {}


def _bootstrap_problem(output: Path, found: Lock) -> Iterator[str]:
    from tfbootstrap.edges.files import read_text
    from tfbootstrap.render import is_made_from

    path = bootstrap_path(output)
    if path.is_file() and not is_made_from(read_text(path, what="bootstrap"), found):
        yield f"{path} was not made from this lock"


def _notebook_problems(notebooks: tuple[str, ...], found: Lock) -> Iterator[str]:
    from tfbootstrap.edges.files import read_text
    from tfbootstrap.edges.notebooks import cells_of_ours
    from tfbootstrap.render import is_made_from

    for path in notebooks:
        text = read_text(Path(path), what="notebook", hint="name an existing notebook, *.ipynb", as_it_is=True)
        cells = cells_of_ours(text, path)
        if not cells:
            yield f"{path} has no cell of ours yet"
        elif not all(is_made_from(cell, found) for cell in cells):
            yield f"the cell in {path} was not made from this lock"
