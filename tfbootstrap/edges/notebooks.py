"""Puts one cell into a notebook and leaves every other byte alone.

A notebook that is read and written as JSON comes back with other indentation, escapes and key order. So the text is
scanned for the places that change, and only those are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfbootstrap.errors import InputError, Location

MARK = "tfbootstrap"
"""The key in a cell's metadata by which our cell is known again, and the cell's id where the format has ids."""

FOLDED: Mapping[str, Any] = {"cellView": "form", "jupyter": {"source_hidden": True}}
"""What makes Colab and JupyterLab fold a new cell; afterwards that is its user's choice."""

_DECODER = json.JSONDecoder()
_BLANKS = " \t\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotebookCell:
    """The cell to put in: its source, and what its mark says (plain data, the same for the same source)."""

    source: str
    mark: Mapping[str, str | bool]


@dataclass(frozen=True, slots=True)
class _Value:
    """A JSON value and where it stands in the text."""

    start: int
    end: int
    data: Any


@dataclass(frozen=True, slots=True)
class _Style:
    """How a notebook is laid out: `lead` before each cell, None where all is in one line; `unit` for each level."""

    lead: str | None
    unit: str
    newline: str
    spaced: bool

    def dump(self, data: Any, lead: str) -> str:
        """Return JSON in this style, its first line unindented."""
        if self.lead is None:
            separators = (", ", ": ") if self.spaced else (",", ":")
            return json.dumps(data, ensure_ascii=False, separators=separators)
        lines = json.dumps(data, ensure_ascii=False, indent=self.unit).split("\n")
        return (self.newline + lead).join(lines)

    def separator(self) -> str:
        """Return what stands between two cells."""
        if self.lead is None:
            return ", " if self.spaced else ","
        return "," + self.newline + self.lead


def put_cell(text: str, cell: NotebookCell, path: str) -> str:
    """Return the notebook with the cell in it: in place where one has our mark, else before the first code cell.

    Raises InputError, with `path`, for what is no notebook of format 4.
    """
    notebook = _read_notebook(text, path)
    cells = list(_elements(text, notebook["cells"].start))
    style = _style(text, notebook["cells"], cells)
    ours = [value for value in cells if MARK in _metadata(value.data)]
    if ours:
        return _replace(text, [edit for value in ours for edit in _updates(text, value, cell, style)])
    ids = {value.data.get("id") for value in cells}
    has_ids = (notebook["nbformat"].data, notebook["nbformat_minor"].data) >= (4, 5)
    new = style.dump(_new_cell(cell, _free_id(ids) if has_ids else None), style.lead or "")
    return _replace(text, [_insertion(notebook["cells"], cells, new, style)])


def cells_of_ours(text: str, path: str) -> tuple[str, ...]:
    """Return the source of every cell with our mark. Raises InputError, with `path`, for what is no such notebook."""
    cells = _read_notebook(text, path)["cells"].data
    return tuple(_joined(cell.get("source", "")) for cell in cells if MARK in _metadata(cell))


def mark_of_ours(text: str, path: str) -> dict[str, Any]:
    """Return the mark of our cell, empty where there is none. Raises InputError, with `path`, as `put_cell` does."""
    cells = _read_notebook(text, path)["cells"].data
    marks = (_metadata(cell).get(MARK) for cell in cells)
    return next((mark for mark in marks if isinstance(mark, dict)), {})


def _read_notebook(text: str, path: str) -> dict[str, _Value]:
    hint = "name a notebook: a file made by Jupyter or Colab, *.ipynb"
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise InputError(Location(path, error.lineno, error.colno), f"is no JSON: {error.msg}", hint=hint) from None
    start = _skip(text, 1 if text.startswith("\ufeff") else 0)
    members = dict(_members(text, start)) if text[start] == "{" else {}
    version = members["nbformat"].data if "nbformat" in members else None
    if version in {1, 2, 3}:
        raise InputError(
            Location(path, key="nbformat"),
            f"this notebook has the old format {version}",
            hint=f"convert it first: jupyter nbconvert --to notebook --nbformat 4 {path}",
        )
    known = version == 4 and "nbformat_minor" in members and "cells" in members
    if not known or not isinstance(members["cells"].data, list):
        raise InputError(Location(path), "is no notebook of format 4", hint=hint)
    if not all(isinstance(cell, dict) for cell in members["cells"].data):
        raise InputError(Location(path, key="cells"), "a cell is no object", hint=hint)
    return members


