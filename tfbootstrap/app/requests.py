"""What is to be locked: what the command line asks for, or `[tool.tfbootstrap]` where that asks for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tfbootstrap.app.locks import DEFAULT_LOCK
from tfbootstrap.configuration import Configuration, ConfiguredTarget, read_configuration
from tfbootstrap.errors import Location, UsageError
from tfbootstrap.matrix.tensorflow import CUDA_EXTRA
from tfbootstrap.pylock import is_pylock_name
from tfbootstrap.request import (
    CudaPolicy,
    Engine,
    Request,
    TensorflowWish,
    WantedPackage,
    lock_command,
    parse_driver,
    parse_python,
    parse_requirement,
    renamed_tensorflow,
    split_tensorflow,
)

if TYPE_CHECKING:
    from tfbootstrap.app.scan import ScanOutcome
    from tfbootstrap.scan.judge import Verdict

TENSORFLOW = "tensorflow"
COMMAND_LINE = "the command line"
PROJECT_FILE = "pyproject.toml"

Format = Literal["requirements", "pylock"]


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
    output: str | None = None
    upgrade: bool = False
    newest_tensorflow: bool = False
    """Take the newest TensorFlow, and what was proven with it, whatever the lock that is there has; keep the rest."""
    engine: Engine = "uv"
    cross_check: bool = False
    format: Format | None = None
    """None: as the name of the lock says."""
    offline: bool = False
    dry_run: bool = False
    bootstrap: bool = True
    slim: bool = False
    strict_image: bool = False
    matrix: Path | None = None

    @property
    def asks_nothing(self) -> bool:
        """Whether nothing says what to lock, so that the project's configuration or the lock itself does."""
        said = (self.requirements, self.files, self.tensorflow, self.runtime, self.python, self.driver, self.slim)
        return not any(said) and self.gpu == "auto" and self.cuda == "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One lock to make or to check: `name` is a configured target's, `command` makes the lock again."""

    request: Request
    output: str
    format: Format
    command: str
    name: str | None = None
    notebooks: tuple[str, ...] = ()


def jobs_of(options: LockOptions) -> tuple[Job, ...]:
    """Return the locks that are meant: those of the project where the options ask for nothing, else the one asked for.

    An output that belongs to a configured target means that target. Raises InputError and UsageError.
    """
    configured = configured_jobs(options)
    if configured:
        return configured
    _refuse_contradictions(options)
    request = read_request(options)
    output, form = output_of(options)
    return (Job(request=request, output=output, format=form, command=lock_command(request, output=output)),)


def configured_jobs(options: LockOptions) -> tuple[Job, ...]:
    """Return the jobs of the project's configuration, none where the options or the lack of one speak against it."""
    configuration, targets = _configured_targets(options)
    if configuration is None or not targets:
        return ()
    outcome = _scan_code(configuration, options.matrix)
    code, code_bounds = (wishes_of(outcome.verdict), _code_bounds(outcome)) if outcome else ((), ())
    return tuple(configured_job(configuration, target, options.format, code, code_bounds) for target in targets)


def is_configured(options: LockOptions) -> bool:
    """Say whether the project's configuration says what is to be locked; reads no code."""
    return bool(_configured_targets(options)[1])


def _configured_targets(options: LockOptions) -> tuple[Configuration | None, tuple[ConfiguredTarget, ...]]:
    configuration = load_configuration() if options.asks_nothing else None
    if configuration is None or options.output is None:
        return configuration, configuration.targets if configuration else ()
    meant = (
        target for target in configuration.targets if Path(options.output) == _output_of(target, options.format)[0]
    )
    return configuration, tuple(meant)


def _refuse_contradictions(options: LockOptions) -> None:
    if options.offline and (options.cross_check or options.engine == "pip-tools"):
        raise UsageError("pip-tools can't work without the index", hint="leave out --offline, or take the engine uv")


def load_configuration() -> Configuration | None:
    """Return what `pyproject.toml` in the current folder says of us, None where it says nothing."""
    path = Path(PROJECT_FILE)
    if not path.is_file():
        return None
    from tfbootstrap.edges.files import read_text

    return read_configuration(read_text(path, what="project file"), PROJECT_FILE)


