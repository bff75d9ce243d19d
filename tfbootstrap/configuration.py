"""`[tool.tfbootstrap]` of `pyproject.toml`: the targets of a project and what they have in common. Layer 2: pure.

    [tool.tfbootstrap]
    tensorflow = ">=2.16,<2.21"
    requirements = ["requirements.in"]        # or: dependencies = true, extras = ["plot"], groups = ["train"]
    sources = ["src"]

    [tool.tfbootstrap.targets.colab]
    runtime = "colab-2026.07"
    gpu = "T4"
    lock = "requirements/colab.txt"
    notebooks = ["notebooks/train.ipynb"]

What a target says of `tensorflow`, `requirements` and `constraints` takes the place of what the table says.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import normpath
from typing import Any, TypeVar, cast, get_args

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.facts import SYSTEMS, Machine
from tfbootstrap.request import (
    CudaPolicy,
    WantedPackage,
    parse_driver,
    parse_python,
    parse_requirement,
    parse_tensorflow,
)
from tfbootstrap.toml import TomlError, line_of, parse_toml

TABLE = ("tool", "tfbootstrap")
TABLE_KEYS = (
    "tensorflow",
    "requirements",
    "constraints",
    "dependencies",
    "extras",
    "groups",
    "sources",
    "targets",
)
TARGET_KEYS = (
    "runtime",
    "gpu",
    "lock",
    "notebooks",
    "python",
    "platform",
    "driver",
    "cuda",
    "constraints",
    "tensorflow",
    "requirements",
)
_TARGET_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]*$")

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfiguredTarget:
    """One `[tool.tfbootstrap.targets.<name>]`; where it is silent, the table's word stands here already."""

    name: str
    runtime: str
    lock: str
    gpu: str = "auto"
    notebooks: tuple[str, ...] = ()
    python: str | None = None
    platform: str | None = None
    driver: str | None = None
    cuda: CudaPolicy = "auto"
    tensorflow: SpecifierSet | None = None
    tensorflow_said_by: str = ""
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """The whole table. Paths are relative to the folder of `pyproject.toml`."""

    path: str
    targets: tuple[ConfiguredTarget, ...]
    packages: tuple[WantedPackage, ...] = ()
    """What `dependencies`, `extras` and `groups` of the same file bring."""
    sources: tuple[str, ...] = ()


def read_configuration(text: str, path: str) -> Configuration | None:
    """Return the table of a `pyproject.toml`, None where it has none.

    Raises InputError with file, line and dotted path: for what is no TOML, unknown keys (naming the nearest), values
    of the wrong type or form, targets without a runtime, and groups that don't exist.
    """
    try:
        document = parse_toml(text)
    except TomlError as error:
        raise InputError(
            Location(path, error.line, error.column), f"this is no valid TOML: {error}", hint="mend the file"
        ) from error
    tool = document.get("tool")
    if not isinstance(tool, dict) or TABLE[-1] not in tool:
        return None
    return _configuration(_Table(text, path, TABLE, tool[TABLE[-1]]), document)


