"""The tables of the matrix that planning looks at, loaded by the application. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.gpu import Hardware


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of TensorFlow's releases and their dependencies, and, where a GPU is to be used, of hardware."""

    tensorflow: TensorflowMatrix
    bounds: BoundMatrix = field(default_factory=BoundMatrix)
    known_bad: KnownBadMatrix = field(default_factory=KnownBadMatrix)
    hardware: Hardware | None = None
    """Needed only where GPUs are to be used; reading it for nothing would cost every command its time."""