def _members(text: str, start: int) -> Iterator[tuple[str, _Value]]:
    """Yield the members of the object that starts there; the text is known to be JSON."""
    position = _skip(text, start + 1)
    while text[position] != "}":
        key, position = _DECODER.raw_decode(text, position)
        value = _value(text, _skip(text, _skip(text, position) + 1))
        yield key, value
        position = _after_comma(text, value.end)


def _elements(text: str, start: int) -> Iterator[_Value]:
    position = _skip(text, start + 1)
    while text[position] != "]":
        value = _value(text, position)
        yield value
        position = _after_comma(text, value.end)


def _value(text: str, start: int) -> _Value:
    data, end = _DECODER.raw_decode(text, start)
    return _Value(start, end, data)


def _skip(text: str, position: int) -> int:
    while text[position] in _BLANKS:
        position += 1
    return position


def _after_comma(text: str, position: int) -> int:
    position = _skip(text, position)
    return _skip(text, position + 1) if text[position] == "," else position


def _style(text: str, cells: _Value, elements: list[_Value]) -> _Style:
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _lead(text, text.rfind('"cells"', 0, cells.start)) or " "
    lead = _lead(text, elements[0].start) if elements else unit * 2 if "\n" in text else None
    return _Style(lead, unit, newline, spaced=text[cells.start - 1] == " ")


def _lead(text: str, position: int) -> str | None:
    """Return the blanks before a position, None where it does not begin a line."""
    lead = text[text.rfind("\n", 0, position) + 1 : position]
    return lead if "\n" in text[:position] and not lead.strip() else None


def _metadata(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _updates(text: str, found: _Value, cell: NotebookCell, style: _Style) -> Iterator[tuple[int, int, str]]:
    """Yield what must change in a cell of ours: its source and its mark, nothing where they are right already."""
    members = dict(_members(text, found.start))
    source = members.get("source")
    if source and _joined(source.data) != cell.source:
        yield source.start, source.end, style.dump(_lines(cell.source), (style.lead or "") + style.unit)
    mark = dict(_members(text, members["metadata"].start))[MARK]
    if mark.data != dict(cell.mark):
        yield mark.start, mark.end, style.dump(dict(cell.mark), (style.lead or "") + style.unit * 2)


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _lines(source: str) -> list[str]:
    return [line + "\n" for line in source.split("\n")[:-1]] + [line for line in source.split("\n")[-1:] if line]


def _free_id(taken: set[Any]) -> str:
    number, free = 1, MARK
    while free in taken:
        number += 1
        free = f"{MARK}-{number}"
    return free


def _new_cell(cell: NotebookCell, identity: str | None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        **({} if identity is None else {"id": identity}),
        "metadata": {**FOLDED, MARK: dict(cell.mark)},
        "outputs": [],
        "source": _lines(cell.source),
    }


def _insertion(cells: _Value, elements: list[_Value], new: str, style: _Style) -> tuple[int, int, str]:
    first_code = next((value for value in elements if value.data.get("cell_type") == "code"), None)
    if first_code:
        return first_code.start, first_code.start, new + style.separator()
    if elements:
        return elements[-1].end, elements[-1].end, style.separator() + new
    if style.lead is None:
        return cells.start, cells.end, f"[{new}]"
    closing = style.newline + style.unit
    return cells.start, cells.end, f"[{style.newline}{style.lead}{new}{closing}]"


def _replace(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
