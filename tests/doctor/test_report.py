"""The document for a bug report, the classes of findings, and what a trial is to find."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import Any

from tests.diagnose.support import ROWS
from tests.doctor.support import (
    T4,
    examined,
    healthy_inventory,
    library_folder,
    make,
    proven,
    with_gpu,
    with_packages,
)
from tests.support.sources import PACKAGE
from tfbootstrap.doctor import gpu
from tfbootstrap.doctor.classes import class_of, context_of, with_classes
from tfbootstrap.doctor.examination import examine
from tfbootstrap.doctor.records import Finding
from tfbootstrap.doctor.report import report_document, report_json, report_markdown
from tfbootstrap.doctor.trial import check_trial, expectation
from tfbootstrap.facts import Facts, HostFacts

TF220 = "2.20.0-cp312-linux-cpu"
SECRETS = ("marvin", "hunter2", "marvin@example.test", "GPU-1234")


def secretive() -> Facts:
    facts = with_packages(with_gpu(TF220, replace(T4, uuid="GPU-1234")), {"setuptools": "82.0.0"})
    return replace(
        facts,
        python=replace(facts.python, executable="/home/marvin/tf/bin/python"),
        environment={
            "PYTHONPATH": "/home/marvin/code",
            "PIP_INDEX_URL": "https://marvin:hunter2@index.test/simple",
            "TF_CONFIG": "mail marvin@example.test `x`",
        },
    )


def document_of(facts: Facts) -> dict[str, Any]:
    folder = library_folder("/home/marvin/lib", "LD_LIBRARY_PATH", "libcudnn.so.9")
    case = make(facts, healthy_inventory(facts, prefix="/home/marvin/tf", libraries=(folder,)))
    return report_document(case, examine(case), tool="0.1.0", matrix="0123")


def test_a_report_holds_no_secret() -> None:
    document = document_of(secretive())
    for text in (report_json(document), report_markdown(document)):
        assert [secret for secret in SECRETS if secret in text] == []
        assert "/home/<user>/tf" in text.replace("\\", "")


def test_a_report_has_what_a_reader_asks_for() -> None:
    document = document_of(secretive())
    assert json.loads(report_json(document)) == document
    assert document["distributions"]["setuptools"] == "82.0.0"
    assert document["facts"]["driver"]["version"] == "550.54.15"
    assert {finding["id"] for finding in document["findings"]} >= {"requirement-broken", "library-missing"}
    assert (document["tfbootstrap"], document["matrix"]) == ("0.1.0", "0123")


def test_markdown_means_what_it_says() -> None:
    text = report_markdown(document_of(secretive()))
    assert "### error: requirement-broken\n\nsetuptools 82.0.0 does not serve tensorboard\n" in text
    assert "tensorboard 2.20.0 needs setuptools\\<82" in text
    assert "\n```\nsetuptools" not in text
    assert "\nsetuptools==82.0.0\n" in text


def test_a_fence_is_longer_than_what_it_holds() -> None:
    facts = replace(proven(TF220), environment={"TF_X": "````"})
    assert "\n`````\n{" in report_markdown(document_of(facts))
    healthy = report_markdown(document_of(proven(TF220)))
    assert "## Findings\n\nnone\n" in healthy


def test_a_finding_has_the_class_that_its_symptom_shows() -> None:
    facts = with_packages(proven(TF220), {"setuptools": "82.0.0"})
    case = make(facts)
    (finding,) = with_classes(examine(case).findings, ROWS, case)
    assert finding.diagnosis == "setuptools-pkg-resources"
    assert finding.advice == (), "it has a command of its own"


def test_a_finding_without_a_command_has_the_steps_of_its_class() -> None:
    facts = replace(proven(TF220), gpu_status="broken", unknown={"gpus": "nvidia-smi exited with 18: mismatch"})
    case = make(facts)
    (finding,) = with_classes(examine(case).findings, ROWS, case)
    assert finding.diagnosis == "driver-library-mismatch"
    assert finding.advice[0].startswith("Restart the machine")
    inside = replace(facts, platform=replace(facts.platform, container=True))
    (contained,) = with_classes(examine(make(inside)).findings, ROWS, make(inside))
    assert not any("Restart" in line for line in contained.advice)


def test_classes_that_nothing_knows_are_left_out() -> None:
    case = make(proven(TF220))
    odd = Finding(id="x", severity="note", summary="x", diagnosis="no-such-class")
    silent = Finding(id="x", severity="note", summary="x", symptom="nothing that anybody knows")
    assert [one.diagnosis for one in with_classes([odd, silent], ROWS, case)] == [None, None]
    assert class_of("oneDNN custom operations are on.", ROWS) is None


def named_classes() -> set[str]:
    """Return every class that the checks name: in keywords `diagnosis=` and in the tables of the GPU's checks."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (PACKAGE / "doctor").glob("*.py")]
    keywords = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    values = [one.value for one in keywords if one.arg == "diagnosis"]
    constants = [node for value in values for node in ast.walk(value) if isinstance(node, ast.Constant)]
    words = {node.value for node in constants if isinstance(node.value, str)} - {"tensorflow", "macos", "abi"}
    return words | {row[3] for row in gpu._BROKEN if row[3]} | {rule[2] for rule in gpu._RULES.values() if rule[2]}


