"""`cuda_wheels.yaml`: CUDA as wheels where TensorFlow's own extra is missing or broken. Layer 1: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tfbootstrap.matrix.cuda import CudaMajorText
from tfbootstrap.matrix.reader import (
    DateText,
    RequirementLines,
    SourceText,
    SpecifierText,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PinSetRow:
    """The wheels to install instead of the extra `and-cuda`."""

    tensorflow: SpecifierText
    cuda: CudaMajorText
    """The CUDA major of the wheels."""
    why: Literal["no-extra", "broken-extra"]
    reason: str
    pins: RequirementLines
    source: SourceText
    checked: DateText

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which pins are none, or for another CUDA major."""
        for line, pin in enumerate(self.pins):
            requirement = Requirement(pin)
            if [one.operator for one in requirement.specifier] != ["=="]:
                yield "pins", f"line {line + 1}: {pin} is no exact pin"
            if not requirement.name.endswith(f"-cu{self.cuda}"):
                yield "pins", f"line {line + 1}: {requirement.name} is not for CUDA {self.cuda}"


@dataclass(frozen=True, kw_only=True)
class CudaWheelsMatrix:
    """The whole of `cuda_wheels.yaml`."""

    FILE: ClassVar[str] = "cuda_wheels.yaml"
    SCHEMA: ClassVar[int] = 2
    HEADER: ClassVar[str] = """\
CUDA as wheels where TensorFlow's extra `and-cuda` does not do: for releases without one (up to 2.13) or with a broken
one. How pins are chosen: README.md in this folder. What the extra leaves open since 2.20 is bounded in known_bad.yaml.
"""

    pin_sets: tuple[PinSetRow, ...] = ()

    def pin_set(self, tensorflow: str) -> PinSetRow | None:
        """Return the wheels to install with a TensorFlow version instead of its extra; None where the extra does."""
        for row in self.pin_sets:
            if SpecifierSet(row.tensorflow, prereleases=True).contains(tensorflow):
                return row
        return None
