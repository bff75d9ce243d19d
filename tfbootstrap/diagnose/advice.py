"""The steps of a class of diagnoses, for one machine: what every place that gives advice shares. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tfbootstrap.diagnose.context import Context
from tfbootstrap.diagnose.redaction import redact
from tfbootstrap.matrix.diagnoses import Step, placeholders

LONGEST_VALUE: Final = 300
"""Characters of a captured value that a sentence repeats."""


def steps_for(steps: Sequence[Step], context: Context, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the steps whose conditions hold and whose values are all known, in words, without secrets."""
    for step in steps:
        known = all(name in values for name in placeholders(step.text))
        if known and context.holds(step.when, step.unless, step.tensorflow):
            yield fill(step.text, values)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values, redacted and cut, into the places of a cause or step; `?` stands for one that is not known."""
    for name in placeholders(template):
        template = template.replace(f"{{{name}}}", redact(values.get(name, "?"))[:LONGEST_VALUE])
    return template
