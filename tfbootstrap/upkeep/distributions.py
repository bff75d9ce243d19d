"""Refreshes what `distributions.yaml` has from wheels: releases, their Pythons and platforms, and what they bring.

Rows, their order and everything typed by hand stay as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from packaging.version import Version

from tfbootstrap.edges.index import IndexClient
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.distributions import FOLLOWS, AlikeReleases, DistributionRow, DistributionsMatrix
from tfbootstrap.matrix.tensorflow import PLATFORMS, TensorflowMatrix, WheelMetadata, WheelPlatform
from tfbootstrap.upkeep.tensorflow import (
    OLDEST,
    ParsedMetadata,
    PublishedWheel,
    ReleaseReading,
    group_releases,
    merge_metadata,
)

_ANY: Final = Version("0")
_THREADS: Final = 4


# --- pure --------------------------------------------------------------------------------------------------------


def join_alike(releases: Iterable[AlikeReleases]) -> tuple[AlikeReleases, ...]:
    """Join neighbouring releases (oldest first, one each) that say the same."""
    joined: list[AlikeReleases] = []
    for release in releases:
        if joined and dataclasses.replace(joined[-1], versions=release.versions) == release:
            joined[-1] = dataclasses.replace(release, versions=(*joined[-1].versions, *release.versions))
        else:
            joined.append(release)
    return tuple(joined)


def differing_metadata(
    version: str, read: dict[tuple[WheelPlatform, str], ParsedMetadata], tensorflow: TensorflowMatrix
) -> tuple[WheelMetadata, ...]:
    """Return what wheels require where those of `tensorflow` for the same platform require something else.

    Without extras: CUDA is nothing for a build for processors. Where `tensorflow` has no wheel nothing is kept: no plan
    leads there.
    """
    row = tensorflow.row(version)
    plain = {key: without_extras(parsed) for key, parsed in read.items()}
    differing = {}
    for (platform, python), parsed in plain.items():
        own = row.metadata_for(platform, python) if row else None
        if own is not None and without_extras(_parsed(own)) != parsed:
            differing[platform, python] = parsed
    return merge_metadata(differing)


def without_extras(parsed: ParsedMetadata) -> ParsedMetadata:
    """Return METADATA without its extras and their requirements."""
    kept = tuple(line for line in parsed.requires if "extra ==" not in line)
    return dataclasses.replace(parsed, extras=(), requires=kept)


def _parsed(metadata: WheelMetadata) -> ParsedMetadata:
    return ParsedMetadata(requires_python=metadata.requires_python, extras=metadata.extras, requires=metadata.requires)


# --- fetching ----------------------------------------------------------------------------------------------------


def read_distributions(
    client: IndexClient,
    matrix: DistributionsMatrix,
    tensorflow: TensorflowMatrix,
    *,
    day: str,
    progress: Callable[[str], None] = lambda _: None,
) -> DistributionsMatrix:
    """Return the matrix with the releases that the index has now; the day changes only with them.

    Raises PackageIndexError where the index fails, InputError where a distribution has no wheel at all.
    """
    rows = []
    for row in matrix.rows:
        rows.append(dataclasses.replace(row, releases=read_distribution(client, row, tensorflow)))
        progress(row.name)
    same = tuple(rows) == matrix.rows
    return matrix if same else dataclasses.replace(matrix, read=day, rows=tuple(rows))


def read_distribution(
    client: IndexClient, row: DistributionRow, tensorflow: TensorflowMatrix
) -> tuple[AlikeReleases, ...]:
    """Read the final releases of one distribution, those alike joined."""
    # A plug-in has numbers of its own.
    found = group_releases(client.files(row.name), _ANY if row.kind == "plug-in" else OLDEST)
    releases = {
        version: wheels
        for version, wheels in found.items()
        if not version.is_prerelease and not all(wheel.file.yanked for wheel in wheels)
    }
    if not releases:
        raise InputError(Location(client.name), f"lists no wheel of {row.name}", hint="is it the right index?")

    def read(version: Version) -> AlikeReleases:
        return read_release(client, row, str(version), releases[version], tensorflow)

    with ThreadPoolExecutor(_THREADS) as pool:
        return join_alike(pool.map(read, releases))


def read_release(
    client: IndexClient,
    row: DistributionRow,
    version: str,
    wheels: Sequence[PublishedWheel],
    tensorflow: TensorflowMatrix,
) -> AlikeReleases:
    """Read one release from its wheels."""
    reading = ReleaseReading(client, wheels)
    folders = {platform: reading.folders(platform) for platform in PLATFORMS if reading.of(platform)}
    linux = "linux-x86_64"
    return AlikeReleases(
        versions=(version,),
        owns=tuple(sorted({folder for found in folders.values() for folder in found})),
        cuda=reading.built(linux).info.cuda if row.kind == "gpu" and linux in folders else None,
        shim_platforms=tuple(platform for platform, found in folders.items() if not found),
        wheels=tuple(wheel.tag for wheel in wheels),
        metadata=differing_metadata(version, reading.metadata(), tensorflow) if row.kind in FOLLOWS else (),
    )
