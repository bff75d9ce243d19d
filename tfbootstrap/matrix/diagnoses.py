"""`diagnoses/*.yaml`: error texts, what they mean and what to do about them. Layer 1: pure.

A sign is a phrase and, where the phrase alone is not enough, patterns: the phrase finds candidates fast, the patterns
decide and capture. Both ignore case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal, get_args

from tfbootstrap.matrix.reader import DateText, Lines, SourceText, SpecifierText, Text

Effect = Literal["stops", "degrades", "nothing"]
"""`stops`: the program or the installation ends. `degrades`: it goes on without the GPU, slower or wrong. `nothing`."""

Situation = Literal[
    "apple", "colab", "conda", "container", "cuda-differs", "gpu", "kaggle", "linux", "macos", "no-gpu",
    "notebook", "python-too-new", "python-too-old", "torch", "venv", "windows", "wsl",
]  # fmt: skip
"""What the facts, or the text itself, tell about the machine."""
SITUATIONS: tuple[Situation, ...] = get_args(Situation)

SymbolAge = Literal["every-release", "tensorflow-1", "some-releases"]
"""Which releases have a name, as `symbols/` says; a name that none has is of `some-releases` too."""

_WORD = r"[A-Za-z]{2}"
_IDENTIFIER = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

SITUATION_VALUES: Final = frozenset({"python", "fitting", "newest", "tensorflow_pythons", "installed"})
"""What fixes may name besides captures: the Python, the TensorFlow minors that it has wheels of and the newest of
them, the Pythons of the captured TensorFlow, the TensorFlow in use. A step with an unknown value is left out."""


SYMBOL_CAPTURES: Final = frozenset({"module", "symbol"})
"""Captures that together name something of TensorFlow or Keras; they give a third value, `dotted`."""


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern as signs mean it. Raises ValueError where it is none."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(str(error)) from error


def _is_bounded(pattern: str) -> bool:
    """Say whether a pattern compiles and no part of it repeats without an end (what makes matching slow)."""
    compile_pattern(pattern)
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "x", re.sub(r"\\.", "x", pattern))
    return not re.search(r"[*+]|\{\d*,\}|\)\{", bare)


PATTERN: Final = Text(
    "a regular expression without endless repetition ({1,80}, not + or *; no repeated groups)",
    _is_bounded,
    r"libcudart\.so\.(?P<version>[\d.]{1,9})",
)
IDENTIFIER: Final = Text(
    "an identifier of small letters and dashes", re.compile(_IDENTIFIER).match, "numpy2-abi", _IDENTIFIER
)
PHRASE: Final = Text("words to look for, one of at least two letters", re.compile(_WORD).search, "dlerror", _WORD)
TEXT_LINE: Final = Text("a line of text", str.strip, "RuntimeError: no GPU")

IdText = Annotated[str, IDENTIFIER]
PhraseText = Annotated[str, PHRASE]
PatternLines = Annotated[tuple[str, ...], Lines(PATTERN)]
TextLines = Annotated[tuple[str, ...], Lines(TEXT_LINE)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Words that a line must hold; with patterns, one of them must match too."""

    phrase: PhraseText
    patterns: PatternLines = ()

    def search(self, line: str) -> Mapping[str, str] | None:
        """Return what a line gives for the captures; None where it does not bear the mark."""
        if self.phrase.lower() not in line.lower():
            return None
        if not self.patterns:
            return {}
        for pattern in self.patterns:
            match = compile_pattern(pattern).search(line)
            if match:
                found = {name: value for name, value in match.groupdict().items() if value}
                return {**found, "dotted": _public_name(found)} if found.keys() >= SYMBOL_CAPTURES else found
        return None

    @property
    def captures(self) -> frozenset[str]:
        """The names that every pattern captures."""
        groups = [frozenset(compile_pattern(pattern).groupindex) for pattern in self.patterns]
        return frozenset.intersection(*groups) if groups else frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing to do, where its conditions hold and every value that it names is known."""

    text: str
    when: tuple[Situation, ...] = ()
    """All of these must be known to hold."""
    unless: tuple[Situation, ...] = ()
    """None of these must be known to hold."""
    tensorflow: SpecifierText | None = None
    """The TensorFlow in use must be known and be one of these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """One way in which a class shows; what it says itself stands before what its class says."""

    phrase: PhraseText
    patterns: PatternLines = ()
    beside: tuple[Mark, ...] = ()
    """What must stand somewhere else in the text."""
    differ: tuple[str, ...] = ()
    """Captures, of this sign and those beside it, that must not all be the same."""
    symbol: SymbolAge | None = None
    """Which releases must have the captured `symbol` of the captured `module`; `dotted` is then its whole name."""
    effect: Effect | None = None
    cause: str | None = None
    fix: tuple[Step, ...] = ()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The sign's own mark, then those beside it."""
        return (Mark(phrase=self.phrase, patterns=self.patterns), *self.beside)

    @property
    def captures(self) -> frozenset[str]:
        """The names of all values that this sign gives."""
        captures = frozenset[str]().union(*(mark.captures for mark in self.marks))
        return captures | {"dotted"} if captures >= SYMBOL_CAPTURES else captures


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A text that shows the class, as somebody met it."""

    text: TextLines
    also: tuple[IdText, ...] = ()
    """The other classes that this text shows as well."""
    source: SourceText | None = None
    """Where it was met; None: in the first of the row's sources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnosisRow:
    """One class of failures, or of messages that look like one."""

    id: IdText
    effect: Effect
    harmless_when: tuple[Situation, ...] = ()
    """It has no effect where one of these is known to hold."""
    yields_to: tuple[IdText, ...] = ()
    """Classes that explain this one: where one of them is found, this one is left out."""
    when: tuple[Situation, ...] = ()
    unless: tuple[Situation, ...] = ()
    tensorflow: SpecifierText | None = None
    """The TensorFlow in use must be known and be one of these."""
    cause: str
    """One sentence; `{name}` stands for a captured value."""
    signs: tuple[Sign, ...]
    fix: tuple[Step, ...]
    matches: tuple[Example, ...]
    """Texts that this class must be found in."""
    unlike: TextLines = ()
    """Texts of neighbours, one a line, in which no sign of this class must be found."""
    sources: tuple[SourceText, ...]
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        for name in ("signs", "fix", "matches", "unlike", "sources"):
            if not getattr(self, name):
                yield name, "is empty"
        for index, sign in enumerate(self.signs):
            for name in sorted(set(sign.differ) - sign.captures):
                yield f"signs[{index}].differ", f"{name} is captured by no pattern"
            if sign.symbol is not None and "dotted" not in sign.captures:
                yield f"signs[{index}].symbol", "module and symbol are not captured by every pattern"
            key, cause = (
                (f"signs[{index}]", self.cause) if sign.cause is None else (f"signs[{index}].cause", sign.cause)
            )
            yield from ((key, f"the cause names {text}") for text in _unknown(cause, sign.captures))
        patterns = [pattern for sign in self.signs for mark in sign.marks for pattern in mark.patterns]
        captures = SITUATION_VALUES.union(*(compile_pattern(pattern).groupindex for pattern in patterns), {"dotted"})
        steps = [*self.fix, *(step for sign in self.signs for step in sign.fix)]
        yield from (("fix", f"a step names {text}") for step in steps for text in _unknown(step.text, captures))