def default_lock(name: str) -> str:
    """Return where the lock of a target lies that says nothing of it."""
    return f"requirements-{name}.txt"


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the document and its place in it."""

    text: str
    path: str
    keys: tuple[str, ...]
    data: Any

    def error(self, key: str | None, problem: str, *, hint: str | None = None, value: str | None = None) -> InputError:
        keys = (*self.keys, key) if key else self.keys
        return InputError(Location(self.path, line_of(self.text, keys, value), key=".".join(keys)), problem, hint=hint)

    def said_by(self, key: str) -> str:
        return str(Location(self.path, line_of(self.text, (*self.keys, key))))

    def below(self, key: str) -> _Table:
        table = _Table(self.text, self.path, (*self.keys, key), self.data.get(key, {}))
        table.check_type()
        return table

    def check_type(self) -> None:
        if not isinstance(self.data, Mapping):
            raise self.error(None, f"must be a table, not {_shown(self.data)}")

    def check_keys(self, known: tuple[str, ...]) -> None:
        self.check_type()
        for key in self.data:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                raise self.error(key, "there is no such key", hint=hint)

    def get(self, key: str, kind: type[Value], what: str) -> Value | None:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            quotes = "write it in quotes" if kind is str and isinstance(value, int | float) else None
            raise self.error(key, f"must be {what}, not {_shown(value)}", hint=quotes)
        return value

    def string(self, key: str) -> str | None:
        value = self.get(key, str, "a string")
        if value is not None and not value.strip():
            raise self.error(key, "must not be empty", hint="leave the key out, or name something")
        return value

    def strings(self, key: str) -> tuple[str, ...] | None:
        values = self.get(key, list, "a list of strings")
        if values is None:
            return None
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.error(key, f"must be a list of strings; {_shown(value)} is none")
        return tuple(values)

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        value = self.string(key)
        if value is not None and value not in choices:
            near = difflib.get_close_matches(value, choices, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(choices)}"
            raise self.error(key, f"{value!r} is none of {', '.join(choices)}", hint=hint)
        return value

    def parsed(self, key: str, parse: Any) -> Any:
        """Return what an option's parser makes of a string; its complaint gets our place."""
        value = self.string(key)
        try:
            return None if value is None else parse(value)
        except UsageError as error:
            raise self.error(key, error.message, hint=error.hint) from error


def _configuration(table: _Table, document: Mapping[str, Any]) -> Configuration:
    table.check_keys(TABLE_KEYS)
    targets_table = table.below("targets")
    if not targets_table.data:
        raise table.error(
            None,
            "there is no target to lock for",
            hint='add one, for example:\n\n[tool.tfbootstrap.targets.cpu]\nruntime = "linux-cpu"',
        )
    targets = tuple(_target(targets_table, name, table) for name in targets_table.data)
    _check_locks(targets, targets_table)
    return Configuration(
        path=table.path,
        targets=targets,
        packages=_packages(table, document),
        sources=table.strings("sources") or (),
    )


def _target(targets: _Table, name: str, table: _Table) -> ConfiguredTarget:
    if not _TARGET_NAME.match(name):
        raise targets.error(name, "a target's name consists of letters, digits, - and _")
    target = targets.below(name)
    target.check_keys(TARGET_KEYS)
    runtime = target.string("runtime")
    if runtime is None:
        raise target.error(
            None,
            "a target needs a runtime",
            hint='name a profile (runtime = "linux-cpu"), or a facts file made there: tfbootstrap detect -o FILE',
        )
    wish = target if "tensorflow" in target.data else table
    gpu, cuda = target.string("gpu") or "auto", target.choice("cuda", get_args(CudaPolicy)) or "auto"
    if gpu == "none" and cuda in ("wheels", "system"):
        raise target.error("cuda", f'gpu = "none" and cuda = "{cuda}" contradict each other', hint="leave out one")
    driver = target.parsed("driver", parse_driver)
    if gpu == "none" and driver:
        raise target.error("driver", 'gpu = "none" and a driver contradict each other', hint="leave out one")
    requirements, constraints = target.strings("requirements"), target.strings("constraints")
    return ConfiguredTarget(
        name=name,
        runtime=runtime,
        lock=target.string("lock") or default_lock(name),
        gpu=gpu,
        notebooks=target.strings("notebooks") or (),
        python=target.parsed("python", parse_python),
        platform=target.choice("platform", _platforms()),
        driver=driver,
        cuda=cast("CudaPolicy", cuda),
        tensorflow=wish.parsed("tensorflow", parse_tensorflow),
        tensorflow_said_by=wish.said_by("tensorflow"),
        requirements=(table.strings("requirements") or ()) if requirements is None else requirements,
        constraints=(table.strings("constraints") or ()) if constraints is None else constraints,
    )


def _platforms() -> tuple[str, ...]:
    """Return every system with the processors that it runs on, as wheels name them."""
    arm = {"linux": "aarch64", "macos": "arm64", "windows": "arm64"}
    known = {f"{system}-{machine}" for system in SYSTEMS for machine in get_args(Machine)}
    return tuple(sorted(known & {f"{system}-{one}" for system in SYSTEMS for one in ("x86_64", arm[system])}))


