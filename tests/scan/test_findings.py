"""What lines say beside names: Keras 3, NumPy, companions, graphs; what surely fails bounds, the rest is told."""

from __future__ import annotations

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.edges.symbols import load_signatures, load_symbols
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.marks import MarksMatrix
from tfbootstrap.matrix.replacements import ReplacementsMatrix
from tfbootstrap.scan.findings import Finder, Finding
from tfbootstrap.scan.judge import Judge, Verdict
from tfbootstrap.scan.pieces import Piece, read_pieces
from tfbootstrap.scan.reader import find_uses

MATRIX = REPOSITORY / "compat_matrix"
TABLE = load_symbols(MATRIX)
SIGNATURES = load_signatures(TABLE, MATRIX)
MARKS = load(MarksMatrix, MATRIX)
COMPANIONS = load(CompanionsMatrix, MATRIX)
REPLACEMENTS = load(ReplacementsMatrix, MATRIX)


def scanned(code: str, *, legacy_keras: bool = False) -> tuple[Verdict, tuple[Finding, ...]]:
    pieces = (one for one in read_pieces("a.py", code) if isinstance(one, Piece))
    uses = find_uses(pieces, Finder.interest(MARKS, COMPANIONS)).uses
    finder = Finder(TABLE, MARKS, COMPANIONS, REPLACEMENTS, legacy_keras)
    return Judge(TABLE, REPLACEMENTS, legacy_keras, SIGNATURES, finder.needs).judge(uses), finder.find(uses)[0]


MODEL = "from tensorflow import keras\nmodel = keras.Sequential()\n"

BOUNDS = {
    f"{MODEL}model.fit_generator(x)": "<2.16",
    f"{MODEL}model.predict_generator(x)": "<2.16",
    f"{MODEL}model.predict_classes(x)": "<2.6",
    f"{MODEL}model.layers[0].output_shape": "<2.16",
    f"{MODEL}model.output_shape": "",
    f"{MODEL}model.optimizer.lr": "<2.16",
    f"{MODEL}model.optimizer.get_weights()": "<2.11",
    f"{MODEL}model.fit(x, workers=2)": "<2.16",
    f"{MODEL}model.fit(x)": "",
    f"{MODEL}model.save('model')": "<2.16",
    f"{MODEL}model.save('model.keras')": "",
    f"{MODEL}model.save(path)": "",
    f"{MODEL}model.save_weights('weights.h5')": "<2.16",
    f"{MODEL}model.save_weights('a.weights.h5')": "",
    f"{MODEL}model.load_weights('checkpoint')": "<2.16",
    "from keras.models import load_model\nload_model('folder')": "<2.16",
    "from keras.models import load_model\nload_model('a.h5')": "",
    "from tensorflow.keras.callbacks import ModelCheckpoint as C\nC('best.hdf5')": "<2.16",
    "from tensorflow.keras.callbacks import ModelCheckpoint as C\nC('best.keras')": "",
    "from tensorflow.keras.callbacks import ModelCheckpoint as C\nC(path, period=5)": "<2.16",
    "from tensorflow.keras.layers import LSTM\nLSTM(3, time_major=True)": "<2.16",
    "from tensorflow.keras.layers import LSTM\nLSTM(3, no_such_argument=True)": "",
    "import tensorflow as tf\ntf.function(f, reduce_retracing=True)": ">=2.9",
    "import tensorflow as tf\ntf.reduce_sum(x, keep_dims=True)": "<2.0",
    "import tensorflow.compat.v1 as tf\ntf.reduce_sum(x, keep_dims=True)": "",
    "import tensorflow as tf\ntf.map_fn(f, x, fn_output_signature=y)": ">=2.3",
    "import tensorflow_addons as tfa\ntfa.optimizers.AdamW": "<2.16",
    "import tensorflow_hub as hub\nhub.load(x)": "",
}


@pytest.mark.parametrize(("code", "fits"), BOUNDS.items(), ids=BOUNDS)
def test_what_surely_fails_is_a_bound(code: str, fits: str) -> None:
    assert scanned(code)[0].fits == fits


FINDINGS = {
    "from tensorflow import keras\nmodel.fit_generator(x)": ("keras-3-fit-generator", "tensorflow", "<2.16", False),
    "from keras.models import load_model\nload_model('a.h5')": ("keras-3-h5-model", "tensorflow", None, False),
    "from keras import layers\nclass L(layers.Layer):\n    def get_config(self):\n        pass": (
        "keras-3-config-dtype", "tensorflow", None, False,
    ),
    "from keras.optimizers import Adam\nAdam(lr=1)": ("argument-ignored", "tensorflow", None, False),
    "import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()": ("graph-mode", "tensorflow", None, False),
    "import tensorflow as tf\ntf.load_op_library('a.so')": ("custom-operations", "tensorflow", None, False),
    "import keras, numpy as np\nnp.float_(1)": ("numpy-2.0", "numpy", "<2.0", True),
    "import keras, numpy as np\nnp.float(1)": ("numpy-1.24", "numpy", "<1.24", True),
    "import keras, numpy as np\nnp.bool": ("numpy-1.24-bool", "numpy", "!=1.24.*,!=1.25.*,!=1.26.*", True),
    "import keras, numpy as np\nnp.in1d(x, y)": ("numpy-2.4", "numpy", "<2.4", True),
    "import tensorflow_addons": ("companion-tensorflow-addons", "tensorflow", "<2.16", True),
    "import tensorflow_hub": ("companion-tensorflow-hub", "tensorflow", None, False),
    "import tensorflow_probability as tfp": ("companion-tensorflow-probability", "tensorflow", "", False),
    "import tensorflow_text": ("companion-tensorflow-text", "tensorflow", "", False),
    "import tensorflow_io": ("companion-tensorflow-io", "tensorflow", "<2.17", True),
}  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), FINDINGS.items(), ids=FINDINGS)
def test_what_is_told(code: str, expected: tuple[str, str, str | None, bool]) -> None:
    _, findings = scanned(code)
    assert [(one.id, one.package, one.works, one.breaks) for one in findings] == [expected]
    assert findings[0].place.startswith("a.py:")


