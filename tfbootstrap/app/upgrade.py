"""`tfbootstrap upgrade`: another TensorFlow for all targets at once, and what that changes. Prints nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.lock import lock_jobs, tell_written
from tfbootstrap.app.locking import LockOutcome, bootstrap_path
from tfbootstrap.app.locks import DEFAULT_LOCK, open_lock
from tfbootstrap.app.recovery import write_project_files
from tfbootstrap.app.requests import PROJECT_FILE, Job, LockOptions, load_configuration, wishes_of
from tfbootstrap.app.scan import ScanOutcome, scan
from tfbootstrap.app.upgrade_inputs import Inputs, LockInputs, ProjectInputs, Wanted, read_asked
from tfbootstrap.app.upgrade_report import Reporter
from tfbootstrap.configuration import Configuration, read_configuration
from tfbootstrap.errors import OutputError, UsageError
from tfbootstrap.request import TensorflowWish
from tfbootstrap.upgrade.records import HeldBack, Upgrade

PROJECT_COMMAND = "tfbootstrap lock"
"""What the header of a configured target's lock says: all that is asked for stands in the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeOptions:
    """The options of `tfbootstrap upgrade` as given."""

    tensorflow: str | None = None
    newest_that_fits: bool = False
    sources: tuple[str, ...] = ()
    output: str | None = None
    dry_run: bool = False
    matrix: Path | None = None
    recorded: LockOptions | None = None
    """What the header of the one lock asks for; None: the project's table says it."""


def recorded_command(output: str | None) -> str | None:
    """Return the command that made the one lock that is meant; None where `[tool.tfbootstrap]` says what to lock.

    Raises InputError where there is neither, UsageError for one lock of several that change together.
    """
    configuration = load_configuration()
    if configuration is not None:
        if output is None:
            return None
        _refuse_one_of_several(configuration, output)
    path = output or DEFAULT_LOCK
    if configuration is None and not Path(path).is_file():
        raise UsageError(
            f"there is neither a [tool.tfbootstrap] in {PROJECT_FILE} nor a lock {path}",
            hint="name what to lock for with: tfbootstrap init",
        )
    command = open_lock(path).header.command
    if command == PROJECT_COMMAND:
        raise UsageError(
            f"{path} was made for a project, and there is no [tool.tfbootstrap] here that says for which",
            hint="go to the project's folder, or name what to lock for with: tfbootstrap init",
        )
    return command


def _refuse_one_of_several(configuration: Configuration, output: str) -> None:
    if any(Path(target.lock) == Path(output) for target in configuration.targets):
        raise UsageError(
            f"{output} belongs to a target of [tool.tfbootstrap], and the locks of all targets change together",
            hint="leave out --output-file",
        )


def upgrade(options: UpgradeOptions) -> Upgrade:
    """Lock every target for another TensorFlow, write all files that say so, or none, and return what changes.

    Nothing is written for `dry_run`, or where a target can't be served. Raises what reading and locking raise.
    """
    job = _Upgrading(options)
    wanted, outcomes, held_back = job.newest_that_fits() if options.newest_that_fits else job.asked()
    reporter = Reporter(job.tables, job.code, options.matrix)
    served = not any(outcome.rejections for outcome in outcomes)
    written: tuple[Path, ...] = ()
    reports = [reporter.report(one, outcome) for one, outcome in zip(wanted.jobs, outcomes, strict=True)]
    if served and not options.dry_run:
        outcomes, written = _write(wanted, outcomes)
    return Upgrade(
        targets=tuple(
            replace(report, written=outcome.written, unchanged=outcome.unchanged)
            for report, outcome in zip(reports, outcomes, strict=True)
        ),
        edits=wanted.edits,
        held_back=held_back,
        notes=wanted.notes,
        files=job.code.files if job.code else 0,
        skipped=job.code.skipped if job.code else (),
        dry_run=options.dry_run,
        written=tuple(str(path) for path in written),
    )


