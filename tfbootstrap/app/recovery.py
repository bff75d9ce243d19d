"""What a killed command left half done is finished before the next one looks at the project. Prints nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

JOURNAL: Final = ".tfbootstrap-journal.json"
"""As `edges.file_sets` has it, which is imported only where there is something to finish."""


def finish_interrupted() -> tuple[str, ...]:
    """Finish the set of files that a killed command left half written in this folder; return its files.

    Raises OutputError where that can't be done.
    """
    if not os.path.lexists(JOURNAL):
        return ()
    from tfbootstrap.edges.file_sets import finish_set

    return finish_set(Path())


def write_project_files(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write files of the project in this folder, all or none, whatever happens; return those that changed.

    Raises OutputError.
    """
    from tfbootstrap.edges.file_sets import write_set

    return write_set(texts, Path())
