"""Judge a coverage report (`coverage json`): how many branches of the pure rooms the quick tests took."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.sources import PURE_ROOMS, room_of

FLOOR = 95.0
"""Percent of branches."""


def branches_of(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return path -> (branches taken, branches) for each file of the pure rooms."""
    summaries = {Path(path).with_suffix("").as_posix(): file["summary"] for path, file in report["files"].items()}
    return {
        path: (summary["covered_branches"], summary["num_branches"])
        for path, summary in summaries.items()
        if room_of(path.replace("/", ".")) in PURE_ROOMS
    }


def judge(report: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether the floor is kept, and the table to print."""
    branches = branches_of(report)
    taken, total = (sum(column) for column in zip(*branches.values(), strict=True)) if branches else (0, 0)
    percent = 100 * taken / total if total else 0.0
    lines = [f"{taken:5} of {total:5}  {path}" for path, (taken, total) in sorted(branches.items())]
    return percent >= FLOOR, "\n".join([*lines, f"{percent:.1f} % of the branches of the pure rooms; floor {FLOOR} %"])


def main(path: str) -> int:
    """Print the table; exit code 1 below the floor."""
    fine, table = judge(json.loads(Path(path).read_text(encoding="utf-8")))
    print(table)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
