"""One document for a bug report: what was found, on which machine, with which packages; no secrets. Layer 2: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tfbootstrap.diagnose.redaction import redact
from tfbootstrap.doctor.records import Case, Examination
from tfbootstrap.facts import facts_to_mapping

_LEFT_OUT = ("uuid",)
"""Facts that tell one machine from all others and nothing about its faults."""


def report_document(case: Case, examination: Examination, *, tool: str, matrix: str) -> dict[str, Any]:
    """Return the report as plain data; `tool` is the version of tfbootstrap, `matrix` the digest of its data."""
    facts = facts_to_mapping(case.facts)
    packages = dict(sorted(case.versions.items()))
    del facts["distributions"]
    inventory = case.inventory
    document = {
        "tfbootstrap": tool,
        "matrix": matrix,
        **examination.to_json(),
        "facts": facts,
        "distributions": packages,
        "environment": {
            "prefix": inventory.prefix,
            "virtual": inventory.virtual,
            "conda": inventory.conda,
            "libraries": [
                {"path": one.path, "origin": one.origin, "names": dict(sorted(one.names.items()))}
                for one in inventory.libraries
            ],
            "devices": [one.name for one in inventory.devices],
        },
    }
    cleaned: dict[str, Any] = _without_secrets(document)
    return cleaned


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return "\n".join(redact(line) for line in value.split("\n"))
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value


def report_json(document: Mapping[str, Any]) -> str:
    """Return the report as JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def report_markdown(document: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    lines = ["# tfbootstrap doctor", ""]
    lines += [f"- {what}: {_plain(seen)}" for what, seen in document["looked_at"].items()]
    platform = document["facts"]["platform"]
    system = " ".join(filter(None, [platform["system"], platform["machine"], platform["release"], platform["libc"]]))
    lines += [f"- system: {_plain(system)}", f"- host: {document['facts']['host']['kind']}"]
    lines += [f"- tfbootstrap {document['tfbootstrap']}, matrix {document['matrix']}", "", "## Findings", ""]
    if not document["findings"]:
        lines += ["none", ""]
    for finding in document["findings"]:
        lines += [*_finding(finding), ""]
    for title, data in (
        ("Facts", document["facts"]),
        ("Environment", document["environment"]),
    ):
        lines += [f"## {title}", "", *_fenced(json.dumps(data, indent=2, ensure_ascii=False)), ""]
    packages = "\n".join(f"{name}=={version}" for name, version in document["distributions"].items())
    lines += ["## Distributions", "", *_fenced(packages)]
    return "\n".join(lines) + "\n"


def _finding(finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {finding['severity']}: {finding['id']}"
    yield ""
    yield _plain(finding["summary"])
    yield ""
    yield from (f"- {_plain(line)}" for line in finding["evidence"])
    if finding["fix"]:
        yield ""
        yield from _fenced("\n".join(finding["fix"]))


def _plain(text: str) -> str:
    """Return a text that means in Markdown what it says: nothing in it is markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in text.replace("\n", " "))


def _fenced(text: str) -> list[str]:
    longest = max((len(run) for run in _runs_of_ticks(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, text, fence]


def _runs_of_ticks(text: str) -> Iterator[str]:
    run = ""
    for sign in f"{text} ":
        if sign == "`":
            run += sign
        elif run:
            yield run
            run = ""
