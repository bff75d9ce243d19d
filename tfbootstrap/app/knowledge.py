"""Loads the tables that planning looks at, and no more of them than a command needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.edges.resources import digest, load
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.knowledge import Knowledge

if TYPE_CHECKING:
    from tfbootstrap.matrix.companions import CompanionsMatrix
    from tfbootstrap.matrix.libraries import LibrariesMatrix
    from tfbootstrap.plan.gpu import Hardware


class Tables:
    """The tables of one matrix, each kind read at most once however many targets (threads) ask."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = Lock()
        self._found: dict[bool, Knowledge] = {}

    def digest(self) -> str:
        """Return what stands for the content of the whole matrix."""
        return digest(matrix_folder(self._directory))

    def companionship(self) -> tuple[LibrariesMatrix, CompanionsMatrix]:
        """Return what is known of CUDA's libraries and of what goes with TensorFlow, which few locks need."""
        from tfbootstrap.matrix.companions import CompanionsMatrix
        from tfbootstrap.matrix.libraries import LibrariesMatrix

        folder = matrix_folder(self._directory)
        return load(LibrariesMatrix, folder), load(CompanionsMatrix, folder)

    def knowledge(self, *, hardware: bool) -> Knowledge:
        """Return what is known, with the tables of hardware where they are asked for."""
        with self._lock:
            if hardware not in self._found:
                plain = self._found.get(not hardware) or load_knowledge(self._directory)
                tables = load_hardware(self._directory) if hardware else None
                self._found[hardware] = replace(plain, hardware=tables)
            return self._found[hardware]


def load_knowledge(directory: Path | None = None, *, hardware: bool = False) -> Knowledge:
    """Return what is known; the tables of hardware only where they are asked for."""
    folder = matrix_folder(directory)
    return Knowledge(
        tensorflow=load(TensorflowMatrix, folder),
        bounds=load(BoundMatrix, folder),
        known_bad=load(KnownBadMatrix, folder),
        hardware=load_hardware(directory) if hardware else None,
    )


def load_hardware(directory: Path | None = None) -> Hardware:
    """Return the tables that judge GPUs."""
    from tfbootstrap.matrix.cuda import CudaMatrix
    from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
    from tfbootstrap.matrix.cudnn import CudnnMatrix
    from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
    from tfbootstrap.matrix.libraries import LibrariesMatrix
    from tfbootstrap.plan.gpu import Hardware

    folder = matrix_folder(directory)
    return Hardware(
        gpu_code=load(GpuCodeMatrix, folder),
        cuda=load(CudaMatrix, folder),
        cudnn=load(CudnnMatrix, folder),
        cuda_wheels=load(CudaWheelsMatrix, folder),
        libraries=load(LibrariesMatrix, folder),
    )
