"""`tfbootstrap matrix gpus`: the GPUs that the matrix knows, and how TensorFlow serves one. Prints nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.matrix.gpu_code import Coverage, GpuCodeMatrix, runs_machine_code
from tfbootstrap.matrix.gpus import GpuMatrix, GpuRow
from tfbootstrap.matrix.tensorflow import TensorflowMatrix

_COMPUTE_CAPABILITY = re.compile(r"\d{1,2}\.\d")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedBy:
    """How one TensorFlow minor serves a GPU: as what its kernels run, and the oldest Linux driver for that."""

    tensorflow: str
    coverage: Coverage
    driver: str | None
    cuda_knows: bool
    """Whether the CUDA that it was built with has libraries with code for the GPU; without, cuBLAS and others fail
    unless newer ones of that major are used.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class GpusOutcome:
    """The GPUs that were asked for; `served` only where all of them have one compute capability, newest first."""

    gpus: tuple[GpuRow, ...]
    served: tuple[ServedBy, ...] = ()
    last_branch: str | None = None
    """The last driver branch that knows them, where support has ended."""

    def to_json(self) -> list[dict[str, Any]]:
        """Return them as plain data; keys are part of the command line's contract."""
        rows = [_plain(gpu) for gpu in self.gpus]
        if not self.served:
            return rows
        served = [
            {"version": one.tensorflow, "coverage": one.coverage, "driver": one.driver, "cuda_knows": one.cuda_knows}
            for one in self.served
        ]
        return [row | {"last_driver_branch": self.last_branch, "tensorflow": served} for row in rows]


def show_gpus(name: str | None = None, *, directory: Path | None = None) -> GpusOutcome:
    """Return the GPU of a name, all GPUs of a compute capability (`7.5`), or all there are.

    Raises UsageError where a name is unknown or could be several GPUs.
    """
    folder = matrix_directory(directory, os.environ)
    matrix = load(GpuMatrix, folder)
    if name is None:
        return GpusOutcome(gpus=matrix.rows)
    gpus = _found(matrix, name)
    capability = gpus[0].compute_capability
    cuda = load(CudaMatrix, folder)
    generation = cuda.generation(capability)
    return GpusOutcome(
        gpus=gpus,
        served=_served(load(TensorflowMatrix, folder), load(GpuCodeMatrix, folder), cuda, capability),
        last_branch=generation.last_branch if generation else None,
    )


def _found(matrix: GpuMatrix, name: str) -> tuple[GpuRow, ...]:
    if _COMPUTE_CAPABILITY.fullmatch(name.strip()):
        gpus = tuple(row for row in matrix.rows if row.compute_capability == name.strip())
        if gpus:
            return gpus
        known = ", ".join(dict.fromkeys(row.compute_capability for row in reversed(matrix.rows)))
        raise UsageError(f"the matrix has no GPU of compute capability {name.strip()}", hint=f"it has GPUs of {known}")
    found = matrix.find_gpu(name)
    if found is not None:
        return (found,)
    near = matrix.nearest_gpus(name)
    advice = "give its compute capability instead, as in `--gpu 7.5`; https://developer.nvidia.com/cuda-gpus lists them"
    hint = f"did you mean {', '.join(near)}? Or {advice}" if near else advice
    raise UsageError(f"the matrix has no GPU that is certainly {name!r}", hint=hint)


def _served(
    tensorflow: TensorflowMatrix, code: GpuCodeMatrix, cuda: CudaMatrix, capability: str
) -> tuple[ServedBy, ...]:
    served = []
    for row in reversed(code.rows):
        support = row.support(capability)
        release = tensorflow.row(row.tensorflow)
        built_with = release.cuda if release else None
        drivers = [
            cuda.driver_floor(built_with) if built_with else None,
            cuda.gpu_driver(capability),
            cuda.ptx_driver(support.isa) if support.isa else None,
        ]
        oldest = max((driver for driver in drivers if driver), key=Version, default=None)
        driver = oldest if support.coverage != "none" else None
        toolkit = cuda.toolkit(built_with) if built_with else None
        knows = toolkit is not None and runs_machine_code(toolkit.architectures, capability)
        served.append(ServedBy(tensorflow=row.tensorflow, coverage=support.coverage, driver=driver, cuda_knows=knows))
    return tuple(served)


def _plain(row: GpuRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "aliases": list(row.aliases),
        "compute_capability": row.compute_capability,
        "generation": row.generation,
        "family": row.family,
        "source": row.source,
        "checked": row.checked,
    }
