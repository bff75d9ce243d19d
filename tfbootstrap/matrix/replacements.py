"""`replacements.yaml`: what to write instead of names that were removed, renamed or emptied. Layer 1: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from tfbootstrap.matrix.reader import DateText, SourceText, SpecifierText, Text

_STAR: Final = ".*"
_DOTTED = re.compile(r"^[a-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\.\*)?$")
_MINOR = re.compile(r"^\d+\.\d+$")

SYMBOL: Final = Text("a dotted name, `.*` at its end for all below it", _DOTTED.match, "tf.keras.layers.experimental.*")
MINOR: Final = Text("a minor version (X.Y)", _MINOR.match, "2.15", _MINOR.pattern)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """What to write instead of one name and everything below it."""

    symbol: Annotated[str, SYMBOL]
    """The name; with `.*` every name below it, and the replacement's `.*` stands for the same rest."""
    replacement: Annotated[str, SYMBOL] | None = None
    """What does the same; none where there is no single name."""
    last: Annotated[str, MINOR] | None = None
    """The last minor that it works in, where a name is still there that only raises an error."""
    note: str | None = None
    """What else to know or to do."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if self.replacement is None and self.note is None:
            yield "note", "a row without a replacement needs a note that says what to do"
        if (self.replacement or "").endswith(_STAR) and not self.symbol.endswith(_STAR):
            yield "replacement", f"{self.replacement} repeats a rest that {self.symbol} does not have"

    @property
    def stem(self) -> str:
        """The name without `.*`."""
        return self.symbol.removesuffix(_STAR)

    def covers(self, name: str) -> bool:
        """Say whether this row speaks of a name."""
        return name.startswith(f"{self.stem}.") or name == self.stem

    def instead_of(self, name: str) -> str | None:
        """Return what to write instead of a name that this row covers."""
        if self.replacement is None or not self.replacement.endswith(_STAR):
            return self.replacement
        return self.replacement.removesuffix(_STAR) + name.removeprefix(self.stem)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedArgument:
    """A keyword argument of some names that releases refuse or don't heed; `signatures/` has what sources tell."""

    symbols: tuple[Annotated[str, SYMBOL], ...]
    """The functions or classes; with `.*` all of a module, not deeper."""
    argument: str
    refused: SpecifierText | None = None
    """The TensorFlow releases that raise an error."""
    ignored: SpecifierText | None = None
    """The TensorFlow releases that take it and don't heed it."""
    note: str
    """What happens, and what to write instead."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if self.refused is None and self.ignored is None:
            yield "refused", "no release refuses or ignores it: then there is nothing to say"

    def takes(self, name: str) -> bool:
        """Say whether this row speaks of calls of a name."""
        return name in self.symbols or f"{name.rpartition('.')[0]}{_STAR}" in self.symbols


@dataclass(frozen=True, kw_only=True)
class ReplacementsMatrix:
    """The whole of `replacements.yaml`, sorted by name."""

    FILE: ClassVar[str] = "replacements.yaml"
    SCHEMA: ClassVar[int] = 2
    HEADER: ClassVar[str] = """\
What to write instead of names of TensorFlow and Keras that were removed, renamed or emptied.
Since when a name is gone is in symbols/; how a row is written: README.md in this folder.
"""

    rows: tuple[Replacement, ...] = ()
    arguments: tuple[RemovedArgument, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or there twice."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1].stem, self.rows[index].stem
            if row <= before:
                yield f"rows[{index}].symbol", f"{row} must not come after {before}: rows are sorted, each once"

    def arguments_of(self, name: str) -> tuple[RemovedArgument, ...]:
        """Return the rows that speak of calls of a name."""
        return tuple(row for row in self.arguments if row.takes(name))

    def find(self, name: str) -> Replacement | None:
        """Return the row that speaks of a name: of those above it the nearest."""
        return max((row for row in self.rows if row.covers(name)), key=lambda row: len(row.stem), default=None)