def test_every_class_that_a_check_names_exists() -> None:
    named = named_classes()
    assert len(named) > 20
    assert named - {row.id for row in ROWS} == set()


def test_the_environment_decides_about_steps_not_the_shell() -> None:
    facts = replace(proven(TF220), environment={"CONDA_PREFIX": "/conda"})
    assert "conda" not in context_of(make(facts)).situations
    assert "venv" in context_of(make(facts)).situations
    conda = make(facts, healthy_inventory(facts, conda=True, virtual=False))
    assert {"conda"} == context_of(conda).situations & {"conda", "venv"}


def test_a_trial_expects_what_is_installed() -> None:
    expected = expectation(make(with_gpu(TF220)))
    assert (expected["tensorflow"], expected["keras"], expected["visible_gpus"]) == ("2.20.0", 3, 1)
    assert (expected["cuda"]["provider"], expected["cuda"]["version"]) == ("system", "12.5.1")
    assert expectation(make(proven(TF220)))["cuda"]["provider"] == "none"
    legacy = with_packages(replace(proven(TF220), environment={"TF_USE_LEGACY_KERAS": "1"}), {"tf-keras": "2.20.1"})
    assert expectation(make(legacy))["keras"] is None
    unknown = with_packages(proven(TF220), {"tensorflow": "9.9.0"})
    assert expectation(make(unknown))["cuda"]["capabilities"] == []


def test_what_a_trial_failed_at() -> None:
    found = "AttributeError: _ARRAY_API not found"
    checks = [
        {"id": "import", "status": "fail", "found": found, "expected": "no error", "hint": "reinstall it"},
        {"id": "fit", "status": "pass", "found": "", "expected": "", "hint": ""},
        {"id": "xla", "status": "fail", "found": "off", "expected": "", "hint": ""},
    ]
    case = make(proven(TF220))
    first, second = check_trial(case, checks)
    assert (first.id, first.severity, first.symptom) == ("trial-import", "error", found)
    assert (first.evidence, second.evidence) == ((found, "expected: no error"), ("off",))
    assert first.advice[0].endswith("/bin/python -c 'import tensorflow' 2>&1 | tfbootstrap diagnose")
    assert with_classes([first], ROWS, case)[0].diagnosis == "numpy2-abi"


def test_json_has_its_keys() -> None:
    facts = replace(with_packages(proven(TF220), {"setuptools": "82.0.0"}), host=HostFacts(kind="jupyter"))
    document = examined(facts).to_json()
    (finding,) = document["findings"]
    assert (finding["id"], finding["severity"]) == ("requirement-broken", "error")
    assert finding["fix"] == [*finding["commands"], *finding["fix"][1:]]
    assert finding["fix"][1].startswith("then restart the session")
    assert (document["ok"], document["tensorflow"]["version"]) == (False, "2.20.0")
    assert examined(with_packages(facts, {"setuptools": "81", "tensorflow": None})).to_json()["tensorflow"] is None
