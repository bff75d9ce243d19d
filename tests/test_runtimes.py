"""Runtime profiles: what was captured of each, what they stand for, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfbootstrap import facts
from tfbootstrap.edges.resources import find_data, load, load_file
from tfbootstrap.edges.runtimes import load_runtime, runtime_names
from tfbootstrap.errors import UsageError
from tfbootstrap.facts import Facts, Gpu
from tfbootstrap.matrix import runtimes
from tfbootstrap.matrix.hosts import HostsMatrix
from tfbootstrap.matrix.profiles import offered_gpus, profile_facts
from tfbootstrap.matrix.runtimes import RuntimeProfile

PROFILES = [
    entry for entry in (Path(str(find_data("compat_matrix"))) / "runtimes").iterdir() if entry.suffix == ".yaml"
]


def facts_of(name: str, **overrides: object) -> Facts:
    runtime = load_runtime(name)
    return profile_facts(runtime.profile, host=runtime.host, **overrides)  # type: ignore[arg-type]  # passed through


# What Colab's README and lists say of each dated runtime, copied by hand from googlecolab/backend-info at its commits.
CAPTURED = {
    "colab-2025.07": ("3.11.13", "2.18.0", "3.8.0", "2.0.2", "5.29.5", "9.2.1.18", "9.3.0.75", "12.5.1"),
    "colab-2025.10": ("3.12.12", "2.19.0", "3.10.0", "2.0.2", "5.29.5", "9.2.1.18", "9.10.2.21", "12.5.1"),
    "colab-2026.01": ("3.12.12", "2.19.0", "3.10.0", "2.0.2", "5.29.5", "9.2.1.18", "9.10.2.21", "12.5.1"),
    "colab-2026.04": ("3.12.13", "2.19.0", "3.13.2", "2.0.2", "5.29.6", "9.8.0.87", "9.10.2.21", "12.8.1"),
    "colab-2026.07": ("3.12.13", "2.20.0", "3.13.2", "2.0.2", "5.29.6", "9.8.0.87", "9.19.0.56", "12.8.1"),
    "colab-2026.08": ("3.13.15", "2.20.0", "3.13.2", "2.1.3", "5.29.6", "9.8.0.87", "9.19.0.56", "12.8.1"),
}


@pytest.mark.parametrize("name", sorted(CAPTURED))
def test_dated_colab_runtimes_are_as_captured(name: str) -> None:
    runtime = facts_of(name)
    versions = {package: distribution.version for package, distribution in runtime.distributions.items()}
    system, wheel = runtime.cudnn
    assert (
        runtime.python.version,
        versions["tensorflow"],
        versions["keras"],
        versions["numpy"],
        versions["protobuf"],
        system.version,
        wheel.version,
        runtime.cuda_toolkits[0].version,
    ) == CAPTURED[name]
    assert (system.source, wheel.source) == ("system", "nvidia-cudnn-cu12")
    assert runtime.platform.glibc == (2, 35)
    assert runtime.host == facts.HostFacts(kind="colab", release=name.removeprefix("colab-"))


def test_every_dated_colab_runtime_has_a_captured_row() -> None:
    assert sorted(name for name in runtime_names() if name.startswith("colab-")) == sorted(CAPTURED)


@pytest.mark.parametrize(
    ("name", "image", "packages"),
    [("colab-2026.01", "cpu", 659), ("colab-2026.07", "cpu", 636), ("colab-2026.08", "cpu", 634)],
)
def test_lists_are_complete(name: str, image: runtimes.Image, packages: int) -> None:
    assert len(load_runtime(name).profile.pins(image)) == packages


def test_the_gpu_image_is_the_cpu_image_and_its_difference() -> None:
    profile = load_runtime("colab-2026.07").profile
    cpu, gpu = profile.pins("cpu"), profile.pins("gpu")
    assert cpu["nvidia-nccl-cu12"] == "2.30.7"
    assert gpu["nvidia-nccl-cu12"] == "2.28.9"
    assert "torch" not in cpu
    assert gpu["torch"] == "2.11.0+cu128"
    assert {reference.name: reference.version for reference in profile.references("cpu")}["torch"] == "2.11.0+cpu"
    assert {reference.name for reference in profile.references("gpu")} == {
        "cucim-cu12",
        "cuvs-cu12",
        "en-core-web-sm",
        "google-colab",
        "jupyter-kernel-gateway",
        "nx-cugraph-cu12",
    }


def test_a_host_lends_its_first_gpu_unless_one_is_named() -> None:
    colab = facts_of("colab-2026.07")
    assert colab.gpu_status == "present"
    assert [(gpu.name, gpu.compute_capability, gpu.source) for gpu in colab.gpus] == [("Tesla T4", "7.5", "profile")]
    assert colab.driver == facts.DriverFacts(version="580.82.07", cuda_version="13.0", source="profile")
    assert [gpu.name for gpu in facts_of("kaggle-2026.06").gpus] == ["Tesla T4", "Tesla T4"]


def test_a_named_gpu_and_driver_win() -> None:
    gpu = Gpu(name="NVIDIA L4", compute_capability="8.9")
    colab = facts_of("colab-2026.07", gpus=(gpu,), driver="550.54.15", python="3.11")
    assert colab.gpus == (gpu,)
    assert colab.driver == facts.DriverFacts(version="550.54.15", source="option")
    assert colab.python.version == "3.11"


def test_without_gpu_there_is_the_cpu_image_and_no_driver() -> None:
    colab = facts_of("colab-2026.07", gpus=())
    assert (colab.gpu_status, colab.driver, colab.cudnn, colab.cuda_toolkits) == ("absent", None, (), ())
    assert colab.distributions["torch"].version == "2.11.0+cpu"
    assert "driver" not in colab.unknown


def test_when_one_image_served_all_it_has_cuda_without_a_gpu() -> None:
    colab = facts_of("colab-2025.07", gpus=())
    assert [install.version for install in colab.cudnn] == ["9.2.1.18", "9.3.0.75"]


@pytest.mark.parametrize(
    ("offer", "names"),
    [
        ("t4", ["Tesla T4"]),
        ("Tesla T4", ["Tesla T4"]),
        ("G4", ["NVIDIA RTX PRO 6000 Blackwell Server Edition"]),
        ("a100", ["NVIDIA A100-SXM4-40GB"]),
        ("K80", []),
    ],
)
def test_offers_are_found_by_any_of_their_names(offer: str, names: list[str]) -> None:
    host = load(HostsMatrix).host("colab")
    assert host is not None
    assert [gpu.name for gpu in offered_gpus(host, offer)] == names


def test_drivers_are_told_by_day() -> None:
    host = load(HostsMatrix).host("colab")
    assert host is not None
    days = ("2023-01-01", "2025-06-01", "2026-02-05")
    seen = [host.driver_on(day) for day in days]
    assert [driver.version if driver else None for driver in seen] == [None, "550.54.15", "580.82.07"]


@pytest.mark.parametrize(
    ("name", "status", "unknown"),
    [
        ("linux-cpu", "absent", set()),
        ("linux-gpu", "unknown", {"gpus", "driver"}),
        ("linux-aarch64", "absent", set()),
        ("macos-arm64", "absent", set()),
        ("macos-x86_64", "absent", set()),
        ("windows", "unknown", {"gpus", "driver", "cuda_toolkits"}),
        ("wsl2", "unknown", {"gpus", "driver"}),
        ("ubuntu-22.04", "unknown", {"gpus", "driver"}),
    ],
)
def test_plain_profiles_presume_no_gpu(name: str, status: str, unknown: set[str]) -> None:
    plain = facts_of(name)
    assert plain.gpu_status == status
    assert set(plain.unknown) == unknown | {"platform.cpu_flags"}


def test_a_distribution_is_a_runtime_with_its_glibc() -> None:
    debian = facts_of("debian-11")
    assert (debian.platform.glibc, debian.platform.release, debian.host.kind) == ((2, 31), "Debian 11", "plain")


def test_partial_lists_say_so() -> None:
    kaggle = facts_of("kaggle-2026.06")
    assert kaggle.distributions["protobuf"].version == "5.29.5"
    assert kaggle.distributions["tensorflow"].version == "2.20.0"
    assert "only what is certain" in kaggle.unknown["distributions"]
    assert kaggle.driver is None
    assert "driver" in kaggle.unknown


def test_requirements_reach_the_distributions() -> None:
    colab = facts_of("colab-2026.07", requires={"keras": ("h5py>=3.0",)})
    assert colab.distributions["keras"].requires == ("h5py>=3.0",)
    assert colab.distributions["numpy"].requires == ()


def test_preset_variables_are_facts_where_their_value_is_fixed() -> None:
    assert facts_of("colab-2026.07").environment == {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "UV_SYSTEM_PYTHON": "true"}


def test_an_unknown_runtime_names_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        load_runtime("colab-2026.6")
    assert str(error.value) == "there is no runtime 'colab-2026.6'"
    assert error.value.hint is not None
    assert "colab-2026.07" in error.value.hint


@pytest.mark.parametrize("file", PROFILES, ids=lambda file: file.stem)
def test_profiles_are_named_as_their_file(file: Path) -> None:
    assert load_file(RuntimeProfile, file).name == file.stem