def _check_locks(targets: tuple[ConfiguredTarget, ...], table: _Table) -> None:
    owners: dict[str, str] = {}
    for target in targets:
        for path, key in ((target.lock, "lock"), *((notebook, "notebooks") for notebook in target.notebooks)):
            same = normpath(path)
            if same in owners:
                raise table.below(target.name).error(
                    key, f"{path} belongs to the target {owners[same]} already", hint="name another file"
                )
            owners[same] = target.name


def _packages(table: _Table, document: Mapping[str, Any]) -> tuple[WantedPackage, ...]:
    project = document.get("project", {})
    wanted: list[WantedPackage] = []
    if table.get("dependencies", bool, "true or false"):
        if not isinstance(project, Mapping) or "dependencies" not in project:
            raise table.error(
                "dependencies", "there are no [project] dependencies", hint="list them, or use `requirements`"
            )
        wanted += _requirements(table, ("project", "dependencies"), project["dependencies"])
    optional = _Table(table.text, table.path, ("project", "optional-dependencies"), {})
    if isinstance(project, Mapping) and "optional-dependencies" in project:
        optional = _Table(table.text, table.path, ("project",), project).below("optional-dependencies")
    for name in table.strings("extras") or ():
        key = _find(name, optional.data, table, "extras", "optional dependencies")
        wanted += _extra(optional, key, str(project.get("name", "")), ())
    groups = _Table(table.text, table.path, (), document).below("dependency-groups")
    for name in table.strings("groups") or ():
        key = _find(name, groups.data, table, "groups", "dependency group")
        wanted += _group(groups, key, ())
    return tuple(wanted)


def _find(name: str, known: Mapping[str, Any], table: _Table, key: str, what: str) -> str:
    """Return the spelling of a name in a table whose names count as normalised."""
    spelled = {canonicalize_name(one): one for one in known}
    if canonicalize_name(name) in spelled:
        return spelled[canonicalize_name(name)]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise table.error(key, f"there is no {what} {name!r}", hint=hint, value=name)


def _requirements(table: _Table, keys: tuple[str, ...], items: Any) -> list[WantedPackage]:
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _Table(table.text, table.path, keys, items).error(None, "must be a list of requirements (strings)")
    return [
        parse_requirement(item, Location(table.path, line_of(table.text, keys, item.splitlines()[0] if item else None)))
        for item in items
    ]


def _extra(optional: _Table, key: str, project: str, above: tuple[str, ...]) -> list[WantedPackage]:
    """Return an extra's requirements; one on the project itself (`name[other]`) stands for the other extra."""
    if key in above:
        raise optional.error(key, f"the extras require each other in a circle: {' -> '.join((*above, key))}")
    wanted: list[WantedPackage] = []
    for item in _requirements(optional, (*optional.keys, key), optional.data[key]):
        if project and item.name == canonicalize_name(project):
            for other in sorted(item.requirement.extras):
                found = _find(other, optional.data, optional, key, "optional dependencies")
                wanted += _extra(optional, found, project, (*above, key))
        else:
            wanted.append(item)
    return wanted


def _group(groups: _Table, key: str, above: tuple[str, ...]) -> list[WantedPackage]:
    """Return a dependency group's requirements, those of included groups in their place (PEP 735)."""
    if key in above:
        raise groups.error(key, f"the groups include each other in a circle: {' -> '.join((*above, key))}")
    items = groups.data[key]
    if not isinstance(items, list):
        raise groups.error(key, f"must be a list, not {_shown(items)}")
    wanted: list[WantedPackage] = []
    for item in items:
        if isinstance(item, str):
            wanted += _requirements(groups, (*groups.keys, key), [item])
        elif isinstance(item, Mapping) and set(item) == {"include-group"} and isinstance(item["include-group"], str):
            found = _find(item["include-group"], groups.data, groups, key, "dependency group")
            wanted += _group(groups, found, (*above, key))
        else:
            raise groups.error(key, f"{_shown(item)} is neither a requirement nor an include-group")
    return wanted


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else repr(value)
