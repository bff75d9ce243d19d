"""What an upgrade asks for: the locks to make, and the files that will say so. Reads files, writes none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from packaging.specifiers import SpecifierSet

from tfbootstrap.app.requests import (
    COMMAND_LINE,
    PROJECT_FILE,
    Format,
    Job,
    LockOptions,
    configured_job,
    output_of,
    read_files,
    read_request,
)
from tfbootstrap.configuration import TABLE, Configuration, ConfiguredTarget, read_configuration
from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.request import (
    Request,
    TensorflowWish,
    WantedPackage,
    lock_command,
    parse_requirement,
    parse_tensorflow,
)
from tfbootstrap.toml import line_of, parse_toml
from tfbootstrap.upgrade.edits import constraint_in_the_way, is_tensorflow, outside, requirement_with, with_requirement
from tfbootstrap.upgrade.records import Edit


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The locks that are asked for, and the files that have to say something else for that."""

    jobs: tuple[Job, ...]
    texts: Mapping[Path, str] = field(default_factory=dict)
    originals: Mapping[Path, str] = field(default_factory=dict)
    """What the same files say now."""
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()
    """Requirements that keep the new TensorFlow out and are no part of any lock."""


class Inputs(Protocol):
    """Where an upgrade's wishes stand: in a project's table, or in the header of one lock."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The code that belongs to it."""

    def wanted(self, asked: str | None, code: tuple[TensorflowWish, ...]) -> Wanted:
        """Return what is asked for with another specifier of TensorFlow (None: with the same), and this code.

        Raises InputError for a line that stands in the way and can't be changed, UsageError for no specifier.
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A specifier as the user typed it, the newest release that it admits, and the releases that it does not."""

    text: str
    specifier: SpecifierSet
    newest: str
    others: tuple[str, ...]

    def is_kept_out_by(self, wanted: WantedPackage) -> bool:
        """Say whether a requirement of TensorFlow does not admit the newest release that is asked for."""
        return is_tensorflow(wanted) and not wanted.requirement.specifier.contains(self.newest, prereleases=True)

    def is_said_by(self, wanted: WantedPackage) -> bool:
        """Say whether a requirement of TensorFlow admits nothing else than what is asked for."""
        admits = wanted.requirement.specifier.contains
        return is_tensorflow(wanted) and not any(admits(version, prereleases=True) for version in self.others)


def read_asked(text: str, matrix: TensorflowMatrix) -> Asked:
    """Return what a specifier asks for; raises UsageError where it is none or no known release satisfies it."""
    specifier = parse_tensorflow(text)
    rows = matrix.matching(specifier)
    if not rows:
        raise UsageError(
            f"no TensorFlow release that the matrix knows ({matrix.rows[0].version} to {matrix.rows[-1].version}) "
            f"satisfies {text}",
            hint="see all releases with: tfbootstrap matrix show",
        )
    others = tuple(row.version for row in matrix.rows if not specifier.contains(row.version, prereleases=True))
    return Asked(text.strip(), specifier, rows[-1].version, others)


