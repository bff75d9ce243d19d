"""What a scan tells, as SARIF 2.1.0 (OASIS): the form in which code hosts take findings and show them at lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from tfbootstrap.scan.findings import Finding
from tfbootstrap.scan.judge import Evidence, Verdict

VERSION: Final = "2.1.0"
_BOUND: Final = "tensorflow-bound"
_TOOL: Final = "tfbootstrap scan"


def to_sarif(verdict: Verdict, findings: Sequence[Finding], tool_version: str) -> dict[str, Any]:
    """Return one SARIF log: a result for each deciding line and finding, in the order in which they were found."""
    results = [
        *(_of_evidence(one, contradicts=verdict.fits is None) for one in verdict.evidence),
        *(_of_finding(one) for one in findings),
    ]
    rules = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    driver = {"name": _TOOL, "semanticVersion": tool_version, "rules": [_rule(rule, findings) for rule in rules]}
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": VERSION,
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(rule: str, findings: Iterable[Finding]) -> dict[str, Any]:
    says = next((one.says for one in findings if one.id == rule), "This line decides which TensorFlow the code fits.")
    return {"id": rule, "shortDescription": {"text": says}}


def _of_evidence(one: Evidence, *, contradicts: bool) -> dict[str, Any]:
    instead = f" Instead: {one.replacement}." if one.replacement else ""
    note = f" {one.note}." if one.note else ""
    text = f"{one.symbol} needs TensorFlow {one.bound}.{instead}{note}"
    return _result(_BOUND, "error" if contradicts else "note", text, one.file, one.cell, one.line)


def _of_finding(one: Finding) -> dict[str, Any]:
    works = f" Works with {one.package} {one.works}." if one.works else ""
    instead = f" Instead: {one.instead}." if one.instead else ""
    text = f"{one.symbol}: {one.says}.{works}{instead}"
    return _result(one.id, "warning", text, one.file, one.cell, one.line)


def _result(rule: str, level: str, text: str, file: str, cell: int | None, line: int) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": quote(file)}}}
    if cell is None:
        location["physicalLocation"]["region"] = {"startLine": line}
    else:
        # A line of a cell is no line of the notebook's file.
        location["logicalLocations"] = [{"fullyQualifiedName": f"cell {cell}, line {line}"}]
        text = f"Cell {cell}, line {line}: {text}"
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [location]}
