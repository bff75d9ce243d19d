"""What names mean in code: results of calls, names from other files of the project, and what nobody can know."""

from __future__ import annotations

import pytest

from tfbootstrap.scan.imports import ProjectModules, imported_names
from tfbootstrap.scan.pieces import Piece, read_pieces
from tfbootstrap.scan.reader import Exports, find_uses
from tfbootstrap.scan.uses import Interest, Reading

INTEREST = Interest(
    modules=frozenset({"tensorflow_text"}),
    attributes=frozenset({"fit_generator", "optimizer.lr"}),
    methods=frozenset({"get_config"}),
    numpy=frozenset({"numpy.float_"}),
)


def read(text: str, exports: Exports | None = None) -> Reading:
    return find_uses((one for one in read_pieces("a.py", text) if isinstance(one, Piece)), INTEREST, exports)


def symbols(text: str, exports: Exports | None = None) -> list[str]:
    return [use.symbol for use in read(text, exports).uses]


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("m = keras.Sequential([])\nm.fit_generator(x)", "tf.keras.Sequential().fit_generator"),
        ("keras.Sequential().fit_generator(x)", "tf.keras.Sequential().fit_generator"),
        ("m = keras.Sequential()\nm.layers[0].output_shape", "tf.keras.Sequential().layers[].output_shape"),
        ("o = keras.optimizers.Adam(1)\nx = o.lr", "tf.keras.optimizers.Adam().lr"),
        ("keras.Sequential([keras.layers.Old(1)]).fit", "tf.keras.layers.Old"),
        ("def f():\n    m = keras.Sequential()\n    m.layers", "tf.keras.Sequential().layers"),
        ("unknown.fit_generator(x)", "?.fit_generator"),
        ("self.model.optimizer.lr", "?.optimizer.lr"),
        ("class L(keras.layers.Layer):\n    def get_config(self):\n        pass", "tf.keras.layers.Layer:get_config"),
        ("import tensorflow as tf\nf = getattr(tf, 'Session')\nf()", "tf.Session"),
        ("importlib.import_module('tensorflow.contrib.slim')", "tf.contrib.slim"),
        ("__import__('tensorflow_text')", "tensorflow_text"),
        ("import numpy as np\nnp.float_(1)", "numpy.float_"),
        ("from numpy import float_", "numpy.float_"),
    ],
)
def test_what_is_used(code: str, symbol: str) -> None:
    assert symbol in symbols(f"from tensorflow import keras\n{code}")


@pytest.mark.parametrize(
    "code",
    [
        "m = keras.Sequential()\nm = wrapped(m)\nm.fit_generator",
        "m = keras.Sequential()\nfor m in models:\n    m.fit_generator",
        "m = keras.Sequential()\nwith x() as m:\n    m.fit_generator",
        "m = keras.Sequential()\nm, n = 1, 2\nm.fit_generator",
        "m = keras.Sequential()\ndef m():\n    pass\nm.fit_generator",
        "m = keras.Sequential()\nm = keras.Model()\nm.fit_generator",
    ],
)
def test_what_could_be_anything_is_no_model(code: str) -> None:
    assert not any(one.endswith("().fit_generator") for one in symbols(f"from tensorflow import keras\n{code}"))


@pytest.mark.parametrize(
    "code",
    [
        "import torch\nmodel.fit_generator(x)",
        "import tensorflow as tf\nmodel.fit_generator(x)",
        "from tensorflow import keras\nclass A:\n    def fit_generator(self):\n        pass\nA().fit_generator()",
        "from tensorflow import keras\nif hasattr(m, 'fit_generator'):\n    m.fit_generator()",
    ],
)
def test_attributes_of_unknown_objects_are_told_of_keras_only(code: str) -> None:
    assert "?.fit_generator" not in symbols(code)


def test_numpy_counts_where_a_row_speaks_of_it_only() -> None:
    assert symbols("import numpy as np\nnp.float_.x\nnp.zeros(3)\nnp.float_()") == ["numpy.float_.x", "numpy.float_"]


@pytest.mark.parametrize(
    ("call", "text"),
    [("f('a.h5')", "a.h5"), ("f(filepath='b')", "b"), ("f(path)", None), ("f()", None), ("f(1)", None)],
)
def test_first_argument_that_is_spelled_out(call: str, text: str | None) -> None:
    uses = read(f"from tensorflow.keras.models import load_model as f\n{call}").uses
    assert uses[-1].text == text


EXPORTS: Exports = {
    ".compat": {"tf": "tf.compat.v1", "keras": "tf.keras"},
    "pkg.compat": {"tf": "tf.compat.v1"},
    "pkg": {},
}


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("from .compat import tf\ntf.Session()", "tf.compat.v1.Session"),
        ("from .compat import tf as t\nt.Session()", "tf.compat.v1.Session"),
        ("from .compat import *\nkeras.layers.Dense", "tf.keras.layers.Dense"),
        ("from pkg import compat\ncompat.tf.Session()", "tf.compat.v1.Session"),
        ("from . import compat as c\nc.keras.layers.Dense", "tf.keras.layers.Dense"),
        ("import pkg.compat\npkg.compat.tf.Session()", "tf.compat.v1.Session"),
        ("import pkg.compat as c\nc.tf.Session()", "tf.compat.v1.Session"),
    ],
)
def test_names_come_from_other_files_of_the_project(code: str, symbol: str) -> None:
    assert symbol in symbols(code, EXPORTS)


def test_modules_of_the_project_use_nothing_themselves() -> None:
    assert symbols("from . import compat\ncompat.other()\ncompat", EXPORTS) == []


def test_exports_are_what_names_surely_mean() -> None:
    code = (
        "import tensorflow as tf\nfrom tensorflow import keras as k\nm = k.Sequential()\n"
        "try:\n    from keras import ops\nexcept ImportError:\n    ops = None\n"
    )
    assert read(code).exports == {"tf": "tf", "k": "tf.keras"}


def test_names_that_imports_could_bring() -> None:
    text = (
        "from .compat import tf, keras as k\nfrom . import layers\nimport pkg.compat as c, os\n"
        "from pkg import (\n    one,\n    two,\n)\nfrom x import *\nlayers.tf\nc.tf.Session()\n"
    )
    assert imported_names(text) >= {
        ".compat.tf", ".compat.keras", ".layers", ".layers.tf", "pkg.compat.tf", "pkg.one", "pkg.two", "x.*",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "name", "module"),
    [
        ("src/pkg/a.py", ".compat.tf", ".compat"),
        ("src/pkg/__init__.py", ".compat.tf", ".compat"),
        ("src/pkg/sub/a.py", "..compat.tf", "..compat"),
        ("tests/a.py", "pkg.compat.tf", "pkg.compat"),
        ("a.py", "compat.*", "compat"),
        ("src/a.py", ".pkg.tf", ".pkg"),
        ("src/pkg/a.py", ".tf", "."),
        ("src/pkg/a.py", ".compat.other", None),
        ("src/pkg/compat.py", ".compat.tf", None),
        ("a.py", ".....compat.tf", None),
        ("a.py", "twice.tf", None),
        ("a.py", "torch.tf", None),
    ],
)
def test_modules_are_found_by_the_end_of_their_path(file: str, name: str, module: str | None) -> None:
    modules = ProjectModules({
        "./src/pkg/compat.py": {"tf": "tf"},
        "src/pkg/__init__.py": {"tf": "tf"},
        "one/twice.py": {"tf": "tf"},
        "two/twice.py": {"tf": "tf"},
        "empty.py": {},
    })  # fmt: skip
    assert list(modules.seen_from(file, [name])) == ([module] if module else [])
