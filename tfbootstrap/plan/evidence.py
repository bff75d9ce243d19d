"""The matrix rows that decide about a GPU lock, so that a change of one is noticed later. Pure."""

from __future__ import annotations

from packaging.version import Version

from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.decision import record_digest
from tfbootstrap.plan.gpu import Hardware

PREFIXES = ("gpu_code:", "cuda:", "cuda_wheels:", "libraries:")
"""How the names of such rows begin in a lock's header; a lock without any needs no tables of hardware to be checked."""

LOWEST = ("1.0",)
"""A compute capability below every bound."""


def hardware_rows(row: TensorflowRow, hardware: Hardware) -> dict[str, str]:
    """Return the rows that speak for a TensorFlow version's use of GPUs: name -> digest.

    Which of the bounds bind depends on the GPUs, and a lock for the same GPUs asks the same of them: all that may apply
    count.
    """
    major = str(Version(row.cuda).release[0]) if row.cuda else None
    floor = next((one for one in hardware.cuda.floors if one.major == major), None)
    bounds = tuple(one for one in hardware.cuda_wheels.bounds if one.applies(row.version, LOWEST))
    found = {
        f"gpu_code:{row.minor}": hardware.gpu_code.row(row.version),
        f"libraries:{row.minor}": hardware.libraries.row(row.version),
        f"cuda:{major}": floor,
        f"cuda_wheels:{row.version}": hardware.cuda_wheels.pin_set(row.version),
    }
    digests = {name: record_digest(record) for name, record in found.items() if record is not None}
    return {**digests, **{f"cuda_wheels:{one.requirement}": record_digest(one) for one in bounds}}
