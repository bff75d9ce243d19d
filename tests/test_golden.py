"""Comparing with accepted artefacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.golden import Golden


def test_compares_bytes_and_updates_on_request(tmp_path: Path) -> None:
    Golden(tmp_path, update=True).compare("folder/cell.py", "x = 1\n")
    accepted = Golden(tmp_path, update=False)
    accepted.compare("folder/cell.py", "x = 1\n")
    with pytest.raises(AssertionError, match=r"folder/cell\.py differs"):
        accepted.compare("folder/cell.py", "x = 1\r\n")
    with pytest.raises(AssertionError, match=r"there is no tests/golden/other\.py yet"):
        accepted.compare("other.py", "")