class ProjectInputs:
    """`[tool.tfbootstrap]` of `pyproject.toml` in the current folder."""

    def __init__(self, text: str, configuration: Configuration, matrix: TensorflowMatrix) -> None:
        self._text = text
        self._configuration = configuration
        self._matrix = matrix

    @property
    def sources(self) -> tuple[str, ...]:
        """The `sources` of the table."""
        return self._configuration.sources

    def wanted(self, asked: str | None, code: tuple[TensorflowWish, ...]) -> Wanted:
        """Return the jobs of all targets, with every place changed that says which TensorFlow; see `Inputs`."""
        if asked is None:
            return Wanted(jobs=self._jobs(self._configuration, code, {}))
        new = read_asked(asked, self._matrix)
        files = _FileEdits(new, {Path(PROJECT_FILE): self._text})
        saying = [files.edit(self._requirements_of(target)) for target in self._configuration.targets]
        self._edit_table(new, files, saying)
        configuration = read_configuration(files.texts[Path(PROJECT_FILE)], PROJECT_FILE)
        assert configuration is not None, "a key of the table changed, and nothing else"
        wanted = files.wanted(self._jobs(configuration, code, files.replaced))
        return replace(wanted, notes=tuple(_left_alone(files.texts[Path(PROJECT_FILE)], configuration, new)))

    def _requirements_of(self, target: ConfiguredTarget) -> tuple[list[WantedPackage], list[WantedPackage]]:
        more, bounds = read_files(target.requirements)
        _, more_bounds = read_files(target.constraints, constraint=True)
        return [*self._configuration.packages, *more], [*bounds, *more_bounds]

    def _edit_table(self, new: Asked, files: _FileEdits, saying: Sequence[bool]) -> None:
        """Change the table's key and those of targets; a table without one gets it where nothing else says it."""
        from tfbootstrap.edges.projects import with_tensorflow

        path = Path(PROJECT_FILE)
        table: dict[str, Any] = parse_toml(self._text)[TABLE[0]][TABLE[1]]
        own = [name for name, target in table["targets"].items() if "tensorflow" in target]
        unsaid = [
            target.name
            for target, said in zip(self._configuration.targets, saying, strict=True)
            if not said and target.name not in own
        ]
        in_table = "tensorflow" in table or bool(unsaid)
        before: dict[tuple[str, ...], Any] = {
            (*TABLE, "targets", name, "tensorflow"): table["targets"][name]["tensorflow"] for name in own
        }
        if in_table:
            before = {(*TABLE, "tensorflow"): table.get("tensorflow"), **before}
        files.texts[path] = with_tensorflow(files.texts[path], new.text, PROJECT_FILE, table=in_table, targets=own)
        for keys, said in before.items():
            line = line_of(files.texts[path], keys)
            files.note(PROJECT_FILE, line, said and f'tensorflow = "{said}"', f'tensorflow = "{new.text}"')

    def _jobs(
        self, configuration: Configuration, code: tuple[TensorflowWish, ...], replaced: Mapping[str, SpecifierSet]
    ) -> tuple[Job, ...]:
        jobs = [configured_job(configuration, target, _format(target), code) for target in configuration.targets]
        return tuple(replace(job, request=_with_wishes(job.request, replaced)) for job in jobs)


def _left_alone(text: str, configuration: Configuration, new: Asked) -> Iterator[str]:
    """Yield what the project itself requires of TensorFlow, beside what its locks are made for, and is not so any more.

    Whoever installs the project over a lock would get another TensorFlow.
    """
    part = {str(wanted.requirement) for wanted in configuration.packages}
    project = parse_toml(text).get("project")
    lines = project.get("dependencies") if isinstance(project, dict) else None
    for line in lines if isinstance(lines, list) else ():
        place = Location(PROJECT_FILE, line_of(text, ("project", "dependencies"), str(line)))
        # What is malformed, or from an address, is no concern of ours while no lock is made for it.
        with suppress(InputError):
            wanted = parse_requirement(str(line), place)
            if new.is_kept_out_by(wanted) and str(wanted.requirement) not in part:
                yield f"{place} requires {wanted.requirement}, which no lock is made for: change it too"


def _format(target: ConfiguredTarget) -> Format | None:
    """Return the format of the lock that is there: that of another name is made by `lock --format pylock` only."""
    other = Path(target.lock).with_name(f"pylock.{target.name}.toml")
    return "pylock" if other.is_file() and not Path(target.lock).is_file() else None


