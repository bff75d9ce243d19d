"""The SARIF log: complete, at the right lines, the same each time."""

from __future__ import annotations

import json

import jsonschema

from tfbootstrap.scan.findings import Finding
from tfbootstrap.scan.judge import Evidence, Verdict
from tfbootstrap.scan.sarif import to_sarif

MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string", "minLength": 1},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": MESSAGE,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["physicalLocation"],
                "additionalProperties": False,
                "properties": {
                    "physicalLocation": {
                        "type": "object",
                        "required": ["artifactLocation"],
                        "additionalProperties": False,
                        "properties": {
                            "artifactLocation": {
                                "type": "object",
                                "required": ["uri"],
                                "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~/%-]+$"}},
                            },
                            "region": {
                                "type": "object",
                                "required": ["startLine"],
                                "properties": {"startLine": {"type": "integer", "minimum": 1}},
                            },
                        },
                    },
                    "logicalLocations": {"type": "array"},
                },
            },
        },
    },
}
LOG = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription"],
                                            "properties": {"shortDescription": MESSAGE},
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""The part of the standard (OASIS SARIF 2.1.0) that we write, said as a schema."""

EVIDENCE = Evidence(
    file="src/träin it.py", cell=None, line=3, symbol="tf.Session", bound="<2.0", replacement="tf.compat.v1.Session"
)
FINDING = Finding(
    id="numpy-2.0", file="a.ipynb", cell=2, line=5, symbol="numpy.float_", says="gone", package="numpy", works="<2.0"
)


def test_log_fits_the_standard() -> None:
    verdict = Verdict(minors=("1.15",), bounds=("<2.0",), evidence=(EVIDENCE,))
    log = to_sarif(verdict, [FINDING], "0.1.0")
    jsonschema.validate(log, LOG)
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["numpy-2.0", "tensorflow-bound"]
    first, second = run["results"]
    assert (first["ruleIndex"], first["level"]) == (1, "note")
    assert first["message"]["text"] == "tf.Session needs TensorFlow <2.0. Instead: tf.compat.v1.Session."
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "src/tr%C3%A4in%20it.py"}, "region": {"startLine": 3}}
    assert second["level"] == "warning"
    assert second["message"]["text"] == "Cell 2, line 5: numpy.float_: gone. Works with numpy <2.0."
    assert "region" not in second["locations"][0]["physicalLocation"]


def test_contradiction_is_an_error() -> None:
    log = to_sarif(Verdict(minors=(), bounds=("<2.0",), evidence=(EVIDENCE,)), [], "0.1.0")
    assert log["runs"][0]["results"][0]["level"] == "error"


def test_nothing_found_is_a_log_too() -> None:
    log = to_sarif(Verdict(minors=("2.0",), bounds=(), evidence=()), [], "0.1.0")
    jsonschema.validate(log, LOG)
    assert log["runs"][0]["results"] == []
    assert json.dumps(log) == json.dumps(to_sarif(Verdict(minors=("2.0",), bounds=(), evidence=()), [], "0.1.0"))
