"""Every line that a TensorFlow lacks something for."""

from __future__ import annotations

import pytest

from tests.scan.test_scan import REPLACEMENTS, TABLE
from tfbootstrap.scan.judge import Judge
from tfbootstrap.scan.lacking import lacking
from tfbootstrap.scan.pieces import Piece, read_pieces
from tfbootstrap.scan.reader import find_uses

CODE = """\
import tensorflow as tf
tf.Session()
tf.data.AUTOTUNE
tf.estimator.Estimator(f)
tf.keras.optimizers.legacy.Adam()
tf.keras.wrappers
tf.constant(1)
"""


def broken(minor: str, code: str = CODE) -> list[tuple[int, str, str]]:
    uses = find_uses(piece for piece in read_pieces("a.py", code) if isinstance(piece, Piece)).uses
    found = lacking(Judge(TABLE, REPLACEMENTS), uses, minor)
    return [(one.line, one.symbol, one.bound) for one in found]


@pytest.mark.parametrize(
    ("minor", "lines"),
    [
        ("1.15", [3, 5]),
        ("2.0", [2, 3, 5]),
        ("2.10", [2]),
        ("2.14", [2, 6]),
        ("2.20", [2, 4, 5]),
        ("2.99", [2, 4, 5]),
        ("0.1", [3, 5]),
    ],
)
def test_lines_that_break_with_a_minor(minor: str, lines: list[int]) -> None:
    assert [line for line, _, _ in broken(minor)] == lines


def test_a_line_says_by_what_bound() -> None:
    assert broken("2.20") == [
        (2, "tf.Session", "<2.0"),
        (4, "tf.estimator.Estimator", "<2.16"),
        (5, "tf.keras.optimizers.legacy.Adam", "<2.16"),
    ]
    assert broken("2.2", "import tensorflow as tf\ntf.data.AUTOTUNE\n") == [(2, "tf.data.AUTOTUNE", ">=2.4")]
