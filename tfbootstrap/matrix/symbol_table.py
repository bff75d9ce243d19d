"""All trees of public names, joined: names below `tf` counted in TensorFlow's minors, those
below `keras` in Keras's own. Layer 1: pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.symbols import Intervals, SymbolInterval, SymbolPackage, SymbolsMatrix, minor_of, runs

KERAS_TREES: Final = ("tf.keras", "tf.compat.v1.keras")
"""Where TensorFlow shows the package keras."""
_KERAS_OF_1: Final = "tf.compat.v1.keras"
"""With Keras 3 this is `tf.keras`."""

SHOWN_ELSEWHERE: Final = {
    "tf.initializers": "tf.keras.initializers",
    "tf.losses": "tf.keras.losses",
    "tf.metrics": "tf.keras.metrics",
    "tf.optimizers": "tf.keras.optimizers",
    "tf.compat.v1.layers": "tf.compat.v1.keras.__internal__.legacy.layers",
    "tf.compat.v1.nn.rnn_cell": "tf.compat.v1.keras.__internal__.legacy.rnn_cell",
}
"""Modules that TensorFlow 2 takes from Keras when they are first used, as its `__init__.py` says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolFact:
    """What is known about a name: the package whose minors the intervals count, and how long it has been there."""

    symbol: str
    """The name, or the nearest one above it that is known: what is below a class or function no tree says."""
    package: SymbolPackage
    intervals: Intervals


