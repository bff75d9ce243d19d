"""What a maintainer's program proposes: new texts of files, shown as a diff, written only when asked to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from tfbootstrap.edges.files import write_atomically


def propose(texts: Mapping[Path, str], directory: Path, *, write: bool) -> str:
    """Return the unified diff from the files to these texts, and write them if `write`; empty where nothing changes.

    Raises OutputError where a file can't be written.
    """
    diffs: list[str] = []
    for path, text in texts.items():
        current = path.read_text(encoding="utf-8") if path.is_file() else ""
        name = path.relative_to(directory).as_posix()
        diffs.extend(
            difflib.unified_diff(
                current.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
            )
        )
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
    return "".join(diffs)
