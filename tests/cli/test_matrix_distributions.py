"""`tfbootstrap matrix distributions`."""

from __future__ import annotations

import json

from tests.support.environment import Sandbox


def test_table_fits_100_columns_and_names_them_all(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "distributions")
    lines = result.stdout.splitlines()
    assert (result.returncode, result.stderr) == (0, "")
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines[1:]] == [
        "tensorflow-cpu",
        "tensorflow-cpu-aws",
        "tensorflow-gpu",
        "tensorflow-intel",
        "tensorflow-macos",
        "tensorflow-metal",
        "tensorflow-rocm",
    ]


def test_one_in_full_by_any_spelling(sandbox: Sandbox) -> None:
    shown = " ".join(sandbox.tfbootstrap("matrix", "distributions", "TensorFlow_GPU").stdout.split())
    assert "ended with 2.11.0: 2.12.0 is a source package that only fails" in shown
    assert "2.11.0 linux-x86_64: Python 3.7-3.10, CUDA 11.2" in shown
    shown = sandbox.tfbootstrap("matrix", "distributions", "tensorflow-cpu").stdout
    assert "windows-x86_64: Python 3.9-3.12, only redirects" in shown


def test_json(sandbox: Sandbox) -> None:
    rows = json.loads(sandbox.tfbootstrap("matrix", "distributions", "--json").stdout)
    intel = next(row for row in rows if row["name"] == "tensorflow-intel")
    assert (intel["kind"], intel["ended"]["last"]) == ("stand-in", "2.18.0")
    newest = intel["releases"][-1]
    assert newest["pythons"] == {"windows-x86_64": ["3.9", "3.10", "3.11", "3.12"]}
    assert "keras>=3.5.0" in newest["requires"]["windows-x86_64"]


def test_unknown_name_gets_the_nearest(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("matrix", "distributions", "tensorflow-amd")
    assert result.returncode == 2
    assert "the matrix has no other distribution of TensorFlow 'tensorflow-amd'" in result.stderr
    assert "did you mean tensorflow-" in result.stderr
