"""How companions are tied to TensorFlow: the data beside what is known of it, and the questions asked of it."""

from __future__ import annotations

import pytest

from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.companions import CompanionsMatrix

MATRIX = load(CompanionsMatrix)


def broken(name: str, version: str, tensorflow: str, *extras: str) -> list[str]:
    row = MATRIX.row(name)
    assert row is not None
    return [tie.kind for tie in row.broken_ties(version, tensorflow, extras)]


@pytest.mark.parametrize(
    ("name", "version", "tensorflow", "kinds"),
    [
        ("tensorflow-text", "2.20.1", "2.20.0", []),
        ("tensorflow-text", "2.20.1", "2.21.0", ["metadata"]),
        ("tf_keras", "2.20.1", "2.20.0", []),
        ("tf-keras", "2.20.1", "2.19.0", ["metadata"]),
        ("tensorflow-probability", "0.25.0", "2.18.0", []),
        ("tensorflow-probability", "0.25.0", "2.17.1", ["import-check"]),
        ("tensorflow-probability", "0.23.0", "2.20.0", []),
        ("tensorflow-addons", "0.21.0", "2.12.0", []),
        ("tensorflow-addons", "0.21.0", "2.16.1", ["needs", "tested"]),
        ("tensorflow-io", "0.37.1", "2.16.1", []),
        ("tensorflow-io", "0.37.1", "2.17.0", ["abi"]),
        ("tensorflow-decision-forests", "1.12.0", "2.19.0", []),
        ("tensorflow-decision-forests", "1.12.0", "2.19.1", ["metadata"]),
        ("tensorflow-decision-forests", "1.9.1", "2.16.2", ["abi"]),
        ("keras", "3.13.2", "2.15.1", ["needs"]),
        ("keras", "3.13.2", "2.20.0", []),
        ("tensorflow-metal", "1.1.0", "2.18.0", ["abi"]),
        ("tensorflow-metal", "1.2.0", "2.18.0", []),
        ("tfx", "1.21.0", "2.21.0", []),
        ("tfx", "1.17.1", "2.21.0", ["metadata"]),
        ("tensorflow-federated", "0.87.0", "2.15.0", ["metadata"]),
        ("tf-models-official", "2.20.0", "2.20.0", []),
        ("tensorflow-serving-api", "2.21.0", "2.20.0", ["metadata"]),
    ],
)
def test_ties_are_kept_or_broken(name: str, version: str, tensorflow: str, kinds: list[str]) -> None:
    assert broken(name, version, tensorflow) == kinds


def test_an_extra_ties_only_who_asks_for_it() -> None:
    assert broken("transformers", "4.57.6", "2.20.0") == []
    assert broken("transformers", "4.57.6", "2.20.0", "tf") == ["metadata"]


@pytest.mark.parametrize(
    ("version", "cuda", "cudnn"),
    [
        ("1.12.1", None, None),
        ("2.0.1", "11", "nvidia-cudnn-cu11==8.5.0.96"),
        ("2.6.0", "12", "nvidia-cudnn-cu12==9.1.0.70"),
        ("2.10.0", "12", "nvidia-cudnn-cu12==9.10.2.21"),
        ("2.11.0", "13", "nvidia-cudnn-cu13==9.19.0.56"),
    ],
)
def test_torch_brings_its_cuda(version: str, cuda: str | None, cudnn: str | None) -> None:
    torch = MATRIX.row("torch")
    assert torch is not None
    brought = torch.cuda_of(version)
    assert (brought.cuda if brought else None, brought.cudnn if brought else None) == (cuda, cudnn)


def test_a_newer_torch_is_taken_to_bring_what_the_newest_brings() -> None:
    torch = MATRIX.row("torch")
    assert torch is not None
    assert torch.cuda_of("99.0") == torch.cuda[-1]


def test_jax_brings_cuda_with_an_extra_only() -> None:
    jax = MATRIX.row("jax")
    assert jax is not None
    answers = [jax.cuda_of("0.7.2", extras) for extras in ((), ("cuda12",), ("cuda13",), ("k8s",))]
    assert [answer.cuda if answer else None for answer in answers] == [None, "12", "13", None]
    assert jax.cuda_of("0.6.2", ("cuda13",)) is None


def test_what_ended_says_so_and_names_its_successor() -> None:
    ended = {row.name: (row.ended.last, row.successor) for row in MATRIX.rows if row.ended}
    assert ended["tensorflow-addons"] == ("0.23.0", None)
    assert ended["tensorflow-estimator"] == ("2.15.0", None)
    assert ended["transformers"] == ("4.57.6", None)
    assert ended["tflite-runtime"] == ("2.14.0", "ai-edge-litert")
    assert ended["tensorflow-decision-forests"] == ("1.12.0", "ydf")


def test_what_needs_keras_2_is_known() -> None:
    needy = [row.name for row in MATRIX.rows if row.needs_legacy_keras("0.99")]
    assert {"tensorflow-hub", "tensorflow-probability", "transformers"} <= set(needy)
    transformers = MATRIX.row("transformers")
    assert transformers is not None
    assert (transformers.needs_legacy_keras("4.57.6"), transformers.needs_legacy_keras("5.0.0")) == (True, False)


@pytest.mark.parametrize(
    ("tensorflow", "major", "provider", "switch"),
    [
        ("2.5.3", "2", "tensorflow", False),
        ("2.14.1", "2", "keras", False),
        ("2.15.1", "2", "keras", True),
        ("2.16.1", "3", "keras", True),
        ("2.22.0rc0", "3", "keras", True),
    ],
)
def test_each_tensorflow_has_one_keras(tensorflow: str, major: str, provider: str, switch: bool) -> None:
    row = MATRIX.keras_of(tensorflow)
    assert row is not None
    assert (row.major, row.provider, row.switch) == (major, provider, switch)


def test_an_unknown_package_has_no_row() -> None:
    assert MATRIX.row("requests") is None


def test_wheels_of_a_version_are_found() -> None:
    text = MATRIX.row("tensorflow_text")
    assert text is not None
    tie = text.wheel_of("2.20.1")
    assert tie is not None
    assert tie.tensorflow == "<2.21,>=2.20.0"
    assert text.wheel_of("99.0") is None
