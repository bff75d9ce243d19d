"""`requires.yaml`: what the packages of the provisioned runtimes require of each other, to know what a change breaks.
Layer 1: pure.

A freeze list has no requirements, and reading seven hundred METADATA files takes minutes. So they are read once, by
`python -m tfbootstrap.upkeep runtime-requires`, and kept as one block of text: seven thousand YAML nodes would
take longer to parse than all else that a command does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from tfbootstrap.matrix.reader import DateText, Lines, Text
from tfbootstrap.matrix.runtimes import PinLines

_LINE = re.compile(r"^(?:[a-z0-9][a-z0-9-]*(?: [0-9][\w.!+-]*)+|  [A-Za-z0-9][\w.-]*[<>=!~].*)$")

REQUIRES: Final = Text(
    "`name version…`, or indented by two spaces a requirement of the line above", _LINE.match, "keras 3.13.2"
)
_INDENT = "  "


@dataclass(frozen=True, kw_only=True, slots=True)
class RequiresMatrix:
    """The whole of `requires.yaml`."""

    FILE: ClassVar[str] = "requires.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
What the packages of the provisioned runtimes (../runtimes) require of each other, as their wheels' METADATA says.
Written by `python -m tfbootstrap.upkeep runtime-requires --write`; don't edit by hand.
Left out: requirements without a version, of extras, for other platforms, and of packages that no runtime has.
"""

    checked: DateText
    """The day on which the metadata was read."""
    unread: PinLines = ()
    """Packages whose requirements no index tells: source only, or gone."""
    partly: PinLines = ()
    """Builds of another index, read from the public one of the same number; what they require of CUDA is left out."""
    lines: Annotated[tuple[str, ...], Lines(REQUIRES)]
    """A package and those of its versions that require the same; below it, indented, each requirement."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what is not in order."""
        heads = [line for line in self.lines if not line.startswith(_INDENT)]
        names = [head.partition(" ")[0] for head in heads]
        if names != sorted(names):
            yield "lines", "packages must be sorted by name"
        known: set[str] = set()
        for head in heads:
            name, *versions = head.split()
            for version in versions:
                if f"{name}=={version}" in known:
                    yield "lines", f"{name} {version} is there twice"
                known.add(f"{name}=={version}")

    def of(self, pins: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Return what packages (normalised name -> version) require; those that require nothing are left out."""
        found: dict[str, list[str]] = {}
        current: list[str] | None = None
        for line in self.lines:
            if line.startswith(_INDENT):
                if current is not None:
                    current.append(line[len(_INDENT) :])
                continue
            name, *versions = line.split(" ")
            current = found.setdefault(name, []) if pins.get(name) in versions else None
        return {name: tuple(requirements) for name, requirements in found.items() if requirements}

    @classmethod
    def from_requirements(
        cls,
        requirements: Mapping[tuple[str, str], tuple[str, ...]],
        *,
        unread: tuple[str, ...] = (),
        partly: tuple[str, ...] = (),
        checked: str,
    ) -> RequiresMatrix:
        """Make the file's record from (normalised name, version) -> requirements; versions in the order given."""
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (name, version), required in requirements.items():
            if required:
                groups.setdefault((name, required), []).append(version)
        lines: list[str] = []
        for (name, required), versions in sorted(groups.items(), key=lambda group: group[0][0]):
            lines += [" ".join([name, *versions]), *(_INDENT + requirement for requirement in required)]
        return cls(checked=checked, unread=unread, partly=partly, lines=tuple(lines))
