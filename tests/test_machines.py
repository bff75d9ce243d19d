"""Captured machines, replayed: what programs, libraries and files said becomes exactly these facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.support.machines import KEYS, MACHINES, CapturedMachine, captured_machines
from tfbootstrap.facts import facts_from_mapping, facts_to_mapping
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.survey import survey_machine


def expected_facts(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((MACHINES / name / "facts.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("name", captured_machines())
def test_survey_gives_these_facts(name: str) -> None:
    assert survey_machine(CapturedMachine.named(name)) == expected_facts(name)


@pytest.mark.parametrize("name", captured_machines())
def test_facts_file_is_read_and_written_unchanged(name: str) -> None:
    document = expected_facts(name)
    assert facts_to_mapping(facts_from_mapping(document, path=name)) == document


@pytest.mark.parametrize("name", captured_machines())
def test_probe_alone_tells_the_same_of_the_gpus(name: str) -> None:
    probed, document = probe_machine(CapturedMachine.named(name)), expected_facts(name)
    same = ("python", "gpu_status", "gpus", "driver", "host")
    assert {key: probed[key] for key in same} == {key: document[key] for key in same}
    assert probed["unknown"].items() <= document["unknown"].items()


@pytest.mark.parametrize("name", captured_machines())
def test_capture_says_where_it_is_from(name: str) -> None:
    capture = yaml.safe_load((MACHINES / name / "capture.yaml").read_text(encoding="utf-8"))
    assert set(capture) <= KEYS
    assert capture["story"].endswith(".")
    assert capture["source"].endswith(".")
    system = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}[capture["uname"][0]]
    assert name.startswith(f"{system}-")


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("linux-plain-cpu", "absent", None),
        ("linux-colab-cpu", "absent", None),
        ("linux-plain-driver-without-gpu", "absent", None),
        ("linux-plain-broken-driver", "broken", "nvidia-smi exited with 9: NVIDIA-SMI has failed"),
        ("linux-plain-driver-mismatch", "broken", "nvidia-smi exited with 18: Failed to initialize NVML"),
        ("linux-container-without-gpus", "broken", "this container was not given the GPU of its host"),
        ("linux-plain-gpu-without-driver", "broken", "there is an NVIDIA GPU, but no driver answers"),
        ("linux-wsl2-blocked", "broken", "nvidia-smi exited with 17: Failed to initialize NVML: GPU access blocked"),
        ("linux-plain-hung-smi", "unknown", "nvidia-smi did not answer within 20 s"),
    ],
)
def test_no_gpu_broken_driver_and_unasked_are_three_answers(name: str, status: str, reason: str | None) -> None:
    facts = expected_facts(name)
    assert (facts["gpu_status"], facts["gpus"]) == (status, [])
    assert facts["unknown"].get("gpus", "").startswith(reason or "")
    assert ("gpus" in facts["unknown"]) == (reason is not None)


def test_libraries_are_asked_only_where_nvidia_smi_left_something_open() -> None:
    asked = {}
    for name in ("linux-plain-h100", "linux-plain-gtx1080ti", "linux-plain-hung-smi", "linux-plain-cpu"):
        machine = CapturedMachine.named(name)
        probe_machine(machine)
        asked[name] = "libraries" in machine.asked
    assert asked == {
        "linux-plain-h100": False,
        "linux-plain-gtx1080ti": True,
        "linux-plain-hung-smi": False,
        "linux-plain-cpu": True,
    }


def test_no_secret_of_a_captured_environment_is_in_its_facts() -> None:
    text = (MACHINES / "linux-plain-l4" / "facts.json").read_text(encoding="utf-8")
    assert "index.test/simple" in text
    for secret in ("someone", "pa/ss", "token=abc", "hunter2", "a:b", "c@"):
        assert secret not in text
    kaggle = (MACHINES / "linux-kaggle-p100" / "facts.json").read_text(encoding="utf-8")
    assert "secret" not in kaggle
    colab = (MACHINES / "linux-colab-t4" / "facts.json").read_text(encoding="utf-8")
    assert "not for facts" not in colab
