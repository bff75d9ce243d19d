"""`bounds.yaml`: the bounds that the published metadata lacks, each with what breaks beyond it. Layer 1: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Final

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.matrix.reader import DateText, SourceText, SpecifierText, Text, VersionText

TENSORFLOW: Final = "tensorflow"

ROW_NAME: Final = Text(
    "a row's name (lower case words joined by `-`)", re.compile(r"^[a-z0-9]+(-[a-z0-9.]+)*$").match, "numpy-2-abi"
)
PACKAGE: Final = Text(
    "a normalised package name", lambda text: text == canonicalize_name(text), "typing-extensions", r"^[a-z0-9-]+$"
)

RowName = Annotated[str, ROW_NAME]
PackageName = Annotated[str, PACKAGE]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A bound on one package for some TensorFlow releases, which their metadata does not have."""

    id: RowName
    package: PackageName
    tensorflow: SpecifierText
    """The TensorFlow releases that it is for; pre-releases count by their number."""
    python: SpecifierText | None = None
    """The Pythons (X.Y) that it is for; None: all."""
    bound: SpecifierText
    """What is added to the published requirement, which stays beside it."""
    bad: VersionText
    """A version beyond the bound that shows the symptom: the first above an upper bound, the last below a lower one."""
    needed_by: PackageName
    """Who breaks: `tensorflow`, or what it (or the request) requires; the bound applies only where that is wanted."""
    symptom: str
    """The error as it is printed."""
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together within this row."""
        if not self.bound:
            yield "bound", "bounds nothing"
        elif SpecifierSet(self.bound).contains(self.bad, prereleases=True):
            yield "bad", f"{self.bound} admits {self.bad}, which is said to break"
        if "==" in self.bound:
            yield "bound", f"{self.bound} is a pin; write the range that works"

    def is_for(self, tensorflow: str, python: str) -> bool:
        """Say whether this is for a TensorFlow release and a Python X.Y."""
        return SpecifierSet(self.tensorflow).contains(tensorflow, prereleases=True) and (
            self.python is None or SpecifierSet(self.python).contains(python)
        )

    @property
    def requirement(self) -> str:
        """The line that is added."""
        return f"{self.package}{self.bound}"


@dataclass(frozen=True, kw_only=True)
class BoundMatrix:
    """The whole of `bounds.yaml`, sorted by name."""

    FILE: ClassVar[str] = "bounds.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
Bounds that TensorFlow's published metadata lacks: what breaks beyond each, and who says so.
They only ever tighten. How a bound is chosen: README.md in this folder.
"""

    rows: tuple[Bound, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which rows are out of order or there twice."""
        for index in range(1, len(self.rows)):
            before, row = self.rows[index - 1], self.rows[index]
            if row.id <= before.id:
                yield f"rows[{index}].id", f"{row.id} must not come after {before.id}: rows are sorted, each once"

    @cached_property
    def _by_id(self) -> dict[str, Bound]:
        return {row.id: row for row in self.rows}

    def row(self, name: str) -> Bound | None:
        """Return the row of that name, or None."""
        return self._by_id.get(name)
