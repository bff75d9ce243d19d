"""Whole artefacts to compare with: `golden.compare("cell-t4.py", text)`.

`pytest --update-golden` writes them anew; whoever commits them has read the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import REPOSITORY

GOLDEN_FOLDER = REPOSITORY / "tests" / "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """The artefacts of a folder, as they were accepted."""

    folder: Path
    update: bool

    def compare(self, name: str, text: str) -> None:
        """Fail with the difference unless the artefact is what was accepted, byte for byte."""
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            return
        assert path.is_file(), (
            f"there is no tests/golden/{name} yet: run pytest --update-golden, then read and commit it"
        )
        assert text == path.read_bytes().decode(), (
            f"tests/golden/{name} differs: if that is meant, pytest --update-golden"
        )
