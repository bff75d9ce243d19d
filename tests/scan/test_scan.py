"""What code needs: through any name, in notebooks, and never because of what stands behind a guard."""

from __future__ import annotations

import json

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.edges.symbols import load_symbols
from tfbootstrap.matrix.replacements import ReplacementsMatrix
from tfbootstrap.scan.judge import Judge, Verdict
from tfbootstrap.scan.pieces import Piece, Skipped, read_pieces, without_magics
from tfbootstrap.scan.reader import find_uses
from tfbootstrap.scan.uses import symbols_of

MATRIX = REPOSITORY / "compat_matrix"
TABLE = load_symbols(MATRIX)
REPLACEMENTS = load(ReplacementsMatrix, MATRIX)


def judged(text: str, file: str = "a.py", *, legacy_keras: bool = False) -> Verdict:
    pieces = [piece for piece in read_pieces(file, text) if isinstance(piece, Piece)]
    return Judge(TABLE, REPLACEMENTS, legacy_keras).judge(find_uses(pieces).uses)


def used(text: str) -> list[str]:
    return list(symbols_of(find_uses(piece for piece in read_pieces("a.py", text) if isinstance(piece, Piece)).uses))


MIGRATIONS = {
    "import tensorflow as tf\ntf.Session()": ("<2.0", "tf.compat.v1.Session"),
    "import tensorflow as tf\nx = tf.placeholder(tf.float32)": ("<2.0", "tf.compat.v1.placeholder"),
    "import tensorflow.compat.v1 as tf\ntf.Session()": ("", None),
    "import tensorflow.contrib.slim as slim": ("<2.0", None),
    "import tensorflow as tf\ntf.layers.dense(x, 3)": ("<2.0", None),
    "import tensorflow.compat.v1 as tf\ntf.layers.dense(x, 3)": ("<2.16", None),
    "import tensorflow as tf\ntf.estimator.Estimator(f)": ("<2.16", None),
    "from keras.preprocessing.image import ImageDataGenerator": ("<2.16", None),
    "from tensorflow.keras.preprocessing.image import ImageDataGenerator": ("", None),
    "import tensorflow as tf\nd.prefetch(tf.data.AUTOTUNE)": (">=2.4", None),
    "from tensorflow.keras.mixed_precision import experimental as m\nm.Policy('a')": ("<2.9", None),
    "import tensorflow as tf\ntf.keras.mixed_precision.experimental.Policy('a')": (
        "<2.9",
        "tf.keras.mixed_precision.Policy",
    ),
    "from tensorflow import keras\nkeras.optimizers.legacy.Adam()": (">=2.9,<2.16", None),
    "import tensorflow as tf\ntf.lite.Interpreter('a')": ("", None),
    "from keras.utils.generic_utils import Progbar": ("<2.13", "keras.utils.Progbar"),
    "from tensorflow.keras.layers.experimental.preprocessing import Rescaling": (
        ">=2.2,<2.16",
        "tf.keras.layers.Rescaling",
    ),
    "from keras import ops": (">=2.16", None),
    "import keras\nkeras.layers.Dense(3)": ("", None),
    "from tensorflow.keras.optimizers import Adam\nAdam(lr=0.1)": ("<2.16", None),
    "import tensorflow as tf\ntf.optimizers.SGD(0.1, decay=0.1)": (
        ">=2.0,!=2.11.*,!=2.12.*,!=2.13.*,!=2.14.*,!=2.15.*",
        None,
    ),
    "import tensorflow as tf\ntf.keras.optimizers.legacy.Adam(lr=0.1)": (">=2.9,<2.16", None),
    "import tensorflow.compat.v2 as tf\ntf.summary.create_file_writer('a')": ("", None),
    "import tensorflow as tf\ntf.keras.wrappers": ("!=2.13.*,!=2.14.*,!=2.15.*", None),
}


