"""The same answers in the same order, from this process or from several."""

from __future__ import annotations

import pytest

from tfbootstrap.edges.workers import map_in_processes


@pytest.mark.parametrize("worth", [False, True])
def test_answers_come_in_order(worth: bool) -> None:
    assert map_in_processes(abs, [-3, 2, -1], worth=worth) == [3, 2, 1]


def test_nothing_to_do_starts_nothing() -> None:
    assert map_in_processes(abs, [], worth=True) == []
