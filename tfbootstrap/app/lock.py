"""`tfbootstrap lock`: one lock or all of a project's, resolved side by side and written together."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.locking import Common, LockOutcome, Solve, cross_check, lock_target
from tfbootstrap.app.outputs import refuse_to_destroy
from tfbootstrap.app.requests import Job, LockOptions, jobs_of
from tfbootstrap.errors import OutputError, TfbootstrapError
from tfbootstrap.request import Engine
from tfbootstrap.resolution import ResolutionInput, Solution

if TYPE_CHECKING:
    from tfbootstrap.edges.index_configuration import IndexConfiguration


def lock(options: LockOptions) -> tuple[LockOutcome, ...]:
    """Lock every target that is meant and write all their files, all or none.

    Nothing is written for `dry_run`, where nothing fits one of the targets, or where `cross_check` finds differences.
    """
    jobs = jobs_of(options)
    outcomes = lock_jobs(jobs, options)
    if options.dry_run or any(outcome.rejections or outcome.differences for outcome in outcomes):
        return outcomes
    return _written(outcomes, in_project=any(job.name for job in jobs))


def lock_jobs(jobs: Sequence[Job], options: LockOptions) -> tuple[LockOutcome, ...]:
    """Lock targets side by side and write nothing; raises OutputError where their files could not be written."""
    for job in jobs:
        check_output_folder(Path(job.output))
    if not options.dry_run:
        refuse_to_destroy(jobs, options)
    return _side_by_side(jobs, _locker(options))


def check_output_folder(output: Path) -> None:
    """Refuse an output that can't be written before anything costly is done; raises OutputError."""
    folder = output.parent
    if not folder.is_dir():
        raise OutputError(f"the folder of {output} does not exist: {folder}", hint=f"make it with: mkdir -p {folder}")
    try:
        is_there, is_file = output.exists(), output.is_file()
    except OSError as error:
        raise OutputError(f"{output} can't be a file: {error.strerror}", hint="choose another name") from error
    if output.is_dir():
        raise OutputError(f"{output} is a folder", hint="name a file, for example requirements.txt in it")
    if is_there and not is_file:
        raise OutputError(f"{output} is a device or a pipe", hint="name a file; --dry-run prints and writes nothing")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"the folder of {output} is read-only: {folder}", hint="choose another with --output-file")


def _locker(options: LockOptions) -> Callable[[Job], LockOutcome]:
    """Return what locks one target: with one engine, or with both to compare them."""
    from tfbootstrap.edges.index_configuration import read_index_configuration

    tables, indexes = Tables(options.matrix), read_index_configuration()
    common = Common(options=options, tables=tables, indexes=indexes, solve=_solver(options, indexes, options.engine))
    if not options.cross_check:
        return lambda job: lock_target(job, common)
    engines: tuple[Engine, Engine] = ("uv", "pip-tools") if options.engine == "uv" else ("pip-tools", "uv")
    other = replace(common, solve=_solver(options, indexes, engines[1]))
    return lambda job: cross_check(job, common, other, engines)


def _solver(options: LockOptions, indexes: IndexConfiguration, engine: Engine) -> Solve:
    resolve = _engine(engine)
    first = Lock()  # taken once and never given back: only the first of all targets finds it free

    def solve(problem: ResolutionInput) -> Solution:
        if options.bootstrap and first.acquire(blocking=False):
            # Nobody waits for it: where an interrupt left an import half done, it would wait for that for ever.
            Thread(target=_prepare, daemon=True).start()
        return resolve(problem, indexes)

    return solve


def _engine(engine: Engine) -> Callable[[ResolutionInput, IndexConfiguration], Solution]:
    if engine == "uv":
        from tfbootstrap.edges.engines import resolve

        return resolve
    from tfbootstrap.edges.pip_tools import resolve_with_pip_tools

    return resolve_with_pip_tools


def _prepare() -> None:
    from tfbootstrap.app.render import prepare_bootstrap

    # Nobody hears what goes wrong here, and nobody needs to: rendering meets it again, and tells.
    with suppress(TfbootstrapError, OSError):
        prepare_bootstrap()


def _side_by_side(jobs: Sequence[Job], locker: Callable[[Job], LockOutcome]) -> tuple[LockOutcome, ...]:
    if len(jobs) == 1:
        return (locker(jobs[0]),)
    # The work is the engine's, in processes of its own; threads only wait for them.
    pool = ThreadPoolExecutor(max_workers=min(len(jobs), 2 * (os.cpu_count() or 1)))
    try:
        return tuple(pool.map(locker, jobs))
    finally:
        pool.shutdown(cancel_futures=True)


def _written(outcomes: tuple[LockOutcome, ...], *, in_project: bool) -> tuple[LockOutcome, ...]:
    from tfbootstrap.app.recovery import write_project_files
    from tfbootstrap.edges.files import write_all_atomically

    texts = {path: text for outcome in outcomes for path, text in outcome.texts.items()}
    return tell_written(outcomes, (write_project_files if in_project else write_all_atomically)(texts))


def tell_written(outcomes: Sequence[LockOutcome], written: Collection[Path]) -> tuple[LockOutcome, ...]:
    """Return outcomes that say which of their files changed."""
    return tuple(
        replace(
            outcome,
            written=tuple(str(path) for path in outcome.texts if path in written),
            unchanged=tuple(str(path) for path in outcome.texts if path not in written),
        )
        for outcome in outcomes
    )