def read_request(options: LockOptions) -> Request:
    """Return what the options and the files that they name ask for."""
    wanted = [parse_requirement(text, Location(COMMAND_LINE)) for text in options.requirements]
    more, bounds = read_files(options.files)
    wishes, extras, packages = split_tensorflow(options.tensorflow, (*wanted, *more))
    bound_wishes, _, bounds_left = split_tensorflow(None, bounds)
    if options.gpu == "none" and options.driver:
        raise UsageError("--gpu none and --driver contradict each other", hint="leave out one of the two")
    if options.gpu == "none" and options.cuda in ("wheels", "system"):
        raise UsageError(f"--gpu none and --cuda {options.cuda} contradict each other", hint="leave out one of the two")
    return Request(
        tensorflow=(*wishes, *bound_wishes),
        wants_cuda_extra=CUDA_EXTRA in extras,
        extras=tuple(sorted(extras - {CUDA_EXTRA})),
        packages=packages,
        renamed=renamed_tensorflow((*wanted, *more)),
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


def code_wishes(configuration: Configuration, matrix: Path | None) -> tuple[TensorflowWish, ...]:
    """Return what the project's code asks for."""
    outcome = _scan_code(configuration, matrix)
    return wishes_of(outcome.verdict) if outcome else ()


def _scan_code(configuration: Configuration, matrix: Path | None) -> ScanOutcome | None:
    if not configuration.sources:
        return None
    from tfbootstrap.app.scan import scan

    return scan([Path(source) for source in configuration.sources], matrix)


def _code_bounds(outcome: ScanOutcome) -> tuple[WantedPackage, ...]:
    """Return bounds on other packages (NumPy) with which lines of the code surely fail, at the first such line."""
    first = {
        f"{one.package}{one.works}": one.place
        for one in reversed(outcome.findings)
        if one.breaks and one.works and one.package != TENSORFLOW
    }
    return tuple(WantedPackage(requirement=Requirement(text), location=Location(first[text])) for text in sorted(first))


def wishes_of(verdict: Verdict) -> tuple[TensorflowWish, ...]:
    """Return a wish for each bound of code, said by the first line that decides it."""
    first = {one.bound: f"{one.place} uses {one.symbol}" for one in reversed(verdict.evidence)}
    return tuple(
        TensorflowWish(specifier=SpecifierSet(bound), said_by=first[bound], by_code=True) for bound in verdict.bounds
    )


def configured_request(
    configuration: Configuration,
    target: ConfiguredTarget,
    code: tuple[TensorflowWish, ...] = (),
    code_bounds: tuple[WantedPackage, ...] = (),
) -> Request:
    """Return what a configured target and its code ask for; files are read from the current folder, the project's."""
    more, bounds = read_files(target.requirements)
    _, more_bounds = read_files(target.constraints, constraint=True)
    wishes, extras, packages = split_tensorflow(None, (*configuration.packages, *more))
    bound_wishes, _, bounds_left = split_tensorflow(None, (*bounds, *more_bounds))
    if target.tensorflow is not None:
        own = TensorflowWish(specifier=target.tensorflow, said_by=target.tensorflow_said_by, configured=True)
        wishes = (own, *wishes)
    return Request(
        tensorflow=(*wishes, *bound_wishes, *code),
        wants_cuda_extra=CUDA_EXTRA in extras,
        extras=tuple(sorted(extras - {CUDA_EXTRA})),
        packages=packages,
        renamed=renamed_tensorflow((*configuration.packages, *more)),
        constraints=(*bounds_left, *code_bounds),
        gpu=target.gpu,
        driver=target.driver,
        cuda=target.cuda,
        python=target.python,
        runtime=target.runtime,
        platform=target.platform,
        arguments=tuple(str(wanted.requirement) for wanted in configuration.packages),
        files=target.requirements,
    )


def configured_job(
    configuration: Configuration,
    target: ConfiguredTarget,
    form: Format | None,
    code: tuple[TensorflowWish, ...],
    code_bounds: tuple[WantedPackage, ...] = (),
) -> Job:
    """Return the job of a configured target whose code asks for this; `form` None: as the lock's name says."""
    output, named = _output_of(target, form)
    return Job(
        request=configured_request(configuration, target, code, code_bounds),
        output=str(output),
        format=named,
        command="tfbootstrap lock",
        name=target.name,
        notebooks=target.notebooks,
    )


def _output_of(target: ConfiguredTarget, form: Format | None) -> tuple[Path, Format]:
    lock = Path(target.lock)
    if form == "pylock" and not _is_pylock(lock):
        lock = lock.with_name(f"pylock.{target.name}.toml")
    return lock, form or ("pylock" if _is_pylock(lock) else "requirements")


def read_files(
    paths: tuple[str, ...], *, constraint: bool = False
) -> tuple[tuple[WantedPackage, ...], tuple[WantedPackage, ...]]:
    """Return the requirements and the constraints of requirements files and of all that they include."""
    from tfbootstrap.edges.inputs import read_requirements

    wanted: list[WantedPackage] = []
    constraints: list[WantedPackage] = []
    for path in paths:
        more, bounds = read_requirements(Path(path), constraint=constraint)
        wanted += more
        constraints += bounds
    return tuple(wanted), tuple(constraints)


def output_of(options: LockOptions) -> tuple[str, Format]:
    """Return where the one lock goes that the options ask for, and in which format; raises UsageError."""
    if options.output is None:
        return (
            (_pylock_name(options.runtime), "pylock") if options.format == "pylock" else (DEFAULT_LOCK, "requirements")
        )
    named = _is_pylock(Path(options.output))
    if options.format == "pylock" and not named:
        raise UsageError(
            f"a lock of the format pylock can't be called {options.output}",
            hint="call it pylock.toml or pylock.<name>.toml; the name has no dots (PEP 751)",
        )
    if options.format == "requirements" and named:
        raise UsageError(
            f"{options.output} is the name of a pylock file, not of requirements",
            hint="leave out --format requirements",
        )
    return options.output, "pylock" if named else "requirements"


def _is_pylock(path: Path) -> bool:
    return is_pylock_name(path.name)


def _pylock_name(runtime: str | None) -> str:
    if runtime is None:
        return "pylock.toml"
    return f"pylock.{Path(runtime).name.removesuffix('.json').replace('.', '-')}.toml"
