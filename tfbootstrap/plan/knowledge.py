"""The tables of the matrix that planning looks at, loaded by the application. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.distributions import DistributionsMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.gpu import Hardware

Part = Literal["hardware", "distributions", "companions"]
"""Tables that only some plans look at; reading them for nothing would cost every command its time."""
ALL_PARTS: frozenset[Part] = frozenset(get_args(Part))


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of TensorFlow's releases and their dependencies, and the parts that a plan needs besides."""

    tensorflow: TensorflowMatrix
    bounds: BoundMatrix = field(default_factory=BoundMatrix)
    known_bad: KnownBadMatrix = field(default_factory=KnownBadMatrix)
    distributions: DistributionsMatrix | None = None
    """Needed only where wheels of `tensorflow` may be shims, or another distribution is asked for."""
    companions: CompanionsMatrix | None = None
    """Needed only where other packages are asked for, and on a Mac, whose GPU takes a plug-in."""
    hardware: Hardware | None = None
    """Needed only where GPUs are to be used."""
