"""A repository with three targets goes from TensorFlow 2.15 to 2.20, with the packages of the configured index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_project import everything
from tests.support.environment import REPOSITORY

pytestmark = pytest.mark.online

PROJECT = """\
[project]
name = "sample"
version = "1"
dependencies = ["pandas"]

[tool.tfbootstrap]
tensorflow = "2.15" # until the models are moved
dependencies = true
sources = ["src"]

[tool.tfbootstrap.targets.colab]
runtime = "colab-2025.07"
gpu = "T4"
lock = "requirements/colab.txt"

[tool.tfbootstrap.targets.lab]
runtime = "linux-gpu"
gpu = "A100"
driver = "535.104.05"
python = "3.11"
cuda = "wheels"
lock = "requirements/lab.txt"

[tool.tfbootstrap.targets.cpu]
runtime = "linux-cpu"
python = "3.11"
lock = "requirements/cpu.txt"
"""
CODE = """\
import tensorflow as tf
from tensorflow.keras.layers.experimental import preprocessing
from keras.preprocessing.image import ImageDataGenerator

scale = preprocessing.Rescaling(1 / 255)


def make(model_fn):
    return tf.estimator.Estimator(model_fn)


optimizer = tf.keras.optimizers.legacy.Adam(1e-3)
"""
BREAKING = {
    2: "tf.keras.layers.experimental.preprocessing",
    3: "keras.preprocessing.image.ImageDataGenerator",
    5: "tf.keras.layers.experimental.preprocessing.Rescaling",
    9: "tf.estimator.Estimator",
    12: "tf.keras.optimizers.legacy.Adam",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    for name in ("src", "requirements"):
        (folder / name).mkdir()
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "src" / "train.py").write_text(CODE, encoding="utf-8")
    result = tfbootstrap(folder, "lock")
    assert result.returncode == 0, result.stderr
    return folder


def tfbootstrap(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tfbootstrap", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def changes(target: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    return {one["what"]: (one["before"], one["after"]) for one in target["platform_changes"]}


def test_from_2_15_to_2_20(repository: Path) -> None:
    before = everything(repository)
    result = tfbootstrap(repository, "upgrade", "--tensorflow", "2.20", "--dry-run", "--json")
    assert result.returncode == 1, result.stderr
    targets = {target["name"]: target for target in json.loads(result.stdout)["targets"]}
    assert everything(repository) == before
    assert list(targets) == ["colab", "lab", "cpu"]
    for target in targets.values():
        assert target["tensorflow"] == {"before": "2.15.1", "after": "2.20.0"}
        assert changes(target)["Keras major"] == ("2", "3")
        assert changes(target)["NumPy 2"] == ("not allowed", "allowed")
        assert {one["line"]: one["symbol"] for one in target["broken_symbols"]} == BREAKING
        assert {"tensorflow-estimator", "tensorflow-io-gcs-filesystem"} <= {one["name"] for one in target["removed"]}
        assert "keras" in {one["name"] for one in target["changed"] if one["major"]}
    for name in ("colab", "lab"):
        assert changes(targets[name])["CUDA built with"] == ("12.2", "12.5.1")
        assert changes(targets[name])["cuDNN built with"] == ("8", "9.3.0")
        assert targets[name]["compute_capabilities"]["dropped"] == ["5.0", "5.2", "5.3"]
    assert "compute capabilities" not in changes(targets["cpu"])


def test_the_locks_are_what_the_project_says_then(repository: Path) -> None:
    (repository / "src" / "train.py").write_text("import tensorflow as tf\n", encoding="utf-8")
    result = tfbootstrap(repository, "upgrade", "--to", "newest-that-fits", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    (after,) = {target["tensorflow"]["after"].rpartition(".")[0] for target in document["targets"]}
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    assert text == PROJECT.replace('"2.15"', f'"{after}"')
    assert tfbootstrap(repository, "lock", "--check").returncode == 0