def _public_name(captured: Mapping[str, str]) -> str:
    """Return the name that `symbols/` has: tracebacks show where TensorFlow keeps its generated modules."""
    module = re.sub(r"^tensorflow(?:_core)?\b", "tf", captured["module"])
    module = re.sub(r"^tf(?:\._api\.v[12])?(?:\.compat\.v2)?", "tf", module)
    return f"{module}.{captured['symbol']}"


def _unknown(template: str, captures: frozenset[str]) -> Iterator[str]:
    for name in dict.fromkeys(placeholders(template)):
        if name not in captures:
            yield f"{{{name}}}, which no pattern captures"


def placeholders(template: str) -> list[str]:
    """Return the names of the values that a cause or a fix has places for."""
    return _PLACEHOLDER.findall(template)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnosesFile:
    """One file of `diagnoses/`: the classes of one theme."""

    FILE: ClassVar[str] = "diagnoses/*.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Error texts, what they mean and what to do. In `diagnoses/` every class stands once; the file is only a theme.
What each key means and how awkward values are chosen: README.md in the folder above.
"""

    theme: str
    rows: tuple[DiagnosisRow, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which classes are there twice or out of order."""
        names = [row.id for row in self.rows]
        if names != sorted(set(names)):
            yield "rows", "must be sorted by id, each id once"
