"""Shows checks to a person and writes them for a program."""

import json
import os
from typing import Any, Dict, List, TextIO

from tfbootstrap.payload.judge import Check

_COLOURS = {"pass": "32", "warn": "33", "fail": "31", "skip": "2"}


def all_passed(checks: List[Check]) -> bool:
    """Say whether nothing failed."""
    return all(check["status"] != "fail" for check in checks)


def print_table(checks: List[Check], stream: TextIO) -> None:
    """Print one line a check, then a hint for each that is not right."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR")
    width = max(len(check["id"]) for check in checks)
    for check in checks:
        status = check["status"]
        word = "\033[{}m{}\033[0m".format(_COLOURS[status], status) if colour else status
        wanted = " (expected {})".format(check["expected"]) if status in ("fail", "warn") and check["expected"] else ""
        print("  {}  {}  {}{}".format(check["id"].ljust(width), word, check["found"], wanted), file=stream)
    for check in checks:
        if check["hint"] and check["status"] in ("fail", "warn"):
            print("hint ({}): {}".format(check["id"], check["hint"]), file=stream)


def write_report(path: str, checks: List[Check], **more: Any) -> None:
    """Write the checks as JSON, all at once: a reader never sees half of it."""
    report: Dict[str, Any] = dict(ok=all_passed(checks), checks=checks, **more)
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=2, sort_keys=True)
        file.write("\n")
    os.replace(part, path)
