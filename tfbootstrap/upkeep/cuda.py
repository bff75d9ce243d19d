"""Refreshes the drivers of `cuda.yaml` from saved pages of NVIDIA's documentation; nothing is fetched.

- "CUDA Toolkit and Corresponding Driver Versions" of the CUDA release notes
  (https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html);
- "CUDA Toolkit, Driver, and Architecture Matrix" of the data center driver notes
  (https://docs.nvidia.com/datacenter/tesla/drivers/cuda-toolkit-driver-and-architecture-matrix.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Final

from packaging.version import Version

from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.cuda import CudaMatrix, GenerationRow, ToolkitRow

_TOOLKIT: Final = re.compile(r"CUDA (\d+\.\d+)\b(?!.*(?:\bRC\b|preview))")
"""Release candidates and developer previews came with drivers that were never released."""
_DRIVER: Final = re.compile(r">=\s*(\d{3}(?:\.\d+){1,2})")
_CAPABILITY: Final = re.compile(r"\d{1,2}\.\d\b")
_BRANCH: Final = re.compile(r"R(\d{3})\b")
_TABLE_HINT: Final = "save the page as the browser gets it, with its tables"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drivers:
    """The oldest driver of a toolkit minor on each system; None where the page names none."""

    linux: str
    windows: str | None


class _Cells(HTMLParser):
    """Collects the cells of all table rows, white space normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        """Take text inside a cell."""
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        if tag in ("td", "th") and self._cell is not None:
            if self.rows:
                self.rows[-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None


def table_rows(page: str) -> list[list[str]]:
    """Return the cells of every table row of an HTML page."""
    parser = _Cells()
    parser.feed(page)
    parser.close()
    return [row for row in parser.rows if row]


def parse_drivers(page: str) -> dict[str, Drivers]:
    """Read the driver table: CUDA minor -> the oldest drivers among its updates.

    A row reads `CUDA 12.5 Update 1 | >=555.42.06 | >=555.85`; from 13.0 on Windows has `N/A`. Raises InputError where
    the page has no such row.
    """
    found: dict[str, Drivers] = {}
    for name, *cells in table_rows(page):
        toolkit = _TOOLKIT.match(name)
        drivers = [_DRIVER.search(cell) for cell in cells]
        if toolkit is None or not drivers or drivers[0] is None:
            continue
        windows = drivers[1][1] if len(drivers) > 1 and drivers[1] else None
        one = Drivers(linux=drivers[0][1], windows=windows)
        before = found.setdefault(toolkit[1], one)
        if Version(one.linux) < Version(before.linux):
            found[toolkit[1]] = one
    if not found:
        raise InputError(Location("the release notes"), "no row names a CUDA toolkit and its driver", hint=_TABLE_HINT)
    return found


def parse_generations(page: str) -> dict[str, str | None]:
    """Read the architecture table: compute capability -> last driver branch, None where support goes on.

    A row reads `Pascal | 6.0 6.1 | CUDA 8.0 | CUDA 12.x CUDA 12.x | R580 R580`. Raises InputError where the page has no
    such row.
    """
    found: dict[str, str | None] = {}
    for row in table_rows(page):
        capabilities = _CAPABILITY.findall(row[1]) if len(row) >= 5 else []
        branch = _BRANCH.search(row[-1])
        if capabilities and (branch or "Ongoing" in row[-1]):
            found |= dict.fromkeys(capabilities, branch[1] if branch else None)
    if not found:
        raise InputError(Location("the architecture matrix"), "no row names a GPU generation", hint=_TABLE_HINT)
    return found


def refresh_toolkits(rows: Sequence[ToolkitRow], drivers: Mapping[str, Drivers], day: str) -> tuple[ToolkitRow, ...]:
    """Return the rows with the page's drivers; what the page does not name stays as it was, `checked` too."""
    return tuple(
        replace(row, linux=drivers[row.cuda].linux, windows=drivers[row.cuda].windows, checked=day)
        if row.cuda in drivers
        else row
        for row in rows
    )


def refresh_generations(
    rows: Sequence[GenerationRow], branches: Mapping[str, str | None], day: str
) -> tuple[GenerationRow, ...]:
    """Return the rows with the page's last driver branches; generations that the page does not name stay as they were.

    Raises InputError where the page has different branches for GPUs of one generation.
    """
    return tuple(_refreshed(row, branches, day) for row in rows)


def _refreshed(row: GenerationRow, branches: Mapping[str, str | None], day: str) -> GenerationRow:
    named = {branches[one] for one in row.compute_capabilities if one in branches}
    if len(named) > 1:
        raise InputError(Location("the architecture matrix"), f"{row.generation} has several last drivers: {named}")
    return replace(row, last_branch=named.pop(), checked=day) if named else row


def unknown_toolkits(matrix: CudaMatrix, drivers: Mapping[str, Drivers]) -> tuple[str, ...]:
    """Return the toolkits of the page that are newer than every row: somebody has to add them."""
    newest = max((Version(row.cuda) for row in matrix.toolkits), default=Version("0"))
    return tuple(sorted((cuda for cuda in drivers if Version(cuda) > newest), key=Version))
