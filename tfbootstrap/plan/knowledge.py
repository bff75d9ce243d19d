"""The tables of the matrix that planning looks at, loaded by the application. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.gpu import Hardware


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of TensorFlow's releases, and, where a GPU is to be used, of hardware."""

    tensorflow: TensorflowMatrix
    hardware: Hardware | None = None
    """Needed only where GPUs are to be used; reading it for nothing would cost every command its time."""
