"""`tfbootstrap detect`: the facts of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfbootstrap.edges.machine import collect_facts, facts_text, write_facts
from tfbootstrap.facts import Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Detected:
    """The facts, their document as text, and whether the file that was asked for changed (None: none asked)."""

    facts: Facts
    document: str
    changed: bool | None = None


def detect(*, python: Path | None = None, output: Path | None = None) -> Detected:
    """Ask the interpreter (by default ours) for the facts, and write them to `output` if there is one.

    Raises MachineError and OutputError.
    """
    facts = collect_facts(python)
    changed = None if output is None else write_facts(output, facts)
    return Detected(facts=facts, document=facts_text(facts), changed=changed)
