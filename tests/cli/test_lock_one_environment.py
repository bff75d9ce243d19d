"""`tfbootstrap lock` where others share the environment: two CUDA majors, tensorflow-cpu, the image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import User
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.lock import read_lock

CPU = ("--runtime", "linux-cpu", "--tensorflow", "2.20")
T4 = ("--runtime", "linux-gpu", "--gpu", "T4", "--driver", "550.54.15", "--tensorflow", "2.20")


@pytest.fixture
def user(user: User) -> User:
    for name, version, requires in (
        ("torch", "2.10.0", ("nvidia-cudnn-cu12",)),
        ("torch", "2.12.0", ("nvidia-cudnn-cu13",)),
        ("nvidia-cudnn-cu13", "9.19.0.56", ()),
        ("needs-tensorflow", "1.0", ("tensorflow",)),
        ("jax", "0.6.0", ()),
        ("tensorflow-cpu", "2.20.0", ("numpy", "keras")),
    ):
        user.index.add(build_wheel(Project(name=name, version=version, requires=requires)))
    newer = Project(name="jax", version="0.9.0", extras={"cuda13": ("nvidia-cudnn-cu13",)})
    user.index.add(build_wheel(newer))
    return user


def target(user: User, *arguments: str) -> dict[str, Any]:
    result = user.lock(*arguments, "--json")
    (found,) = json.loads(result.stdout)["targets"]
    return dict(found)


def test_the_newest_of_the_same_cuda_major_is_taken(user: User) -> None:
    found = target(user, "torch", *T4)
    assert found["pins"]["torch"] == "2.10.0"
    assert "nvidia-cudnn-cu13" not in found["pins"]
    assert any("torch 2.10.0 instead of 2.12.0: newer ones bring nvidia-cudnn-cu13" in one for one in found["warnings"])


def test_two_cuda_majors_that_must_be_are_rejected_and_isolation_is_offered(user: User) -> None:
    result = user.lock("torch==2.12.0", *T4)
    assert result.returncode == 3
    assert "needs wheels of CUDA 12 only" in result.stderr
    assert "torch 2.12.0 with CUDA 13 (nvidia-cudnn-cu13)" in result.stderr
    assert "`tfbootstrap install --venv DIR`, or in a notebook with `tfbootstrap cell --isolate`" in result.stderr
    user.sandbox.assert_nothing_left()


def test_an_older_version_that_lacks_the_extra_is_no_way_to_agree(user: User) -> None:
    result = user.lock("jax[cuda13]", *T4)
    assert result.returncode == 3
    assert "jax 0.9.0 with CUDA 13 (nvidia-cudnn-cu13)" in result.stderr


def test_the_other_way_out_has_one_major_only(user: User) -> None:
    (_, cpu) = target(user, "torch==2.12.0", *T4)["ways_out"]
    assert cpu["command"].endswith("--gpu=none")
    found = target(user, "torch==2.12.0", *CPU, "--gpu", "none")
    assert (found["pins"]["torch"], found["cuda"]["provider"]) == ("2.12.0", "none")


def test_slim_takes_tensorflow_cpu(user: User) -> None:
    assert user.lock("--slim", "--gpu", "none", *CPU).returncode == 0
    lock = read_lock(user.text(), "requirements.txt")
    assert lock.header.distribution == "tensorflow-cpu"
    assert lock.header.tensorflow == "2.20.0"
    assert lock.pin("tensorflow") is None
    assert lock.pin("tensorflow-cpu") is not None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("needs-tensorflow", "--gpu", "none"), "needs-tensorflow requires tensorflow itself"),
        ((), "--slim is for the CPU and goes with --gpu none"),
        (
            ("--gpu", "none", "--tensorflow", "2.19.1"),
            "the index has no tensorflow-cpu 2.19.1 for this runtime",
        ),
    ],
    ids=["needed", "not-for-the-cpu", "not-there"],
)
def test_slim_says_why_it_does_not(user: User, arguments: tuple[str, ...], reason: str) -> None:
    found = target(user, "--slim", *CPU, *arguments)
    assert found["tensorflow"]["distribution"] == "tensorflow"
    assert f"tensorflow-cpu is not taken: {reason}" in found["warnings"]


def test_strict_image_refuses_what_breaks_the_image(user: User) -> None:
    facts = {
        "schema": 1,
        "python": {"version": "3.12.11"},
        "platform": {"system": "linux", "machine": "x86_64", "libc": "glibc 2.35"},
        "gpu_status": "absent",
        "host": {"kind": "colab"},
        "distributions": {
            "tensorflow": {"version": "2.20.0"},
            "fragile": {"version": "1.0", "requires": ["tensorflow<2.21"]},
        },
    }
    user.write("colab.json", json.dumps(facts))
    loose = user.lock("--tensorflow", "2.21", "--runtime", "colab.json")
    assert "breaks: fragile 1.0 requires tensorflow<2.21" in loose.stderr
    strict = user.lock("--tensorflow", "2.21", "--runtime", "colab.json", "--strict-image", "-o", "strict.txt")
    assert strict.returncode == 3
    assert "fragile 1.0 requires tensorflow<2.21, and would get 2.21.0" in strict.stderr
    assert not (user.sandbox.work / "strict.txt").exists()


def test_a_further_extra_of_tensorflow_is_locked_too(user: User) -> None:
    found = target(user, "tensorflow[gcs-filesystem]", *CPU)
    assert "tensorflow-io-gcs-filesystem" in found["pins"]


def test_an_extra_that_tensorflow_does_not_have_is_refused(user: User) -> None:
    result = user.lock("tensorflow[gpu]", *CPU)
    assert result.returncode == 2
    assert "tensorflow has no extra 'gpu'; it has and-cuda" in result.stderr
