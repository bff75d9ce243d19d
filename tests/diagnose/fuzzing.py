"""What nobody would write: random bytes, lines without an end, and bait for patterns that go back and forth.

`python -m tests.diagnose.fuzzing SECONDS` tries as long as one likes; the tests try for some seconds.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from io import BytesIO

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.diagnose.support import ROWS, TABLES
from tfbootstrap.diagnose.context import observation_marks
from tfbootstrap.diagnose.findings import Diagnosis
from tfbootstrap.diagnose.reading import MOST_TRIES, marks_of, pieces
from tfbootstrap.diagnose.redaction import redact
from tfbootstrap.edges.logs import read_blocks
from tfbootstrap.matrix.diagnoses import Mark, compile_pattern

MEGABYTE = 1 << 20
LIMIT = 0.05
"""Seconds that one mark may take on a line of a megabyte."""

MARKS = list(dict.fromkeys([*marks_of(ROWS), *observation_marks()]))
PHRASES = [mark.phrase for mark in MARKS]
EXAMPLES = ["\n".join(example.text) for row in ROWS for example in row.matches]
CONTROLS = [
    "\x1b[31m",
    "\x1b]0;",
    "\x1b",
    "\r",
    "\n",
    "\\n",
    "\x00",
    "\ufeff",
    "\u2028",
    "\u0130",
    "\ud7ff",
    "{",
    '"cells"',
]

bytes_of_logs = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from(PHRASES).map(str.encode),
        st.sampled_from(EXAMPLES).map(str.encode),
        st.sampled_from(EXAMPLES).map(lambda text: text.encode("utf-16")),
        st.sampled_from(CONTROLS).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.tuples(st.binary(min_size=1, max_size=30), st.integers(1, 20_000)).map(lambda pair: pair[0] * pair[1]),
        st.tuples(st.sampled_from(PHRASES), st.integers(1, 5_000)).map(lambda pair: pair[0].encode() * pair[1]),
    ),
    max_size=12,
).map(b"".join)


@st.composite
def baits(draw: st.DrawFn) -> tuple[Mark, str]:
    """Draw a mark and what its pattern nearly matches."""
    mark = draw(st.sampled_from(MARKS))
    if not mark.patterns:
        return mark, f"{mark.phrase} "
    pattern = compile_pattern(draw(st.sampled_from(mark.patterns)))
    near = draw(st.from_regex(pattern)).replace("\n", " ")[: draw(st.integers(1, 200))] or "a"
    return mark, near + draw(st.sampled_from(["", " ", "a", "/", "'", mark.phrase]))


def check_bytes(content: bytes) -> None:
    """Fail unless bytes are read, and what is said of them is plain data."""
    diagnosis = Diagnosis(ROWS, TABLES)
    for block in read_blocks(BytesIO(content), "a log"):
        diagnosis.feed(block)
    report = diagnosis.report()
    json.dumps([finding.to_json() for finding in report.findings]).encode()
    assert report.lines_read >= 0


def check_bait(mark: Mark, filling: str) -> None:
    """Fail if a mark, or hiding secrets, takes long on a line of a megabyte of bait, again and again."""
    line = (mark.phrase + filling * (MEGABYTE // len(filling) + 1))[:MEGABYTE]
    # What a reader looks at: pieces with the phrase, and not all of them.
    tried = [piece for piece in pieces(line) if mark.phrase.lower() in piece.lower()][:MOST_TRIES]
    assert _quick(lambda: [mark.search(piece) for piece in tried]), (mark, line[:300])
    assert _quick(lambda: [redact(line[:4096]), redact(line[-4096:])]), line[:300]


def _quick(work: Callable[[], object]) -> bool:
    """Say whether one of some tries is quick: the machine may be busy with something else."""
    for _ in range(5):
        start = time.process_time()
        work()
        if time.process_time() - start <= LIMIT:
            return True
    return False


def fuzz(seconds: float, start: int) -> int:
    """Try until the time is over, beginning with this seed; return the number of rounds."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        options = settings(
            max_examples=20,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a smaller text that fails is not worth minutes
            suppress_health_check=list(HealthCheck),
        )
        seed(start + rounds)(options(given(bytes_of_logs)(check_bytes)))()
        seed(start + rounds)(options(given(baits())(lambda bait: check_bait(*bait))))()
        rounds += 1
    return rounds


if __name__ == "__main__":
    first = random.randrange(1 << 30)
    print(f"seed {first}: {fuzz(float(sys.argv[1]), first)} rounds, nothing found")
