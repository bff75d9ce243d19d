"""Finds runtime profiles by name: a file of `runtimes/`, or a Linux distribution of `hosts.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from tfbootstrap.edges.resources import load, load_file, matrix_directory
from tfbootstrap.errors import UsageError
from tfbootstrap.matrix.hosts import HostRow, HostsMatrix, LinuxDistribution
from tfbootstrap.matrix.requires import RequiresMatrix
from tfbootstrap.matrix.runtimes import Image, RuntimeProfile

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated

_SUFFIX = ".yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedRuntime:
    """A profile and the host that runs it (None for what is no service)."""

    profile: RuntimeProfile
    host: HostRow | None = None


def load_runtime(name: str, directory: Traversable | Path | None = None) -> NamedRuntime:
    """Return the runtime of a name, reading only its own file and `hosts.yaml`.

    Raises UsageError naming the nearest runtimes where there is none of that name, MatrixError where its data is wrong.
    """
    folder = matrix_directory() if directory is None else directory
    hosts = load(HostsMatrix, folder)
    if name in _profile_names(folder):
        profile = load_file(RuntimeProfile, folder / "runtimes" / f"{name}{_SUFFIX}", f"runtimes/{name}{_SUFFIX}")
        return NamedRuntime(profile=profile, host=hosts.host(profile.host))
    distribution = hosts.distribution(name)
    if distribution is not None:
        return NamedRuntime(profile=_distribution_profile(distribution, hosts.distribution_python))
    raise _unknown(name, runtime_names(folder, hosts))


def load_requirements(
    profile: RuntimeProfile, image: Image, directory: Traversable | Path | None = None
) -> dict[str, tuple[str, ...]]:
    """Return what the packages of an image require: normalised name -> requirements; empty for a plain runtime.

    Only a change of the image needs them, so `load_runtime` does not read them. Raises MatrixError, InputError.
    """
    if not profile.images:
        return {}
    folder = matrix_directory() if directory is None else directory
    return load(RequiresMatrix, folder).of(profile.pins(image))


def runtime_names(directory: Traversable | Path | None = None, hosts: HostsMatrix | None = None) -> tuple[str, ...]:
    """Return the name of every runtime: profiles by name, then distributions in the order of `hosts.yaml`."""
    folder = matrix_directory() if directory is None else directory
    known = hosts or load(HostsMatrix, folder)
    return (*_profile_names(folder), *(row.name for row in known.distributions))


def _profile_names(folder: Traversable | Path) -> list[str]:
    entries = (folder / "runtimes").iterdir()
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX))


def _distribution_profile(row: LinuxDistribution, python: str) -> RuntimeProfile:
    return RuntimeProfile(
        name=row.name,
        title=row.title,
        host="plain",
        python=python,
        system="linux",
        machine="x86_64",
        libc=f"glibc {row.glibc}",
        release=row.title,
        gpu="given",
        source=row.source,
        checked=row.checked,
    )


def _unknown(name: str, names: tuple[str, ...]) -> UsageError:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return UsageError(f"there is no runtime {name!r}", hint=f"{hint}`tfbootstrap matrix runtimes` lists them all")
