"""Uses of names -> the TensorFlow minors that have all of them, and the lines that decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tfbootstrap.matrix.replacements import RemovedArgument, ReplacementsMatrix
from tfbootstrap.matrix.signature_table import SignatureTable
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.scan.uses import Use

LEGACY_KERAS_NAMES: Final = (
    "tf.keras", "tf.compat.v1.keras", "tf.compat.v1.layers", "tf.compat.v1.nn.rnn_cell",
    "tf.losses", "tf.metrics", "tf.optimizers", "tf.initializers",
)  # fmt: skip
"""What TF_USE_LEGACY_KERAS keeps as it was in 2.15."""
_PLAIN: Final = re.compile(r"[\w.]+").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A line that decides a bound, and what to write there instead."""

    file: str
    cell: int | None
    line: int
    symbol: str
    bound: str
    """`>=2.4`, `<2.16` or `!=2.13.*`."""
    replacement: str | None = None
    note: str | None = None

    @property
    def place(self) -> str:
        """Where it stands: `train.py:12`, `a.ipynb:cell 3:2`."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.file}:{cell}{self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The minors that fit, oldest first, and for each bound its deciding lines; no minors: the lines contradict."""

    minors: tuple[str, ...]
    bounds: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @property
    def fits(self) -> str | None:
        """The specifier; empty where every release fits, None where none does."""
        return ",".join(self.bounds) if self.minors else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """The minors that have what one use needs; `symbol` and `note` say what that is where it is not the name itself."""

    use: Use
    minors: frozenset[str]
    symbol: str | None = None
    note: str | None = None


@dataclass(slots=True)
class Judge:
    """Judges uses by the data; `legacy_keras` says that `tf.keras` stays Keras 2 (`TF_USE_LEGACY_KERAS`)."""

    table: SymbolTable
    replacements: ReplacementsMatrix
    legacy_keras: bool = False
    signatures: SignatureTable | None = None
    more: Callable[[Sequence[Use]], Iterable[Need]] | None = None
    """What else uses need, beside the names and arguments."""
    _known: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def judge(self, uses: Iterable[Use]) -> Verdict:
        """Return what fits all uses. Names that no release has say nothing: they are private, or not TensorFlow's."""
        uses = tuple(uses)
        axis = self.table.minors
        found = [*(need for use in uses for need in self._needs(use)), *(self.more(uses) if self.more else ())]
        needs = [need for need in found if need.minors and len(need.minors) < len(axis)]
        if not needs:
            return Verdict(minors=axis, bounds=(), evidence=())
        low = max(min(axis.index(minor) for minor in need.minors) for need in needs)
        high = min(max(axis.index(minor) for minor in need.minors) for need in needs)
        fitting = tuple(minor for minor in axis[low : high + 1] if all(minor in need.minors for need in needs))
        if fitting:
            low, high = axis.index(fitting[0]), axis.index(fitting[-1])
        decided = list(_bounds(axis, low, high, fitting, needs))
        evidence = [self._evidence(need, bound) for bound, deciding in decided for need in deciding]
        return Verdict(
            minors=fitting, bounds=tuple(bound for bound, _ in decided), evidence=tuple(dict.fromkeys(evidence))
        )

    def _needs(self, use: Use) -> Iterator[Need]:
        if not use.symbol.startswith(("tf.", "keras.")) or not _PLAIN(use.symbol):
            return
        if minors := self._minors(use.symbol):
            yield Need(use=use, minors=minors)
        for argument in use.arguments:
            row = next((one for one in self.replacements.arguments_of(use.symbol) if one.argument == argument), None)
            refusing = self._refusing(use.symbol, argument, row)
            if refusing:
                yield Need(
                    use=use,
                    minors=frozenset(self.table.minors) - refusing,
                    symbol=f"{use.symbol}({argument}=)",
                    note=row.note if row else None,
                )

    def _refusing(self, symbol: str, argument: str, row: RemovedArgument | None) -> frozenset[str]:
        """Return the minors that refuse an argument: those whose sources say so, and those that a row names."""
        refusing = self.signatures.refusing(symbol, argument) if self.signatures else frozenset()
        if row is not None and row.refused is not None:
            refusing |= self.table.within(row.refused)
        if self._stays_keras_2(symbol):
            newer = self._newer_than_2_15()
            refusing = refusing | newer if "2.15" in refusing else refusing - newer
        return refusing

    def _minors(self, symbol: str) -> frozenset[str] | None:
        if symbol not in self._known:
            self._known[symbol] = self._look_up(symbol)
        return self._known[symbol]

    def _look_up(self, symbol: str) -> frozenset[str] | None:
        fact = self.table.find(symbol)
        if fact is None:
            return None
        row = self.replacements.find(symbol)
        if row is not None and row.last is not None:
            fact = self.table.until(fact, row.last)
        minors = self.table.tensorflow_minors(fact)
        if symbol.startswith("tf.compat.v2."):
            # TensorFlow 1.15 has the names of 2.0 there, in a tree that is not read.
            minors |= frozenset(self.table.minors[:1])
        if "2.15" in minors and self._stays_keras_2(fact.symbol):
            minors |= self._newer_than_2_15()
        return minors

    def _stays_keras_2(self, symbol: str) -> bool:
        return self.legacy_keras and self.table.canonical(symbol).startswith(LEGACY_KERAS_NAMES)

    def _newer_than_2_15(self) -> frozenset[str]:
        axis = self.table.minors
        return frozenset(axis[axis.index("2.15") + 1 :])

    def _evidence(self, need: Need, bound: str) -> Evidence:
        use = need.use
        replacement, note = None, need.note
        if need.symbol is None and not bound.startswith(">="):
            row = self.replacements.find(self.table.canonical(use.symbol))
            named = row.instead_of(self.table.canonical(use.symbol)) if row else None
            replacement = named if named and self.table.has(named) else self.table.in_compat_v1(use.symbol)
            note = row.note if row else None
        return Evidence(
            file=use.file,
            cell=use.cell,
            line=use.line,
            symbol=need.symbol or use.symbol,
            bound=bound,
            replacement=replacement,
            note=note,
        )


def _bounds(
    axis: Sequence[str], low: int, high: int, fitting: Sequence[str], needs: Sequence[Need]
) -> Iterator[tuple[str, list[Need]]]:
    if low > 0:
        yield (
            f">={axis[low]}",
            [need for need in needs if axis[low - 1] not in need.minors and (fitting or _first(axis, need) == low)],
        )
    if high < len(axis) - 1:
        yield (
            f"<{axis[high + 1]}",
            [need for need in needs if axis[high + 1] not in need.minors and (fitting or _last(axis, need) == high)],
        )
    for minor in axis[low : high + 1]:
        if minor not in fitting:
            yield f"!={minor}.*", [need for need in needs if minor not in need.minors]


def _first(axis: Sequence[str], need: Need) -> int:
    return min(axis.index(one) for one in need.minors)


def _last(axis: Sequence[str], need: Need) -> int:
    return max(axis.index(one) for one in need.minors)
