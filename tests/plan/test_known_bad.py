"""Every known-bad row fires for some situation, and does what its effect says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from tests.plan.test_bounds import admission_of, linux
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import EngineConflictError
from tfbootstrap.facts import Gpu
from tfbootstrap.lock import CudaProvider, Lock, LockGpu, LockHeader, LockTarget, Pin
from tfbootstrap.matrix.known_bad import KnownBad, KnownBadMatrix, Situation
from tfbootstrap.plan.bounds import avoided_reason
from tfbootstrap.plan.known_bad import (
    became_known_bad,
    judge_solution,
    known_bad_bounds,
    known_bad_rejection,
    situation_of,
)
from tfbootstrap.plan.records import Avoided, Plan

KNOWN_BAD = load(KnownBadMatrix)


def situation(
    tensorflow: str,
    *,
    python: str = "3.12",
    platform: str = "linux-x86_64",
    provider: CudaProvider = "wheels",
    capability: str = "8.0",
    packages: Mapping[str, str] | None = None,
) -> Situation:
    return Situation(
        tensorflow=tensorflow,
        python=python,
        platform=platform,
        cuda_provider=provider,
        compute_capabilities=(capability,),
        packages=packages or {},
    )


def cudnn(version: str) -> dict[str, str]:
    return {"nvidia-cudnn-cu12": version}


FIRES = {
    "and-cuda-2.14-tensorrt": (
        situation("2.14.1", packages={"tensorrt": "8.5.3.1"}),
        situation("2.14.1"),
    ),
    "and-cuda-2.15.0-tensorrt": (
        situation("2.15.0", packages={"tensorrt-libs": "8.6.1"}),
        situation("2.15.1", packages={"tensorrt-libs": "8.6.1"}),
    ),
    "and-cuda-2.16-not-found": (situation("2.16.1"), situation("2.16.1", provider="none")),
    "blackwell-ptx": (situation("2.20.0", capability="12.0"), situation("2.20.0", capability="9.0")),
    "cudnn-2.21-conv2d": (
        situation("2.21.0", packages=cudnn("9.5.1.17")),
        situation("2.21.0", packages=cudnn("9.24.0.43")),
    ),
    "cudnn-9.11-old-gpu": (
        situation("2.20.0", capability="6.0", packages=cudnn("9.11.0.98")),
        situation("2.20.0", capability="7.5", packages=cudnn("9.11.0.98")),
    ),
    "macos-2.20-pyarrow": (
        situation("2.20.0", platform="macos-arm64", provider="none", packages={"pyarrow": "21.0.0"}),
        situation("2.19.1", platform="macos-arm64", provider="none", packages={"pyarrow": "21.0.0"}),
    ),
    "nccl-cu12-cu13": (
        situation("2.20.0", packages={"nvidia-nccl-cu12": "2.30.7", "nvidia-nccl-cu13": "2.30.7"}),
        situation("2.20.0", packages={"nvidia-nccl-cu12": "2.30.7"}),
    ),
    "tensorflow-cpu-beside": (
        situation("2.21.0", packages={"tensorflow": "2.21.0", "tensorflow-cpu": "2.20.0"}),
        situation("2.21.0", packages={"tensorflow": "2.21.0"}),
    ),
    "tensorflow-gpu-beside": (
        situation("2.11.1", packages={"tensorflow": "2.11.1", "tensorflow-gpu": "2.11.0"}),
        situation("2.11.1", packages={"tensorflow": "2.11.1"}),
    ),
    "tensorflow-rocm-beside": (
        situation("2.14.1", packages={"tensorflow": "2.14.1", "tensorflow-rocm": "2.14.0.600"}),
        situation("2.14.1", packages={"tensorflow": "2.14.1"}),
    ),
    "tensorflow-intel-stub": (situation("2.19.1", platform="windows-x86_64"), situation("2.19.1")),
}
"""Row -> a situation that it is about, and one beside it that it is not about."""


@pytest.mark.parametrize("row", KNOWN_BAD.rows, ids=lambda row: row.id)
def test_every_row_fires_where_it_should_and_not_beside(row: KnownBad) -> None:
    there, beside = FIRES[row.id]
    assert row.id in [found.id for found in KNOWN_BAD.matching(there)]
    assert row.id not in [found.id for found in KNOWN_BAD.matching(beside)]


def test_a_gpu_that_is_not_used_does_not_matter() -> None:
    assert not KNOWN_BAD.matching(situation("2.20.0", provider="none", capability="12.0"))


def test_a_bound_keeps_the_bad_version_out_and_takes_the_marker_of_its_requirement() -> None:
    extra = 'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"'
    found = known_bad_bounds(situation("2.21.0"), (extra, "numpy"), KNOWN_BAD)
    assert lines(found) == ['nvidia-cudnn-cu12>=9.10.2.21; extra == "and-cuda"']
    plain = known_bad_bounds(situation("2.21.0"), ("nvidia-cudnn-cu12",), KNOWN_BAD)
    assert lines(plain) == ["nvidia-cudnn-cu12>=9.10.2.21"]
    assert known_bad_bounds(situation("2.21.0"), ("numpy",), KNOWN_BAD) == ()
    assert known_bad_bounds(situation("2.20.0"), (extra,), KNOWN_BAD) == ()


def lines(avoided: tuple[Avoided, ...]) -> list[str]:
    return [one.requirement for one in avoided]


@pytest.mark.parametrize(
    ("tensorflow", "capability", "bounds"),
    [
        ("2.19.1", "6.0", []),
        ("2.20.0", "7.5", []),
        ("2.20.0", "6.0", ["nvidia-cudnn-cu12<9.11"]),
        ("2.21.0", "8.9", ["nvidia-cudnn-cu12>=9.10.2.21"]),
        ("2.21.0", "7.0", ["nvidia-cudnn-cu12>=9.10.2.21", "nvidia-cudnn-cu12<9.11"]),
    ],
)
def test_which_cudnn_is_kept_out_depends_on_the_gpu(tensorflow: str, capability: str, bounds: list[str]) -> None:
    requires = ("nvidia-cudnn-cu12==9.3.0.75",) if tensorflow < "2.20" else ("nvidia-cudnn-cu12<10.0,>=9.3.0.75",)
    assert lines(known_bad_bounds(situation(tensorflow, capability=capability), requires, KNOWN_BAD)) == bounds


def excluding(row: str) -> KnownBadMatrix:
    known = next(known for known in KNOWN_BAD.rows if known.id == row)
    return KnownBadMatrix(rows=(dataclasses.replace(known, effect="exclude", packages={}, bound=None),))


def test_a_row_without_packages_that_excludes_rejects_a_release() -> None:
    rejection = known_bad_rejection(situation("2.20.0", capability="12.0"), excluding("blackwell-ptx"))
    assert rejection is not None
    assert (rejection.tensorflow, rejection.rule, rejection.source) == (
        "2.20.0",
        "known-bad",
        "tensorflow/tensorflow#89272",
    )
    assert known_bad_rejection(situation("2.20.0"), excluding("blackwell-ptx")) is None
    assert known_bad_rejection(situation("2.20.0", capability="12.0"), KNOWN_BAD) is None


def plan_with(pins: Mapping[str, str]) -> Plan:
    admission = admission_of("2.21.0", "3.12")
    (candidate,) = admission.candidates
    return Plan(facts=admission.facts, request=admission.request, candidate=candidate, gpus=(), pins=pins)


def test_pins_that_are_known_bad_are_not_locked() -> None:
    with pytest.raises(EngineConflictError, match="tensorflow-cpu-beside") as caught:
        judge_solution(plan_with({"tensorflow": "2.21.0", "tensorflow-cpu": "2.20.0"}), KNOWN_BAD)
    assert caught.value.hint


def test_pins_to_be_warned_of_are_locked_with_a_warning_and_their_row() -> None:
    pins = {"nvidia-nccl-cu12": "2.30.7", "nvidia-nccl-cu13": "2.30.7"}
    plan = judge_solution(plan_with(pins), KNOWN_BAD)
    assert len(plan.warnings) == 1
    assert "libnccl" in plan.warnings[0]
    assert list(plan.rows) == ["known_bad:nccl-cu12-cu13"]
    assert judge_solution(plan_with({}), KNOWN_BAD) == plan_with({})


def test_a_lock_whose_pins_became_known_bad_is_told() -> None:
    header = LockHeader(
        command="",
        tool="",
        matrix="",
        inputs="",
        target=LockTarget(name="x", python="3.12", system="linux", machine="x86_64"),
        tensorflow="2.21.0",
        distribution="tensorflow",
        cuda_provider="wheels",
        gpus=(LockGpu(name="Tesla T4", compute_capability="7.5"),),
    )
    lock = Lock(header=header, pins=(Pin(name="nvidia-cudnn-cu12", version="9.5.1.17", hashes=()),))
    assert [row.id for row in became_known_bad(lock, KNOWN_BAD)] == ["cudnn-2.21-conv2d"]


def test_a_situation_takes_what_planning_knows() -> None:
    gpus = (Gpu(name="Tesla T4", compute_capability="7.5"), Gpu(name="unknown"))
    found = situation_of("2.20.0", linux("3.12"), "wheels", gpus)
    assert found == situation("2.20.0", capability="7.5")


def test_why_a_version_is_kept_out_is_told() -> None:
    (avoided,) = known_bad_bounds(situation("2.20.0", capability="6.0"), ("nvidia-cudnn-cu12",), KNOWN_BAD)
    assert avoided_reason(avoided) == (
        "nvidia-cudnn-cu12<9.11: without it everything that needs cuDNN on a GPU below compute capability 7.5 fails "
        "(CUDNN_STATUS_ARCH_MISMATCH, or another odd error of cuDNN)"
    )
