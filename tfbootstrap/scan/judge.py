"""Uses of names -> the TensorFlow minors that have all of them, and the lines that decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tfbootstrap.matrix.replacements import RemovedArgument, ReplacementsMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.scan.uses import Use


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


@dataclass(frozen=True, slots=True)
class _Need:
    """The minors that have what one use needs."""

    use: Use
    minors: frozenset[str]
    argument: RemovedArgument | None = None


@dataclass(slots=True)
class Judge:
    """Judges uses by the data; `legacy_keras` says that `tf.keras` stays Keras 2 (`TF_USE_LEGACY_KERAS`)."""

    table: SymbolTable
    replacements: ReplacementsMatrix
    legacy_keras: bool = False
    _known: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def judge(self, uses: Iterable[Use]) -> Verdict:
        """Return what fits all uses. Names that no release has say nothing: they are private, or not TensorFlow's."""
        axis = self.table.minors
        needs = [need for use in uses for need in self._needs(use) if len(need.minors) < len(axis)]
        if not needs:
            return Verdict(minors=axis, bounds=(), evidence=())
        low = max(min(axis.index(minor) for minor in need.minors) for need in needs)
        high = min(max(axis.index(minor) for minor in need.minors) for need in needs)
        fitting = tuple(minor for minor in axis[low : high + 1] if all(minor in need.minors for need in needs))
        decided = list(_bounds(axis, low, high, fitting, needs))
        evidence = [self._evidence(need, bound) for bound, deciding in decided for need in deciding]
        return Verdict(
            minors=fitting, bounds=tuple(bound for bound, _ in decided), evidence=tuple(dict.fromkeys(evidence))
        )

    def _needs(self, use: Use) -> Iterator[_Need]:
        minors = self._minors(use.symbol)
        if minors:
            yield _Need(use, minors)
        for row in self.replacements.arguments:
            if row.argument in use.arguments and row.takes(use.symbol):
                yield _Need(use, self.table.up_to(row.last), row)

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
        if self.legacy_keras and "2.15" in minors and fact.symbol.startswith(("tf.keras", "tf.compat.v1.")):
            axis = self.table.minors
            minors |= frozenset(axis[axis.index("2.15") :])
        return minors

    def _evidence(self, need: _Need, bound: str) -> Evidence:
        use = need.use
        symbol, replacement, note = use.symbol, None, None
        if need.argument is not None:
            symbol, note = f"{use.symbol}({need.argument.argument}=)", need.argument.note
        elif not bound.startswith(">="):
            row = self.replacements.find(self.table.canonical(symbol))
            named = row.instead_of(self.table.canonical(symbol)) if row else None
            replacement = named if named and self.table.has(named) else self.table.in_compat_v1(symbol)
            note = row.note if row else None
        return Evidence(
            file=use.file,
            cell=use.cell,
            line=use.line,
            symbol=symbol,
            bound=bound,
            replacement=replacement,
            note=note,
        )


def _bounds(
    axis: Sequence[str], low: int, high: int, fitting: Sequence[str], needs: Sequence[_Need]
) -> Iterator[tuple[str, list[_Need]]]:
    if low > 0:
        yield (
            f">={axis[low]}",
            [need for need in needs if axis[low - 1] not in need.minors and _first(axis, need) == low],
        )
    if high < len(axis) - 1:
        yield f"<{axis[high + 1]}", [need for need in needs if max(axis.index(one) for one in need.minors) == high]
    for minor in axis[low : high + 1]:
        if minor not in fitting:
            yield f"!={minor}.*", [need for need in needs if minor not in need.minors]


def _first(axis: Sequence[str], need: _Need) -> int:
    return min(axis.index(one) for one in need.minors)