class LockInputs:
    """One lock whose header says how it was made; `recorded` are the options of that command."""

    def __init__(self, recorded: LockOptions, matrix: TensorflowMatrix) -> None:
        self._recorded = recorded
        self._matrix = matrix

    @property
    def sources(self) -> tuple[str, ...]:
        """Nothing: a lock does not know of code."""
        return ()

    def wanted(self, asked: str | None, code: tuple[TensorflowWish, ...]) -> Wanted:
        """Return the one job, with its option and the requirements changed that say which TensorFlow; see `Inputs`."""
        del code
        if asked is None:
            return Wanted(jobs=(self._job(self._recorded, {}),))
        new = read_asked(asked, self._matrix)
        files = _FileEdits(new, {})
        said = files.edit(read_files(self._recorded.files))
        typed = [parse_requirement(text, Location(COMMAND_LINE)) for text in self._recorded.requirements]
        requirements = tuple(_typed(wanted, new) for wanted in typed)
        said = said or any(new.is_kept_out_by(wanted) or new.is_said_by(wanted) for wanted in typed)
        by_option = self._recorded.tensorflow is not None or not said
        options = replace(self._recorded, requirements=requirements, tensorflow=new.text if by_option else None)
        return files.wanted((self._job(options, files.replaced),))

    @staticmethod
    def _job(options: LockOptions, replaced: Mapping[str, SpecifierSet]) -> Job:
        request = _with_wishes(read_request(options), replaced)
        output, form = output_of(options)
        return Job(request=request, output=output, format=form, command=lock_command(request, output=output))


def _typed(wanted: WantedPackage, new: Asked) -> str:
    requirement = wanted.requirement
    return str(requirement_with(requirement, new.specifier) if new.is_kept_out_by(wanted) else requirement)


class _FileEdits:
    """The files that change, as they are edited one line after the other."""

    def __init__(self, new: Asked, texts: Mapping[Path, str]) -> None:
        self._new = new
        self.texts = dict(texts)
        self._originals = dict(texts)
        self._edits: list[Edit] = []
        self._changed: set[str] = set()
        self.replaced: dict[str, SpecifierSet] = {}
        """Where a requirement of another file stands that changed -> what it will say."""

    def edit(self, requirements: tuple[Iterable[WantedPackage], Iterable[WantedPackage]]) -> bool:
        """Change the requirements that keep the new TensorFlow out; return whether one says now which one is wanted.

        Raises InputError where a constraint keeps it out, or a line can't be edited.
        """
        wanted, constraints = list(requirements[0]), requirements[1]
        for bound in constraints:
            if self._new.is_kept_out_by(bound):
                raise constraint_in_the_way(bound, str(self._new.specifier))
        in_the_way = [one for one in wanted if self._new.is_kept_out_by(one)]
        for one in in_the_way:
            if str(one.location) not in self._changed:
                self._changed.add(str(one.location))
                self._change(one)
        return bool(in_the_way) or any(self._new.is_said_by(one) for one in wanted)

    def _change(self, wanted: WantedPackage) -> None:
        path = Path(wanted.location.path)
        if path not in self.texts:
            self.texts[path] = self._originals[path] = self._read(path, wanted)
        self.texts[path] = with_requirement(self.texts[path], wanted, self._new.specifier)
        if path != Path(PROJECT_FILE):  # that one is read again once it is changed
            self.replaced[str(wanted.location)] = self._new.specifier
        new = requirement_with(wanted.requirement, self._new.specifier)
        self.note(wanted.location.path, wanted.location.line, str(wanted.requirement), str(new))

    def _read(self, path: Path, wanted: WantedPackage) -> str:
        from tfbootstrap.edges.files import read_text

        if not path.resolve().is_relative_to(Path().resolve()):
            raise outside(wanted.location, wanted.requirement, self._new.specifier)
        return read_text(path, what="requirements file", as_it_is=True)

    def note(self, file: str, line: int | None, before: str | None, after: str) -> None:
        """Remember an edit, if it is one."""
        if before != after:
            self._edits.append(Edit(file=file, line=line, before=before, after=after))

    def wanted(self, jobs: tuple[Job, ...]) -> Wanted:
        """Return what is asked for, with the files that really change."""
        changed = {path: text for path, text in self.texts.items() if text != self._originals[path]}
        originals = {path: self._originals[path] for path in changed}
        return Wanted(jobs=jobs, texts=changed, originals=originals, edits=tuple(self._edits))


def _with_wishes(request: Request, replaced: Mapping[str, SpecifierSet]) -> Request:
    """Return a request that was read from files as they are, with what they will say of TensorFlow."""
    wishes = tuple(
        replace(wish, specifier=replaced[wish.said_by]) if wish.said_by in replaced else wish
        for wish in request.tensorflow
    )
    return replace(request, tensorflow=wishes)
