"""Reading TOML fast, with line and column where it is broken. Layer 0: pure."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
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
