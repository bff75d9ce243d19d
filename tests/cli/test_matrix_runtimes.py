"""`tfbootstrap matrix runtimes` and `matrix companions`, as a user types them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tfbootstrap.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["matrix", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runtimes",),
        ("runtimes", "colab-2026.07"),
        ("runtimes", "kaggle-2026.06"),
        ("runtimes", "ubuntu-22.04"),
        ("companions",),
        ("companions", "tensorflow-addons"),
        ("companions", "torch"),
        ("companions", "keras-hub"),
    ],
    ids=" ".join,
)
def test_every_line_fits_100_columns(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *arguments, "--no-color")
    assert (code, err) == (0, "")
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "\x1b" not in out


def test_runtimes_are_listed_with_what_decides(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in document(capsys, "runtimes")}
    assert rows["colab-2026.07"] == {
        "name": "colab-2026.07",
        "title": "Google Colab, runtime version 2026.07",
        "host": "colab",
        "python": "3.12.13",
        "platform": {"system": "linux", "machine": "x86_64", "libc": "glibc 2.35"},
        "gpu": "offered",
        "cuda": "12.8",
        "cudnn": "9.8.0.87",
        "quick": {
            "tensorflow": "2.20.0",
            "keras": "3.13.2",
            "tf-keras": "2.20.0",
            "numpy": "2.0.2",
            "protobuf": "5.29.6",
            "torch": "2.11.0+cu128",
            "jax": "0.7.2",
        },
    }
    assert rows["debian-12"]["platform"]["libc"] == "glibc 2.36"
    assert rows["linux-gpu"]["quick"] == {}


def test_one_runtime_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    colab = document(capsys, "runtimes", "colab-2026.07")
    assert colab["packages"]["gpu"]["nvidia-cudnn-cu12"] == "9.19.0.56"
    assert colab["packages"]["cpu"]["absl-py"] == "1.4.0"
    assert [gpu["offer"] for gpu in colab["gpus"]] == ["T4", "L4", "A100", "H100", "G4"]
    assert colab["drivers"][0]["version"] == "580.82.07"
    assert colab["uv"] is True
    plain = document(capsys, "runtimes", "linux-cpu")
    assert (plain["packages"], plain["gpus"], plain["uv"], plain["system_cuda"]) == ({}, [], None, None)


def test_the_page_of_a_runtime_names_what_no_index_has(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "runtimes", "colab-2026.07", "--no-color")
    assert "from no index: cucim-cu12" in out
    assert "CUDA           12.8.1 (nvcc 12.8.93), cuDNN 9.8.0.87, NCCL 2.25.1, cuda-compat 570.124.06" in out


def test_one_companion_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    row = document(capsys, "companions", "TensorFlow_Addons")
    assert (row["name"], row["ended"]["last"]) == ("tensorflow-addons", "0.23.0")
    documented = {tie["versions"]: tie["tensorflow"] for tie in row["ties"] if tie["kind"] == "tested"}
    assert documented["==0.21.*"] == ">=2.11,<2.14"
    assert document(capsys, "companions", "torch")["cuda"][-1]["cuda"] == "13"
    assert "tensorflow-text" in {row["name"] for row in document(capsys, "companions")}


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("runtimes", "colab-2026.7"), "there is no runtime 'colab-2026.7'", "did you mean colab-2026.07"),
        (
            ("companions", "tensorflow-txt"),
            "the matrix has no companion 'tensorflow-txt'",
            "did you mean tensorflow-text",
        ),
    ],
    ids=["runtime", "companion"],
)
def test_an_unknown_name_names_the_nearest(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], error: str, hint: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert error in err
    assert hint in err
