"""What locking must not write over: files of the user's own that nobody named as outputs, and its own inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tfbootstrap.app.locking import bootstrap_path
from tfbootstrap.app.requests import Job, LockOptions
from tfbootstrap.errors import InputError, OutputError, UsageError
from tfbootstrap.lock import FENCE_OPEN

LOCK_MARKS = (FENCE_OPEN, "[tool.tfbootstrap]")
"""What every lock holds, as requirements or as pylock."""
BOOTSTRAP_MARKS = ("# Made by tfbootstrap ",)
"""What the head of every bootstrap says."""


def refuse_to_destroy(jobs: Iterable[Job], options: LockOptions) -> None:
    """Look at what lies where the files of these jobs are to go.

    Raises UsageError where a lock would replace the requirements that it is made from, OutputError where a file that we
    did not make is in the way: of a lock only where nobody named it, of a bootstrap always.
    """
    jobs = tuple(jobs)
    if options.bootstrap:
        _refuse_shared(jobs)
    for job in jobs:
        output = Path(job.output)
        _refuse_inputs(output, job)
        named = job.name is not None or options.output is not None
        if not named and _is_foreign(output, LOCK_MARKS):
            raise OutputError(
                f"{output} is there, and is no lock of tfbootstrap",
                hint=f"name another with --output-file, or write over it with --output-file {output}",
            )
        if options.bootstrap and _is_foreign(bootstrap_path(output), BOOTSTRAP_MARKS):
            raise OutputError(
                f"{bootstrap_path(output)} is there, and was not made by tfbootstrap",
                hint="move it away, name another lock with --output-file, or leave the bootstrap out (--no-bootstrap)",
            )


def _refuse_inputs(output: Path, job: Job) -> None:
    if any(Path(name).resolve() == output.resolve() for name in job.request.files):
        where = "in [tool.tfbootstrap]" if job.name else "with --output-file"
        raise UsageError(
            f"{output} is what the lock is made from, and the lock would replace it",
            hint=f"name another lock {where}, or rename the file: mv {output} {output.with_suffix('.in')}",
        )


def _refuse_shared(jobs: Sequence[Job]) -> None:
    locks = {Path(job.output).resolve(): job for job in jobs}
    for job in jobs:
        bootstrap = bootstrap_path(Path(job.output))
        if other := locks.get(bootstrap.resolve()):
            raise UsageError(
                f"{bootstrap} would be the bootstrap of {job.output} and the lock {other.output} at once",
                hint="give the lock another name",
            )


def _is_foreign(path: Path, marks: tuple[str, ...]) -> bool:
    from tfbootstrap.edges.files import read_text

    if not path.is_file():
        return False
    try:
        text = read_text(path, what="file")
    except InputError:
        return True
    return bool(text.strip()) and not any(mark in text for mark in marks)
