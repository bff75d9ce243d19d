"""All trees of keyword arguments, joined: which TensorFlow minors refuse a keyword. Layer 1: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tfbootstrap.matrix.signatures import ANY_KEYWORD, SignaturesMatrix
from tfbootstrap.matrix.symbol_table import KERAS_TREES, SHOWN_ELSEWHERE, SymbolTable

_KERAS = "keras"


@dataclass(slots=True)
class SignatureTable:
    """The trees of signatures beside those of symbols, which say what Keras goes with what TensorFlow."""

    trees: Mapping[str, SignaturesMatrix]
    """Root -> tree."""
    symbols: SymbolTable
    _taken: dict[str, dict[str, dict[str, frozenset[str]]]] = field(default_factory=dict)
    """Root -> function -> minor -> the keywords that it takes."""

    @classmethod
    def of(cls, trees: Iterable[SignaturesMatrix], symbols: SymbolTable) -> SignatureTable:
        """Join trees."""
        return cls({tree.root: tree for tree in trees}, symbols)

    def refusing(self, name: str, keyword: str) -> frozenset[str]:
        """Return the TensorFlow minors in which a call of a function or class with a keyword surely fails.

        Of a name of standalone Keras: those with which only such a Keras goes.
        """
        module, _, last = self.symbols.canonical(name).rpartition(".")
        function = f"{SHOWN_ELSEWHERE.get(module, module)}.{last}"
        if function.startswith(f"{_KERAS}."):
            return self._through_keras(_KERAS, function, keyword)
        found = frozenset(minor for minor, taken in self._taken_by("tf", function).items() if _refuses(taken, keyword))
        for root in KERAS_TREES:
            if function.startswith(f"{root}."):
                found |= self._through_keras(root, function, keyword)
                # With Keras 3 tf.compat.v1.keras is tf.keras.
                same = f"tf.keras{function.removeprefix(root)}"
                found |= self._through_keras("tf.keras", same, keyword) & self.symbols.keras_3_minors
        return found

    def keywords(self, name: str) -> tuple[str, ...]:
        """Return every keyword that some minor takes and another one may refuse, sorted."""
        module, _, last = self.symbols.canonical(name).rpartition(".")
        function = f"{SHOWN_ELSEWHERE.get(module, module)}.{last}"
        taken = (self._taken_by(root, function).values() for root in self.trees)
        return tuple(
            sorted({keyword for minors in taken for keywords in minors for keyword in keywords} - {ANY_KEYWORD})
        )

    def _through_keras(self, root: str, function: str, keyword: str) -> frozenset[str]:
        taken = self._taken_by(root, function)
        refused = {minor for minor, keywords in taken.items() if _refuses(keywords, keyword)}
        return frozenset(
            minor
            for minor in self.symbols.minors
            # A Keras without the function does not matter here: that is told by its name.
            if (known := self.symbols.kerases_of(minor) & taken.keys()) and known <= refused
        )

    def _taken_by(self, root: str, function: str) -> dict[str, frozenset[str]]:
        if root not in self._taken:
            self._taken[root] = {}
        if function not in self._taken[root]:
            self._taken[root][function] = self._read(root, function)
        return self._taken[root][function]

    def _read(self, root: str, function: str) -> dict[str, frozenset[str]]:
        if root not in self.trees:
            return {}
        tree = self.trees[root]
        order = {minor: place for place, minor in enumerate(tree.minors)}
        taken: dict[str, set[str]] = {}
        for keyword, intervals in tree.below(function).items():
            for one in intervals:
                for minor in tree.minors[order[one.first] : order[one.last or tree.minors[-1]] + 1]:
                    taken.setdefault(minor, set()).add(keyword)
        return {minor: frozenset(keywords) for minor, keywords in taken.items()}


def _refuses(taken: frozenset[str], keyword: str) -> bool:
    return keyword not in taken and ANY_KEYWORD not in taken
