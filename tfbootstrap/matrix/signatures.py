"""`signatures/*.yaml`: keyword arguments of public functions and classes, by the minors that take them. Layer 1: pure.

The form is that of `symbols/*.yaml`, with a function or class where that has a module, and its keywords for names:

    tf.keras.layers.LSTM
      2.6-2.15 time_major
      2.6- units

`**` says that other keywords may be taken too: what can't be told from the sources for certain is never refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from tfbootstrap.matrix.reader import Lines, Text
from tfbootstrap.matrix.symbols import NAME, SymbolsMatrix

ANY_KEYWORD: Final = "**"
"""Stands for every keyword that is not named."""

_LINE = re.compile(rf"^(?:{NAME}(?:\.{NAME})*|  \d+\.\d+-(?:\d+\.\d+)?(?: (?:{NAME}|\*\*))+)$")

KEYWORD_LINE: Final = Text(
    "a function or class, or indented by two spaces `FIRST-[LAST] keyword…`", _LINE.match, "  2.6-2.15 time_major"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignaturesMatrix(SymbolsMatrix):
    """The keywords of one tree's functions and classes, as the sources in the wheels of every minor's newest patch say.

    Only those are listed whose keywords differ between minors.
    """

    FILE: ClassVar[str] = "signatures/*.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
The keyword arguments that changed of public functions and classes, by the minors that take them; ** takes any.
Written by `python -m tfbootstrap.upkeep symbols --write`; don't edit by hand.
"""

    lines: Annotated[tuple[str, ...], Lines(KEYWORD_LINE)]
    """A function or class; below it, indented, an interval of minors and the keywords that it takes for that long."""
