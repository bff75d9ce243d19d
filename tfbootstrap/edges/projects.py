"""Puts `[tool.tfbootstrap]` into the text of a `pyproject.toml` and leaves everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import tomlkit
from tomlkit.items import Table

from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.toml import TomlError, parse_toml

_TOOL, _OURS = "tool", "tfbootstrap"


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


def _as_items(table: Mapping[str, Any]) -> Table:
    """Return a table whose subtables stand below it, each under its own heading."""
    item = tomlkit.table()
    for key, value in table.items():
        item[key] = _as_items(value) if isinstance(value, Mapping) else value
    return item
