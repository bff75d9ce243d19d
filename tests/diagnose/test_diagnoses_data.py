"""Each class is found in its own texts and in no other's, whatever else is known; and no pattern is ever slow."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.diagnose.support import ROWS, ids, read
from tfbootstrap.diagnose.context import observation_marks
from tfbootstrap.diagnose.reading import marks_of, pieces
from tfbootstrap.matrix.diagnoses import DiagnosisRow, Example, Mark

EXAMPLES = [
    pytest.param(row, example, id=f"{row.id}-{number}")
    for row in ROWS
    for number, example in enumerate(row.matches, start=1)
]
MARKS = list(dict.fromkeys([*marks_of(ROWS), *observation_marks()]))
LINE = 200_000
LIMIT = 0.01
"""Seconds that one mark may take on such a line. Long lines are read in pieces, so five
times the line takes five times as long: 50 ms for a million characters."""


@pytest.mark.parametrize(("row", "example"), EXAMPLES)
def test_an_example_shows_its_classes_and_no_others(row: DiagnosisRow, example: Example) -> None:
    found = ids(read("\n".join(example.text)))
    assert sorted(found) == sorted({row.id, *example.also})


def test_ids_are_there_once_and_others_are_known() -> None:
    count = Counter(row.id for row in ROWS)
    assert [name for name, times in count.items() if times > 1] == []
    named = {name for row in ROWS for name in (*row.yields_to, *(also for item in row.matches for also in item.also))}
    assert named - count.keys() == set()


def test_there_are_ninety_classes() -> None:
    assert len(ROWS) >= 90


def bait(mark: Mark, filling: str) -> str:
    return (mark.phrase + filling * (LINE // len(filling)))[:LINE]


def seconds(mark: Mark, line: str) -> float:
    start = time.process_time()
    for piece in pieces(line):
        mark.search(piece)
    return time.process_time() - start


@pytest.mark.parametrize("filling", ["a", " ", "1", "/", "'", "tensorflow ", "\\"])
def test_no_pattern_is_slow_on_a_long_line(filling: str) -> None:
    slow = [mark for mark in MARKS if seconds(mark, bait(mark, filling)) > LIMIT]
    # A second look: the machine may have been busy with something else.
    assert [mark for mark in slow if min(seconds(mark, bait(mark, filling)) for _ in range(3)) > LIMIT] == []


def test_no_pattern_is_slow_where_its_phrase_comes_again_and_again() -> None:
    slow = [mark for mark in MARKS if seconds(mark, bait(mark, f" {mark.phrase}")) > LIMIT]
    assert [mark for mark in slow if min(seconds(mark, bait(mark, f" {mark.phrase}")) for _ in range(3)) > LIMIT] == []
