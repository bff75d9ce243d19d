"""Refreshes `libraries.yaml`: what TensorFlow's loader opens, and which `nvidia-*` wheels carry it.

The only refresher that runs code of a wheel: see `upkeep.loader`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.libraries import CarrierRow, CollisionRow, LibrariesMatrix, LoadedRow
from tfbootstrap.upkeep.gpu_code import PROJECT, linux_wheels, newest_wheels
from tfbootstrap.upkeep.loader import Ask, Loaded, ask_linker, read_loader

FRAMEWORK: Final = "libtensorflow_framework.so.2"
FIRST_WITH_EXTRA: Final = Version("2.14")
DEPENDENCIES: Final = ("libnvrtc.so.11.2", "libnvrtc.so.12", "libnvJitLink.so.12")
"""Libraries that TensorFlow's loader does not open itself, but that those it opens need."""

_PARTS: Final = (
    *("cublas", "cuda-cupti", "cuda-nvcc", "cuda-nvrtc", "cuda-runtime", "cudnn", "cufft", "curand", "cusolver"),
    *("cusparse", "nccl", "nvjitlink", "nvshmem"),
)
_OWN_MAJOR: Final = {"cudnn", "nccl", "nvshmem"}
"""Parts that say their CUDA major in the name for CUDA 13 too; the others dropped the suffix."""
_LOADABLE: Final = re.compile(r"(?:/lib(?:64)?/[^/]+\.so(?:\.\d+)*|/bin/[^/]+)$")
"""Files whose owner matters when a program runs; headers don't."""


def distributions() -> tuple[tuple[str, str], ...]:
    """Return (distribution, CUDA major) of every part, for CUDA 11, 12 and 13."""
    suffixed = [(f"nvidia-{part}-cu{major}", major) for part in _PARTS for major in ("11", "12")]
    newest = [(f"nvidia-{part}-cu13" if part in _OWN_MAJOR else f"nvidia-{part}", "13") for part in _PARTS]
    # CUDA 11 has no nvJitLink.
    return tuple(sorted({*suffixed, *newest} - {("nvidia-nvjitlink-cu11", "11")}))


# --- pure --------------------------------------------------------------------------------------------------------


def releases_to_ask(files: Sequence[IndexFile]) -> dict[Version, IndexFile]:
    """Return the newest release of each minor, and every final one since 2.14.

    Since then TensorFlow looks for wheels by itself, and single patches differ in what they find.
    """
    newest = newest_wheels(files)
    return {
        version: file
        for version, file in linux_wheels(files).items()
        if version in newest or (version >= FIRST_WITH_EXTRA and not version.is_prerelease)
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """The paths in each final Linux x86_64 wheel of a distribution, oldest first, with the wheels' file names."""

    distribution: str
    cuda: str
    paths: Mapping[Version, frozenset[str]]
    file_names: Mapping[Version, str]

    @property
    def newest(self) -> Version:
        """The newest version."""
        return max(self.paths)


def final_wheels(files: Iterable[IndexFile]) -> dict[Version, IndexFile]:
    """Return the Linux x86_64 wheel of every final release, oldest first."""
    wheels: dict[Version, IndexFile] = {}
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file.file_name)
        except InvalidWheelFilename:
            continue
        if not version.is_prerelease and any(
            "linux" in tag.platform and tag.platform.endswith("x86_64") for tag in tags
        ):
            wheels[version] = file
    return dict(sorted(wheels.items()))


def loaded_row(version: str, file_name: str, loaded: Loaded) -> LoadedRow:
    """Make the row of a release."""
    return LoadedRow(
        tensorflow=version,
        source=f"wheel: {file_name}",
        needed=loaded.needed,
        optional=loaded.optional,
        searches=loaded.searches,
    )


def carrier_rows(published: Iterable[Published], sonames: Iterable[str]) -> tuple[CarrierRow, ...]:
    """Find the wheels that carry these libraries, by soname and CUDA major.

    Raises InputError where a distribution carried a library, then did not, then did again.
    """
    wanted = set(sonames)
    rows: list[CarrierRow] = []
    for one in published:
        found: dict[str, list[Version]] = {}
        for version, paths in one.paths.items():
            for path in sorted(paths):
                if PurePosixPath(path).name in wanted:
                    found.setdefault(path, []).append(version)
        rows.extend(_carrier(one, path, versions) for path, versions in found.items())
    return tuple(sorted(rows, key=lambda row: (row.soname, Version(row.cuda))))


