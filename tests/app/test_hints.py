"""Next steps of the diagnoses for failed checks and for rejections."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.diagnose.support import ROWS
from tests.doctor.support import proven
from tests.support.sources import PACKAGE
from tfbootstrap.app.hints import CLASS_OF_RULE, check_hints, rejection_hints, with_hints
from tfbootstrap.plan.records import Rejection, Rejections


def check(name: str, status: str, found: str) -> dict[str, Any]:
    return {"id": name, "status": status, "found": found, "expected": "", "hint": "run it again"}


def rejected(*rules: str) -> Rejections:
    rows = tuple(Rejection(tensorflow="2.20.0", rule=rule, found="x", needed="y", source="z") for rule in rules)
    return Rejections(rejections=rows, ways_out=())


@pytest.mark.parametrize(
    ("found", "diagnosis"),
    [
        ("AttributeError: _ARRAY_API not found", "numpy2-abi"),
        (
            "the process was ended by signal 6; Failed to initialize NVML: Driver/library version mismatch",
            "driver-library-mismatch",
        ),
        ("TypeError: Descriptors cannot not be created directly.", "protobuf-descriptors"),
    ],
)
def test_a_failed_check_has_the_steps_of_its_class(found: str, diagnosis: str) -> None:
    (hint,) = check_hints({"checks": [check("fit", "pass", "loss 1"), check("import", "fail", found)]})
    assert (hint.check, hint.diagnosis) == ("import", diagnosis)
    assert hint.fix


def test_what_nothing_is_known_of_gets_no_hint() -> None:
    assert check_hints({"checks": [check("import", "fail", "something odd")]}) == ()
    assert check_hints({"checks": [check("import", "warn", "AttributeError: _ARRAY_API not found")]}) == ()


def test_an_environment_that_does_not_answer_costs_no_hint() -> None:
    (hint,) = check_hints({"checks": [check("import", "fail", "AttributeError: _ARRAY_API not found")]}, "/nowhere")
    assert hint.diagnosis == "numpy2-abi"


def test_the_report_names_the_class() -> None:
    report = {"ok": False, "checks": [check("import", "fail", "AttributeError: _ARRAY_API not found")]}
    (told,) = json.loads(with_hints(json.dumps(report), check_hints(report)))["checks"]
    assert (told["class"], told["hint"]) == ("numpy2-abi", "run it again")
    assert told["fix"][0].startswith("pip install 'numpy<2'")


def test_rejections_that_no_other_tensorflow_avoids() -> None:
    facts = proven("2.20.0-cp312-linux-cpu")
    (step,) = rejection_hints(rejected("cpu", "python", "cpu"), facts, None)
    assert step.startswith("In a virtual machine: pass the host's processor through")
    assert rejection_hints(rejected("python", "driver"), facts, None) == ()
    windows = replace(facts, platform=replace(facts.platform, system="windows"))
    assert any("WSL2" in step for step in rejection_hints(rejected("gpu-build"), windows, None))


def test_classes_and_rules_exist() -> None:
    assert set(CLASS_OF_RULE.values()) <= {row.id for row in ROWS}
    sources = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "plan").glob("*.py"))
    assert [rule for rule in CLASS_OF_RULE if f'"{rule}"' not in sources] == []
