"""Shows checks to a person and writes them for a program."""

import html
import io
import json
import os
from typing import Any, Dict, List, TextIO

from tfbootstrap.payload.judge import Check

_SHADES = {"warn": "darkorange", "fail": "red"}
"""Colours in a notebook of the rows that are not right."""

_COLOURS = {"pass": "32", "warn": "33", "fail": "31", "skip": "2"}


def all_passed(checks: List[Check]) -> bool:
    """Say whether nothing failed."""
    return all(check["status"] != "fail" for check in checks)


class Table:
    """Checks as a notebook shows them: as HTML, or as text where that can't be shown."""

    def __init__(self, checks: List[Check]) -> None:
        self.checks = checks

    def __repr__(self) -> str:
        stream = io.StringIO()
        print_table(self.checks, stream)
        return stream.getvalue().rstrip("\n")

    def _repr_html_(self) -> str:
        rows = []
        for check in self.checks:
            cells = [check["id"], check["status"], _found_and_wanted(check), _shown_hint(check)]
            row = "".join(f"<td align='left'>{html.escape(cell)}</td>" for cell in cells)
            rows.append("<tr style='color: {}'>{}</tr>".format(_SHADES.get(check["status"], "inherit"), row))
        return "<table>{}</table>".format("".join(rows))


def print_table(checks: List[Check], stream: TextIO) -> None:
    """Print one line a check, then a hint for each that is not right."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR")
    width = max(len(check["id"]) for check in checks)
    for check in checks:
        status = check["status"]
        word = f"\033[{_COLOURS[status]}m{status}\033[0m" if colour else status
        print("  {}  {}  {}".format(check["id"].ljust(width), word, _found_and_wanted(check)), file=stream)
    for check in filter(_shown_hint, checks):
        print("hint ({}): {}".format(check["id"], check["hint"]), file=stream)


def _found_and_wanted(check: Check) -> str:
    wanted = check["status"] in _SHADES and check["expected"]
    return check["found"] + (f" (expected {wanted})" if wanted else "")


def _shown_hint(check: Check) -> str:
    return check["hint"] if check["status"] in _SHADES else ""


def write_report(path: str, checks: List[Check], **more: Any) -> None:
    """Write the checks as JSON, all at once: a reader never sees half of it."""
    report: Dict[str, Any] = dict(ok=all_passed(checks), checks=checks, **more)
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=2, sort_keys=True)
        file.write("\n")
    os.replace(part, path)