@dataclass(slots=True)
class SymbolTable:
    """All trees, joined: names below `tf` by TensorFlow's minors, those below `keras` by Keras's own."""

    trees: Mapping[str, SymbolsMatrix]
    """Root -> tree."""
    _modules: dict[str, dict[str, dict[str, Intervals]]] = field(default_factory=dict)
    _kerases: dict[str, frozenset[str]] = field(default_factory=dict)
    """TensorFlow minor -> the Keras minors it admits, where `tf.keras` is that package."""

    def __post_init__(self) -> None:
        kerases = self.trees["tf.keras"].versions if "tf.keras" in self.trees else ()
        for line in self.trees["tf"].releases:
            version, _, requirement = line.partition(" ")
            if requirement:
                specifier = Requirement(requirement).specifier
                self._kerases[minor_of(version)] = frozenset(minor_of(keras) for keras in kerases if keras in specifier)

    @classmethod
    def of(cls, trees: Iterable[SymbolsMatrix]) -> SymbolTable:
        """Join trees."""
        return cls({tree.root: tree for tree in trees})

    @property
    def minors(self) -> tuple[str, ...]:
        """The minors of TensorFlow that were read, oldest first."""
        return self.trees["tf"].minors

    def kerases_of(self, minor: str) -> frozenset[str]:
        """Return the Keras minors that a TensorFlow minor admits; none where `tf.keras` is its own."""
        return self._kerases.get(minor, frozenset())

    @property
    def keras_3_minors(self) -> frozenset[str]:
        """The TensorFlow minors that go with Keras 3 only."""
        return frozenset(
            minor for minor, kerases in self._kerases.items() if kerases and min(map(Version, kerases)).major >= 3
        )

    @staticmethod
    def canonical(name: str) -> str:
        """Spell a name as the trees do: `tensorflow.x` and `tf.compat.v2.x` are `tf.x`."""
        parts = name.split(".")
        if parts[0] == "tensorflow":
            parts[0] = "tf"
        if parts[:3] == ["tf", "compat", "v2"] and len(parts) > 3:
            # One name stands in tf.compat.v2 and not in tf; tf.compat.v1 has it for as long.
            parts = ["tf", *(["compat", "v1"] if parts[3] == "enable_v2_behavior" else []), *parts[3:]]
        return ".".join(parts)

    def until(self, fact: SymbolFact, last: str) -> SymbolFact:
        """Return what is known of a name that works up to a minor only, though later ones still have it."""
        end = Version(last)
        ended = [
            SymbolInterval(one.first, last if one.last is None or Version(one.last) > end else one.last)
            for one in fact.intervals
            if Version(one.first) <= end
        ]
        return replace(fact, intervals=tuple(ended))

    def tensorflow_minors(self, fact: SymbolFact) -> frozenset[str]:
        """Return the TensorFlow minors that have a name; of one of standalone Keras those that go with such a Keras.

        TensorFlow up to 2.5 went with Keras releases that nobody read; they are taken to have what Keras 2.6 has.
        """
        axis = self.axis(fact.package)
        having = {
            minor
            for minor in axis
            for one in fact.intervals
            if Version(one.first) <= Version(minor) <= Version(one.last or axis[-1])
        }
        if fact.package == "tensorflow":
            return frozenset(having)
        oldest = axis[0] in having
        return frozenset(
            minor for minor in self.minors if (self._kerases[minor] & having if minor in self._kerases else oldest)
        )

    def within(self, specifier: str) -> frozenset[str]:
        """Return the minors of TensorFlow that a specifier of releases admits, by their newest patch."""
        return frozenset(
            minor_of(version) for version in self.trees["tf"].versions if version in SpecifierSet(specifier)
        )

    def axis(self, package: SymbolPackage) -> tuple[str, ...]:
        """Return the minors of a package that were read, oldest first."""
        return self.trees["keras" if package == "keras" else "tf"].minors

    def in_compat_v1(self, name: str) -> str | None:
        """Return the name below `tf.compat.v1` where the newest release still has a name of TensorFlow 1."""
        if not name.startswith("tf.") or name.startswith("tf.compat."):
            return None
        old = f"tf.compat.v1.{name.removeprefix('tf.')}"
        fact = self.find(old)
        return old if fact is not None and fact.symbol == old and fact.intervals[-1].last is None else None

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return up to three names of the same module, or of any with that last part, that are alike."""
        module, _, last = self.canonical(name).rpartition(".")
        siblings = {known for root in self.trees for known in self._names(root).get(module, {})}
        if alike := get_close_matches(last, sorted(siblings), 3):
            return tuple(f"{module}.{known}" for known in alike)
        found = {
            f"{place}.{last}" for root in self.trees for place, names in self._names(root).items() if last in names
        }
        return tuple(sorted(found, key=lambda known: (known.count("."), known))[:3])

    def find(self, name: str) -> SymbolFact | None:
        """Return what is known about a dotted name; None where no tree knows it.

        `tensorflow.x` is `tf.x`, and `tf.compat.v2.x` too. Of `tf.Variable.assign` the class is what is known.
        """
        wanted = self.canonical(name)
        while "." in wanted:
            minors = self._minors_with(wanted)
            if minors:
                package: SymbolPackage = "keras" if wanted.split(".")[0] == "keras" else "tensorflow"
                axis = self.axis(package)
                spans = runs([minor in minors for minor in axis], axis)
                intervals = tuple(SymbolInterval(first, last or None) for first, last in spans)
                return SymbolFact(symbol=wanted, package=package, intervals=intervals)
            wanted = wanted.rpartition(".")[0]
            if self.is_module(wanted):
                # A module's names are all known; that it has never had this one is an answer.
                return None
        return None

    def has(self, name: str) -> bool:
        """Say whether some release has exactly this name; those of other packages count as there."""
        if self.canonical(name).partition(".")[0] not in ("tf", "keras"):
            return True
        fact = self.find(name)
        return fact is not None and fact.symbol == self.canonical(name)

    def is_module(self, name: str) -> bool:
        """Say whether a name is a module whose own names some release tells."""
        wanted = self.canonical(name)
        elsewhere = SHOWN_ELSEWHERE.get(wanted)
        listed = any(wanted in self._names(root) for root in self.trees)
        return listed or (elsewhere is not None and any(elsewhere in self._names(root) for root in self.trees))

    def _minors_with(self, name: str) -> frozenset[str]:
        """Return the minors, TensorFlow's or for standalone Keras its own, that have exactly this name."""
        module, _, last = name.rpartition(".")
        if name.split(".", maxsplit=1)[0] == "keras":
            return self._own_minors("keras", module, last)
        minors = self._own_minors("tf", module, last)
        if module == _KERAS_OF_1 or module.startswith(f"{_KERAS_OF_1}."):
            minors |= self._minors_with(f"tf.keras{name.removeprefix(_KERAS_OF_1)}") & self.keras_3_minors
        for root in KERAS_TREES:
            if module == root or module.startswith(f"{root}."):
                minors |= self._through_keras(root, module, last)
        if elsewhere := SHOWN_ELSEWHERE.get(module):
            shown = self._minors_with(f"{elsewhere}.{last}") - {"1.15"}
            minors |= shown & self._minors_with(module)
        return minors

    def _own_minors(self, root: str, module: str, last: str) -> frozenset[str]:
        if root not in self.trees:
            return frozenset()
        minors = self.trees[root].minors
        place = {minor: index for index, minor in enumerate(minors)}
        found: set[str] = set()
        for one in self._names(root).get(module, {}).get(last, ()):
            found.update(minors[place[one.first] : place[one.last or minors[-1]] + 1])
        return frozenset(found)

    def _through_keras(self, root: str, module: str, last: str) -> frozenset[str]:
        """Return the TensorFlow minors of which some Keras that they admit has the name."""
        having = self._own_minors(root, module, last)
        return frozenset(minor for minor, kerases in self._kerases.items() if having & kerases)

    def _names(self, root: str) -> dict[str, dict[str, Intervals]]:
        if root not in self._modules:
            self._modules[root] = self.trees[root].modules()
        return self._modules[root]