def _carrier(published: Published, path: str, versions: Sequence[Version]) -> CarrierRow:
    first, last = versions[0], versions[-1]
    if [version for version in published.paths if first <= version <= last] != list(versions):
        raise InputError(
            Location(published.distribution), f"carries {path} in some versions from {first} to {last} only"
        )
    return CarrierRow(
        soname=PurePosixPath(path).name,
        distribution=published.distribution,
        cuda=published.cuda,
        first=str(first),
        last=str(last),
        folder=str(PurePosixPath(path).parent),
        source=f"wheel: {published.file_names[last]}",
    )


def collision_rows(published: Iterable[Published]) -> tuple[CollisionRow, ...]:
    """Find the pairs of distributions whose newest wheels own the same libraries or programs."""
    rows = []
    for one, other in combinations(sorted(published, key=lambda item: item.distribution), 2):
        shared = sorted(path for path in one.paths[one.newest] & other.paths[other.newest] if _LOADABLE.search(path))
        if shared:
            sources = tuple(f"wheel: {item.file_names[item.newest]}" for item in (one, other))
            pair = (one.distribution, other.distribution)
            rows.append(CollisionRow(distributions=pair, files=tuple(shared), sources=sources))
    return tuple(rows)


# --- fetching ----------------------------------------------------------------------------------------------------


def read_matrix(
    client: IndexClient,
    keep: LibrariesMatrix,
    *,
    only: SpecifierSet | None = None,
    progress: Callable[[str], None] = lambda _: None,
    ask: Ask = ask_linker,
) -> LibrariesMatrix:
    """Ask the loader of every release that matters (or those that `only` admits), and read the nvidia wheels.

    `no_wheel` is kept. Raises PackageIndexError where the index fails, InputError where there is nothing to read.
    """
    loaded = {row.tensorflow: row for row in keep.loaded} if only is not None else {}
    for row in _read_loaded(client, only, ask):
        loaded[row.tensorflow] = row
        progress(f"asked {row.source.removeprefix('wheel: ')}")
    published = []
    for distribution, cuda in distributions():
        published.append(read_published(client, distribution, cuda))
        progress(f"read {distribution}")
    rows = tuple(sorted(loaded.values(), key=lambda row: Version(row.tensorflow)))
    sonames = {soname for row in rows for soname in (*row.needed, *row.optional)} | set(DEPENDENCIES)
    return LibrariesMatrix(
        loaded=rows,
        carriers=carrier_rows(published, sonames),
        no_wheel=keep.no_wheel,
        collisions=collision_rows(published),
    )


def _read_loaded(client: IndexClient, only: SpecifierSet | None, ask: Ask) -> Iterator[LoadedRow]:
    releases = releases_to_ask(client.files(PROJECT))
    wanted = {
        version: file for version, file in releases.items() if only is None or only.contains(version, prereleases=True)
    }
    if not wanted:
        raise InputError(
            Location(client.name), f"lists no Linux wheel of {PROJECT}{only or ''}", hint="is it the right index?"
        )
    for version, file in wanted.items():
        wheel = RemoteWheel(client, file)
        member = next((name for name in wheel.names if PurePosixPath(name).name == FRAMEWORK), None)
        if member is None:
            raise InputError(Location(file.file_name), f"holds no {FRAMEWORK}", hint="has TensorFlow renamed it?")
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / FRAMEWORK
            with library.open("wb") as local:
                wheel.copy(member, local)
            yield loaded_row(str(version), file.file_name, read_loader(library, ask))


def read_published(client: IndexClient, distribution: str, cuda: str) -> Published:
    """Read the file lists of every final release of a distribution.

    Raises PackageIndexError where the index fails, InputError where it lists no wheel.
    """
    wheels = final_wheels(client.files(distribution))
    if not wheels:
        raise InputError(
            Location(client.name), f"lists no Linux wheel of {distribution}", hint="is it the right index?"
        )
    return Published(
        distribution=distribution,
        cuda=cuda,
        paths={version: frozenset(RemoteWheel(client, file).names) for version, file in wheels.items()},
        file_names={version: file.file_name for version, file in wheels.items()},
    )
