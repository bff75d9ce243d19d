"""`tfbootstrap explain` as a user runs it: each answer names rule, fact, need, source and a way out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import Sandbox
from tfbootstrap.app.explain import explain as run_explain
from tfbootstrap.app.requests import LockOptions


def explain(sandbox: Sandbox, *arguments: str | Path) -> dict[str, dict[str, Any]]:
    result = sandbox.tfbootstrap("explain", "--json", *arguments)
    assert result.stderr == ""
    return {answer["tensorflow"].rsplit(".", 1)[0]: answer for answer in json.loads(result.stdout)["candidates"]}


def fitting(answers: dict[str, dict[str, Any]]) -> list[str]:
    return [minor for minor, answer in answers.items() if answer["fits"]]


ON_GPU = ("--runtime", "linux-gpu", "--python", "3.11")


@pytest.mark.parametrize(
    ("arguments", "newest", "oldest", "rejected"),
    [
        (("--gpu", "T4", "--driver", "535.104.05", *ON_GPU), "2.21", "2.12", {}),
        (
            ("--gpu", "K80", "--driver", "470.57.02", *ON_GPU),
            "2.14",
            "2.12",
            {"2.21": ("compute-capability", "Tesla K80 (compute capability 3.7)", "6.0 or newer", "2.14 fits")},
        ),
        (
            ("--gpu", "RTX 5090", "--driver", "570.124.06", *ON_GPU),
            "2.21",
            "2.20",
            {"2.19": ("cuda-wheels", "CUDA 12.5 libraries without code for compute capability 12.0", "", "2.20 fits")},
        ),
        (
            ("--gpu", "H100", "--driver", "525.60.13", *ON_GPU),
            "2.16",
            "2.12",
            {"2.21": ("ptx-driver", "driver 525.60.13", "driver 555.42.02 or newer", "2.16 fits")},
        ),
        (("--gpu", "P100", "--driver", "550.54.15", *ON_GPU), "2.21", "2.12", {}),
        (
            ("--runtime", "linux-cpu", "--python", "3.14"),
            None,
            None,
            {"2.21": ("python", "Python 3.14", "Python 3.10 to 3.13", "Python 3.13")},
        ),
        (
            ("--runtime", "linux-aarch64", "--python", "3.11", "--gpu", "none"),
            "2.21",
            "2.12",
            {"2.7": ("python", "Python 3.11", "Python 3.7 to 3.9", "2.12 fits")},
        ),
        (
            ("--runtime", "macos-arm64", "--python", "3.11"),
            "2.21",
            "2.13",
            {"2.12": ("platform", "macos-arm64", "macos-x86_64", "2.13 fits")},
        ),
        (
            ("--runtime", "windows", "--python", "3.10", "--gpu", "RTX 3060", "--driver", "551.61"),
            "2.10",
            "2.8",
            {"2.21": ("gpu-build", "windows-x86_64", "WSL2", "2.10 fits")},
        ),
    ],
    ids=[
        "t4-driver-535",
        "k80-driver-470",
        "rtx-5090-driver-570",
        "h100-driver-525",
        "p100-driver-550",
        "python-3.14",
        "aarch64",
        "macos-arm64",
        "windows-gpu",
    ],
)
def test_every_minor_is_judged_and_every_rejection_tells_what_to_do(
    sandbox: Sandbox,
    arguments: tuple[str, ...],
    newest: str | None,
    oldest: str | None,
    rejected: dict[str, tuple[str, str, str, str]],
) -> None:
    answers = explain(sandbox, *arguments)
    fits = fitting(answers)
    assert (fits[0], fits[-1]) == (newest, oldest) if newest else not fits
    assert [
        minor for minor, answer in answers.items() if not answer["fits"] and not answer["rejection"]["source"]
    ] == []
    for minor, (rule, found, needed, way_out) in rejected.items():
        rejection = answers[minor]["rejection"]
        assert rejection["rule"] == rule
        assert found in rejection["found"]
        assert needed in rejection["needed"]
        assert way_out in answers[minor]["way_out"]["text"]


def test_an_old_c_library_is_told_by_its_facts_file(sandbox: Sandbox) -> None:
    facts = {
        "schema": 1,
        "python": {"version": "3.11.9", "implementation": "cpython"},
        "platform": {"system": "linux", "machine": "x86_64", "libc": "glibc 2.17"},
        "gpu_status": "absent",
        "gpus": [],
    }
    (sandbox.work / "facts.json").write_text(json.dumps(facts))
    answers = explain(sandbox, "--runtime", "facts.json")
    assert fitting(answers)[0] == "2.20"
    assert answers["2.21"]["rejection"]["needed"] == "glibc 2.27 or newer"


def test_a_gpu_that_only_has_ptx_is_warned_of_its_first_start(sandbox: Sandbox) -> None:
    answers = explain(sandbox, "--gpu", "RTX 5090", "--driver", "570.124.06", *ON_GPU)
    assert any("half an hour" in warning for warning in answers["2.21"]["warnings"])


def test_the_table_fits_the_terminal_and_says_why(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("explain", "2.19", "--runtime", "linux-cpu", "--python", "3.13")
    assert result.returncode == 3
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "has wheels for Python 3.9 to 3.12 only; this runtime has Python 3.13" in result.stdout
    assert "rule python, known from the published wheels of tensorflow 2.19.1" in result.stdout
    way = "way out: another Python: TensorFlow 2.19 fits Python 3.12 in a virtual environment"
    assert way in " ".join(result.stdout.split())


def test_a_wish_that_no_release_satisfies_is_an_error(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("explain", "2.99", "--runtime", "linux-cpu")
    assert result.returncode == 2
    assert "no TensorFlow release that the matrix knows" in result.stderr


@pytest.mark.parametrize("name", ["AMD Instinct MI300X", "Radeon RX 7900 XTX", "gfx942"])
def test_a_gpu_of_amd_s_is_told_where_its_tensorflow_is(sandbox: Sandbox, name: str) -> None:
    result = sandbox.tfbootstrap("explain", "--runtime", "linux-gpu", "--gpu", name)
    assert result.returncode == 2
    assert "a GPU of AMD's" in result.stderr
    assert "tensorflow-rocm" in result.stderr


def test_a_gpu_that_the_host_does_not_lend_is_refused_with_its_offers(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("explain", "--runtime", "colab-2026.07", "--gpu", "K80")
    assert result.returncode == 2
    assert "Google Colab offers no Tesla K80; it offers T4" in result.stderr


@pytest.mark.parametrize("name", ["P100", "Tesla P100", "gpu p100"])
def test_a_gpu_that_the_host_lends_goes_by_any_of_its_names(sandbox: Sandbox, name: str) -> None:
    result = sandbox.tfbootstrap("explain", "2.20", "--runtime", "kaggle-2026.06", "--gpu", name)
    assert result.returncode == 0, result.stderr


def test_a_gpu_like_nothing_known_is_answered_in_a_whole_sentence(sandbox: Sandbox) -> None:
    result = sandbox.tfbootstrap("explain", "--runtime", "linux-gpu", "--gpu", "abacus")
    assert "hint: name its compute capability (--gpu 7.5)" in result.stderr


def test_a_wish_for_other_runtimes_narrows_nothing(sandbox: Sandbox) -> None:
    (sandbox.work / "a.in").write_text("tensorflow==2.10.1; sys_platform == 'win32'\n", encoding="utf-8")
    result = sandbox.tfbootstrap("explain", "2.20", "-r", "a.in", "--runtime", "linux-cpu")
    assert result.returncode == 0, result.stderr
    assert "2.20.0" in result.stdout


@pytest.mark.parametrize(
    "runtime",
    [
        {"runtime": "linux-gpu", "gpu": "T4", "driver": "535.104.05"},
        {"runtime": "linux-gpu", "gpu": "K80", "driver": "470.57.02"},
        {"runtime": "linux-gpu", "gpu": "RTX 5090", "driver": "570.86.10"},
        {"runtime": "linux-gpu", "gpu": "H100", "driver": "525.60.13"},
        {"runtime": "linux-gpu", "gpu": "P100", "driver": "550.54.15"},
        {"runtime": "rhel-7", "gpu": "none"},
        {"runtime": "linux-aarch64"},
        {"runtime": "macos-arm64"},
        {"runtime": "windows"},
    ],
    ids=lambda runtime: "-".join(runtime.values()),
)
def test_no_answer_is_left_without_its_reason(runtime: dict[str, Any]) -> None:
    answers = run_explain(LockOptions(python="3.12", **runtime)).answers
    assert len(answers) == 23
    for answer in answers:
        if answer.candidate:
            assert answer.candidate.reasons, answer.minor
        else:
            assert answer.rejection is not None
            assert all(dataclasses.astuple(answer.rejection)), answer.rejection
            assert answer.way_out, answer.rejection
