"""`tfbootstrap matrix symbols`: which minors have a name, and what replaces it. Prints nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.edges.symbols import load_signatures, load_symbols
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.replacements import Replacement, ReplacementsMatrix
from tfbootstrap.matrix.signature_table import SignatureTable
from tfbootstrap.matrix.symbol_table import SymbolFact, SymbolTable
from tfbootstrap.matrix.symbols import runs


@dataclass(frozen=True, slots=True)
class ArgumentFact:
    """A keyword, and the TensorFlow minors that take it; the last one is None where the newest does."""

    argument: str
    spans: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolOutcome:
    """What is known of a name."""

    symbol: str
    fact: SymbolFact
    replacement: str | None = None
    row: Replacement | None = None
    """The curated row that speaks of it."""
    arguments: tuple[ArgumentFact, ...] = ()
    """The keywords that some TensorFlow minors with the name refuse."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; keys are part of the command line's contract."""
        return {
            "symbol": self.symbol,
            "known_as": self.fact.symbol,
            "package": self.fact.package,
            "intervals": [
                {"first": one.first, "last": one.last, "replacement": self.replacement if one.last else None}
                for one in self.fact.intervals
            ],
            "note": self.row.note if self.row else None,
            "source": self.row.source if self.row else None,
            "arguments": [
                {"argument": one.argument, "intervals": [{"first": first, "last": last} for first, last in one.spans]}
                for one in self.arguments
            ],
        }


def show_symbol(name: str, directory: Path | None = None) -> SymbolOutcome:
    """Return what is known of a dotted name (`tf.estimator`, `keras.ops`).

    Raises UsageError where no release has it, with the nearest names that some have.
    """
    folder = matrix_directory(directory, os.environ)
    table = load_symbols(folder)
    canonical = table.canonical(name.strip())
    fact = table.find(canonical)
    if fact is None:
        raise UsageError(f"no release of TensorFlow or Keras has {name!r}", hint=_hint(table, canonical))
    row = load(ReplacementsMatrix, folder).find(canonical)
    fact = table.until(fact, row.last) if row is not None and row.last is not None else fact
    gone = fact.intervals[-1].last is not None
    replacement = row.instead_of(canonical) if row is not None else None
    if replacement is not None and not table.has(replacement):
        replacement = None
    if replacement is None and gone:
        replacement = table.in_compat_v1(canonical)
    arguments = tuple(_arguments(load_signatures(table, folder), fact)) if fact.symbol == canonical else ()
    return SymbolOutcome(symbol=canonical, fact=fact, replacement=replacement, row=row, arguments=arguments)


def _arguments(signatures: SignatureTable, fact: SymbolFact) -> Iterator[ArgumentFact]:
    axis = signatures.symbols.minors
    having = signatures.symbols.tensorflow_minors(fact)
    for keyword in signatures.keywords(fact.symbol):
        taking = having - signatures.refusing(fact.symbol, keyword)
        if taking and taking != having:
            spans = runs([minor in taking for minor in axis], axis)
            yield ArgumentFact(keyword, tuple((first, last or None) for first, last in spans))


def _hint(table: SymbolTable, name: str) -> str:
    if near := table.nearest(name):
        return f"did you mean {', '.join(near)}?"
    minors = sorted(table.minors, key=Version)
    return f"names start with tf. or keras. and are public in some release from {minors[0]} to {minors[-1]}"
