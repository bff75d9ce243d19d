"""`marks.yaml`: what in code says more about versions than the names that it uses. Layer 1: pure.

A row names calls (`symbols`), or an attribute of objects of a kind (`of`, `attribute`: `model.fit_generator`), or a
method that a class below a kind defines (`of`, `defines`). What objects there are, and how one gets at them, is in
`kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from tfbootstrap.matrix.bounds import PackageName, RowName
from tfbootstrap.matrix.reader import DateText, SourceText, SpecifierText, Text

_STAR: Final = ".*"
_NAME = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\*)?$")
_ATTRIBUTE = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$")
_REACHED = re.compile(r"^[a-z]+\.[A-Za-z_]\w*(?:\(\)|\[\])?$")

MARKED_NAME: Final = Text("a dotted name, `.*` at its end for all of a module", _NAME.match, "tf.keras.models.*")
ATTRIBUTE: Final = Text("an attribute, or one of an attribute", _ATTRIBUTE.match, "optimizer.lr")
REACHED: Final = Text("a kind and the attribute that leads there", _REACHED.match, "model.layers[]")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


TEXT_PATTERN: Final = Text("a regular expression", _is_pattern, r"\.h5$")

Effect = Literal["bound", "warn"]


def _names(name: str, listed: Collection[str]) -> bool:
    return name in listed or f"{name.rpartition('.')[0]}{_STAR}" in listed


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of object."""

    name: RowName
    symbols: tuple[Annotated[str, MARKED_NAME], ...]
    """The classes and functions whose call returns one."""
    reached: tuple[Annotated[str, REACHED], ...] = ()
    """Attributes of other kinds that are one: `model.layers[]`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Something in code, and what it says."""

    id: RowName
    symbols: tuple[Annotated[str, MARKED_NAME], ...] = ()
    """The names; with `.*` all of a module, not deeper."""
    of: RowName | None = None
    """The kind of object whose attribute or class it is."""
    attribute: Annotated[str, ATTRIBUTE] | None = None
    """The attribute."""
    alone: bool = False
    """The attribute is telling enough to be mentioned where the object could be anything, though as no bound."""
    defines: Annotated[str, ATTRIBUTE] | None = None
    """The method that a class below the kind's defines."""
    argument: Annotated[str, ATTRIBUTE] | None = None
    """The keyword that the call must have."""
    text: Annotated[str, TEXT_PATTERN] | None = None
    """What the first argument must match, a string that is spelled out."""
    package: PackageName = "tensorflow"
    """Whose versions `works` counts."""
    works: SpecifierText | None = None
    """The versions that it works with; none where it only has to be told."""
    effect: Effect
    """`bound`: it surely fails with all other versions. `warn`: it may, or does something else."""
    keras_3: bool = False
    """It is Keras 3 that matters: with TF_USE_LEGACY_KERAS and tf-keras `tf.keras` goes on as before."""
    says: str
    """What happens, in a sentence."""
    instead: str | None = None
    """What to write instead."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if bool(self.symbols) == (self.of is not None):
            yield "symbols", "a row has either symbols or a kind of object (`of`)"
        if (self.of is not None) != (self.attribute is not None or self.defines is not None):
            yield "of", "goes with an attribute, or with a method that a class defines"
        if self.alone and self.attribute is None:
            yield "alone", "goes with an attribute"
        if self.effect == "bound" and self.works is None:
            yield "works", "a bound needs the versions that it works with"
        if self.effect == "bound" and self.defines is not None:
            yield "effect", "what a class defines is no failure"

    def means(self, name: str) -> bool:
        """Say whether this row speaks of a dotted name."""
        return _names(name, self.symbols)


@dataclass(frozen=True, kw_only=True)
class MarksMatrix:
    """The whole of `marks.yaml`."""

    FILE: ClassVar[str] = "marks.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
What in code says more about versions than the names that it uses: literals, attributes, NumPy's names, compiled parts.
Names that are gone are in symbols/, arguments in signatures/; how a row is written: README.md in this folder.
"""

    kinds: tuple[Kind, ...]
    rows: tuple[Mark, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is there twice, out of order, or names what is not there."""
        kinds = [kind.name for kind in self.kinds]
        ids = [row.id for row in self.rows]
        if ids != sorted(set(ids)):
            yield "rows", "must be sorted by id, each id once"
        for index, kind in enumerate(self.kinds):
            for one in kind.reached:
                if one.partition(".")[0] not in kinds[:index]:
                    yield f"kinds[{index}].reached", f"{one} starts from no kind above it"
        for index, row in enumerate(self.rows):
            if row.of is not None and row.of not in kinds:
                yield f"rows[{index}].of", f"{row.of} is no kind"

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that are worth a word of objects that could be anything."""
        return frozenset(row.attribute for row in self.rows if row.attribute and row.alone)

    @property
    def methods(self) -> frozenset[str]:
        """The methods of classes that some row speaks of."""
        return frozenset(row.defines for row in self.rows if row.defines)

    @property
    def numpy_names(self) -> frozenset[str]:
        """The names of NumPy that some row speaks of."""
        return frozenset(name for row in self.rows for name in row.symbols if name.startswith("numpy."))

    def kind_of(self, expression: str) -> str | None:
        """Return the kind of the object that `tf.keras.Sequential().layers[]` is; None: it is none of these."""
        for kind in self.kinds:
            if expression.endswith("()") and _names(expression[:-2], kind.symbols):
                return kind.name
            for one in kind.reached:
                above, _, attribute = one.partition(".")
                if expression.endswith(f".{attribute}") and self.kind_of(expression[: -len(attribute) - 1]) == above:
                    return kind.name
        return None

    def is_class_of(self, kind: str, name: str) -> bool:
        """Say whether a name is a class of a kind."""
        return any(one.name == kind and _names(name, one.symbols) for one in self.kinds)
