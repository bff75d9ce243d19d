"""What code uses of TensorFlow, Keras and what goes with them, as dotted names.

tf.nn.relu                          a name
tf.keras.Sequential().fit           an attribute of what a call returned
tf.keras.layers.Layer:get_config    a class below that one defines it
?.fit_generator                     an attribute of something unknown
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

OWN_ROOTS: Final[Mapping[str, str]] = {"tensorflow": "tf", "keras": "keras"}
"""Module -> how its names are written."""
UNKNOWN: Final = "?"
"""Stands for an object that could be anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A name that code uses unguarded; `arguments` are the keywords of the call, where it is one."""

    file: str
    cell: int | None
    line: int
    symbol: str
    arguments: tuple[str, ...] = ()
    text: str | None = None
    """The first argument of the call (or the one called `filepath`), where it is spelled out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """What else than names of TensorFlow and Keras is to be told of."""

    modules: frozenset[str] = frozenset()
    """Other packages whose names count."""
    attributes: frozenset[str] = frozenset()
    """Attributes that are told of unknown objects too; `optimizer.lr` asks for two in a row."""
    methods: frozenset[str] = frozenset()
    """Methods that classes below those of TensorFlow and Keras may define."""
    numpy: frozenset[str] = frozenset()
    """The names of NumPy that count: `numpy.float_`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one file tells."""

    uses: tuple[Use, ...] = ()
    exports: Mapping[str, str] = field(default_factory=dict)
    """Name at the outermost level -> the dotted name that it is."""


def symbols_of(uses: Iterable[Use]) -> Iterator[str]:
    """Yield each name once, in order."""
    return iter(dict.fromkeys(use.symbol for use in uses))
