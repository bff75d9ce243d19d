"""What is saved of a kernel's objects, and loaded again; real models are saved in `tests/real`."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tfbootstrap.payload.rescue import rescue_objects
from tfbootstrap.payload.restore import restore_or_init


class Model:
    """Stands for a Keras model: `rescue` knows those by the module of a base class."""

    __module__ = "keras.models"

    def __init__(self, weights: str = "", *, whole: bool = True) -> None:
        self._weights, self.whole = weights, whole

    @property
    def weights(self) -> str:
        if not self._weights:
            raise ValueError("not built")  # so does Keras 2
        return self._weights

    def save_weights(self, path: str) -> None:
        Path(path).write_text(self._weights)

    def load_weights(self, path: str) -> None:
        self._weights = Path(path).read_text()
        if self._weights == "cut off":
            raise OSError("no such format")

    def save(self, path: str) -> None:
        if not self.whole:
            raise NotImplementedError
        Path(path).write_text(self._weights)


class Subclass(Model):
    __module__ = "__main__"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, where a Keras is loaded and no TensorFlow."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    load_keras(monkeypatch, "3.13.2")
    return tmp_path


def load_keras(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    keras = types.ModuleType("keras")
    monkeypatch.setattr(keras, "__version__", version, raising=False)
    monkeypatch.setitem(sys.modules, "keras", keras)


def test_models_are_saved_once_each_and_the_lines_load_them(folder: Path) -> None:
    model = Model("trained")
    names: dict[str, Any] = {"model": model, "same": model, "own": Subclass("mine", whole=False), "_hidden": Model("x")}
    lines = rescue_objects({**names, "Model": Model, "text": "x", "os": os})
    (saved,) = folder.glob("tfbootstrap-rescued-*")
    whole = f"{saved}/model.keras"
    assert lines == [
        f"model.load_weights('{saved}/model.weights.h5')",
        f"# or all of it: import keras; model = keras.models.load_model({whole!r}, custom_objects=globals())",
        f"own.load_weights('{saved}/own.weights.h5')",
    ]
    assert (saved / "load_back.py").read_text().splitlines() == lines
    fresh = {"model": Model(), "own": Subclass()}
    exec("\n".join(lines), fresh)
    assert (fresh["model"].weights, fresh["own"].weights) == ("trained", "mine")


def test_the_weights_of_keras_2_are_saved_as_every_later_keras_reads_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of what it writes as `x.weights.h5`, neither Keras 3 nor most other releases of Keras 2 can read a thing.
    load_keras(monkeypatch, "2.15.0")
    line, _ = rescue_objects({"model": Model("trained")})
    (saved,) = folder.glob("tfbootstrap-rescued-*")
    assert line == f"model.load_weights('{saved}/model-weights.h5')"
    assert (saved / "model-weights.h5").read_text() == "trained"


def test_what_can_not_be_saved_is_named_and_stops_nothing(folder: Path) -> None:
    lines = rescue_objects({"bare": Model(), "model": Model("trained")})
    assert lines[0] == "# bare could not be saved: ValueError: not built"
    assert lines[1].startswith("model.load_weights(")


def test_where_nothing_lives_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rescue_objects({"x": 1}) == []
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delitem(sys.modules, "tf_keras", raising=False)
    assert rescue_objects({"model": Model("trained")}) == []
    assert list(folder.iterdir()) == []


def write(path: Path, text: str, age: int = 0) -> None:
    path.write_text(text)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))


def test_a_new_model_stays_new_where_nothing_is_saved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model("new")
    assert restore_or_init(model, "nothing.weights.h5") is model
    assert model.weights == "new"
    assert capsys.readouterr().out == "nothing saved at nothing.weights.h5 yet: starts anew\n"


def test_the_newest_in_a_folder_is_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "a.weights.h5", "newer")
    write(folder / "b.weights.h5", "older", age=5)
    write(folder / "z.txt", "no weights", age=-5)
    assert restore_or_init(Model("new"), ".").weights == "newer"
    assert capsys.readouterr().out == "continues from ./a.weights.h5\n"
    write(folder / "c.keras", "cut off", age=-5)
    assert restore_or_init(Model("new"), ".").weights == "newer"
    assert "can't load ./c.keras: no such format" in capsys.readouterr().out


def test_what_is_there_but_can_not_be_loaded_is_no_new_start(folder: Path) -> None:
    write(folder / "a.weights.h5", "cut off")
    with pytest.raises(OSError, match="no such format"):
        restore_or_init(Model("new"), "a.weights.h5")


def test_checkpoints_are_named_by_their_prefix(folder: Path) -> None:
    class Checkpoint:
        restored = ""

        def restore(self, path: str) -> None:
            self.restored = path

    write(folder / "point.index", "")
    assert restore_or_init(Checkpoint(), "point").restored == "point"
