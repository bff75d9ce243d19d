"""Reads a text of any length, block by block, and keeps only what bears a mark. Layer 2: pure.

Of most lines nothing is ever looked at but their words: each mark is filed under one rare word of its phrase, and a
block without any of these words is done with. What is kept is bounded, whatever the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tfbootstrap.matrix.diagnoses import DiagnosisRow, Mark

LONGEST_LINE: Final = 4096
"""Characters; a longer line is looked at in pieces."""
OVERLAP: Final = 512
"""Characters that neighbouring pieces share, so that no phrase is cut in two."""
KEPT_LINES: Final = 8
KEPT_VALUES: Final = 12
ENOUGH: Final = 200
"""A mark met so often is looked for no more."""
MOST_TRIES: Final = 64
"""Pieces of one line that have a mark's phrase and not the mark; it is looked for in no more of that line."""
_BLOCK: Final = 1 << 16

_WORD = re.compile(r"[a-z]{2,}")
_EMPTY_LIST = re.compile(r"^(?:Out ?\[\d{1,6}\]: ?)?\[ ?\]\s{0,3}$")
"""What Python prints for no GPU: no word of its own to find it by, so it is read with the line before it."""
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]{0,30}[ -/]{0,5}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_COMMON: Final = frozenset({
    "and", "build", "but", "cannot", "cuda", "could", "error", "file", "files", "for", "found", "from", "import",
    "information", "keras", "line", "lib", "library", "loss", "model", "module", "name", "not", "packages", "python",
    "tensorflow", "tensor", "the", "this", "to", "training", "version", "warning", "with", "you", "your", "core",
    "has", "have", "is", "are", "of", "in", "on", "attribute", "object", "type", "value", "step", "epoch", "accuracy",
})  # fmt: skip
"""Words that healthy texts are full of: bad to file a mark under."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the text: its number, from 1, and what it says."""

    number: int
    text: str


@dataclass(slots=True)
class Sighting:
    """Where a mark was met, and what it captured, each list in the order of the text and cut at some length."""

    count: int = 0
    lines: list[Line] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, line: Line, captured: Mapping[str, str]) -> None:
        """Note one more line."""
        self.count += 1
        if len(self.lines) < KEPT_LINES:
            self.lines.append(line)
        for name, value in captured.items():
            known = self.values.setdefault(name, [])
            if value not in known and len(known) < KEPT_VALUES:
                known.append(value)


def filing_word(phrase: str) -> str:
    """Return the word that a phrase is filed under: its longest one that is not common (every phrase has a word)."""
    words: list[str] = _WORD.findall(phrase.lower())
    return max(words, key=lambda word: (word not in _COMMON, len(word)))


@dataclass(frozen=True, slots=True)
class _Filed:
    phrase: str
    mark: Mark


class Reader:
    """Takes blocks of a text; `sightings` has what was met so far."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self.sightings: dict[Mark, Sighting] = {}
        self.lines_read = 0
        self._filed: dict[str, list[_Filed]] = {}
        self._rest = ""
        self._in_vain: Counter[Mark] = Counter()
        self._line = 0
        for mark in dict.fromkeys(marks):
            self._filed.setdefault(filing_word(mark.phrase), []).append(_Filed(mark.phrase.lower(), mark))

    def feed(self, block: str) -> None:
        """Read on; a block may end anywhere."""
        for start in range(0, len(block), _BLOCK):
            self._feed(block[start : start + _BLOCK])

    def finish(self) -> None:
        """Read what is left after the last line end."""
        rest, self._rest = self._rest, ""
        if rest:
            self._look(rest.removesuffix("\n"))

    def _feed(self, block: str) -> None:
        text = self._rest + block
        # The last whole line waits: what comes after it may belong to it.
        end = text.rfind("\n", 0, text.rfind("\n")) if "\n" in text else -1
        if "\n" not in text and len(text) > 2 * _BLOCK:
            # A line without an end: look at what there is, keep what a phrase could continue.
            self._look(text)
            self.lines_read -= 1
            self._rest = text[-OVERLAP:]
            return
        self._rest = text[end + 1 :]
        if end >= 0:
            self._look(text[:end], text[end + 1 :].partition("\n")[0])

    def _look(self, text: str, following: str = "") -> None:
        """Look at some whole lines; one more follows them."""
        if "\x1b" in text:
            text = _TERMINAL.sub("", text)
        first = self.lines_read + 1
        self.lines_read += text.count("\n") + 1
        lower = text.lower()
        words = self._filed.keys() & set(_WORD.findall(lower))
        if not words:
            return
        # Lower case may be longer than the text (İ), but has the same lines.
        lines = text.split("\n")
        together = zip(lower.split("\n"), lines, [*lines[1:], following], strict=True)
        for offset, (small, line, after) in enumerate(together):
            if any(word in small for word in words):
                empty = len(after) < 20 and _EMPTY_LIST.search(after)
                self._look_at(first + offset, f"{line} []" if empty else line, words)

    def _look_at(self, number: int, line: str, words: Iterable[str]) -> None:
        for piece in pieces(line):
            small = piece.lower()
            for word in words:
                if word in small:
                    self._match(number, piece, small, word)

    def _match(self, number: int, line: str, small: str, word: str) -> None:
        if number != self._line:
            self._line = number
            self._in_vain.clear()
        for filed in tuple(self._filed.get(word, ())):
            if filed.phrase not in small or self._in_vain[filed.mark] >= MOST_TRIES:
                continue
            captured = filed.mark.search(line)
            if captured is None:
                self._in_vain[filed.mark] += 1
                continue
            sighting = self.sightings.setdefault(filed.mark, Sighting())
            sighting.add(Line(number, line), captured)
            if sighting.count >= ENOUGH:
                self._filed[word].remove(filed)


def pieces(line: str) -> Iterator[str]:
    """Yield what is to be looked at of one line: progress bars and lines within a string apart, none too long."""
    parts = line.split("\r") if "\r" in line else [line]
    for part in parts:
        # A log as JSON has a whole traceback in one line.
        for inner in part.split("\\n") if len(part) > 200 and "\\n" in part else [part]:
            if len(inner) <= LONGEST_LINE:
                if inner:
                    yield inner
                continue
            for start in range(0, len(inner) - OVERLAP, LONGEST_LINE - OVERLAP):
                yield inner[start : start + LONGEST_LINE]


def marks_of(rows: Iterable[DiagnosisRow]) -> Iterator[Mark]:
    """Yield every mark of some classes."""
    for row in rows:
        for sign in row.signs:
            yield from sign.marks
