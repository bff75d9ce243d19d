"""Puts `[tool.tfbootstrap]` into the text of a `pyproject.toml` and leaves everything else as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

import tomlkit
from tomlkit.items import Table

from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.toml import TomlError, parse_toml

_TOOL, _OURS, _KEY = "tool", "tfbootstrap", "tensorflow"
_HEADING = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*tfbootstrap[ \t]*\][^\n]*\n", re.MULTILINE)
_HEADING_BELOW = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*tfbootstrap[ \t]*\.", re.MULTILINE)
"""The heading of our table, and that of a table in it."""


def with_table(text: str, table: Mapping[str, Any], path: str, *, force: bool) -> str:
    """Return the document with our table: at its end, or with `force` in place of the one that is there.

    Raises InputError for what is no TOML, UsageError where there is such a table already.
    """
    try:
        parse_toml(text)
    except TomlError as error:
        raise InputError(
            Location(path, error.line, error.column), f"this is no valid TOML: {error}", hint="mend the file"
        ) from error
    document = tomlkit.parse(text)
    tool = document.get(_TOOL)
    if tool is not None and not isinstance(tool, Mapping):
        raise InputError(Location(path, key=_TOOL), "must be a table", hint="mend the file")
    if tool is not None and _OURS in tool:
        if not force:
            raise UsageError(
                f"{path} has a [tool.tfbootstrap] already", hint="replace it with: tfbootstrap init --force"
            )
        cast("Any", tool)[_OURS] = _as_items(table)
        return tomlkit.dumps(document)
    fresh = tomlkit.dumps({_TOOL: {_OURS: _as_items(table)}})
    if isinstance(tool, Table) and not tool.is_super_table():
        # `[tool]` itself is written out, with keys of its own: ours goes into it.
        tool[_OURS] = _as_items(table)
        return tomlkit.dumps(document)
    return f"{text.rstrip()}\n\n{fresh}" if text.strip() else fresh


def with_tensorflow(text: str, tensorflow: str, path: str, *, table: bool, targets: Collection[str]) -> str:
    """Return a document that asks for another TensorFlow: in our table (in its own place, or as its first key), and in
    these targets, which say one already. Everything else stays as it is.

    Raises InputError where there is no line on which the key could be added.
    """
    document = tomlkit.parse(text)
    ours: Any = cast("Any", document)[_TOOL][_OURS]
    places = [ours["targets"][name] for name in targets]
    if table and _KEY in ours:
        places.append(ours)
    for place in places:
        place[_KEY] = tomlkit.string(tensorflow, literal=place[_KEY].as_string().startswith("'"))
    changed = tomlkit.dumps(document)
    return _with_key(changed, tensorflow, path) if table and _KEY not in ours else changed


def _with_key(text: str, tensorflow: str, path: str) -> str:
    """Return the document with the key below the table's heading, or with that heading before those of the targets."""
    line = tomlkit.dumps({_KEY: tensorflow})
    if heading := _HEADING.search(text):
        return f"{text[: heading.end()]}{line}{text[heading.end() :]}"
    if below := _HEADING_BELOW.search(text):
        return f"{text[: below.start()]}[{_TOOL}.{_OURS}]\n{line}\n{text[below.start() :]}"
    raise InputError(
        Location(path, key=f"{_TOOL}.{_OURS}"),
        "there is no heading [tool.tfbootstrap] below which the TensorFlow could be named",
        hint=f"add to this table: {line.strip()}",
    )


def _as_items(table: Mapping[str, Any]) -> Table:
    """Return a table whose subtables stand below it, each under its own heading."""
    item = tomlkit.table()
    for key, value in table.items():
        item[key] = _as_items(value) if isinstance(value, Mapping) else value
    return item
