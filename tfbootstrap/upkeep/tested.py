"""Refreshes `tested.yaml` from the pages of tested configurations in a checkout of tensorflow/docs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from packaging.version import Version

from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.matrix.tested import SYSTEMS, OfficialMatrix, OfficialRow, System
from tfbootstrap.upkeep.tensorflow import OLDEST

PAGES: Final = ("site/en/install/source.md", "site/en/install/source_windows.md")
REPOSITORY: Final = "tensorflow/docs"

_HEADING: Final = re.compile(r"^#{2,4} +(Linux|macOS)\b", re.MULTILINE)
_LINE: Final = re.compile(r"<tr><td>tensorflow(?:_gpu)?-([\w.]+)</td>((?:<td>[^<]*</td>)+)</tr>")
_CELL: Final = re.compile(r"<td>([^<]*)</td>")
_GPU_CELLS: Final = 5
"""Python, compiler, build tool, cuDNN, CUDA: the table for processors has the first three."""


def read_pages(folder: Path) -> dict[str, str]:
    """Return the pages by path. Raises UsageError where the folder is no checkout with them."""
    missing = [name for name in PAGES if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder} has no {missing[0]}", hint=f"name a checkout of {REPOSITORY}: --from DIR")
    return {name: (folder / name).read_text(encoding="utf-8") for name in PAGES}


def official_matrix(pages: Mapping[str, str], *, commit: str, checked: str, keep: OfficialMatrix) -> OfficialMatrix:
    """Return what the pages say; words typed by hand stay, and the day changes only with what a line says.

    Raises InputError where a page has no line at all.
    """
    known = {(row.system, row.tensorflow): row for row in keep.rows}
    found: dict[tuple[System, str], OfficialRow] = {}
    for path, text in pages.items():
        rows = list(parse_page(text, "windows" if "windows" in path else None))
        if not rows:
            raise InputError(Location(path), "has no line of a tested configuration", hint="has the page changed?")
        for row in rows:
            source = f"{REPOSITORY}@{commit}:{path}"
            key = (row.system, row.tensorflow)
            found[key] = _kept(replace(row, source=source, checked=checked), known.get(key))
    order = sorted(found, key=lambda key: (SYSTEMS.index(key[0]), Version(key[1])))
    return OfficialMatrix(rows=tuple(found[key] for key in order))


def _kept(row: OfficialRow, before: OfficialRow | None) -> OfficialRow:
    if before is None:
        return row
    said = replace(row, word=before.word, source=before.source, checked=before.checked)
    return before if said == before else replace(row, word=before.word)


def parse_page(text: str, system: System | None = None) -> Iterator[OfficialRow]:
    """Yield the lines of a page since 1.15, those of a release's two tables as one.

    The system is that of the heading where none is given.

    Of two lines that a table has for one release the first counts.
    """
    sections = [(system, text)] if system else list(_sections(text))
    for name, section in sections:
        found: dict[str, OfficialRow] = {}
        for version, cells in _LINE.findall(section):
            if Version(version) >= OLDEST:
                row = _row(version, name, _CELL.findall(cells))
                before = found.setdefault(version, row)
                if before.cuda is None and row.cuda is not None:
                    found[version] = row
        yield from found.values()


def _sections(text: str) -> Iterator[tuple[System, str]]:
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    for heading, end in zip(headings, ends, strict=True):
        yield "macos" if heading[1] == "macOS" else "linux", text[heading.end() : end]


def _row(version: str, system: System, cells: list[str]) -> OfficialRow:
    cudnn, cuda = cells[3:_GPU_CELLS] if len(cells) == _GPU_CELLS else (None, None)
    return OfficialRow(
        tensorflow=version,
        system=system,
        pythons=parse_pythons(cells[0]),
        cuda=cuda,
        cudnn=cudnn,
        source="",
        checked="",
    )


def parse_pythons(text: str) -> tuple[str, ...]:
    """Read `2.7, 3.5-3.7` as the versions that it stands for."""
    versions: list[str] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        major, start = first.split(".")
        end = (last or first).split(".")[1]
        versions += [f"{major}.{minor}" for minor in range(int(start), int(end) + 1)]
    return tuple(versions)
