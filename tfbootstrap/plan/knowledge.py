"""The tables of the matrix that planning looks at, loaded by the application. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tfbootstrap.matrix.tensorflow import TensorflowMatrix


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of TensorFlow's releases."""

    tensorflow: TensorflowMatrix