@pytest.mark.parametrize(("code", "expected"), MIGRATIONS.items(), ids=MIGRATIONS)
def test_usual_migrations(code: str, expected: tuple[str, str | None]) -> None:
    verdict = judged(code)
    fits, replacement = expected
    assert verdict.fits == fits
    if replacement:
        assert replacement in [one.replacement for one in verdict.evidence]


GUARDED = {
    "except ImportError": "try:\n    from tensorflow.keras.layers.experimental import preprocessing as p\n"
    "except ImportError:\n    from tensorflow.keras import layers as p\np.Rescaling(1)",
    "except AttributeError": "import tensorflow as tf\ntry:\n    tf.Session()\nexcept AttributeError:\n    pass",
    "in its else": "import tensorflow as tf\ntry:\n    tf.a\nexcept (ValueError, AttributeError):\n    pass\n"
    "else:\n    tf.Session()",
    "optional": "try:\n    from keras import ops\nexcept ImportError:\n    ops = None\nif ops:\n    ops.add(1, 2)",
    "suppress": "import tensorflow as tf\nwith contextlib.suppress(AttributeError):\n    tf.Session()",
    "raises": "import tensorflow as tf\nwith pytest.raises(AttributeError):\n    tf.Session()",
    "hasattr": "import tensorflow as tf\nif hasattr(tf, 'Session'):\n    tf.Session()\nelse:\n    tf.keras.ops",
    "version": "import tensorflow as tf\nif Version(tf.__version__) < Version('2'):\n    s = tf.Session",
    "version, elif": "import tensorflow as tf\nif x:\n    pass\nelif tf.__version__[0] == '1':\n    tf.Session()",
    "version, return": "import tensorflow as tf\ndef f():\n    if VERSION >= 2:\n        return\n    tf.Session()",
    "version in one line": "import tensorflow as tf\ns = tf.Session if TF_VERSION == 1 else tf.keras.ops.add",
    "and": "import tensorflow as tf\nx = hasattr(tf, 'Session') and tf.Session()",
    "getattr with a default": "import tensorflow as tf\ngetattr(tf, 'Session', None)",
    "skipif": "import tensorflow as tf\n@mark.skipif(tf.__version__ > '2', reason='')\ndef test():\n    tf.Session",
    "type checking": "if TYPE_CHECKING:\n    from tensorflow.keras import ops",
    "a parameter": "import tensorflow as tf\ndef f(tf):\n    tf.Session()",
    "another thing": "import tensorflow as tf\ntf = Fake()\ntf.Session()",
    "private": "import tensorflow as tf\nfrom tensorflow.python.framework import ops\ntf.nothing_public",
    "tf_keras": "import tf_keras\ntf_keras.layers.experimental.preprocessing.Rescaling(1)",
    "not TensorFlow": "import torch as tf\ntf.Session()",
}


@pytest.mark.parametrize("code", GUARDED.values(), ids=GUARDED)
def test_guarded_uses_do_not_narrow(code: str) -> None:
    assert judged(code).fits == ""


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("import tensorflow\ntensorflow.nn.relu(x)", "tf.nn.relu"),
        ("import tensorflow.keras.layers\ntensorflow.keras.layers.Dense", "tf.keras.layers.Dense"),
        ("from tensorflow import keras as k\nl = k.layers\nl.Dense(3)", "tf.keras.layers.Dense"),
        ("import tensorflow as tf\ngetattr(tf.nn, 'relu')", "tf.nn.relu"),
        ("import tensorflow as tf\nclass A(tf.keras.Model):\n    pass", "tf.keras.Model"),
        ("import tensorflow as tf\n@tf.function\ndef f(x=tf.nn.relu):\n    pass", "tf.nn.relu"),
        ("import tensorflow as tf\nx: tf.Tensor = 1", "tf.Tensor"),
        ("import tensorflow as tf\nf(lambda: [tf.nn.relu(x) for x in y])", "tf.nn.relu"),
        ("try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\ntf.nn.relu(x)", "tf.nn.relu"),
        ("import tensorflow as tf\nmatch x:\n    case 1:\n        tf.nn.relu(x)", "tf.nn.relu"),
        ("from tensorflow.keras.layers import *", "tf.keras.layers"),
        ("import tensorflow as tf\nf(x)(tf.nn.relu).y", "tf.nn.relu"),
        (
            "import tensorflow as tf\ntry:\n    f()\nexcept tf.errors.OutOfRangeError:\n    pass",
            "tf.errors.OutOfRangeError",
        ),
    ],
)
def test_names_are_followed(code: str, symbol: str) -> None:
    assert symbol in used(code)


