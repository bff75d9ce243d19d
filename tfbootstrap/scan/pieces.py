"""Texts of files -> pieces of Python: a module whole, a notebook cell by cell without the lines for IPython."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_MAGIC: Final = re.compile(r"^\s*(?:[%!]|\?|get_ipython\(\))|^\s*[\w.]+\?{1,2}\s*$")
_ASSIGNED_MAGIC: Final = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")
_PYTHON_CELLS: Final = frozenset({"time", "timeit", "capture", "prun", "python3", "python", "tensorflow_version"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Python that is parsed at once; lines count from 1 within it."""

    file: str
    tree: ast.Module
    cell: int | None = None
    """The place of a notebook's cell among all its cells, from 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """What could not be read."""

    file: str
    reason: str
    cell: int | None = None


def read_pieces(file: str, text: str) -> Iterator[Piece | Skipped]:
    """Yield what a file holds; `file` tells by its ending whether it is a notebook."""
    if not file.endswith(".ipynb"):
        yield _parse(file, text)
        return
    try:
        cells = _code_cells(json.loads(text))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        yield Skipped(file=file, reason="is no notebook of format 3 or 4")
        return
    for place, source in cells:
        yield _parse(file, without_magics(source), place)


def _code_cells(notebook: Any) -> list[tuple[int, str]]:
    cells = (
        notebook["cells"]
        if "cells" in notebook
        else [one for sheet in notebook["worksheets"] for one in sheet["cells"]]
    )
    found = []
    for place, cell in enumerate(cells, 1):
        if cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            found.append((place, source if isinstance(source, str) else "".join(source)))
    return found


def without_magics(source: str) -> str:
    """Return a cell's Python with every line in its place; empty where the cell is in another language."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and first[2:].split(" ")[0].strip() not in _PYTHON_CELLS:
        return ""
    return "\n".join(_without_magic(line) for line in lines)


def _without_magic(line: str) -> str:
    if _MAGIC.match(line):
        return f"{line[: len(line) - len(line.lstrip())]}pass"
    return _ASSIGNED_MAGIC.sub(r"\1None", line)


def _parse(file: str, text: str, cell: int | None = None) -> Piece | Skipped:
    try:
        with warnings.catch_warnings():
            # Other people's invalid escapes are not ours to report.
            warnings.simplefilter("ignore")
            tree = ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        return Skipped(file=file, cell=cell, reason=f"line {error.lineno} is no Python 3: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        return Skipped(file=file, cell=cell, reason="can't be parsed")
    return Piece(file=file, cell=cell, tree=tree)