class _Upgrading:
    """One call: what is read once, and the locks that it tries."""

    def __init__(self, options: UpgradeOptions) -> None:
        self._options = options
        self.tables = Tables(options.matrix)
        self._matrix = self.tables.knowledge().tensorflow
        self._inputs = self._read_inputs()

    def _read_inputs(self) -> Inputs:
        if self._options.recorded is not None:
            return LockInputs(self._options.recorded, self._matrix)
        from tfbootstrap.edges.files import read_text

        text = read_text(Path(PROJECT_FILE), what="project file", as_it_is=True)
        configuration = read_configuration(text, PROJECT_FILE)
        assert configuration is not None, "who calls has looked"
        return ProjectInputs(text, configuration, self._matrix)

    @cached_property
    def code(self) -> ScanOutcome | None:
        """The project's code and what the user named beside it; None where there is none."""
        sources = dict.fromkeys((*self._inputs.sources, *self._options.sources))
        return scan([Path(source) for source in sources], self._options.matrix) if sources else None

    @cached_property
    def _wishes(self) -> tuple[TensorflowWish, ...]:
        """What the project's own code asks for; `--source` is for this call only and no wish of the project's."""
        own = self._inputs.sources
        if not own or self.code is None:
            return ()
        if set(self._options.sources) <= set(own):
            return wishes_of(self.code.verdict)
        return wishes_of(scan([Path(source) for source in own], self._options.matrix).verdict)

    def asked(self) -> tuple[Wanted, tuple[LockOutcome, ...], tuple[HeldBack, ...]]:
        """Lock what the user asks for."""
        wanted = self._inputs.wanted(self._options.tensorflow, self._wishes_beside(self._options.tensorflow))
        return wanted, self._lock(wanted), ()

    def _wishes_beside(self, asked: str | None) -> tuple[TensorflowWish, ...]:
        """Return the wishes of the code that a specifier leaves room for: what was asked for goes first, and code that
        it breaks is reported.
        """
        if asked is None:
            return self._wishes
        rows = self._matrix.matching(read_asked(asked, self._matrix).specifier)
        return tuple(
            wish for wish in self._wishes if any(wish.specifier.contains(row.version, prereleases=True) for row in rows)
        )

    def newest_that_fits(self) -> tuple[Wanted, tuple[LockOutcome, ...], tuple[HeldBack, ...]]:
        """Lock the newest minor that the code and every target allow."""
        from tfbootstrap.app.newest import Newest

        search = Newest(self._inputs, self.code, self._wishes, self.tables, self._options.matrix)
        return search.find(self._lock)

    def _lock(self, wanted: Wanted) -> tuple[LockOutcome, ...]:
        options = LockOptions(
            output=self._options.output,
            newest_tensorflow=True,
            matrix=self._options.matrix,
            dry_run=self._options.dry_run,
        )
        outcomes = lock_jobs(wanted.jobs, options)
        return tuple(_without_new_bootstrap(outcome, job) for outcome, job in zip(outcomes, wanted.jobs, strict=True))


def _without_new_bootstrap(outcome: LockOutcome, job: Job) -> LockOutcome:
    """Return an outcome without a bootstrap where the lock that is there has none: whoever made it wanted none."""
    lock, bootstrap = Path(job.output), bootstrap_path(Path(job.output))
    if not lock.exists() or bootstrap.exists():
        return outcome
    return replace(outcome, texts={path: text for path, text in outcome.texts.items() if path != bootstrap})


def _write(wanted: Wanted, outcomes: Sequence[LockOutcome]) -> tuple[tuple[LockOutcome, ...], tuple[Path, ...]]:
    _refuse_what_changed_meanwhile(wanted.originals)
    locks = {path: text for outcome in outcomes for path, text in outcome.texts.items()}
    written = write_project_files({**locks, **wanted.texts})
    return tell_written(outcomes, written), written


def _refuse_what_changed_meanwhile(originals: Mapping[Path, str]) -> None:
    from tfbootstrap.edges.files import read_text

    for path, text in originals.items():
        if read_text(path, what="file", as_it_is=True) != text:
            raise OutputError(f"{path} was changed while the locks were being made", hint="run this again")
