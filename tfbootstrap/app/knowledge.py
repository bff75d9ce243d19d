"""Loads the tables that planning looks at, and no more of them than a command needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.edges.resources import digest, load, read_all
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.knowledge import Knowledge, Part

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tfbootstrap.matrix.companions import CompanionsMatrix
    from tfbootstrap.matrix.distributions import DistributionsMatrix
    from tfbootstrap.matrix.libraries import LibrariesMatrix
    from tfbootstrap.plan.gpu import Hardware


class Tables:
    """The tables of one matrix, each kind read at most once however many targets (threads) ask."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = Lock()
        self._known: Knowledge | None = None

    def digest(self) -> str:
        """Return what stands for the content of the whole matrix."""
        return digest(matrix_folder(self._directory))

    def companionship(self) -> tuple[LibrariesMatrix, CompanionsMatrix]:
        """Return what is known of CUDA's libraries and of what goes with TensorFlow, which few locks need."""
        from tfbootstrap.matrix.libraries import LibrariesMatrix

        companions = self.knowledge(frozenset({"companions"})).companions
        assert companions is not None, "it was asked for"
        return load(LibrariesMatrix, matrix_folder(self._directory)), companions

    def knowledge(self, parts: frozenset[Part] = frozenset()) -> Knowledge:
        """Return what is known, with at least the parts that are asked for."""
        with self._lock:
            known = self._known or load_knowledge(self._directory)
            self._known = _with_parts(known, self._directory, parts)
            return self._known


def load_knowledge(directory: Path | None = None, parts: frozenset[Part] = frozenset()) -> Knowledge:
    """Return what is known, with the parts that are asked for."""
    folder = matrix_folder(directory)
    tensorflow, bounds, known_bad = read_all(
        lambda: load(TensorflowMatrix, folder),
        lambda: load(BoundMatrix, folder),
        lambda: load(KnownBadMatrix, folder),
    )
    return _with_parts(Knowledge(tensorflow=tensorflow, bounds=bounds, known_bad=known_bad), directory, parts)


def _with_parts(known: Knowledge, directory: Path | None, parts: frozenset[Part]) -> Knowledge:
    missing = [part for part in parts if getattr(known, part) is None]
    return replace(known, **{part: _READERS[part](directory) for part in missing})


def _load_distributions(directory: Path | None) -> DistributionsMatrix:
    from tfbootstrap.matrix.distributions import DistributionsMatrix

    return load(DistributionsMatrix, matrix_folder(directory))


def _load_companions(directory: Path | None) -> CompanionsMatrix:
    from tfbootstrap.matrix.companions import CompanionsMatrix

    return load(CompanionsMatrix, matrix_folder(directory))


def load_hardware(directory: Path | None = None) -> Hardware:
    """Return the tables that judge GPUs."""
    from tfbootstrap.matrix.cuda import CudaMatrix
    from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
    from tfbootstrap.matrix.cudnn import CudnnMatrix
    from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
    from tfbootstrap.matrix.libraries import LibrariesMatrix
    from tfbootstrap.plan.gpu import Hardware

    folder = matrix_folder(directory)
    gpu_code, cuda, cudnn, cuda_wheels, libraries = read_all(
        lambda: load(GpuCodeMatrix, folder),
        lambda: load(CudaMatrix, folder),
        lambda: load(CudnnMatrix, folder),
        lambda: load(CudaWheelsMatrix, folder),
        lambda: load(LibrariesMatrix, folder),
    )
    return Hardware(gpu_code=gpu_code, cuda=cuda, cudnn=cudnn, cuda_wheels=cuda_wheels, libraries=libraries)


_READERS: dict[Part, Callable[[Path | None], Any]] = {
    "hardware": load_hardware,
    "distributions": _load_distributions,
    "companions": _load_companions,
}
