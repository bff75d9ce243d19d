"""Uses -> what else they say: other packages' versions, what Keras 3 does otherwise, what is tied to one TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix
from tfbootstrap.matrix.marks import Mark, MarksMatrix
from tfbootstrap.matrix.replacements import ReplacementsMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.scan.companion_ranges import range_of
from tfbootstrap.scan.judge import LEGACY_KERAS_NAMES, Need
from tfbootstrap.scan.uses import UNKNOWN, Interest, Use

TENSORFLOW: Final = "tensorflow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A line that says something beside the bounds of TensorFlow."""

    id: str
    """The row that knows it: of `marks.yaml`, or `companion-<package>`, or `argument-ignored`."""
    file: str
    cell: int | None
    line: int
    symbol: str
    says: str
    package: str = TENSORFLOW
    works: str | None = None
    """The versions of the package that it works with, as a specifier."""
    breaks: bool = False
    """It surely fails with all other versions."""
    instead: str | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        """Where it stands: `train.py:12`, `a.ipynb:cell 3:2`."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.file}:{cell}{self.line}"


@dataclass(slots=True)
class Finder:
    """Compares uses with the rows of the matrix; `legacy_keras` says that `tf.keras` stays Keras 2."""

    table: SymbolTable
    marks: MarksMatrix
    companions: CompanionsMatrix
    replacements: ReplacementsMatrix
    legacy_keras: bool = False
    _meant: dict[str, tuple[tuple[Mark, bool], ...]] = field(default_factory=dict)

    @staticmethod
    def interest(marks: MarksMatrix, companions: CompanionsMatrix) -> Interest:
        """Return what readers of code have to look for."""
        modules = {module_of(row) for row in companions.rows} - {"keras"}
        names = {name.partition(".")[0] for row in marks.rows for name in row.symbols} - {"tf", "keras", "numpy"}
        return Interest(
            modules=frozenset(modules | names),
            attributes=marks.attributes,
            methods=marks.methods,
            numpy=marks.numpy_names,
        )

    def find(self, uses: Iterable[Use]) -> tuple[tuple[Finding, ...], tuple[Need, ...]]:
        """Return what is found, each line once, and what of it bounds TensorFlow for certain."""
        findings: dict[Finding, None] = {}
        needs: list[Need] = []
        told: set[str] = set()
        for use in uses:
            for row, sure in self._rows(use):
                if row.package == TENSORFLOW and row.effect == "bound" and sure and row.works is not None:
                    symbol = use.symbol if use.text is None or row.text is None else f"{use.symbol}({use.text!r})"
                    note = row.says if row.instead is None else f"{row.says}; {row.instead}"
                    needs.append(Need(use=use, minors=self.table.within(row.works), symbol=symbol, note=note))
                else:
                    findings[_finding(use, row, breaks=sure and row.effect == "bound")] = None
            findings.update(dict.fromkeys(self._ignored_arguments(use)))
            if (row_of := self._companion(use)) and row_of.name not in told:
                told.add(row_of.name)
                finding, need = self._tell_companion(use, row_of)
                findings[finding] = None
                needs += [need] if need else []
        return tuple(findings), tuple(needs)

    def needs(self, uses: Iterable[Use]) -> tuple[Need, ...]:
        """Return what of the findings bounds TensorFlow for certain."""
        return self.find(uses)[1]

    # --- marks ---

    def _rows(self, use: Use) -> Iterator[tuple[Mark, bool]]:
        """Yield the rows that speak of a use, and whether the object is surely what the row means."""
        if use.symbol not in self._meant:
            self._meant[use.symbol] = tuple(self._meaning(use.symbol))
        for row, sure in self._meant[use.symbol]:
            if row.argument is not None and row.argument not in use.arguments:
                continue
            if row.text is not None and (use.text is None or not re.search(row.text, use.text)):
                continue
            yield row, sure

    def _meaning(self, symbol: str) -> Iterator[tuple[Mark, bool]]:
        canonical = self.table.canonical(symbol)
        legacy = self.legacy_keras and canonical.startswith((*LEGACY_KERAS_NAMES, UNKNOWN))
        for row in self.marks.rows:
            if row.keras_3 and legacy:
                continue
            if row.symbols and row.means(canonical):
                yield row, True
            elif row.defines and row.of:
                base, _, method = canonical.partition(":")
                if method == row.defines and self.marks.is_class_of(row.of, base):
                    yield row, True
            elif row.attribute and row.of:
                owner = canonical[: -len(row.attribute) - 1] if canonical.endswith(f".{row.attribute}") else ""
                if owner == UNKNOWN:
                    if row.alone:
                        yield row, False
                elif owner and self.marks.kind_of(owner) == row.of:
                    yield row, True

    def _ignored_arguments(self, use: Use) -> Iterator[Finding]:
        if not use.arguments:
            return
        for row in self.replacements.arguments_of(self.table.canonical(use.symbol)):
            if row.ignored is not None and row.argument in use.arguments:
                yield Finding(
                    id="argument-ignored",
                    file=use.file,
                    cell=use.cell,
                    line=use.line,
                    symbol=f"{use.symbol}({row.argument}=)",
                    says=f"not heeded by TensorFlow {row.ignored}",
                    instead=row.note,
                    source=row.source,
                )

    # --- companions ---

    def _companion(self, use: Use) -> CompanionRow | None:
        root = use.symbol.partition(".")[0]
        row = None if root in ("tf", "keras", "numpy", UNKNOWN) else self.companions.row(root)
        return row if row is not None and (any(row.all_ties()) or row.ended or row.legacy_keras) else None

    def _tell_companion(self, use: Use, row: CompanionRow) -> tuple[Finding, Need | None]:
        known = range_of(row, self.table)
        ended = f"; {row.ended.note}" if row.ended else ""
        keras_2 = (
            "; needs Keras 2: tf-keras and TF_USE_LEGACY_KERAS=1 since TensorFlow 2.16" if row.legacy_keras else ""
        )
        finding = Finding(
            id=f"companion-{row.name}",
            file=use.file,
            cell=use.cell,
            line=use.line,
            symbol=use.symbol.partition(".")[0],
            says=f"{row.role}{ended}{keras_2}",
            works=known.works,
            breaks=known.sure is not None,
            instead=f"{row.successor} takes its place" if row.successor else None,
            source=row.ended.source if row.ended else None,
        )
        if known.sure is None:
            return finding, None
        note = f"no version of {row.name} goes with other releases"
        return finding, Need(use=use, minors=known.sure, symbol=finding.symbol, note=note)


def module_of(row: CompanionRow) -> str:
    """Return the module that a companion is imported as."""
    return row.name.replace("-", "_")


def _finding(use: Use, row: Mark, *, breaks: bool) -> Finding:
    shown = use.symbol if use.text is None or row.text is None else f"{use.symbol}({use.text!r})"
    return Finding(
        id=row.id,
        file=use.file,
        cell=use.cell,
        line=use.line,
        symbol=shown.replace(f"{UNKNOWN}.", "."),
        says=row.says,
        package=row.package,
        works=row.works,
        breaks=breaks,
        instead=row.instead,
        source=row.source,
    )
