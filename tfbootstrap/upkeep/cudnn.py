"""Refreshes `cudnn.yaml`: reads the fat binaries of cuDNN wheels, as few as tell where their GPUs change.

A wheel is 700 MB, so not all are read: the ends of a run of versions are, and where they differ the run is halved until
the version is found that made the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.cudnn import CudnnMatrix, CudnnRow, serves
from tfbootstrap.matrix.gpu_code import capability
from tfbootstrap.upkeep.fatbin import Images
from tfbootstrap.upkeep.gpu_code import read_libraries
from tfbootstrap.upkeep.libraries import final_wheels

DISTRIBUTIONS: Final = (("nvidia-cudnn-cu11", "11"), ("nvidia-cudnn-cu12", "12"), ("nvidia-cudnn-cu13", "13"))
_OPERATIONS: Final = ("libcudnn_ops.so", "libcudnn_ops_infer.so")
"""What every call needs: of cuDNN 9, of cuDNN 8."""
_OTHERS: Final = ("libcudnn_adv.so", "libcudnn_adv_infer.so", "libcudnn_adv_train.so", "libcudnn_ops_train.so")
"""Must serve the same GPUs; the convolution libraries hold tuned kernels for single GPUs beside what all run."""

_CAPABILITIES: Final = (
    *("3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7", "8.9", "9.0"),
    *("10.0", "10.3", "11.0", "12.0", "12.1"),
)

Read = Callable[[Version], "CudnnCode"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CudnnCode:
    """The GPUs that one cuDNN has code for, and the wheel that says so."""

    machine: tuple[str, ...]
    ptx: tuple[str, ...]
    file_name: str = ""

    def same_as(self, other: CudnnCode) -> bool:
        """Say whether another runs on the same GPUs; which of them by whose machine code may differ."""
        return self.serves() == other.serves()

    def serves(self) -> frozenset[str]:
        """Return the compute capabilities that it runs on."""
        return frozenset(one for one in _CAPABILITIES if serves(self.machine, self.ptx, one))


# --- pure --------------------------------------------------------------------------------------------------------


def cudnn_code(libraries: Mapping[str, Mapping[Images, int]], file_name: str) -> CudnnCode:
    """Tell from a wheel's libraries, by path, which GPUs it has code for.

    Raises InputError where it has no operations library, or its libraries serve different GPUs.
    """
    named = {PurePosixPath(path).name: images for path, images in libraries.items()}
    own = [images for name, images in named.items() if name.startswith(_OPERATIONS)]
    if not own:
        raise InputError(Location(file_name), "holds no libcudnn_ops with GPU code", hint="has NVIDIA renamed it?")
    code = _most(own[0], file_name)
    for name, images in named.items():
        if name.startswith(_OTHERS) and _majors(_most(images, file_name)) != _majors(code):
            raise InputError(Location(file_name), f"{name} serves other GPUs than libcudnn_ops")
    return code


def _most(images: Mapping[Images, int], file_name: str) -> CudnnCode:
    common = max(images, key=lambda one: (images[one], one))
    return CudnnCode(
        machine=tuple(f"{one // 10}.{one % 10}" for one in common.machine),
        ptx=tuple(f"{one // 10}.{one % 10}" for one, _ in common.ptx),
        file_name=file_name,
    )


def _majors(code: CudnnCode) -> set[int]:
    # 8.6 runs what is for 8.0, 7.5 what is for 7.0: which minors have code of their own differs between libraries.
    return {capability(one)[0] for one in code.machine}


def find_runs(versions: Sequence[Version], read: Read) -> list[tuple[Version, Version, CudnnCode]]:
    """Split versions (oldest first) into runs that have code for the same GPUs; reads each run's ends only."""
    known: dict[Version, CudnnCode] = {}

    def code(version: Version) -> CudnnCode:
        if version not in known:
            known[version] = read(version)
        return known[version]

    def split(first: int, last: int) -> list[tuple[Version, Version, CudnnCode]]:
        if code(versions[first]).same_as(code(versions[last])):
            return [(versions[first], versions[last], code(versions[last]))]
        middle = (first + last) // 2
        return _joined(split(first, middle), split(middle + 1, last))

    return split(0, len(versions) - 1)


def _joined(
    before: list[tuple[Version, Version, CudnnCode]], after: list[tuple[Version, Version, CudnnCode]]
) -> list[tuple[Version, Version, CudnnCode]]:
    (first, _, code), (_, last, newer) = before[-1], after[0]
    return [*before[:-1], (first, last, newer), *after[1:]] if code.same_as(newer) else [*before, *after]


# --- fetching ----------------------------------------------------------------------------------------------------


def read_matrix(
    client: IndexClient, keep: CudnnMatrix, progress: Callable[[str], None] = lambda _: None
) -> CudnnMatrix:
    """Read what is newer than the rows; with no rows, everything. `support` is kept.

    Raises PackageIndexError where the index fails, InputError where it lists no wheel.
    """
    rows: list[CudnnRow] = []
    for distribution, cuda in DISTRIBUTIONS:
        wheels = final_wheels(client.files(distribution))
        if not wheels:
            raise InputError(
                Location(client.name), f"lists no Linux wheel of {distribution}", hint="is it the right index?"
            )
        own = [row for row in keep.rows if row.distribution == distribution]
        rows.extend(_refreshed(own, _runs(client, own, wheels, progress), distribution, cuda))
    return CudnnMatrix(rows=tuple(rows), support=keep.support)


def _runs(
    client: IndexClient, own: Sequence[CudnnRow], wheels: Mapping[Version, IndexFile], progress: Callable[[str], None]
) -> list[tuple[Version, Version, CudnnCode]]:
    newer = [version for version in wheels if not own or version > Version(own[-1].last)]
    if not newer:
        return []

    def read(version: Version) -> CudnnCode:
        progress(f"read {wheels[version].file_name}")
        return cudnn_code(dict(read_libraries(client, wheels[version])), wheels[version].file_name)

    return find_runs(newer, read)


def _refreshed(
    own: Sequence[CudnnRow], runs: Sequence[tuple[Version, Version, CudnnCode]], distribution: str, cuda: str
) -> list[CudnnRow]:
    rows = list(own)
    for first, last, code in runs:
        source = f"wheel: {code.file_name}"
        if rows and CudnnCode(machine=rows[-1].machine, ptx=rows[-1].ptx).same_as(code):
            rows[-1] = replace(rows[-1], last=str(last), machine=code.machine, ptx=code.ptx, source=source)
        else:
            rows.append(
                CudnnRow(
                    distribution=distribution,
                    first=str(first),
                    last=str(last),
                    cuda=cuda,
                    machine=code.machine,
                    ptx=code.ptx,
                    source=source,
                )
            )
    return rows
