"""`tfbootstrap scan` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfbootstrap.cli.main import main

CODE = """\
import tensorflow as tf
from tensorflow.keras.layers.experimental import preprocessing

data = data.prefetch(tf.data.AUTOTUNE)
scale = preprocessing.Rescaling(1 / 255)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "src/train.py": CODE,
        "src/latin.py": "# -*- coding: latin-1 -*-\nimport tensorflow as tf  # \xe9\n",
        "src/old.py": "import tensorflow\nprint 'x'\n",
        "src/broken.py": "import tensorflow  # \xe9\n",
        ".venv/lib/x.py": "import tensorflow as tf\ntf.Session()\n",
        "env/pyvenv.cfg": "",
        "env/x.py": "import tensorflow as tf\ntf.Session()\n",
        "src/notes.txt": "import tensorflow as tf\ntf.Session()\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    return tmp_path


def test_range_and_deciding_lines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", ".", "--no-color"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "fits TensorFlow >=2.4,<2.16; the newest known of these is 2.15\n\n"
        "Bound  Because of                                            At              Instead\n"
        ">=2.4  tf.data.AUTOTUNE                                      src/train.py:4  -\n"
        "<2.16  tf.keras.layers.experimental.preprocessing            src/train.py:2  tf.keras.layers\n"
        "<2.16  tf.keras.layers.experimental.preprocessing.Rescaling  src/train.py:5  tf.keras.layers.Rescaling\n"
    )
    assert captured.err.splitlines() == [
        "passed over: src/broken.py: is in no encoding that it declares",
        (
            "passed over: src/old.py: line 2 is no Python 3: "
            "Missing parentheses in call to 'print'. Did you mean print(...)?"
        ),
    ]


def test_json_has_the_keys_that_tools_rely_on(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["fits"] == ">=2.4,<2.16"
    assert document["evidence"][0] == {
        "file": "src/train.py",
        "cell": None,
        "line": 4,
        "symbol": "tf.data.AUTOTUNE",
        "bound": ">=2.4",
        "replacement": None,
        "note": None,
    }
    assert [one["file"] for one in document["skipped"]] == ["src/broken.py", "src/old.py"]


def test_contradiction_is_found_wanting(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "new.py").write_text("from keras import ops\n", encoding="utf-8")
    assert main(["scan", "src", "--no-color"]) == 1
    assert capsys.readouterr().out.startswith("no TensorFlow fits: these lines contradict each other\n\n")


def test_code_without_tensorflow_fits_every_version(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src/latin.py"]) == 0
    assert capsys.readouterr().out == "fits TensorFlow (every version); the newest known of these is 2.21\n"


def test_many_lines_are_cut_short(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "many.py"
    path.write_text("import tensorflow as tf\n" + "tf.Session()\n" * 9, encoding="utf-8")
    assert main(["scan", "many.py", "--no-color"]) == 0
    assert "... and 4 more lines (--json has all)" in capsys.readouterr().out


def test_path_that_is_not_there_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "absent"]) == 2
    assert "absent: there is no such file or folder" in capsys.readouterr().err


def test_findings_stand_beside_the_bounds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "more.py"
    path.write_text(
        "import keras\nimport numpy as np\nimport tensorflow_hub\n\nx = np.float_(1)\nmodel.fit_generator(x)\n"
        "keras.layers.LSTM(3, time_major=True)\n" + "y = np.NaN\n" * 6,
        encoding="utf-8",
    )
    assert main(["scan", "more.py", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["symbol"] for one in document["evidence"]] == ["keras.layers.LSTM(time_major=)"]
    assert document["findings"][0] == {
        "id": "companion-tensorflow-hub",
        "file": "more.py",
        "cell": None,
        "line": 3,
        "symbol": "tensorflow_hub",
        "says": "loads published models; needs Keras 2: tf-keras and TF_USE_LEGACY_KERAS=1 since TensorFlow 2.16",
        "package": "tensorflow",
        "works": None,
        "breaks": False,
        "instead": None,
        "source": None,
    }
    assert main(["scan", "more.py", "--no-color"]) == 0
    out = capsys.readouterr().out
    assert "numpy.float_: gone with NumPy 2" in out
    assert "numpy <2.0" in out
    assert "... and 2 more lines (--json has all)" in out


def test_sarif_for_code_hosts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src", "--sarif"]) == 0
    first = capsys.readouterr().out
    log = json.loads(first)
    assert log["version"] == "2.1.0"
    places = [one["locations"][0]["physicalLocation"] for one in log["runs"][0]["results"]]
    assert places[0] == {"artifactLocation": {"uri": "src/train.py"}, "region": {"startLine": 4}}
    assert main(["scan", "src", "--sarif"]) == 0
    assert capsys.readouterr().out == first
    assert main(["scan", "src", "--sarif", "--json"]) == 2


def test_names_are_followed_through_the_files_of_a_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {
        "pkg/__init__.py": "",
        "pkg/compat.py": "import tensorflow as tf\nfrom tensorflow import keras\n",
        "pkg/again.py": "from .compat import tf, keras as k\n",
        "pkg/deep.py": "from pkg.again import k\nk.layers.experimental.SyncBatchNormalization()\n",
        "pkg/use.py": "from pkg import compat\ncompat.tf.Session()\n",
    }.items():
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert main(["scan", "pkg", "--json"]) == 1
    evidence = json.loads(capsys.readouterr().out)["evidence"]
    assert [(one["file"], one["symbol"]) for one in evidence] == [
        ("pkg/deep.py", "tf.keras.layers.experimental.SyncBatchNormalization"),
        ("pkg/use.py", "tf.Session"),
    ]
