"""`symbols/*.yaml`: the public names of TensorFlow and Keras, and which of their minors have them. Layer 1: pure.

Fifteen thousand names in twenty-two releases are kept as one block of text for each tree: a line names a module, the
indented lines below it an interval of minors and the names that the module has for just that long.

    tf.nn
      1.15- relu softmax
      1.15-1.15 rnn_cell

An interval without an end is still there in the newest release that was read. From TensorFlow 2.6 on `tf.keras` is the
package keras, so its trees count Keras minors; `symbol_table` says them in those of TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeVar

from packaging.version import Version

from tfbootstrap.matrix.reader import Lines, Text

SymbolPackage = Literal["tensorflow", "keras"]
Intervals = tuple["SymbolInterval", ...]
Matrix = TypeVar("Matrix", bound="SymbolsMatrix")

NAME: Final = r"[A-Za-z_]\w*"
"""One part of a dotted name, as a pattern."""
_LINE = re.compile(rf"^(?:{NAME}(?:\.{NAME})*|  \d+\.\d+-(?:\d+\.\d+)?(?: {NAME}(?:\.{NAME})*)+)$")
_RELEASE = re.compile(r"^\d+\.\d+\.\d+(?: keras[<>=!~][\w.,<>=!~*]+)?$")
_INDENT: Final = "  "
_WIDTH: Final = 118

SYMBOL_LINE: Final = Text(
    "a module, or indented by two spaces `FIRST-[LAST] name…`", _LINE.match, "  1.15-2.15 bitcast cast"
)
RELEASE_LINE: Final = Text("a version, and the Keras that it requires", _RELEASE.match, "2.18.1 keras>=3.5.0")
ROOT: Final = Text("a module", re.compile(rf"^{NAME}(?:\.{NAME})*$").match, "tf.keras")


@dataclass(frozen=True, slots=True)
class SymbolInterval:
    """The minors that have a name, from `first` to `last`; None where the newest that was read has it."""

    first: str
    last: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolsMatrix:
    """One tree of public names, as the wheels of every minor's newest patch have it."""

    FILE: ClassVar[str] = "symbols/*.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
The public names of a package by the minors that have them, as the modules in its wheels say.
Written by `python -m tfbootstrap.upkeep symbols --write`; don't edit by hand.
"""

    package: SymbolPackage
    """Whose minors these are."""
    root: Annotated[str, ROOT]
    """The module that the tree is shown as."""
    releases: Annotated[tuple[str, ...], Lines(RELEASE_LINE)]
    """The releases that were read, one of each minor, and where its METADATA says so the Keras it requires."""
    lines: Annotated[tuple[str, ...], Lines(SYMBOL_LINE)]
    """A module; below it, indented, an interval of minors and the names that it has for that long."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is out of order, twice, or outside the releases."""
        minors = self.minors
        if list(minors) != sorted(set(minors), key=Version):
            yield "releases", "must ascend, one of each minor"
        if self.lines and self.lines[0].startswith(_INDENT):
            yield "lines", "the first line must name a module"
        heads = [line for line in self.lines if not line.startswith(_INDENT)]
        if heads != sorted(set(heads)):
            yield "lines", "modules must be sorted, each once"
        for head in heads:
            if head != self.root and not head.startswith(f"{self.root}."):
                yield "lines", f"{head} is not below {self.root}"
        for line in self.lines:
            if line.startswith(_INDENT):
                interval, _ = _parse_line(line)
                for minor in sorted({interval.first, interval.last or interval.first}):
                    if minor not in minors:
                        yield "lines", f"{minor} is no minor that was read: {line.strip()}"

    @property
    def versions(self) -> tuple[str, ...]:
        """The releases that were read."""
        return tuple(line.partition(" ")[0] for line in self.releases)

    @property
    def minors(self) -> tuple[str, ...]:
        """The minors that were read, oldest first."""
        return tuple(minor_of(version) for version in self.versions)

    def modules(self) -> dict[str, dict[str, Intervals]]:
        """Return module -> name -> its intervals, oldest first."""
        found: dict[str, dict[str, Intervals]] = {}
        names: dict[str, Intervals] = {}
        for line in self.lines:
            if not line.startswith(_INDENT):
                names = found.setdefault(line, {})
                continue
            interval, listed = _parse_line(line)
            for name in listed:
                names[name] = (*names.get(name, ()), interval)
        return found

    def below(self, head: str) -> dict[str, Intervals]:
        """Return the names below one head and their intervals; empty where it is not there."""
        found: dict[str, Intervals] = {}
        inside = False
        for line in self.lines:
            if not line.startswith(_INDENT):
                if inside:
                    break
                inside = line == head
            elif inside:
                interval, listed = _parse_line(line)
                for name in listed:
                    found[name] = (*found.get(name, ()), interval)
        return found

    def names_of(self, minor: str) -> frozenset[str]:
        """Return every dotted name that one minor has."""
        order = {known: place for place, known in enumerate(self.minors)}
        return frozenset(
            f"{module}.{name}"
            for module, names in self.modules().items()
            for name, intervals in names.items()
            if any(order[one.first] <= order[minor] <= order[one.last or self.minors[-1]] for one in intervals)
        )

    @classmethod
    def from_names(  # noqa: PYI019 - Self is in typing from Python 3.11 on
        cls: type[Matrix],
        package: SymbolPackage,
        root: str,
        releases: Sequence[str],
        names: Mapping[str, Collection[str]],
    ) -> Matrix:
        """Make the file's record from the releases' lines, oldest first, and minor -> dotted names below `root`."""
        minors = [minor_of(line.partition(" ")[0]) for line in releases]
        having: dict[str, list[bool]] = {}
        for place, minor in enumerate(minors):
            for name in names[minor]:
                having.setdefault(name, [False] * len(minors))[place] = True
        groups: dict[str, dict[tuple[str, str], list[str]]] = {}
        for name, marks in having.items():
            module, _, last = name.rpartition(".")
            for span in runs(marks, minors):
                groups.setdefault(module, {}).setdefault(span, []).append(last)
        lines: list[str] = []
        for module in sorted(groups):
            lines.append(module)
            for first, last in sorted(groups[module], key=lambda span: (Version(span[0]), Version(span[1] or "999"))):
                lines += _wrap(f"{_INDENT}{first}-{last}", sorted(groups[module][first, last]))
        return cls(package=package, root=root, releases=tuple(releases), lines=tuple(lines))


def minor_of(version: str) -> str:
    """Return X.Y of a version."""
    return ".".join(version.split(".")[:2])


def _parse_line(line: str) -> tuple[SymbolInterval, list[str]]:
    span, *names = line.split()
    first, _, last = span.partition("-")
    return SymbolInterval(first, last or None), names


def runs(marks: Sequence[bool], minors: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the first and last minor of each run of True; last is empty where the run reaches the end."""
    start: int | None = None
    for place, mark in enumerate([*marks, False]):
        if mark and start is None:
            start = place
        elif not mark and start is not None:
            yield minors[start], "" if place == len(minors) else minors[place - 1]
            start = None


def _wrap(head: str, names: Iterable[str]) -> Iterator[str]:
    line = head
    for name in names:
        if len(line) + 1 + len(name) > _WIDTH and line != head:
            yield line
            line = head
        line = f"{line} {name}"
    yield line
