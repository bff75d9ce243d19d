"""Which TensorFlow minors refuse a keyword: joined trees, and what the shipped data says of well-known arguments."""

from __future__ import annotations

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.symbols import load_signatures, load_symbols
from tfbootstrap.matrix.signature_table import SignatureTable
from tfbootstrap.matrix.signatures import SignaturesMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.matrix.symbols import SymbolsMatrix

MATRIX = REPOSITORY / "compat_matrix"
SHIPPED = load_signatures(load_symbols(MATRIX), MATRIX)

RELEASES = ["1.15.5", "2.5.3", "2.6.5 keras<2.7,>=2.6", "2.16.2 keras>=3.0", "2.18.1 keras>=3.5"]
KERASES = ["2.6.0", "3.0.5", "3.5.0"]
MINORS = ("1.15", "2.5", "2.6", "2.16", "2.18")
SYMBOLS = SymbolTable.of((
    SymbolsMatrix.from_names("tensorflow", "tf", RELEASES, {one: {"tf.f"} for one in MINORS}),
    SymbolsMatrix.from_names("keras", "tf.keras", KERASES, {one: {"tf.keras.f"} for one in ("2.6", "3.0", "3.5")}),
))  # fmt: skip
TABLE = SignatureTable.of(
    (
        SignaturesMatrix.from_names(
            "tensorflow",
            "tf",
            RELEASES,
            {
                "1.15": {"tf.f.old", "tf.keras.losses.g.old"},
                "2.5": {"tf.f.new", "tf.keras.losses.g.new"},
                "2.6": {"tf.f.**"},
                "2.16": set(),
                "2.18": {"tf.f.new"},
            },
        ),
        SignaturesMatrix.from_names(
            "keras",
            "tf.keras",
            KERASES,
            {"2.6": {"tf.keras.losses.g.x"}, "3.0": {"tf.keras.losses.g.y"}, "3.5": {"tf.keras.losses.g.z"}},
        ),
        SignaturesMatrix.from_names(
            "keras", "keras", KERASES, {"2.6": {"keras.h.x"}, "3.0": set(), "3.5": {"keras.h.y"}}
        ),
    ),
    SYMBOLS,
)


@pytest.mark.parametrize(
    ("name", "keyword", "refusing"),
    [
        ("tf.f", "old", {"2.5", "2.18"}),
        ("tensorflow.f", "new", {"1.15"}),
        ("tf.unlisted", "x", set()),
        ("tf.keras.losses.g", "x", {"1.15", "2.5", "2.16", "2.18"}),
        ("tf.losses.g", "y", {"1.15", "2.5", "2.6", "2.18"}),
        ("tf.keras.losses.g", "z", {"1.15", "2.5", "2.6"}),
        ("keras.h", "x", {"2.16", "2.18"}),
        ("keras.h", "y", {"2.6"}),
    ],
)
def test_refusing_minors(name: str, keyword: str, refusing: set[str]) -> None:
    assert TABLE.refusing(name, keyword) == refusing


def test_keywords_of_a_function_are_those_of_all_trees() -> None:
    assert TABLE.keywords("tf.keras.losses.g") == ("new", "old", "x", "y", "z")
    assert TABLE.keywords("tf.f") == ("new", "old")


def test_matrix_without_signatures_refuses_nothing() -> None:
    assert load_signatures(SYMBOLS, REPOSITORY / "templates").refusing("tf.f", "old") == frozenset()


SPANS = {
    ("tf.keras.optimizers.Adam", "lr"): ("1.15", "2.15"),
    ("tf.keras.optimizers.Adam", "weight_decay"): ("2.11", "2.21"),
    ("tf.keras.layers.LSTM", "time_major"): ("1.15", "2.15"),
    ("tf.keras.layers.Dense", "weights"): ("1.15", "2.15"),
    ("tf.keras.layers.BatchNormalization", "fused"): ("1.15", "2.15"),
    ("tf.keras.callbacks.ModelCheckpoint", "period"): ("1.15", "2.15"),
    ("tf.map_fn", "fn_output_signature"): ("2.3", "2.21"),
    ("tf.function", "reduce_retracing"): ("2.9", "2.21"),
    ("tf.function", "experimental_relax_shapes"): ("1.15", "2.21"),
    ("tf.image.resize", "align_corners"): ("1.15", "1.15"),
    ("tf.nn.dropout", "keep_prob"): ("1.15", "1.15"),
    ("tf.reduce_sum", "keep_dims"): ("1.15", "1.15"),
    ("tf.distribute.MirroredStrategy", "devices"): ("1.15", "2.21"),
}


@pytest.mark.parametrize(("call", "expected"), SPANS.items(), ids=[f"{name}({word})" for name, word in SPANS])
def test_well_known_arguments(call: tuple[str, str], expected: tuple[str, str]) -> None:
    minors = SHIPPED.symbols.minors
    taking = [minor for minor in minors if minor not in SHIPPED.refusing(*call)]
    assert (taking[0], taking[-1]) == expected


def test_symbols_and_signatures_together_are_small() -> None:
    files = [*(MATRIX / "symbols").iterdir(), *(MATRIX / "signatures").iterdir()]
    assert sum(path.stat().st_size for path in files) < 1 << 20
