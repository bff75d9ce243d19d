"""What the other distributions of TensorFlow mean for a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_admission import ask, facts, only_rejection, versions
from tfbootstrap.app.knowledge import load_knowledge
from tfbootstrap.errors import Location
from tfbootstrap.explain import rejection_sentence
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.admission import admit, parts_needed
from tfbootstrap.plan.bounds import published_requirements
from tfbootstrap.plan.distributions import renamed_reasons, slim_hindrance, slim_requirements
from tfbootstrap.plan.knowledge import ALL_PARTS
from tfbootstrap.plan.problem import slim_input
from tfbootstrap.plan.tags import target_tags
from tfbootstrap.request import Request, parse_requirement, renamed_tensorflow
from tfbootstrap.resolution import PackageMetadata, ResolutionInput

KNOWLEDGE = load_knowledge(parts=ALL_PARTS)
DISTRIBUTIONS = KNOWLEDGE.distributions
assert DISTRIBUTIONS is not None

WINDOWS_38 = facts("3.8", "windows", "x86_64", None)
AARCH64 = facts("3.10", "linux", "aarch64")
MAC = facts("3.12", "macos", "arm64", None, "14.0")


def row(version: str) -> TensorflowRow:
    found = KNOWLEDGE.tensorflow.row(version)
    assert found is not None
    return found


def test_a_shim_whose_stand_in_has_no_wheel_for_this_python_is_rejected() -> None:
    rejection = only_rejection(admit(WINDOWS_38, KNOWLEDGE, ask("2.13.1")))
    assert rejection == (
        "TensorFlow 2.13.1 only redirects there, to tensorflow-intel 2.13.1, which has wheels for Python 3.9 to 3.11 "
        "only; this runtime has Python 3.8"
    )
    assert versions(admit(WINDOWS_38, KNOWLEDGE, ask("2.13"))) == ["2.13.0"]


def test_a_stand_in_for_one_old_python_serves_no_other() -> None:
    rejection = only_rejection(admit(AARCH64, KNOWLEDGE, ask("2.11.1")))
    assert "tensorflow-cpu-aws 2.11.1, which has wheels for Python 3.7 only" in rejection
    assert versions(admit(AARCH64, KNOWLEDGE, ask("2.11"))) == ["2.11.0"]


def test_where_the_wheel_itself_holds_tensorflow_there_is_no_stand_in() -> None:
    assert versions(admit(facts("3.9", "windows", "x86_64", None), KNOWLEDGE, ask("2.18.1"))) == ["2.18.1"]


@pytest.mark.parametrize(
    ("python", "system", "machine", "version", "bound"),
    [
        ("3.11", "windows", "x86_64", "2.14.0", "numpy<2"),
        ("3.11", "macos", "arm64", "2.14.0", "numpy<2"),
        ("3.10", "linux", "aarch64", "2.11.0", "numpy<1.24"),
        ("3.10", "windows", "x86_64", "2.11.0", "numpy<1.24"),
    ],
)
def test_bounds_know_what_the_stand_in_requires(
    python: str, system: str, machine: str, version: str, bound: str
) -> None:
    machine_facts = facts(python, system, machine, "glibc 2.35" if system == "linux" else None, "14.0")
    (candidate,) = admit(machine_facts, KNOWLEDGE, ask(version)).candidates
    assert bound in {one.requirement for one in candidate.bounds}
    blind = replace(KNOWLEDGE, distributions=None)
    (candidate,) = admit(machine_facts, blind, ask(version)).candidates
    assert bound not in {one.requirement for one in candidate.bounds}


def test_what_a_shim_and_its_stand_in_require_is_required() -> None:
    lines = published_requirements(row("2.17.1"), facts("3.11", "windows", "x86_64", None), DISTRIBUTIONS)
    assert 'tensorflow-intel==2.17.1; platform_system == "Windows"' in lines
    assert "h5py>=3.10.0" in lines


@pytest.mark.parametrize(
    ("machine", "version", "other"),
    [
        (
            facts("3.10", "macos", "arm64", None, "14.0"),
            "2.12.1",
            "tensorflow-macos 2.12.0, has them for Python 3.8",
        ),
        (AARCH64, "2.9.3", "tensorflow-cpu-aws 2.9.1, has them for Python 3.7 to 3.10"),
    ],
    ids=["mac", "aarch64"],
)
def test_a_platform_that_another_distribution_serves_is_told(machine: Facts, version: str, other: str) -> None:
    (rejection,) = admit(machine, KNOWLEDGE, ask(version)).rejected
    assert rejection.rule == "platform"
    assert other in rejection_sentence(rejection)


def test_a_platform_that_nothing_serves_names_no_other() -> None:
    rejection = only_rejection(admit(facts("3.12", "linux", "riscv64"), KNOWLEDGE, ask("2.20")))
    assert "another distribution" not in rejection


@pytest.mark.parametrize(
    ("version", "python", "words"),
    [
        ("2.17", "3.12", "which can be required beside it: tensorflow-metal==1.1.*"),
        ("2.20", "3.12", "tensorflow-metal==1.2.* (1.1.0 fails on 2.18 with a missing symbol; nothing is documented"),
        ("2.20", "3.13", "tensorflow-metal, which has no wheel for Python 3.13 (up to 3.12)"),
    ],
)
def test_a_mac_is_told_which_plug_in_goes_with_the_release(version: str, python: str, words: str) -> None:
    mac = facts(python, "macos", "arm64", None, "14.0")
    (candidate, *_) = admit(mac, KNOWLEDGE, ask(version)).candidates
    assert words in candidate.reasons[0]


@pytest.mark.parametrize(
    ("machine", "request_", "reason"),
    [
        (facts(), Request(gpu="none"), "the CPU is planned, as asked for"),
        (facts(), Request(), "the CPU is planned: this runtime has no GPU that can be used"),
        (
            facts("3.12", "windows", "x86_64", None),
            Request(),
            "the CPU is planned: no wheel of TensorFlow 2.21 for windows-x86_64 uses a GPU; in WSL2 the one for Linux",
        ),
        (AARCH64, Request(), "the CPU is planned: no wheel of TensorFlow 2.21 for linux-aarch64 uses a GPU"),
    ],
)
def test_why_the_cpu_is_planned(machine: Facts, request_: Request, reason: str) -> None:
    (candidate, *_) = admit(machine, KNOWLEDGE, request_).candidates
    assert candidate.reasons[0].startswith(reason)


@pytest.mark.parametrize(
    ("machine", "version", "reason"),
    [
        (facts(), "2.20.0", None),
        (facts("3.10", "windows", "x86_64", None), "2.10.1", None),
        (
            facts("3.12", "windows", "x86_64", None),
            "2.20.0",
            "the wheels of tensorflow 2.20.0 for windows-x86_64 are for processors alone already",
        ),
        (MAC, "2.20.0", "the wheels of tensorflow 2.20.0 for macos-arm64 are for processors alone already"),
        (facts("3.8"), "2.11.1", None),
        (facts("3.7"), "2.11.1", "there is no tensorflow-cpu 2.11.1 for this runtime"),
        (facts("3.14"), "2.22.0rc0", "there is no tensorflow-cpu 2.22.0rc0 for this runtime"),
    ],
)
def test_where_tensorflow_cpu_can_be_taken(machine: Facts, version: str, reason: str | None) -> None:
    assert DISTRIBUTIONS is not None
    assert slim_hindrance(row(version), machine, target_tags(machine), DISTRIBUTIONS) == reason


def test_tensorflow_cpu_is_resolved_with_what_its_own_wheel_requires() -> None:
    assert DISTRIBUTIONS is not None
    windows = facts("3.10", "windows", "x86_64", None)
    own = slim_requirements(row("2.10.1"), windows, DISTRIBUTIONS)
    assert own is not None
    assert 'tensorflow-intel==2.10.1; platform_system == "Windows"' in own
    assert slim_requirements(row("2.20.0"), facts(), DISTRIBUTIONS) is None
    published = published_requirements(row("2.10.1"), windows)
    metadata = PackageMetadata(
        name="tensorflow",
        version="2.10.1",
        requires=(*published, "setuptools<82"),
        requires_python=">=3.7",
        extras=(),
    )
    problem = ResolutionInput(
        requirements=("tensorflow==2.10.1", "numpy"),
        metadata=(metadata,),
        python="3.10",
        system="windows",
        machine="x86_64",
        libc=None,
        offline=False,
    )
    slim = slim_input(problem, "2.10.1", published, own)
    assert slim.requirements == ("tensorflow-cpu==2.10.1", "numpy")
    assert slim.metadata[0].requires == (*own, "setuptools<82")
    assert slim_input(problem, "2.10.1").metadata[0].requires == metadata.requires


def renamed(*lines: str, slim: bool = False) -> Request:
    wanted = tuple(parse_requirement(line, Location("requirements.txt", 3)) for line in lines)
    return Request(renamed=renamed_tensorflow(wanted), slim=slim)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            renamed("tensorflow-gpu>=2.4", "numpy", "tensorflow"),
            "it ended with 2.11.0; 2.12.0 is a source package",
        ),
        (renamed("tensorflow-cpu"), "--slim takes tensorflow-cpu itself"),
        (renamed("tensorflow-cpu", slim=True), "both bring the same files"),
    ],
)
def test_another_name_is_met_by_tensorflow_and_told_why(request_: Request, words: str) -> None:
    (reason,) = renamed_reasons(request_, DISTRIBUTIONS)
    assert reason.startswith(f"{request_.renamed[0].name} (requirements.txt:3) is met by tensorflow: ")
    assert words in reason


def test_what_is_read_besides_depends_on_the_runtime() -> None:
    assert parts_needed(facts(), Request(gpu="none")) == frozenset()
    assert parts_needed(facts(), renamed("tensorflow-gpu")) == {"distributions"}
    assert parts_needed(facts(), Request(gpu="none", slim=True)) == {"distributions"}
    assert parts_needed(MAC, Request()) == {"distributions", "companions"}
