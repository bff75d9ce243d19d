"""`tfbootstrap matrix symbols` as a user types it."""

from __future__ import annotations

import json

import pytest

from tfbootstrap.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["matrix", "symbols", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_name_that_is_gone_has_its_replacement(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "tf.keras.layers.experimental.preprocessing.Rescaling", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert {"argument": "input_dim", "intervals": [{"first": "2.3", "last": "2.15"}]} in document.pop("arguments")
    assert document == {
        "symbol": "tf.keras.layers.experimental.preprocessing.Rescaling",
        "known_as": "tf.keras.layers.experimental.preprocessing.Rescaling",
        "package": "tensorflow",
        "intervals": [{"first": "2.2", "last": "2.15", "replacement": "tf.keras.layers.Rescaling"}],
        "note": "under the new name since 2.6",
        "source": "wheel: keras-2.15.0-py3-none-any.whl",
    }


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tensorflow.get_variable", ["tf.get_variable", "1.15", "tf.compat.v1.get_variable"]),
        ("tf.keras.optimizers.legacy.Adam", ["tf.keras.optimizers.legacy.Adam", "2.9 to 2.15"]),
        ("tf.estimator.Estimator", ["tf.estimator.Estimator (as far as tf.estimator)", "1.15 to 2.15"]),
        ("tf.keras.wrappers", ["tf.keras.wrappers", "1.15 to 2.12, 2.16 and newer"]),
        (
            "tf.keras.layers.experimental.preprocessing.CategoryCrossing",
            [None, "2.3 to 2.7", "under the new name since 2.6"],
        ),
    ],
)
def test_table_says_since_until_and_instead(
    capsys: pytest.CaptureFixture[str], name: str, lines: list[str | None]
) -> None:
    code, out, err = run(capsys, name, "--no-color")
    assert (code, err) == (0, "")
    shown = [line.split("  ", 1)[1].strip() for line in out.splitlines()]
    for place, line in enumerate(lines):
        assert line in (None, shown[place])
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tf.Sesion", "did you mean tf.Session"),
        ("tf.math.Adam", "did you mean"),
        ("torch", "names start with tf. or keras. and are public in some release from 1.15 to 2.21"),
    ],
)
def test_unknown_name_has_neighbours(capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    code, out, err = run(capsys, name)
    assert (code, out) == (2, "")
    assert f"no release of TensorFlow or Keras has '{name}'" in err
    assert hint in err
