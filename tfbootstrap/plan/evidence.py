"""The matrix rows that decide about a GPU lock, so that a change of one is noticed later. Pure."""

from __future__ import annotations

from packaging.version import Version

from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.decision import record_digest
from tfbootstrap.plan.gpu import Hardware

PREFIXES = ("gpu_code:", "cuda:", "cuda_wheels:", "libraries:")
"""How the names of such rows begin in a lock's header; a lock without any needs no tables of hardware to be checked."""


def hardware_rows(row: TensorflowRow, hardware: Hardware) -> dict[str, str]:
    """Return the rows that speak for a TensorFlow version's use of GPUs: name -> digest."""
    major = str(Version(row.cuda).release[0]) if row.cuda else None
    floor = next((one for one in hardware.cuda.floors if one.major == major), None)
    found = {
        f"gpu_code:{row.minor}": hardware.gpu_code.row(row.version),
        f"libraries:{row.minor}": hardware.libraries.row(row.version),
        f"cuda:{major}": floor,
        f"cuda_wheels:{row.version}": hardware.cuda_wheels.pin_set(row.version),
    }
    return {name: record_digest(record) for name, record in found.items() if record is not None}
