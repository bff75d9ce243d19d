"""Reading public names from wheels: modules, trees, whole releases from an index, and the shipped data."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from packaging.version import Version

from tests.support.environment import REPOSITORY
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile, ask_default_index
from tfbootstrap.edges.index_configuration import read_index_configuration
from tfbootstrap.edges.resources import load_file
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.signatures import SignaturesMatrix
from tfbootstrap.matrix.symbols import SymbolPackage, SymbolsMatrix, minor_of
from tfbootstrap.upkeep.symbols import (
    FILES,
    module_files,
    newest_of_minors,
    only_changed,
    open_modules,
    read_names,
    read_release,
    read_symbols,
    required_keras,
    tree_of,
)
from tfbootstrap.upkeep.tensorflow import parse_only

TAG = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"

ROOT = """
import os as _os
import importlib
from __future__ import annotations
from tensorflow.python import tf2 as _tf2
from tensorflow._api.v2 import nn
from tensorflow.python.framework.versions import VERSION as __version__
from tensorflow.python.lazy import LazyLoader
_current_module = object()
__path__ = [1]
estimator = _LazyLoader("estimator", globals(), "somewhere")
count = 3
try:
    from tensorflow._api.v2 import summary
except ImportError:
    pass
if _os.environ.get("X"):
    setattr(_current_module, "keras", _KerasLazyLoader(globals()))
if _typing.TYPE_CHECKING:
    from keras import typed_only
