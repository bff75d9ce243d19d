"""From what was met in a text to findings: the gravest first, then in the order of the text. Layer 2: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tfbootstrap.diagnose.advice import fill, steps_for
from tfbootstrap.diagnose.context import Context, make_context, observation_marks, with_wanted
from tfbootstrap.diagnose.reading import Line, Reader, Sighting, marks_of
from tfbootstrap.diagnose.redaction import redact
from tfbootstrap.diagnose.remarks import Tables, age_of, remarks_on
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.diagnoses import DiagnosisRow, Effect, Mark, Sign

SHOWN_LINES: Final = 4
SHOWN_LENGTH: Final = 300
_GRAVITY: Final[Mapping[Effect, int]] = {"stops": 0, "degrades": 1, "nothing": 2}
_TIME = re.compile(
    r"^\s{0,20}(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?:?\s{0,4})"
)
_ORIGIN = re.compile(r"^(?:\s{0,4}[EFIW](?:\d{4} \S{1,40} {1,9}\d{1,9})?)?\s{0,4}[\w./-]{1,120}\.cc:\d{1,5}\] ")
"""Which line of TensorFlow's source wrote this: it tells nobody anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One class that a text shows; every text in it is free of secrets."""

    id: str
    effect: Effect
    cause: str
    fix: tuple[str, ...]
    lines: tuple[Line, ...]
    count: int
    """How many lines show it."""
    remarks: tuple[str, ...] = ()
    """What the matrix says about the versions captured."""

    @property
    def harmless(self) -> bool:
        """Whether it can be ignored."""
        return self.effect == "nothing"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "class": self.id,
            "harmless": self.harmless,
            "effect": self.effect,
            "cause": self.cause,
            "fix": list(self.fix),
            "remarks": list(self.remarks),
            "lines": [{"number": line.number, "text": line.text} for line in self.lines],
            "count": self.count,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that was found in a text."""

    findings: tuple[Finding, ...]
    lines_read: int
    context: Context

    @property
    def wanting(self) -> bool:
        """Whether something found may need doing."""
        return any(not finding.harmless for finding in self.findings)


class Diagnosis:
    """Reads one text and says what it shows."""

    def __init__(self, rows: Sequence[DiagnosisRow], tables: Tables | None = None, facts: Facts | None = None) -> None:
        self._rows = rows
        self._tables = tables or Tables()
        self._facts = facts
        self._reader = Reader([*marks_of(rows), *observation_marks()])

    def feed(self, block: str) -> None:
        """Read on; a block may end anywhere."""
        self._reader.feed(block)

    def report(self) -> Report:
        """Say what was found; the text ends here."""
        self._reader.finish()
        sightings = self._reader.sightings
        context = make_context(sightings, self._facts, self._tables.tensorflow)
        found = dict(_found(self._rows, sightings, context, self._tables))
        kept = [evidence for evidence in found.values() if not _explained(evidence.row, found)]
        findings = [_finding(evidence, context, self._tables) for evidence in kept]
        findings.sort(key=lambda finding: (_GRAVITY[finding.effect], finding.lines[0].number))
        return Report(findings=tuple(findings), lines_read=self._reader.lines_read, context=context)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Evidence:
    row: DiagnosisRow
    sign: Sign
    lines: tuple[Line, ...]
    count: int
    values: Mapping[str, Sequence[str]]


def _found(
    rows: Sequence[DiagnosisRow], sightings: Mapping[Mark, Sighting], context: Context, tables: Tables
) -> Iterator[tuple[str, _Evidence]]:
    """Yield every class of which a sign is complete."""
    for row in rows:
        if not context.holds(row.when, row.unless, row.tensorflow):
            continue
        complete = [sign for sign in row.signs if _is_complete(sign, sightings, tables)]
        if complete:
            yield row.id, _evidence(row, complete, sightings, tables)


def _is_complete(sign: Sign, sightings: Mapping[Mark, Sighting], tables: Tables) -> bool:
    if any(mark not in sightings for mark in sign.marks):
        return False
    if sign.symbol is not None and not _symbols(sign, sightings, tables):
        return False
    if not sign.differ:
        return True
    values = [value for name in sign.differ for mark in sign.marks for value in sightings[mark].values.get(name, ())]
    return len(set(values)) > 1


def _symbols(sign: Sign, sightings: Mapping[Mark, Sighting], tables: Tables) -> list[str]:
    """Return the names that a sign captured and that the releases have which it asks for."""
    names = [name for mark in sign.marks for name in sightings[mark].values.get("dotted", ())]
    if sign.symbol is None:
        return names
    return [name for name in names if age_of(name, tables.symbols) == sign.symbol]


def _evidence(
    row: DiagnosisRow, signs: Sequence[Sign], sightings: Mapping[Mark, Sighting], tables: Tables
) -> _Evidence:
    # Signs stand in the order of what they tell; of several that are there the gravest speaks.
    speaking = min(signs, key=lambda sign: _GRAVITY[sign.effect or row.effect])
    own = [sightings[mark] for mark in speaking.marks]
    values: dict[str, list[str]] = {}
    for sighting in own:
        for name, found in sighting.values.items():
            values.setdefault(name, []).extend(found)
    if "dotted" in values:
        values["dotted"] = _symbols(speaking, sightings, tables)
    marks = dict.fromkeys(mark for sign in signs for mark in sign.marks)
    numbers = {line.number: line for mark in marks for line in sightings[mark].lines}
    lines = tuple(numbers[number] for number in sorted(numbers))
    return _Evidence(
        row=row, sign=speaking, lines=lines, count=sum(sightings[mark].count for mark in marks), values=values
    )


def _explained(row: DiagnosisRow, found: Mapping[str, _Evidence]) -> bool:
    return any(name in found for name in row.yields_to)


def _finding(evidence: _Evidence, context: Context, tables: Tables) -> Finding:
    row, sign = evidence.row, evidence.sign
    known = with_wanted(context, next(iter(evidence.values.get("wanted", ())), None), tables.tensorflow)
    values = {**known.values, **{name: _told(found) for name, found in evidence.values.items()}}
    harmless = not known.situations.isdisjoint(row.harmless_when)
    steps = sign.fix or row.fix
    return Finding(
        id=row.id,
        effect="nothing" if harmless else (sign.effect or row.effect),
        cause=fill(sign.cause or row.cause, values),
        fix=tuple(steps_for(steps, known, values)),
        lines=tuple(_shown(line) for line in evidence.lines[:SHOWN_LINES]),
        count=evidence.count,
        remarks=tuple(redact(text) for text in remarks_on(evidence.values, known, tables)),
    )


def _told(values: Sequence[str]) -> str:
    """Return all names of a list; of versions the first, because a sentence speaks of one case."""
    return values[0] if values[0][:1].isdigit() else ", ".join(values)


def _shown(line: Line) -> Line:
    text = redact(_ORIGIN.sub("", _TIME.sub("", line.text))).strip()
    text = "".join(character if character.isprintable() else " " for character in text)
    return Line(line.number, text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…")
