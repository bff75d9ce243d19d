"""Refreshes `gpu_code.yaml`: reads the fat binaries of the newest Linux x86_64 wheel of each TensorFlow minor.

A wheel's libraries are fetched one at a time into a temporary file, read, and deleted: 600 MB a wheel in all. Nothing
of a wheel is executed.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.gpu_code import CodeGroup, GpuCodeMatrix, GpuCodeRow, LibraryCode, minor_of
from tfbootstrap.upkeep.fatbin import Images, read_gpu_code

PROJECT: Final = "tensorflow"
OLDEST: Final = Version("2.1")
"""The first release with CUDA 10.1, the oldest that a plan considers."""

_LIBRARY: Final = re.compile(r"\.so(\.\d+)*$")
_LINUX: Final = re.compile(r"manylinux.*_x86_64$")


# --- pure --------------------------------------------------------------------------------------------------------


def newest_wheels(files: Iterable[IndexFile]) -> dict[Version, IndexFile]:
    """Choose, for each minor since 2.1, its newest release with a Linux x86_64 wheel, and that for the newest Python.

    Pre-releases count where a minor has nothing else.
    """
    wheels = linux_wheels(files)
    newest: dict[str, Version] = {}
    for version in sorted(wheels, key=lambda one: (not one.is_prerelease, one)):
        newest[minor_of(str(version))] = version
    return {version: wheels[version] for version in sorted(newest.values())}


def linux_wheels(files: Iterable[IndexFile]) -> dict[Version, IndexFile]:
    """Return the Linux x86_64 wheel of every release since 2.1, oldest first; that for the newest Python of each."""
    wheels: dict[Version, dict[tuple[int, ...], IndexFile]] = {}
    for file in files:
        parsed = _linux_wheel(file.file_name)
        if parsed and parsed[0] >= OLDEST and not parsed[0].is_devrelease and not file.yanked:
            wheels.setdefault(parsed[0], {})[parsed[1]] = file
    return {version: wheels[version][max(wheels[version])] for version in sorted(wheels)}


def _linux_wheel(file_name: str) -> tuple[Version, tuple[int, ...]] | None:
    try:
        _, version, _, tags = parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return None
    pythons = [_python(tag.interpreter) for tag in tags if _LINUX.match(tag.platform)]
    return (version, max(pythons)) if pythons else None


def _python(interpreter: str) -> tuple[int, ...]:
    digits = interpreter.lstrip("abcdefghijklmnopqrstuvwxyz")
    return (int(digits[:1]), int(digits[1:] or 0)) if digits else (0,)


def to_row(version: Version, file_name: str, libraries: Mapping[str, Mapping[Images, int]]) -> GpuCodeRow:
    """Make the row of a release from what its libraries hold, by path in the wheel."""
    return GpuCodeRow(
        tensorflow=str(version),
        source=f"wheel: {file_name}",
        libraries=tuple(
            LibraryCode(library=PurePosixPath(path).name, code=tuple(_group(*item) for item in sorted(images.items())))
            for path, images in sorted(libraries.items(), key=lambda item: PurePosixPath(item[0]).name)
            if images
        ),
    )


def _group(images: Images, containers: int) -> CodeGroup:
    isas = {isa for _, isa in images.ptx}
    if len(isas) > 1:
        raise InputError(Location("fat binary"), f"one container has PTX of several ISA versions: {sorted(isas)}")
    return CodeGroup(
        containers=containers,
        machine=tuple(_capability(one) for one in images.machine),
        ptx=tuple(_capability(one) for one, _ in images.ptx),
        isa=".".join(str(part) for part in isas.pop()) if isas else None,
    )


def _capability(architecture: int) -> str:
    """Write 75 as `7.5`, 120 as `12.0`."""
    return f"{architecture // 10}.{architecture % 10}"


# --- fetching ----------------------------------------------------------------------------------------------------


def read_matrix(
    client: IndexClient,
    *,
    only: SpecifierSet | None = None,
    keep: GpuCodeMatrix | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> GpuCodeMatrix:
    """Read the newest release of every minor (or those that `only` admits; the other rows come from `keep`).

    Raises PackageIndexError where the index fails, InputError where there is nothing to read or no GPU code in it.
    """
    newest = newest_wheels(client.files(PROJECT))
    wanted = {
        version: file for version, file in newest.items() if only is None or only.contains(version, prereleases=True)
    }
    if not wanted:
        raise InputError(
            Location(client.name), f"lists no Linux wheel of {PROJECT}{only or ''}", hint="is it the right index?"
        )
    rows = {minor_of(row.tensorflow): row for row in keep.rows} if keep else {}
    for version, file in wanted.items():
        row = to_row(version, file.file_name, dict(read_libraries(client, file)))
        if not row.libraries:
            raise InputError(Location(file.file_name), "holds no GPU code", hint="has TensorFlow moved it elsewhere?")
        rows[minor_of(row.tensorflow)] = row
        progress(f"read {file.file_name}")
    return GpuCodeMatrix(rows=tuple(sorted(rows.values(), key=lambda row: Version(row.tensorflow))))


def read_libraries(client: IndexClient, file: IndexFile) -> Iterator[tuple[str, dict[Images, int]]]:
    """Read the GPU code of every shared library of a wheel, one at a time; libraries without any are left out."""
    wheel = RemoteWheel(client, file)
    for name in wheel.names:
        if _LIBRARY.search(name):
            with tempfile.TemporaryFile() as local:
                wheel.copy(name, local)
                if local.tell() == 0:
                    continue
                with mmap.mmap(local.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    if images := read_gpu_code(mapped):
                        yield name, images