_current_module.nn.rnn_cell = _KerasLazyLoader(globals(), mode="v1")
del LazyLoader
"""


def test_module_binds_what_it_imports_and_sets() -> None:
    names = read_names(ROOT)
    assert names.public == {"nn", "__version__", "estimator", "summary", "keras", "nn.rnn_cell"}
    assert names.refused == {"nn.rnn_cell"}


def test_keras_3_has_no_names_of_tensorflow_1() -> None:
    modules = [
        ("tf.compat.v1", "setattr(_current_module, 'keras', _KerasLazyLoader(globals(), mode='v1'))"),
        ("tf.compat.v1.keras", "from a import Model"),
        ("tf.compat.v1.compat.v1", "from a import twice"),
    ]
    assert tree_of(modules) == {"tf.compat.v1.keras", "tf.compat.v1.keras.Model"}
    assert tree_of(modules, keras_3=True) == {"tf.compat.v1.keras"}


@pytest.mark.parametrize(
    ("root", "members", "expected"),
    [
        (
            "tf",
            ["tensorflow_core/__init__.py", "tensorflow_core/_api/v1/nn/__init__.py", "tensorflow/__init__.py"],
            {"tf.nn": "tensorflow_core/_api/v1/nn/__init__.py", "tf": "tensorflow_core/__init__.py"},
        ),
        (
            "tf",
            [
                "tensorflow/__init__.py",
                "tensorflow/python/__init__.py",
                "tensorflow/_api/v2/nn/__init__.py",
                "tensorflow/_api/v2/compat/v2/nn/__init__.py",
                "tensorflow/python/keras/api/_v2/keras/layers/__init__.py",
            ],
            {
                "tf": "tensorflow/__init__.py",
                "tf.nn": "tensorflow/_api/v2/nn/__init__.py",
                "tf.keras.layers": "tensorflow/python/keras/api/_v2/keras/layers/__init__.py",
            },
        ),
        (
            "tf.keras",
            ["keras/_tf_keras/keras/ops/__init__.py"],
            {"tf.keras.ops": "keras/_tf_keras/keras/ops/__init__.py"},
        ),
        (
            "keras",
            ["keras/api/ops/__init__.py", "keras/api/_tf_keras/ops/__init__.py", "keras/src/ops/__init__.py"],
            {"keras.ops": "keras/api/ops/__init__.py"},
        ),
        (
            "keras",
            ["keras/ops/__init__.py", "keras/_tf_keras/keras/__init__.py", "keras/src/ops/__init__.py"],
            {"keras.ops": "keras/ops/__init__.py"},
        ),
        ("tf.compat.v1.keras", ["keras/ops/__init__.py"], {}),
    ],
    ids=["1.15", "2.5", "tf.keras 3", "keras 3.3", "keras 3.12", "no such tree"],
)
def test_trees_are_found_where_releases_have_them(root: str, members: list[str], expected: dict[str, str]) -> None:
    assert dict(module_files(root, members)) == expected


def test_summary_of_tensorflow_2_is_of_tensorboard() -> None:
    root = "try:\n  from tensorboard.summary._tf import summary\nexcept ImportError:\n  pass\n"
    assert tree_of([("tf", root)]) == {
        "tf.summary", "tf.summary.audio", "tf.summary.histogram", "tf.summary.image", "tf.summary.scalar",
        "tf.summary.text",
    }  # fmt: skip


def test_only_functions_whose_keywords_differ_are_kept() -> None:
    keywords = {
        "2.0": frozenset({"f.x", "f.y", "same.x", "open.**", "late.x"}),
        "2.1": frozenset({"f.x", "same.x", "open.x", "open.**"}),
    }
    assert only_changed(keywords) == {"2.0": {"f.x", "f.y"}, "2.1": {"f.x"}}


def test_open_modules_until_keras_moved_its_sources() -> None:
    members = [
        "keras/__init__.py",
        "keras/utils/np_utils.py",
        "keras/utils/__init__.py",
        "keras/utils/np_utils_test.py",
    ]
    assert open_modules(members) == {"keras.utils", "keras.utils.np_utils"}
    assert open_modules([*members, "keras/src/utils/np_utils.py"]) == frozenset()


def test_newest_final_release_of_each_minor() -> None:
    names = ["tensorflow-2.19.0", "tensorflow-2.19.1", "tensorflow-2.20.0rc0", "tensorflow-1.14.0", "tensorflow-2.8.4"]
    files = [IndexFile(file_name=f"{name}-{TAG}.whl", url="https://index.test/x") for name in names]
    files += [
        IndexFile(file_name=f"tensorflow-2.8.5-{TAG}.whl", url="https://index.test/x", yanked=True),
        IndexFile(file_name="tensorflow-2.9.0.tar.gz", url="https://index.test/x"),
    ]
    assert newest_of_minors(files, "tensorflow") == (Version("2.8.4"), Version("2.19.1"))


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("Requires-Dist: keras>=3.5.0", "keras>=3.5.0"),
        ("Requires-Dist: keras (<2.7,>=2.6)", "keras<2.7,>=2.6"),
        ("Requires-Dist: keras-nightly~=2.5.0.dev", None),
    ],
)
def test_required_keras(requires: str, expected: str | None) -> None:
    assert required_keras(f"Metadata-Version: 2.1\nName: tensorflow\n{requires}\n") == expected


def tensorflow(version: str, *names: str) -> Project:
    text = "".join(f"from tensorflow.python import {name}\n" for name in names)
    argument = names[-1]
    files = {
        "tensorflow/__init__.py": text,
        "tensorflow/_api/v2/nn/__init__.py": "from tensorflow.python.nn import relu\nfrom a import selu\n",
        "tensorflow/python/nn.py": f"def relu(features, {argument}=None): pass\ndef same(x): pass\n",
        "tensorflow/_api/v2/math/__init__.py": "from tensorflow.python.nn import same\n",
    }
    return Project(name="tensorflow", version=version, tag=TAG, files=files, requires=("keras>=3.5",))


KERAS = Project(
    name="keras",
    version="3.5.0",
    files={"keras/__init__.py": "from a import ops\n", "keras/_tf_keras/keras/__init__.py": "from a import layers\n"},
)


@pytest.fixture
def client(loopback_index: LoopbackIndex) -> Iterator[IndexClient]:
    loopback_index.add(build_wheel(tensorflow("2.19.1", "nn", "old")), build_wheel(tensorflow("2.20.0", "nn", "new")))
    loopback_index.add(build_wheel(KERAS))
    with requests.Session() as session:
        yield IndexClient(loopback_index.simple_url, session, sleep=lambda _: None)


def test_whole_trees_from_an_index(client: IndexClient) -> None:
    read = read_symbols(client)
    assert read["symbols/tensorflow.yaml"] == SymbolsMatrix(
        package="tensorflow",
        root="tf",
        releases=("2.19.1 keras>=3.5", "2.20.0 keras>=3.5"),
        lines=(
            "tf", "  2.19-2.19 old", "  2.19- nn", "  2.20- new",
            "tf.math", "  2.19- same",
            "tf.nn", "  2.19- relu selu",
        ),
    )  # fmt: skip
    assert read["signatures/tensorflow.yaml"] == SignaturesMatrix(
        package="tensorflow",
        root="tf",
        releases=("2.19.1 keras>=3.5", "2.20.0 keras>=3.5"),
        lines=("tf.nn.relu", "  2.19-2.19 old", "  2.19- features", "  2.20- new"),
    )
    assert read["symbols/tf_keras.yaml"].lines == ("tf.keras", "  3.5- layers")
    assert read["symbols/keras.yaml"].lines == ("keras", "  3.5- ops")
    assert read["symbols/keras_v1.yaml"].lines == ()


def test_only_some_releases_keeps_the_others(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    before = read_symbols(client)
    loopback_index.add(build_wheel(tensorflow("2.20.1", "nn", "newer")))
    after = read_symbols(client, only=parse_only("==2.20.*"), keep=before)
    assert after["symbols/tensorflow.yaml"].lines == (
        "tf", "  2.19-2.19 old", "  2.19- nn", "  2.20- newer",
        "tf.math", "  2.19- same",
        "tf.nn", "  2.19- relu selu",
    )  # fmt: skip
    assert after["signatures/tensorflow.yaml"].lines == (
        "tf.nn.relu", "  2.19-2.19 old", "  2.19- features", "  2.20- newer",
    )  # fmt: skip
    assert after["symbols/keras.yaml"] == before["symbols/keras.yaml"]


def test_wheel_without_a_tree_is_named(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(
        build_wheel(Project(name="tensorflow", version="2.21.0", tag=TAG, files={"tensorflow/a.py": ""}))
    )
    with pytest.raises(InputError, match=r"tensorflow-2\.21\.0.*has no modules of public names"):
        read_symbols(client)


def test_module_that_is_no_python_is_named(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(tensorflow("2.21.0", "1 + 1")))
    with pytest.raises(InputError, match="a module of it is no Python"):
        read_symbols(client)


@pytest.mark.online
@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_five_random_releases_agree_with_a_fresh_read_of_their_wheels(package: SymbolPackage) -> None:
    seed = int(os.environ.get("TFBOOTSTRAP_SEED", random.randrange(10_000)))
    print(f"TFBOOTSTRAP_SEED={seed}")
    folder = REPOSITORY / "compat_matrix" / "symbols"
    names = [name for name, (owner, _) in FILES.items() if owner == package]
    trees = [load_file(SymbolsMatrix, folder / name) for name in names]
    signatures = [load_file(SignaturesMatrix, folder.with_name("signatures") / name) for name in names]
    url = read_index_configuration(os.environ, Path.cwd()).default or ask_default_index()
    with requests.Session() as session:
        client = IndexClient(url, session)
        files = client.files(package)
        for version in random.Random(seed).sample(trees[0].versions, 5):
            fresh = read_release(client, package, Version(version), files)
            for tree in trees:
                assert tree.names_of(minor_of(version)) == fresh.trees.get(tree.root, frozenset()), version
            for signature in signatures:
                listed = signature.modules()
                read = {one for one in fresh.keywords.get(signature.root, ()) if one.rpartition(".")[0] in listed}
                assert signature.names_of(minor_of(version)) == read, version
