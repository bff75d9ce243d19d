"""Names by the minors that have them: lines, joined trees, and what the shipped data says of the usual migrations."""

from __future__ import annotations

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.edges.symbols import load_symbols
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.replacements import Replacement, ReplacementsMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.matrix.symbols import SymbolInterval, SymbolsMatrix

MATRIX = REPOSITORY / "compat_matrix"
TABLE = load_symbols(MATRIX)
REPLACEMENTS = load(ReplacementsMatrix, MATRIX)

TENSORFLOW = SymbolsMatrix.from_names(
    "tensorflow",
    "tf",
    ["1.15.5", "2.5.3", "2.6.5 keras<2.7,>=2.6", "2.16.2 keras>=3.0", "2.18.1 keras>=3.5"],
    {
        "1.15": {"tf.Session", "tf.losses", "tf.losses.log_loss", "tf.keras", "tf.keras.Input", "tf.contrib"},
        "2.5": {"tf.losses", "tf.keras", "tf.keras.Input", "tf.keras.OnlyHere", "tf.blinks"},
        "2.6": {"tf.losses", "tf.keras"},
        "2.16": {"tf.losses", "tf.keras", "tf.blinks"},
        "2.18": {"tf.losses", "tf.keras"},
    },
)
KERASES = ["2.6.0", "3.0.5", "3.5.0"]
TF_KERAS = SymbolsMatrix.from_names(
    "keras",
    "tf.keras",
    KERASES,
    {
        "2.6": {"tf.keras.Input", "tf.keras.losses.MSE", "tf.keras.old"},
        "3.0": {"tf.keras.Input", "tf.keras.losses.MSE", "tf.keras.brief"},
        "3.5": {"tf.keras.Input", "tf.keras.losses.MSE"},
    },
)
KERAS = SymbolsMatrix.from_names(
    "keras", "keras", KERASES, {"2.6": {"keras.Input"}, "3.0": set(), "3.5": {"keras.ops"}}
)
JOINED = SymbolTable.of((TENSORFLOW, TF_KERAS, KERAS))


def spans(table: SymbolTable, name: str) -> str | None:
    """Return the intervals of a name as one writes them, `1.15-2.3 2.5-`; None where it is unknown."""
    fact = table.find(name)
    return None if fact is None else " ".join(f"{one.first}-{one.last or ''}" for one in fact.intervals)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tf.Session", "1.15-1.15"),
        ("tensorflow.Session", "1.15-1.15"),
        ("tf.blinks", "2.5-2.5 2.16-2.16"),
        ("tf.contrib.slim.fully_connected", "1.15-1.15"),
        ("tf.keras.Input", "1.15-"),
        ("tf.keras.OnlyHere", "2.5-2.5"),
        ("tf.keras.old", "2.6-2.6"),
        ("tf.keras.brief", "2.16-2.16"),
        ("tf.losses.log_loss", "1.15-1.15"),
        ("tf.losses.MSE", "2.6-"),
        ("keras.Input", "2.6-2.6"),
        ("keras.ops.add", "3.5-"),
        ("tf.keras.never", None),
        ("tf.losses.never", None),
        ("tf", None),
        ("torch.nn", None),
    ],
)
def test_joined_trees_count_tensorflow_minors(name: str, expected: str | None) -> None:
    assert spans(JOINED, name) == expected


def test_names_survive_being_written_as_lines() -> None:
    names = {f"tf.module.{'long' * 5}_{index}" for index in range(40)}
    matrix = SymbolsMatrix.from_names("tensorflow", "tf", ["2.5.3", "2.6.5"], {"2.5": names, "2.6": names | {"tf.new"}})
    assert matrix.names_of("2.5") == names
    assert matrix.names_of("2.6") == names | {"tf.new"}
    assert max(len(line) for line in matrix.lines) <= 118
    assert list(matrix.problems()) == []


def test_what_only_raises_errors_ends_earlier() -> None:
    fact = JOINED.find("tf.keras.Input")
    assert fact is not None
    assert JOINED.until(fact, "2.6").intervals == (SymbolInterval("1.15", "2.6"),)
    blinks = JOINED.find("tf.blinks")
    assert blinks is not None
    assert JOINED.until(blinks, "2.6").intervals == (SymbolInterval("2.5", "2.5"),)


def test_replacement_carries_the_rest_over() -> None:
    row = Replacement(symbol="tf.a.*", replacement="tf.b.*", source="a/b#1", checked="2026-11-21")
    assert row.instead_of("tf.a.Layer") == "tf.b.Layer"
    assert row.covers("tf.a")
    assert not row.covers("tf.ab")


MIGRATIONS = {
    "tf.Session": ("1.15-1.15", "tf.compat.v1.Session"),
    "tf.placeholder": ("1.15-1.15", "tf.compat.v1.placeholder"),
    "tf.compat.v1.Session": ("1.15-", None),
    "tf.contrib.slim": ("1.15-1.15", None),
    "tf.layers.dense": ("1.15-1.15", None),
    "tf.compat.v1.layers.dense": ("1.15-2.15", None),
    "tf.compat.v1.nn.rnn_cell.LSTMCell": ("1.15-2.15", None),
    "tf.compat.v1.keras.layers.Dense": ("1.15-", None),
    "tf.compat.v1.keras.backend.get_session": ("1.15-2.15", None),
    "tf.compat.v1.keras.layers.CuDNNLSTM": ("1.15-2.15", None),
    "tf.estimator.Estimator": ("1.15-2.15", None),
    "tf.keras.preprocessing.image.ImageDataGenerator": ("1.15-", None),
    "keras.preprocessing.image.ImageDataGenerator": ("2.6-2.15", None),
    "tf.data.AUTOTUNE": ("2.4-", None),
    "tf.keras.mixed_precision.experimental.Policy": ("1.15-2.8", "tf.keras.mixed_precision.Policy"),
    "tf.keras.mixed_precision.set_global_policy": ("2.4-", None),
    "tf.keras.optimizers.legacy.Adam": ("2.9-", None),
    "tf.optimizers.Adam": ("2.0-", None),
    "tf.lite.Interpreter": ("1.15-", "ai_edge_litert.interpreter.Interpreter"),
    "keras.utils.generic_utils.Progbar": ("2.6-2.12", "keras.utils.Progbar"),
    "tf.keras.layers.experimental.preprocessing.Rescaling": ("2.2-2.15", "tf.keras.layers.Rescaling"),
    "tf.keras.ops.add": ("2.16-", None),
    "tf.keras.wrappers.scikit_learn.KerasClassifier": ("1.15-2.12", None),
}


@pytest.mark.parametrize(("name", "expected"), MIGRATIONS.items(), ids=MIGRATIONS)
def test_usual_migrations(name: str, expected: tuple[str, str | None]) -> None:
    row = REPLACEMENTS.find(name)
    assert (spans(TABLE, name), row.instead_of(name) if row else None) == expected


@pytest.mark.parametrize("row", REPLACEMENTS.rows, ids=lambda row: row.symbol)
def test_every_row_speaks_of_names_that_some_release_has(row: Replacement) -> None:
    assert TABLE.find(row.stem) is not None
    if row.replacement is not None:
        assert TABLE.has(row.replacement.removesuffix(".*"))


def test_all_trees_together_are_small() -> None:
    assert sum(path.stat().st_size for path in (MATRIX / "symbols").iterdir()) < 1 << 20


def test_matrix_without_trees_is_named() -> None:
    with pytest.raises(InputError, match=r"no file has the tree of keras or tf or tf\.keras"):
        load_symbols(REPOSITORY / "templates")
