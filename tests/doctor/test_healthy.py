"""Environments in which nothing is wrong: nothing is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.doctor.support import (
    PROOFS,
    examined,
    healthy_inventory,
    machine,
    on_machine,
    proven,
    wheel_folders,
    with_gpu,
    with_packages,
)
from tests.support.machines import captured_machines
from tfbootstrap.edges.resources import find_data, load
from tfbootstrap.edges.runtimes import load_runtime
from tfbootstrap.facts import Distribution
from tfbootstrap.matrix.profiles import profile_facts
from tfbootstrap.matrix.requires import RequiresMatrix


@pytest.mark.parametrize("name", PROOFS)
def test_nothing_is_said_of_what_was_proven(name: str) -> None:
    result = examined(proven(name))
    assert result.findings == ()
    assert not result.wanting
    assert result.looked[1].seen == f"{name.split('-', maxsplit=1)[0]} (tensorflow)"


@pytest.mark.parametrize("version", ["2.18.1", "2.19.1", "2.20.0"])
def test_nothing_is_said_of_a_gpu_that_is_served(version: str) -> None:
    name = f"{version}-cp312-linux-cpu"
    facts = with_packages(with_gpu(name), {"nvidia-cudnn-cu12": "9.10.2.21"})
    result = examined(facts, healthy_inventory(facts, libraries=wheel_folders(version)))
    assert result.findings == ()
    assert "7 of 7 found where TensorFlow looks" in {one.seen for one in result.looked}


@pytest.mark.parametrize("name", ["colab-2025.07", "colab-2025.10", "colab-2026.01", "colab-2026.07", "colab-2026.08"])
def test_images_of_colab_have_no_error(name: str) -> None:
    runtime = load_runtime(name)
    facts = profile_facts(runtime.profile, host=runtime.host)
    requires = load(RequiresMatrix, find_data("compat_matrix")).of(
        {name: one.version for name, one in facts.distributions.items()}
    )
    distributions = {
        package: Distribution(version=one.version, requires=requires.get(package, ()))
        for package, one in facts.distributions.items()
    }
    absent = replace(facts, distributions=distributions, gpus=(), gpu_status="absent", driver=None)
    assert [(one.id, one.evidence) for one in examined(absent).findings if one.severity == "error"] == []


@pytest.mark.parametrize("name", captured_machines())
def test_without_tensorflow_the_machine_alone_is_judged(name: str) -> None:
    facts = machine(name)
    if "tensorflow" not in facts.distributions:
        findings = examined(facts).findings
        assert "tensorflow-missing" in {finding.id for finding in findings}
        assert len(findings) <= 2


SAID_OF = {
    "linux-container-without-gpus": ["container-without-gpu"],
    "linux-plain-broken-driver": ["driver-not-running"],
    "linux-plain-cpu": ["no-avx"],
    "linux-plain-driver-mismatch": ["driver-mismatch"],
    "linux-plain-gpu-without-driver": ["driver-missing"],
    "linux-plain-gtx1080ti": ["driver-too-old"],
    "linux-plain-h100": ["gpu-partly-served"],
    "linux-plain-h100-mig": ["gpu-partly-served"],
    "linux-plain-hung-smi": ["gpu-unknown"],
    "linux-plain-mixed": ["gpu-partly-served"],
    "linux-plain-rtx-pro-6000": ["gpu-partly-served"],
    "linux-plain-rtx5090": ["gpu-partly-served"],
    "linux-snap-rtx-pro": ["gpu-capability-unknown"],
    "linux-wsl2-blocked": ["driver-blocked"],
    "windows-plain-rtx2080s": ["wheel-without-cuda"],
}
"""Captured machine -> what is said of it with a whole TensorFlow 2.20 and its CUDA wheels; of all others nothing."""


@pytest.mark.parametrize("name", captured_machines())
def test_with_a_whole_tensorflow_only_the_machine_is_wanting(name: str) -> None:
    facts = on_machine(name, "2.20.0-cp312-linux-cpu")
    libraries = wheel_folders("2.20.0") if facts.platform.system == "linux" else ()
    found = examined(facts, healthy_inventory(facts, libraries=libraries)).findings
    assert [finding.id for finding in found] == SAID_OF.get(name, [])
