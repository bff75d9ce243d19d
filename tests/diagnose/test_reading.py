"""How much of a line without an end is looked at."""

from __future__ import annotations

from tfbootstrap.diagnose.reading import LONGEST_LINE, MOST_TRIES, Reader
from tfbootstrap.matrix.diagnoses import Mark

MARK = Mark(phrase="only instances of", patterns=(r"only instances of keras\.Layer",))
BAIT = "only instances of nothing ".ljust(LONGEST_LINE)
FOUND = "only instances of keras.Layer"


def lines_of(text: str) -> list[int]:
    reader = Reader([MARK])
    reader.feed(text)
    reader.finish()
    # A piece and its neighbour share some text, so one place may be seen twice.
    return sorted({line.number for sighting in reader.sightings.values() for line in sighting.lines})


def test_a_mark_is_found_far_along_in_a_line() -> None:
    assert lines_of(BAIT * (MOST_TRIES // 2) + FOUND) == [1]
    assert lines_of("x" * (4 << 20) + FOUND) == [1]


def test_of_a_line_full_of_bait_not_everything_is_looked_at_but_of_the_next_line_it_is() -> None:
    assert lines_of(f"{BAIT * (2 * MOST_TRIES)}{FOUND}\n{FOUND}\n") == [2]
