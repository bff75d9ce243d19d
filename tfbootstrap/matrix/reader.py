"""Plain data of a matrix file -> frozen records, driven by the records' own annotations. Layer 1: pure.

A data file is described once, by frozen dataclasses; reader, canonical dumper (`upkeep.dump`) and JSON Schema
(`upkeep.schema`) all follow their annotations:

    str, int, bool                    a scalar of just that type
    Annotated[str, Text(...)]         a string of a checked form: VersionText, DateText, SourceText, ...
    Literal["a", "b"]                 one of a closed set of strings
    X | None = None                   a key that may be left out
    tuple[X, ...]                     a sequence of X
    Annotated[tuple[str, ...], LINES] a literal block, one entry a line (one YAML node for a whole requirement list)
    Mapping[str, X]                   free keys
    a dataclass                       a mapping with exactly its keys; a field with a default may be left out

A record may have `problems()`: what only whole records can tell (rows that overlap, children outside their parents).
Nothing stops at the first problem: all of them are collected and raised as one `MatrixError`.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, lru_cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.errors import Location, MatrixError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One parsed data file: plain data (str, int, bool, None, list, dict), the line of each dotted path, and what the
    parser already found wrong (duplicate keys, unquoted versions).
    """

    path: str
    data: object
    lines: Mapping[str, int] = field(default_factory=dict)
    blocks: AbstractSet[str] = frozenset()
    """Dotted paths of literal blocks (`|`): their text starts on the line below."""
    problems: tuple[Problem, ...] = ()

    def location(self, key: str) -> Location:
        """Where the value at this dotted path stands; the nearest parent's line where it has none itself."""
        known = key
        while known and known not in self.lines:
            known = known[: max(known.rfind("."), known.rfind("["), 0)]
        return Location(self.path, self.lines.get(known), None, key or None)

    def location_in_block(self, key: str, index: int) -> Location:
        """Where the line of this index of a literal block stands."""
        start = self.location(key)
        offset = index + 1 if key in self.blocks else 0
        return replace(start, line=start.line + offset if start.line is not None else None)

    @property
    def spoiled(self) -> frozenset[str | None]:
        """Dotted paths that the parser has complained about: what stands there is no value to read."""
        return frozenset(problem.location.key for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Text:
    """A checked form of string: its name in messages, its check (True: good), an example, a pattern for editors."""

    name: str
    check: Callable[[str], object]
    example: str
    pattern: str | None = None

    def accepts(self, text: str) -> bool:
        """Say whether a string has this form."""
        return _accepts(self.check, text)


@lru_cache(maxsize=4096)
def _accepts(check: Callable[[str], object], text: str) -> bool:
    # The same requirement stands in many rows, and parsing it is what reading a file spends its time on.
    try:
        return bool(check(text))
    except ValueError:  # the root of packaging's Invalid… errors and of date's
        return False


@dataclass(frozen=True, slots=True)
class Lines:
    """A literal block scalar that stands for a list of strings, one a line; each line has the form `item`."""

    item: Text


def _is_canonical_requirement(text: str) -> bool:
    return text == " ".join(text.split()) and bool(Requirement(text))


_SOURCE = re.compile(
    r"""^(?: https://[^\s@]+                                  # a page
          | [\w.-]+/[\w.-]+@[0-9a-f]{7,40}:\S+                # a file of a repository at a commit
          | [\w.-]+/[\w.-]+\#\d+                              # an issue or pull request
          | wheel:\ \S+                                       # a published file that we read ourselves
          | run:\ .+                                          # something that we ran ourselves: what, and on what
        )$""",
    re.VERBOSE,
)

VERSION: Final = Text(
    "a version", Version, "2.20.0", r"^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?$"
)
SPECIFIER: Final = Text("a version specifier", lambda text: SpecifierSet(text) is not None, ">=2.16,<2.21")
REQUIREMENT: Final = Text("a requirement", _is_canonical_requirement, "numpy>=1.26.0")
DATE: Final = Text("a date", date.fromisoformat, "2025-08-13", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
SOURCE: Final = Text(
    "a source (an https address, owner/name@commit:path, owner/name#number, `wheel: file` or `run: what`)",
    _SOURCE.match,
    "tensorflow/tensorflow#44883",
)
COMPUTE_CAPABILITY: Final = Text(
    "a compute capability", re.compile(r"^[0-9]{1,2}\.[0-9]$").match, "7.5", r"^[0-9]{1,2}\.[0-9]$"
)

WHEEL_TAG: Final = Text(
    "the tag of a wheel file",
    re.compile(r"^[a-z0-9_.]+-[a-z0-9_.]+-[a-z0-9_.]+$").match,
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
)

VersionText = Annotated[str, VERSION]
SpecifierText = Annotated[str, SPECIFIER]
RequirementText = Annotated[str, REQUIREMENT]
DateText = Annotated[str, DATE]
SourceText = Annotated[str, SOURCE]
ComputeCapabilityText = Annotated[str, COMPUTE_CAPABILITY]
WheelTagLines = Annotated[tuple[str, ...], Lines(WHEEL_TAG)]
RequirementLines = Annotated[tuple[str, ...], Lines(REQUIREMENT)]


@runtime_checkable
class ChecksItself(Protocol):
    """A record that knows what can be wrong with it beyond the forms of its values."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield (dotted path below this record, what is wrong)."""


class MatrixFile(Protocol):
    """A record that is a whole data file of `compat_matrix/`."""

    FILE: ClassVar[str]
    SCHEMA: ClassVar[int]
    HEADER: ClassVar[str]


File = TypeVar("File", bound=MatrixFile)


def read_document(record: type[File], document: Document) -> File:
    """Read a whole data file into its record.

    Raises `MatrixError` with every problem of the file, in file order; a newer schema is refused before anything else.
    """
    problems = list(document.problems)
    data = document.data
    if isinstance(data, dict):
        _refuse_newer_schema(record, document, data)
        data = {key: value for key, value in data.items() if key != "schema"}
    result = _Reading(document, problems, document.spoiled).record(record, data, "")
    if problems:
        problems.sort(key=lambda problem: problem.location.line or 0)
        raise MatrixError(tuple(problems), hint="every value's form is in compat_matrix/README.md")
    return cast("File", result)


def _refuse_newer_schema(record: type[MatrixFile], document: Document, data: Mapping[str, object]) -> None:
    schema = data.get("schema")
    if schema == record.SCHEMA and not isinstance(schema, bool):
        return
    newer = isinstance(schema, int) and schema > record.SCHEMA
    if "schema" not in data:
        text = f"missing; this tfbootstrap reads `schema: {record.SCHEMA}`"
    else:
        text = f"{schema!r} is not a schema that this tfbootstrap reads (it reads {record.SCHEMA})"
    hint = "upgrade tfbootstrap, or use the matrix that came with it" if newer else f"write `schema: {record.SCHEMA}`"
    raise MatrixError((Problem(document.location("schema"), text),), hint=hint)


class _Invalid:
    """Stands for a value that could not be read; its problem is noted already."""


_INVALID: Final = _Invalid()


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of a record as its file spells it: key, shape, and the default (MISSING where it must be there)."""

    name: str
    shape: Any
    default: object

    @property
    def required(self) -> bool:
        """Whether the key must be written."""
        return self.default is dataclasses.MISSING


@cache
def record_fields(record: type) -> tuple[RecordField, ...]:
    """Return the fields of a record in canonical order, `X | None` resolved to X."""
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        RecordField(item.name, _without_none(hints[item.name]), _default(item)) for item in dataclasses.fields(record)
    )


def _default(item: dataclasses.Field[Any]) -> object:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return item.default


def _without_none(shape: Any) -> Any:
    if get_origin(shape) in (Union, types.UnionType):
        (shape,) = (option for option in get_args(shape) if option is not type(None))
    return shape


@dataclass(frozen=True, slots=True)
class _Reading:
    """One pass over a document; `problems` is the only thing that changes."""

    document: Document
    problems: list[Problem]
    spoiled: frozenset[str | None]

    def value(self, shape: Any, data: object, key: str) -> Any:
        """Read one value of any shape, or note why not."""
        return _INVALID if key in self.spoiled else _reader(shape)(self, data, key)

    def wrong(self, key: str, text: str, location: Location | None = None) -> _Invalid:
        """Note a problem."""
        self.problems.append(Problem(location or self.document.location(key), text))
        return _INVALID

    def record(self, record: type, data: object, key: str) -> Any:
        """Read a mapping into a record: unknown and missing keys, then every value, then the record's own checks."""
        if not isinstance(data, dict):
            return self.wrong(key, f"expected a mapping, found {describe(data)}")
        fields = record_fields(record)
        known = {item.name for item in fields}
        for name in data:
            if name not in known:
                self.wrong(_below(key, name), f"unknown key (known: {', '.join(item.name for item in fields)})")
        values: dict[str, Any] = {}
        for item in fields:
            if item.name in data:
                values[item.name] = self.value(item.shape, data[item.name], _below(key, item.name))
            elif item.required:
                values[item.name] = self.wrong(key, f"`{item.name}` is missing")
        if any(value is _INVALID for value in values.values()):
            return _INVALID
        return self._checked(record(**values), key)

    def _checked(self, record: object, key: str) -> object:
        if isinstance(record, ChecksItself):
            for below, text in record.problems():
                self.wrong(_below(key, below), text)
        return record


def _below(key: str, name: object) -> str:
    if not key or str(name).startswith("["):
        return f"{key}{name}"
    return f"{key}.{name}"


def describe(data: object) -> str:
    """Say in words what a value of a data file is, for messages."""
    match data:
        case None:
            return "nothing"
        case bool() | int():
            return f"{str(data).lower()} (a string is written in quotes)"
        case str():
            return f"{data!r}"
        case list():
            return "a sequence"
        case _:
            return "a mapping"


_ValueReader = Callable[[_Reading, object, str], Any]


@cache
def _reader(shape: Any) -> _ValueReader:
    """Choose, once per shape, the function that reads it."""
    if get_origin(shape) is Annotated:
        form = get_args(shape)[1]
        return _lines_reader(form) if isinstance(form, Lines) else _text_reader(form)
    if get_origin(shape) is Literal:
        return _choice_reader(get_args(shape))
    if get_origin(shape) is tuple:
        return _sequence_reader(get_args(shape)[0])
    if get_origin(shape) is not None and issubclass(get_origin(shape), Mapping):
        return _mapping_reader(get_args(shape)[1])
    if dataclasses.is_dataclass(shape):
        return lambda reading, data, key: reading.record(cast("type", shape), data, key)
    if shape in (str, int, bool):
        return _scalar_reader(shape)
    raise TypeError(f"{shape!r} is not a shape that a data file can have")


def _scalar_reader(kind: type) -> _ValueReader:
    words = {str: "a string", int: "a whole number", bool: "true or false"}[kind]

    def read(reading: _Reading, data: object, key: str) -> Any:
        if type(data) is not kind:
            return reading.wrong(key, f"expected {words}, found {describe(data)}")
        if data == "":
            return reading.wrong(key, "is empty; leave the key out where there is no value")
        return data

    return read


def _text_reader(form: Text) -> _ValueReader:
    def read(reading: _Reading, data: object, key: str) -> Any:
        if not isinstance(data, str):
            return reading.wrong(key, f"expected {form.name}, found {describe(data)}")
        if not form.accepts(data):
            return reading.wrong(key, _wrong_form(data, form))
        return data

    return read


def _wrong_form(text: str, form: Text) -> str:
    return f"{text!r} is not {form.name}; one is {form.example!r}"


def _choice_reader(choices: Sequence[str]) -> _ValueReader:
    def read(reading: _Reading, data: object, key: str) -> Any:
        if data not in choices:
            return reading.wrong(key, f"expected one of {', '.join(choices)}; found {describe(data)}")
        return data

    return read


def _lines_reader(form: Lines) -> _ValueReader:
    def read(reading: _Reading, data: object, key: str) -> Any:
        if not isinstance(data, str):
            return reading.wrong(key, f"expected a block of lines (`|`), found {describe(data)}")
        lines = tuple(line for line in data.split("\n") if line)
        if not lines:
            return reading.wrong(key, "is empty; leave the key out where there is no value")
        bad = [(index, line) for index, line in enumerate(lines) if not form.item.accepts(line)]
        for index, line in bad:
            reading.wrong(key, _wrong_form(line, form.item), reading.document.location_in_block(key, index))
        return _INVALID if bad else lines

    return read


def _sequence_reader(shape: Any) -> _ValueReader:
    def read(reading: _Reading, data: object, key: str) -> Any:
        if not isinstance(data, list):
            return reading.wrong(key, f"expected a sequence, found {describe(data)}")
        items = tuple(reading.value(shape, item, f"{key}[{index}]") for index, item in enumerate(data))
        return _INVALID if any(item is _INVALID for item in items) else items

    return read


def _mapping_reader(shape: Any) -> _ValueReader:
    def read(reading: _Reading, data: object, key: str) -> Any:
        if not isinstance(data, dict):
            return reading.wrong(key, f"expected a mapping, found {describe(data)}")
        items = {name: reading.value(shape, item, _below(key, name)) for name, item in data.items()}
        return _INVALID if any(item is _INVALID for item in items.values()) else items

    return read