@pytest.mark.parametrize(
    "code",
    [
        "import keras, numpy as np\nnp.float64(1)\nnp.random.rand()",
        "import tensorflow as tf\ntry:\n    import tensorflow_addons\nexcept ImportError:\n    pass",
        "import torch\nimport jax, tensorflow",
        "import tensorflow as tf\nlayer.output_shape",
    ],
)
def test_what_is_not_told(code: str) -> None:
    assert scanned(code) == (Verdict(minors=TABLE.minors, bounds=(), evidence=()), ())


def test_companion_is_told_once() -> None:
    _, findings = scanned("import tensorflow_hub\nfrom tensorflow_hub import load")
    assert [one.line for one in findings] == [1]


def test_deciding_line_says_what_happens_and_what_to_write() -> None:
    verdict, _ = scanned("from keras.models import load_model\nload_model('folder')")
    (evidence,) = verdict.evidence
    assert evidence.symbol == "keras.models.load_model('folder')"
    assert evidence.note == (
        'Keras 3 does not load SavedModel folders; keras.layers.TFSMLayer(path, call_endpoint="serving_default"), '
        "or tf.saved_model.load"
    )


LEGACY = {
    f"{MODEL}model.fit_generator(x)": "",
    "from tensorflow.keras.optimizers import Adam\nAdam(lr=1)": "",
    "from keras.optimizers import Adam\nAdam(lr=1)": "<2.16",
    "from tensorflow.keras.optimizers import Adam\nAdam(decay=1)": "<2.11",
    "from tensorflow.keras.layers import LSTM\nLSTM(3, time_major=True)": "",
    "import tensorflow.compat.v1 as tf\ntf.layers.dense(x, 1)": "",
}


@pytest.mark.parametrize(("code", "fits"), LEGACY.items(), ids=LEGACY)
def test_legacy_keras_goes_on_as_before(code: str, fits: str) -> None:
    assert scanned(code, legacy_keras=True)[0].fits == fits


def test_legacy_keras_is_not_told_of_keras_3() -> None:
    assert scanned("from tensorflow import keras\nmodel.fit_generator(x)", legacy_keras=True)[1] == ()


MIGRATIONS = {
    "session": ("import tensorflow as tf\nwith tf.Session() as s:\n    s.run(x)", "<2.0", "tf.compat.v1.Session"),
    "placeholder": ("import tensorflow as tf\ntf.placeholder(tf.float32)", "<2.0", "tf.compat.v1.placeholder"),
    "contrib": ("from tensorflow.contrib import slim\nslim.conv2d(x)", "<2.0", None),
    "layers": ("import tensorflow as tf\ntf.layers.dense(x, 1)", "<2.0", None),
    "estimator": ("import tensorflow as tf\ntf.estimator.DNNClassifier([1], c)", "<2.16", None),
    "preprocessing": ("from keras.preprocessing.text import Tokenizer\nTokenizer()", "<2.16", None),
    "graduate": (
        "import tensorflow as tf\ntf.keras.experimental.CosineDecay(1, 2)",
        "<2.16",
        "tf.keras.optimizers.schedules.CosineDecay",
    ),
    "policy": (
        "from tensorflow.keras.mixed_precision import experimental as mp\nmp.set_policy(mp.Policy('mixed_float16'))",
        "<2.9",
        "tf.keras.mixed_precision.set_global_policy",
    ),
    "legacy optimizer": ("from tensorflow.keras.optimizers.legacy import Adam\nAdam(lr=1)", ">=2.9,<2.16", None),
    "lite": ("import tensorflow as tf\ntf.lite.Interpreter('a')", "", None),
    "generic utils": ("from keras.utils.generic_utils import Progbar\nProgbar(1)", "<2.13", "keras.utils.Progbar"),
    "experimental preprocessing": (
        "from tensorflow.keras.layers.experimental.preprocessing import Rescaling\nRescaling(1)",
        ">=2.2,<2.16",
        "tf.keras.layers.Rescaling",
    ),
}


@pytest.mark.parametrize(("code", "fits", "replacement"), MIGRATIONS.values(), ids=MIGRATIONS)
def test_usual_migrations_with_all_that_is_known(code: str, fits: str, replacement: str | None) -> None:
    verdict, _ = scanned(code)
    assert verdict.fits == fits
    assert replacement is None or replacement in [one.replacement for one in verdict.evidence]


def test_bounds_start_and_end_with_minors_that_fit() -> None:
    code = "import tensorflow as tf\ntf.data.experimental.service.distribute(a, b, consumer_index=1)"
    assert scanned(code)[0].fits == ">=2.5"
