"""Which TensorFlow versions are admitted, rule by rule, on the shipped matrix."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import UnsatisfiableError, UsageError
from tfbootstrap.explain import by_minor, rejection_sentence, rejections_text
from tfbootstrap.facts import Facts, HostFacts, PlatformFacts, PythonFacts
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import Admission
from tfbootstrap.plan.ways_out import rejections
from tfbootstrap.request import Request, TensorflowWish, parse_tensorflow

KNOWLEDGE = Knowledge(tensorflow=load(TensorflowMatrix))


def facts(
    python: str = "3.12",
    system: str = "linux",
    machine: str = "x86_64",
    libc: str | None = "glibc 2.35",
    release: str | None = None,
    cpu_flags: tuple[str, ...] | None = None,
) -> Facts:
    return Facts(
        python=PythonFacts(version=f"{python}.1"),
        platform=PlatformFacts(system=system, machine=machine, libc=libc, release=release, cpu_flags=cpu_flags),
        gpu_status="absent",
    )


def ask(*wishes: str) -> Request:
    return Request(
        tensorflow=tuple(TensorflowWish(specifier=parse_tensorflow(wish), said_by="--tensorflow") for wish in wishes)
    )


def versions(admission: Admission) -> list[str]:
    return [candidate.row.version for candidate in admission.candidates]


def only_rejection(admission: Admission) -> str:
    assert not admission.candidates
    sentences = {rejection_sentence(rejection) for rejection in by_minor(admission.rejected)}
    assert len(sentences) == 1, sentences
    return sentences.pop()


def test_without_a_wish_every_stable_version_with_a_wheel_is_admitted_newest_first() -> None:
    admitted = versions(admit(facts("3.13"), KNOWLEDGE, ask()))
    assert admitted == sorted(admitted, reverse=True)
    assert admitted[-1] == "2.20.0"
    assert not any("rc" in version for version in admitted)


@pytest.mark.parametrize(
    ("runtime", "wish", "sentence"),
    [
        (facts("3.12"), "2.7", "TensorFlow 2.7.4 has wheels for Python 3.7 to 3.9 only; this runtime has Python 3.12"),
        (
            facts("3.7"),
            "2.11.1",
            "TensorFlow 2.11.1 has wheels for Python 3.8 to 3.10 only; this runtime has Python 3.7",
        ),
        (
            facts("3.12", libc="glibc 2.17"),
            "2.21",
            "TensorFlow 2.21.0 needs glibc 2.27 or newer; this runtime has glibc 2.17",
        ),
        (
            facts("3.12", libc="musl 1.2"),
            "2.20",
            "TensorFlow 2.20.0 needs glibc 2.17 or newer; this runtime has musl 1.2",
        ),
        (
            facts("3.10", machine="aarch64"),
            "2.8.4",
            (
                "TensorFlow 2.8.4 has wheels for linux-x86_64, macos-x86_64, windows-x86_64 only; "
                "this runtime is linux-aarch64"
            ),
        ),
        (
            facts("3.12", system="macos", machine="x86_64", libc=None),
            "2.17.1",
            (
                "TensorFlow 2.17.1 has wheels for linux-aarch64, linux-x86_64, macos-arm64, windows-x86_64 only; "
                "this runtime is macos-x86_64"
            ),
        ),
        (
            facts("3.12", cpu_flags=("fma",)),
            "2.20",
            "TensorFlow 2.20.0 needs a processor with AVX; this runtime has a processor without AVX",
        ),
        (
            facts("3.12", system="macos", machine="arm64", libc=None, release="macOS 11.7"),
            "2.20",
            "TensorFlow 2.20.0 has wheels for cp312-cp312-macosx_12_0_arm64 only; this runtime is macOS 11.7",
        ),
    ],
    ids=["python", "python-of-a-patch", "glibc", "musl", "aarch64", "intel-mac", "avx", "old-macos"],
)
def test_a_version_that_does_not_fit_is_rejected_with_the_deciding_rule(
    runtime: Facts, wish: str, sentence: str
) -> None:
    assert only_rejection(admit(runtime, KNOWLEDGE, ask(wish))) == sentence


def test_the_newest_patch_that_has_a_wheel_is_found() -> None:
    assert versions(admit(facts("3.7"), KNOWLEDGE, ask("2.11"))) == ["2.11.0"]


def test_glibc_2_27_is_enough_for_2_21() -> None:
    assert versions(admit(facts("3.12", libc="glibc 2.27"), KNOWLEDGE, ask("2.21"))) == ["2.21.0"]


def test_old_manylinux_names_fit_old_glibc() -> None:
    assert "2.8.4" in versions(admit(facts("3.10", libc="glibc 2.12"), KNOWLEDGE, ask("2.8")))
    assert not admit(facts("3.10", libc="glibc 2.12"), KNOWLEDGE, ask("2.9")).candidates


def test_another_implementation_of_python_has_no_wheels() -> None:
    pypy = replace(facts(), python=PythonFacts(version="3.11.11", implementation="pypy"))
    admission = admit(pypy, KNOWLEDGE, ask("2.20"))
    assert not admission.candidates
    assert only_rejection(admission) == (
        "TensorFlow 2.20.0 has wheels for CPython 3.9 to 3.13 only; this runtime has Python 3.11 of pypy"
    )


def test_python_3_14_gets_no_pre_release_unasked_and_is_told_of_it() -> None:
    admission = admit(facts("3.14"), KNOWLEDGE, ask())
    assert not admission.candidates
    found = rejections(admission, KNOWLEDGE)
    assert any("2.22.0rc0" in way.command for way in found.ways_out)
    assert any("--python=3.13" in way.command for way in found.ways_out)
    assert versions(admit(facts("3.14"), KNOWLEDGE, ask("2.22.0rc0"))) == ["2.22.0rc0"]


def test_the_ways_out_of_an_old_version_are_named_cheapest_first() -> None:
    admission = admit(facts("3.12"), KNOWLEDGE, ask("2.7"))
    found = rejections(admission, KNOWLEDGE)
    assert [(way.text, way.command) for way in found.ways_out] == [
        ("another TensorFlow: 2.16 fits this runtime", "tfbootstrap lock --tensorflow=2.16"),
        ("another TensorFlow: 2.21 fits this runtime", "tfbootstrap lock --tensorflow=2.21"),
        (
            "another Python: TensorFlow 2.7 fits Python 3.9 in a virtual environment",
            "tfbootstrap lock --tensorflow=2.7 --python=3.9",
        ),
    ]
    notebook = rejections(admit(replace(facts("3.12"), host=HostFacts(kind="colab")), KNOWLEDGE, ask("2.7")), KNOWLEDGE)
    assert notebook.ways_out[2].text.endswith("in a virtual environment (tfbootstrap cell --isolate)")
    text = rejections_text(found, runtime="this machine")
    assert text.startswith(
        "no TensorFlow that was asked for fits this machine\n  TensorFlow 2.7.4 has wheels for Python"
    )
    assert text.endswith("    tfbootstrap lock --tensorflow=2.7 --python=3.9")


@pytest.mark.parametrize(("wish", "near"), [("2.99", "2.21.0"), ("2.15.9", "2.15.1"), ("9", "2.21.0")])
def test_an_unknown_version_is_answered_with_the_nearest(wish: str, near: str) -> None:
    with pytest.raises(UsageError, match="no TensorFlow release that the matrix knows") as caught:
        admit(facts(), KNOWLEDGE, ask(wish))
    assert near in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        ("broken", UnsatisfiableError, "a driver that does not answer: nvidia-smi exited 9"),
        ("unknown", UsageError, "is not known: nvidia-smi exited 9"),
    ],
)
def test_a_gpu_that_may_be_there_is_no_cpu(
    status: Literal["broken", "unknown"], error: type[Exception], message: str
) -> None:
    runtime = replace(facts(), gpu_status=status, unknown={"gpus": "nvidia-smi exited 9"})
    with pytest.raises(error, match=message):
        admit(runtime, KNOWLEDGE, ask("2.20"))
    assert versions(admit(runtime, KNOWLEDGE, replace(ask("2.20"), gpu="none"))) == ["2.20.0"]
    assert versions(admit(runtime, KNOWLEDGE, replace(ask("2.20"), cuda="none"))) == ["2.20.0"]


def test_a_mac_is_told_of_the_plug_in_that_uses_its_gpu() -> None:
    (candidate,) = admit(facts("3.12", "macos", "arm64", None), KNOWLEDGE, ask("2.20")).candidates
    assert candidate.cuda_provider == "none"
    assert "tensorflow-metal" in candidate.reasons[0]


def test_wheels_that_hold_no_gpu_code_need_no_answer_about_gpus() -> None:
    runtime = replace(facts(machine="aarch64"), gpu_status="unknown")
    assert versions(admit(runtime, KNOWLEDGE, ask("2.20"))) == ["2.20.0"]


def test_wishes_that_contradict_each_other_are_named_with_their_places() -> None:
    request = Request(
        tensorflow=(
            TensorflowWish(specifier=SpecifierSet("==2.20.*"), said_by="--tensorflow"),
            TensorflowWish(specifier=SpecifierSet("<2.16"), said_by="requirements.in:3"),
        )
    )
    with pytest.raises(UsageError, match=r"==2\.20\.\* \(--tensorflow\) and <2\.16 \(requirements\.in:3\)"):
        admit(facts(), KNOWLEDGE, request)
