"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex


@pytest.fixture
def loopback_index() -> Iterator[LoopbackIndex]:
    """Return an empty package index on this machine; see its module for what it can do wrong."""
    with LoopbackIndex() as index:
        yield index


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a clean environment to run programs in."""
    return Sandbox.below(tmp_path / "sandbox")
