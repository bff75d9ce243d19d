"""Which proven pins lag behind what the index has now, and by how many days: a thin fetch, and a pure comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.matrix.proofs import Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """A proven version that newer ones have overtaken: by how many days, and in which cells."""

    package: str
    proven: str
    newest: str
    days: int
    cells: tuple[str, ...]


def releases_of(files: Iterable[IndexFile]) -> dict[Version, date]:
    """Return version -> day of its first upload, of all files whose names and days can be read; no pre-releases."""
    found: dict[Version, date] = {}
    for file in files:
        version = _version_of(file.file_name)
        if version is None or version.is_prerelease or file.yanked or not file.uploaded:
            continue
        day = date.fromisoformat(file.uploaded[:10])
        found[version] = min(day, found.get(version, day))
    return found


def _version_of(file_name: str) -> Version | None:
    try:
        if file_name.endswith(".whl"):
            return parse_wheel_filename(file_name)[1]
        return parse_sdist_filename(file_name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def find_lags(proofs: Iterable[Proof], releases: Mapping[str, Mapping[Version, date]], *, days: int) -> Iterator[Lag]:
    """Yield each proven version that lags the newest release of its package by more than so many days."""
    cells: dict[tuple[str, str], list[str]] = {}
    for proof in proofs:
        for pin in (*proof.packages, *proof.companion_packages):
            if pin.name != "tensorflow":
                cells.setdefault((pin.name, pin.version), []).append(proof.name)
    for (package, version), names in sorted(cells.items()):
        known = releases.get(package, {})
        if not known or Version(version) not in known:
            continue
        newest = max(known)
        lag = (known[newest] - known[Version(version)]).days
        if newest > Version(version) and lag > days:
            yield Lag(package=package, proven=version, newest=str(newest), days=lag, cells=tuple(names))


def read_lags(client: IndexClient, proofs: tuple[Proof, ...], *, days: int) -> tuple[Lag, ...]:
    """Ask the index for every package that some proof pins; raises PackageIndexError."""
    names = sorted({pin.name for proof in proofs for pin in (*proof.packages, *proof.companion_packages)})
    return tuple(find_lags(proofs, {name: releases_of(client.files(name)) for name in names}, days=days))
