"""Reading TOML fast, with line and column where it is broken. Layer 0: pure."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):  # pragma: no branch - each Python takes the one that is for it
    import tomllib
else:
    import tomli as tomllib


class TomlError(ValueError):
    """Text that is no valid TOML: what is wrong, and the 1-based line and column."""

    def __init__(self, problem: str, line: int | None, column: int | None) -> None:
        super().__init__(problem)
        self.line = line
        self.column = column


def parse_toml(text: str) -> dict[str, Any]:
    """Return the document as plain data; raises TomlError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _located(text, str(error)) from error


def _located(text: str, problem: str) -> TomlError:
    # The standard library's error has its position only in words (until Python 3.14); tomlkit's has numbers.
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        tomlkit.parse(text)
    except ParseError as error:
        return TomlError(str(error), error.line, error.col + 1)
    except TOMLKitError as error:
        return TomlError(str(error), None, None)
    return TomlError(problem, None, None)


def line_of(text: str, keys: tuple[str, ...], value: str | None = None) -> int | None:
    """Return the 1-based line on which a key of a valid document stands: the line of its nearest parent where the key
    itself can't be found, None where not even that.

    With `value`, the first line from there on that holds this text: the item of a list.
    """
    lines = text.splitlines()
    table: tuple[str, ...] = ()
    best: tuple[int, int] = (0, 0)
    for number, line in enumerate(lines, 1):
        if header := _header_keys(line):
            table, found = header, header
        else:
            found = (*table, *_line_keys(line))
        depth = len(found) if found == keys[: len(found)] and found else 0
        if depth > best[0]:
            best = (depth, number)
    start = best[1]
    if value is not None and start:
        return next((number for number in range(start, len(lines) + 1) if value in lines[number - 1]), start)
    return start or None


def _header_keys(line: str) -> tuple[str, ...]:
    stripped = line.strip()
    return _nested_keys(stripped.split("#")[0]) if stripped.startswith("[") and not line.startswith(" ") else ()


def _line_keys(line: str) -> tuple[str, ...]:
    key, equals, _ = line.partition("=")
    return _nested_keys(f"{key} = 0") if equals else ()


def _nested_keys(line: str) -> tuple[str, ...]:
    try:
        found: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys = []
    while isinstance(found, (dict, list)) and found:
        if isinstance(found, list):
            found = found[0]
            continue
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)
