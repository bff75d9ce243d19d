"""Which runtimes a lock serves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.locks import make_header
from tfbootstrap.lock import Lock, LockGpu
from tfbootstrap.payload.judge import code_for, driver_serves, judge_runtime, version_at_least
from tfbootstrap.render import lock_data

TF_2_19 = ("sm_60", "sm_70", "sm_80", "sm_89", "compute_90")
T4 = {"name": "Tesla T4", "compute_capability": "7.5"}
L4 = {"name": "NVIDIA L4", "compute_capability": "8.9"}
M40 = {"name": "Tesla M40", "compute_capability": "5.2"}
B200 = {"name": "NVIDIA B200", "compute_capability": "10.0"}
UNTOLD = {"name": "Tesla T4", "compute_capability": None}


@pytest.mark.parametrize(
    ("capability", "codes", "expected"),
    [
        ("6.0", TF_2_19, "binary"),
        ("6.1", TF_2_19, "binary"),
        ("7.5", TF_2_19, "binary"),
        ("8.6", TF_2_19, "binary"),
        ("9.0", TF_2_19, "binary"),
        ("10.0", TF_2_19, "ptx"),
        ("12.0", TF_2_19, "ptx"),
        ("5.2", TF_2_19, "none"),
        ("7.0", ("sm_75",), "none"),
        ("8.6", ("sm_70",), "none"),
        ("8.6", ("compute_70",), "ptx"),
        ("6.1", ("compute_70",), "none"),
        ("7.5", ("3.5", "7.0"), "binary"),
        ("9.0", ("sm_90a",), "binary"),
        ("10.3", ("sm_100",), "binary"),
        ("10.3", ("sm_100a",), "none"),
        ("12.0", ("compute_100a",), "none"),
        ("7.5", (), "none"),
        ("7.5", ("nonsense",), "none"),
    ],
)
def test_code_for(capability: str, codes: tuple[str, ...], expected: str) -> None:
    assert code_for(capability, codes) == expected


@pytest.mark.parametrize(
    ("version", "floor", "expected"),
    [
        ("525.60.13", "525.60.13", True),
        ("525.60.11", "525.60.13", False),
        ("535", "525.60.13", True),
        ("525.60", "525.60.13", False),
        ("2.36", "2.4", True),
        ("2.9", "2.10", False),
    ],
)
def test_versions_are_compared_number_by_number(version: str, floor: str, expected: bool) -> None:
    assert version_at_least(version, floor) is expected
    assert driver_serves(version, floor) is expected


def lock(**changes: Any) -> dict[str, Any]:
    plain = {"python": "3.12", "system": "linux", "machine": "x86_64", "libc": "glibc 2.27"}
    return lock_data(Lock(header=make_header(**{**plain, **changes}), pins=()))


def gpu_lock(**changes: Any) -> dict[str, Any]:
    return lock(
        cuda_provider="wheels",
        build_capabilities=TF_2_19,
        driver_floor="525.60.13",
        gpus=(LockGpu(name="Tesla T4", compute_capability="7.5"),),
        **changes,
    )


def runtime(
    *, python: str = "3.12.4", machine: str = "x86_64", libc: str | None = "glibc 2.36", **changes: Any
) -> dict[str, Any]:
    facts = {
        "python": {"version": python},
        "platform": {"system": "linux", "machine": machine, "libc": libc},
        "gpu_status": "absent",
        "gpus": [],
        "driver": None,
        "unknown": {},
    }
    return {**facts, **changes}


def with_gpus(*gpus: dict[str, Any], driver: str | None = "550.54.15") -> dict[str, Any]:
    return runtime(gpu_status="present", gpus=list(gpus), driver={"version": driver} if driver else None)


def statuses(lock: dict[str, Any], facts: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in judge_runtime(lock, facts)}


def test_a_runtime_like_the_target_passes() -> None:
    assert statuses(lock(), runtime()) == {"python": "pass", "platform": "pass", "libc": "pass"}
    assert statuses(gpu_lock(), with_gpus(T4)) == {
        "python": "pass", "platform": "pass", "libc": "pass", "hardware": "pass", "driver": "pass",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "failing", "found", "hint"),
    [
        ({"python": "3.11.7"}, "python", "3.11.7", "--python 3.11"),
        ({"python": "3.1.2"}, "python", "3.1.2", "--python 3.1"),
        ({"machine": "aarch64"}, "platform", "linux aarch64", "tfbootstrap lock"),
        ({"libc": "glibc 2.17"}, "libc", "glibc 2.17", "newer system"),
        ({"libc": "musl 1.2"}, "libc", "musl 1.2", "newer system"),
    ],
)
def test_another_machine_fails_with_the_way_out(changes: dict[str, str], failing: str, found: str, hint: str) -> None:
    (check,) = [check for check in judge_runtime(lock(), runtime(**changes)) if check["status"] != "pass"]
    assert (check["id"], check["status"], check["found"]) == (failing, "fail", found)
    assert hint in check["hint"]


def test_an_unknown_libc_is_a_warning_and_none_is_asked_of_a_mac() -> None:
    assert statuses(lock(), runtime(libc=None))["libc"] == "warn"
    assert "libc" not in statuses(lock(libc=None), runtime())


@pytest.mark.parametrize(
    ("facts", "status", "hint"),
    [
        (runtime(), "fail", "--gpu none"),
        (runtime(gpu_status="broken", unknown={"gpus": "nvidia-smi exited with 9"}), "fail", "reinstall the driver"),
        (runtime(gpu_status="unknown", unknown={"gpus": "nvidia-smi hangs"}), "warn", "nvidia-smi"),
        (with_gpus(L4), "warn", "another GPU"),
        (with_gpus(T4, T4), "warn", "another GPU"),
        (with_gpus(M40), "fail", "no code for Tesla M40"),
        (with_gpus(M40, T4), "warn", "no code for Tesla M40"),
        (with_gpus(B200), "warn", "compiled at first use"),
        (with_gpus(UNTOLD), "pass", ""),
    ],
)
def test_gpus_are_judged_by_the_code_that_the_build_has(facts: dict[str, Any], status: str, hint: str) -> None:
    (check,) = [check for check in judge_runtime(gpu_lock(), facts) if check["id"] == "hardware"]
    assert check["status"] == status
    assert hint in check["hint"]


def test_the_reason_why_a_driver_does_not_answer_is_told() -> None:
    facts = runtime(gpu_status="broken", unknown={"gpus": "nvidia-smi exited with 9"})
    assert "nvidia-smi exited with 9" in judge_runtime(gpu_lock(), facts)[-1]["found"]


def test_a_lock_without_recorded_code_or_gpu_takes_any_gpu() -> None:
    taken = lock(cuda_provider="system")
    assert statuses(taken, with_gpus(M40))["hardware"] == "pass"
    assert "driver" not in statuses(taken, with_gpus(M40))


@pytest.mark.parametrize(("driver", "status"), [("525.60.13", "pass"), ("470.57", "fail"), (None, "warn")])
def test_the_driver_is_compared_with_the_floor(driver: str | None, status: str) -> None:
    assert statuses(gpu_lock(), with_gpus(T4, driver=driver))["driver"] == status


def test_a_cpu_lock_on_a_gpu_machine_is_a_warning() -> None:
    (check,) = [check for check in judge_runtime(lock(), with_gpus(T4, T4)) if check["id"] == "hardware"]
    assert (check["status"], check["found"]) == ("warn", "2 x Tesla T4")
    assert "--gpu auto" in check["hint"]


@pytest.mark.parametrize(
    ("host", "status", "found", "hint"),
    [
        ({"kind": "colab", "release": "release-colab_20260714-060047_RC00"}, "pass", "colab 2026.07", ""),
        ({"kind": "colab", "release": "2026.07"}, "pass", "colab 2026.07", ""),
        (
            {"kind": "colab", "release": "release-colab-external_20260819-1_RC00"},
            "warn",
            "colab 2026.08",
            "and this is newer; if the rest passes, it serves, too; for another version see Runtime > Change",
        ),
        ({"kind": "colab", "release": "2025.10"}, "warn", "colab 2025.10", "and this is older"),
        (
            {"kind": "kaggle", "release": "release-colab_20260714-060047_RC00"},
            "warn",
            "kaggle 2026.07",
            "serves, too",
        ),
        ({"kind": "jupyter", "release": None}, "warn", "jupyter", "this is another runtime; if the rest passes"),
    ],
)
def test_says_when_the_image_is_another(host: dict[str, Any], status: str, found: str, hint: str) -> None:
    made_for = lock(host="colab", release="2026.07")
    (check,) = [check for check in judge_runtime(made_for, {**runtime(), "host": host}) if check["id"] == "image"]
    assert (check["status"], check["found"], check["expected"]) == (status, found, "colab 2026.07")
    assert hint in check["hint"]


@pytest.mark.parametrize(("served", "status"), [("12.5", "pass"), ("12.4", "fail"), (None, "fail")])
def test_a_forward_compatibility_package_serves_the_cuda_of_the_build(served: str | None, status: str) -> None:
    facts = runtime(gpu_status="present", gpus=[T4], driver={"version": "470.57", "cuda_version": served})
    assert statuses(gpu_lock(build_cuda="12.5.1"), facts)["driver"] == status
