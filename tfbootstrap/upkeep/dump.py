"""Writes records in the one canonical form of our data files, so that a diff is a list of facts.

Keys stand in the order of the record's fields, values equal to the default are left out, requirement lists are literal
blocks, lists of plain words stand on one line, every version is quoted.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from tfbootstrap.matrix.reader import Lines, MatrixFile, record_fields
from tfbootstrap.upkeep.catalogue import schema_file

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")
_SPECIAL = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_LINE = 100


def dump(record: MatrixFile) -> str:
    """Return the whole text of a data file."""
    header = [f"# {line}".rstrip() for line in record.HEADER.splitlines()]
    editor = f"# yaml-language-server: $schema={'../' * record.FILE.count('/')}{schema_file(type(record))}"
    return "\n".join([*header, editor, f"schema: {record.SCHEMA}", *_fields(record, "")]) + "\n"


def _fields(record: Any, indent: str) -> Iterator[str]:
    for item in record_fields(_class_of(record)):
        value = getattr(record, item.name)
        if item.required or value != item.default:
            yield from _entry(item.name, item.shape, value, indent)


def _class_of(record: object) -> type:
    return type(record)


def _entry(name: str, shape: Any, value: Any, indent: str) -> Iterator[str]:
    key = f"{indent}{_scalar(name)}:"
    if _is_block(shape):
        yield f"{key} |"
        yield from (f"{indent}  {line}" for line in value)
    elif isinstance(value, tuple):
        yield from _sequence(key, value, indent)
    elif isinstance(value, Mapping):
        yield key
        for below, item in value.items():
            yield from _entry(below, get_args(shape)[1], item, f"{indent}  ")
    elif dataclasses.is_dataclass(value):
        yield key
        yield from _fields(value, f"{indent}  ")
    else:
        yield f"{key} {_scalar(value)}"


def _sequence(key: str, values: tuple[Any, ...], indent: str) -> Iterator[str]:
    if any(dataclasses.is_dataclass(value) for value in values):
        yield key
        for value in values:
            # The first line of a record carries the dash of its sequence.
            lines = list(_fields(value, f"{indent}    "))
            yield f"{indent}  - {lines[0].lstrip()}"
            yield from lines[1:]
        return
    flow = f"{key} [{', '.join(_scalar(value) for value in values)}]"
    if len(flow) <= _LINE:
        yield flow
        return
    yield key
    yield from (f"{indent}  - {_scalar(value)}" for value in values)


def _is_block(shape: Any) -> bool:
    return get_origin(shape) is Annotated and isinstance(get_args(shape)[1], Lines)


def _scalar(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if _PLAIN.match(value) and value.lower() not in _SPECIAL:
        return value
    # A JSON string is a double-quoted YAML string.
    return json.dumps(value, ensure_ascii=False)
