"""`tfbootstrap matrix show` as a user runs it."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.support.environment import REPOSITORY, Sandbox

KEYS = {
    "version",
    "pythons",
    "platforms",
    "cuda",
    "cudnn",
    "compute_capabilities",
    "nvidia",
    "proven",
}
"""What tools may rely on."""

TABLE = """\
TensorFlow  Python     CUDA    cuDNN  GPU architectures     Platforms
2.21.0      3.10-3.13  12.5.1  9      6.0 7.0 8.0 8.9 9.0+  linux linux-arm mac win
2.20.0      3.9-3.13   12.5.1  9      6.0 7.0 8.0 8.9 9.0+  linux linux-arm mac win

+ has PTX, which the driver compiles for newer GPUs; * all have. linux-arm is aarch64, mac is arm64.
"""

RELEASE = """\
TensorFlow         2.15.0
released           2023-11-14
Python             3.9, 3.10, 3.11
platforms          linux-x86_64, linux-aarch64, macos-x86_64, macos-arm64, windows-x86_64
built with CUDA    linux-x86_64
only redirects     linux-aarch64 (to tensorflow-cpu-aws), macos-arm64 (to tensorflow-macos),
                   windows-x86_64 (to tensorflow-intel)
CUDA               12.2
cuDNN              8
GPU architectures  sm_50 sm_60 sm_70 sm_75 compute_80
and-cuda           nvidia-cublas-cu12==12.2.5.6
"""


def test_table_of_some_releases(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "show", ">=2.20,<2.22")
    assert (result.returncode, result.stdout, result.stderr) == (0, TABLE, "")


def test_whole_table_fits_100_columns(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "show", "--pre")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("2.22.0rc0 ")
    assert [line for line in lines if line.startswith("2.2.0 ")] == [
        "2.2.0         3.5-3.8    10.1    7      3.5 3.7 5.2 6.0 6.1 7.0 *  linux mac-intel win"
    ]


def test_one_release_in_full(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "show", "2.15.0")
    assert result.stdout.startswith(RELEASE)
    assert result.stdout.endswith("\nproven             no\n")


def test_what_the_official_page_says_stands_beside_the_wheels(sandbox: Sandbox) -> None:
    shown = sandbox.tfbootstrap("matrix", "show", "2.6.5").stdout
    assert "tested on linux    2.6.0 with Python 3.6-3.9, CUDA 11.2, cuDNN 8.1\n" in shown
    assert "the wheels have Python 3.7, 3.8, 3.9, on the page 3.6, 3.7, 3.8, 3.9\n" in shown
    assert "\ntested, says       tensorflow/docs@" in shown
    (row,) = json.loads(sandbox.tfbootstrap("matrix", "show", "2.0.0", "--json").stdout)
    (windows,) = (line for line in row["tested"] if line["system"] == "windows")
    assert windows["differences"] == ["no CUDA, on the page 10"]
    assert windows["word"].startswith("tensorflow 2.0 is for processors")


def test_a_proven_release_names_its_pythons(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "show", "2.21.0")
    assert "\nproven             on Linux x86_64, CPU: Python 3.10, 3.11, 3.12" in result.stdout


def test_json_has_the_keys_of_the_contract(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "show", "2.19", "--json")
    newest, *rest = json.loads(result.stdout)
    assert set(newest) >= KEYS
    assert [newest["version"], *(row["version"] for row in rest)] == ["2.19.1", "2.19.0"]
    assert newest["pythons"] == ["3.9", "3.10", "3.11", "3.12"]
    assert newest["compute_capabilities"] == ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]
    assert "nvidia-cudnn-cu12==9.3.0.75" in newest["nvidia"]
    assert {"3.9", "3.10"} <= set(newest["proven"])
    assert rest[0]["proven"] == []


@pytest.mark.parametrize(
    ("specifier", "message", "hint"),
    [
        ("2.99", "the matrix has no TensorFlow 2.99", "it knows 1.15 to 2.22; near: 2.9"),
        ("2.22", "the matrix has no finished TensorFlow 2.22", "`--pre` shows its pre-releases: 2.22.0rc0"),
        ("newest", "'newest' is no TensorFlow version", "write a version"),
    ],
)
def test_nothing_to_show(sandbox: Sandbox, specifier: str, message: str, hint: str) -> None:
    result = sandbox.tfbootstrap("matrix", "show", specifier)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")
    assert f"\nhint: {hint}" in result.stderr


def test_prereleases_that_are_named_are_shown(sandbox: Sandbox) -> None:
    assert sandbox.tfbootstrap("matrix", "show", "2.22", "--pre").stdout.startswith("TensorFlow         2.22.0rc0 (pre")
    assert sandbox.tfbootstrap("matrix", "show", "2.22.0rc0").stdout.startswith("TensorFlow         2.22.0rc0 (pre")


@pytest.mark.parametrize("named_by", ["option", "variable"])
def test_another_matrix(sandbox: Sandbox, named_by: str) -> None:
    folder = sandbox.work / "mine"
    folder.mkdir()
    shipped = (REPOSITORY / "compat_matrix" / "tensorflow.yaml").read_text(encoding="utf-8")
    for name in ("distributions.yaml", "tested.yaml"):
        shutil.copy(REPOSITORY / "compat_matrix" / name, folder)
    (folder / "tensorflow.yaml").write_text(shipped.replace('"2.21.0"', '"2.21.9"'), encoding="utf-8")
    arguments = ("--matrix", "mine") if named_by == "option" else ()
    variables = {"TFBOOTSTRAP_MATRIX": "mine"} if named_by == "variable" else {}
    result = sandbox.tfbootstrap("matrix", "show", "2.21.9", *arguments, variables=variables)
    assert result.stdout.startswith("TensorFlow         2.21.9\n")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("shape/several.yaml", "the matrix has 4 problems\n  mine/tensorflow.yaml:7: rows[0]: `released` is missing\n"),
        ("shape/newer-schema.yaml", "mine/tensorflow.yaml:2: schema: 2 is not a schema that this tfbootstrap reads"),
        ("yaml/no-yaml.yaml", "mine/tensorflow.yaml:9:19: is no YAML"),
    ],
)
def test_wrong_matrix_is_refused_with_all_its_problems(sandbox: Sandbox, bad: str, message: str) -> None:
    folder = sandbox.work / "mine"
    folder.mkdir()
    shutil.copy(REPOSITORY / "tests" / "bad_matrix" / "tensorflow" / bad, folder / "tensorflow.yaml")
    result = sandbox.tfbootstrap("matrix", "show", "--matrix", "mine")
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert "\nhint: " in result.stderr


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "error: mine: is not a folder"),
        (lambda folder: folder.mkdir(), "error: mine/tensorflow.yaml: there is no such file"),
        (lambda folder: folder.write_text("x"), "error: mine: is not a folder"),
        (
            lambda folder: (folder.mkdir(), (folder / "tensorflow.yaml").write_bytes(b"schema: \xff")),
            "error: mine/tensorflow.yaml: is not UTF-8 (byte 8)",
        ),
        (
            lambda folder: (folder / "tensorflow.yaml").mkdir(parents=True),
            "error: mine/tensorflow.yaml: there is no such file",
        ),
    ],
    ids=["nothing", "empty", "file", "not-utf-8", "folder"],
)
def test_matrix_that_can_not_be_read(sandbox: Sandbox, prepare: object, message: str) -> None:
    assert callable(prepare)
    prepare(sandbox.work / "mine")
    result = sandbox.tfbootstrap("matrix", "show", "--matrix", "mine")
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr
