"""Which cells there are to prove: for each minor of TensorFlow and each Python, the newest patch with a wheel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.proofs import PROVEN_RUNTIME, proof_name
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, tag_platforms, tag_pythons

FIRST = Version("2.0")
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PLATFORM = "linux-x86_64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A TensorFlow release and a Python (X.Y)."""

    tensorflow: str
    python: str
    runtime: str = PROVEN_RUNTIME

    @property
    def name(self) -> str:
        """What its proof is called."""
        return proof_name(self.tensorflow, self.python, self.runtime)

    @property
    def minor(self) -> str:
        """The TensorFlow minor, X.Y."""
        return ".".join(self.tensorflow.split(".")[:2])


def all_cells(matrix: TensorflowMatrix) -> tuple[Cell, ...]:
    """Return every cell, the newest minor first."""
    minors = [minor for minor in matrix.minors if Version(minor) >= FIRST]
    return tuple(cell for minor in reversed(minors) for cell in _cells_of_minor(matrix, minor))


def select(cells: tuple[Cell, ...], only: SpecifierSet | None, python: str | None) -> tuple[Cell, ...]:
    """Return the cells that a specifier and a Python leave."""
    return tuple(
        cell
        for cell in cells
        if (only is None or only.contains(cell.tensorflow)) and (python is None or cell.python == python)
    )


def _cells_of_minor(matrix: TensorflowMatrix, minor: str) -> Iterator[Cell]:
    for python in PYTHONS:
        fitting = [
            row.version
            for row in matrix.of_minor(minor)
            if not (row.prerelease or row.yanked)
            and any(python in tag_pythons(tag) and PLATFORM in tag_platforms(tag) for tag in row.wheels)
        ]
        if fitting:
            yield Cell(tensorflow=fitting[-1], python=python)