def test_lines_that_contradict_leave_nothing() -> None:
    verdict = judged("import tensorflow as tf\ntf.Session()\ntf.keras.ops.add(1, 2)\ntf.data.AUTOTUNE")
    assert (verdict.minors, verdict.fits) == ((), None)
    assert [(one.bound, one.place, one.symbol) for one in verdict.evidence] == [
        (">=2.16", "a.py:3", "tf.keras.ops.add"),
        ("<2.0", "a.py:2", "tf.Session"),
    ]


def test_legacy_keras_keeps_what_keras_3_dropped() -> None:
    code = "import tensorflow as tf\ntf.keras.layers.experimental.preprocessing.Rescaling(1)"
    assert judged(code, legacy_keras=True).fits == ">=2.2"


def notebook(*cells: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4})


def test_notebook_names_cell_and_line() -> None:
    text = notebook("%matplotlib inline\n!pip install x\nimport tensorflow as tf", ["import os\n", "s = tf.Session()"])
    (evidence,) = judged(text, "a.ipynb").evidence
    assert (evidence.place, evidence.symbol) == ("a.ipynb:cell 2:2", "tf.Session")


def test_old_notebooks_have_worksheets() -> None:
    text = json.dumps(
        {"worksheets": [{"cells": [{"cell_type": "code", "input": "import tensorflow as tf\ntf.Session"}]}]}
    )
    assert judged(text, "a.ipynb").fits == "<2.0"


def test_magics_leave_every_line_in_its_place() -> None:
    source = "%%time\nif x:\n    !ls\nfiles = !ls\n%cd /\nhelp?\nx % y"
    assert without_magics(source) == "pass\nif x:\n    pass\nfiles = None\npass\npass\nx % y"
    assert without_magics("\n%%bash\nls") == ""


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("a.py", "import tensorflow\nprint 'x'", "line 2 is no Python 3"),
        ("a.py", "tensorflow\0", "is no Python 3|can't be parsed"),
        ("a.ipynb", "{}", "is no notebook"),
        ("a.ipynb", "[1]", "is no notebook"),
        ("a.ipynb", "{tensorflow", "is no notebook"),
        ("a.ipynb", notebook("print 'x'"), "line 1 is no Python 3"),
    ],
)
def test_what_does_not_parse_is_named(file: str, text: str, reason: str) -> None:
    (skipped,) = read_pieces(file, text)
    assert isinstance(skipped, Skipped)
    assert any(part in skipped.reason for part in reason.split("|"))


@pytest.mark.parametrize(
    "code",
    [
        "@check_tf_min_version('2.6')\ndef test():\n    tf.contrib.x",
        "@unittest.skip('no such operation')\ndef test():\n    tf.contrib.x",
        "@skip_tf2()\ndef test():\n    tf.contrib.x",
        "@test_util.run_v1_only('x')\ndef test():\n    tf.contrib.x",
        "if new():\n    from keras.random import *\nelse:\n    from tensorflow.random import *",
        "if multi_backend():\n    tf.contrib.x",
    ],
)
def test_guards_of_large_libraries(code: str) -> None:
    assert judged(f"import tensorflow as tf\n{code}").fits == ""


def test_decorators_that_choose_nothing_guard_nothing() -> None:
    assert judged("import tensorflow as tf\n@tf.function\ndef f():\n    tf.contrib.x").fits == "<2.0"
