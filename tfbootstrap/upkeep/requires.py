"""Refreshes `requires.yaml`: reads the METADATA of every package that a runtime profile lists.

What a runtime installed from an address no index can tell. A build of another index (`2.11.0+cu128`) requires what the
public one of the same number does, but for CUDA.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import read_metadata
from tfbootstrap.errors import InputError, Location, PackageIndexError
from tfbootstrap.matrix.requires import RequiresMatrix
from tfbootstrap.matrix.runtimes import RuntimeProfile
from tfbootstrap.upkeep.tensorflow import parse_metadata

_THREADS: Final = 4


def listed_packages(profiles: Iterable[RuntimeProfile]) -> dict[tuple[str, str], frozenset[str]]:
    """Return every listed (normalised name, version) -> the Pythons (X.Y) of the profiles that list it."""
    found: dict[tuple[str, str], set[str]] = {}
    for profile in profiles:
        python = ".".join(profile.python.split(".")[:2])
        for image in profile.images:
            for pin in profile.pins(image).items():
                found.setdefault(pin, set()).add(python)
    return {pin: frozenset(found[pin]) for pin in sorted(found, key=lambda pin: (pin[0], Version(pin[1])))}


def relevant_requirements(
    requires: Iterable[str], pythons: Iterable[str], installed: frozenset[str]
) -> tuple[str, ...]:
    """Keep the requirements that can be broken on Linux x86_64: with a version, of a package that is installed.

    Markers are resolved; one stays only where it depends on which of `pythons` it is.
    """
    kept = []
    for text in requires:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if not requirement.specifier or name not in installed:
            continue
        holds = {_holds(requirement, python) for python in pythons}
        if holds == {True}:
            kept.append(f"{name}{requirement.specifier}")
        elif len(holds) == 2:
            kept.append(f"{name}{requirement.specifier}; {requirement.marker}")
    return tuple(sorted(set(kept)))


def _holds(requirement: Requirement, python: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**linux_environment(python), "extra": ""})


def linux_environment(python: str) -> dict[str, str]:
    """Return the marker environment of CPython X.Y on Linux x86_64."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    }


def choose_wheel(files: Iterable[IndexFile], version: str) -> IndexFile | None:
    """Choose the wheel of a version whose METADATA speaks for Linux x86_64: its own, else one for every platform."""
    fitting: list[tuple[int, str, IndexFile]] = []
    for file in files:
        try:
            found = parse_wheel_filename(file.file_name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if found[1] == Version(version):
            fitting.append((_distance({tag.platform for tag in found[3]}), file.file_name, file))
    return min(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def _distance(platforms: set[str]) -> int:
    if any("linux" in platform and platform.endswith("x86_64") for platform in platforms):
        return 0
    return 1 if "any" in platforms else 2


def read_requires(
    client: IndexClient,
    profiles: Sequence[RuntimeProfile],
    *,
    checked: str,
    keep: RequiresMatrix | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> RequiresMatrix:
    """Read what every listed package requires; where that is what `keep` says, its day of checking stays too.

    Raises PackageIndexError where the index itself fails, InputError where the profiles list nothing.
    """
    listed = listed_packages(profiles)
    if not listed:
        raise InputError(Location("runtimes"), "no profile lists a package")
    installed = frozenset(name for name, _ in listed)

    def read(name: str) -> dict[str, tuple[str, ...] | None]:
        answer: dict[str, tuple[str, ...] | None] = {}
        files = _files(client, name)
        for version in (version for other, version in listed if other == name):
            requires = _read_one(client, version, files)
            pythons = listed[name, version]
            answer[version] = None if requires is None else relevant_requirements(requires, pythons, installed)
        progress(name)
        return answer

    names = sorted(installed)
    with ThreadPoolExecutor(_THREADS) as pool:
        answers = dict(zip(names, pool.map(read, names), strict=True))
    new = join_answers(answers, checked=checked)
    return keep if keep and dataclasses.replace(new, checked=keep.checked) == keep else new


def join_answers(answers: Mapping[str, Mapping[str, tuple[str, ...] | None]], *, checked: str) -> RequiresMatrix:
    """Make the record from name -> version -> requirements (None: no index tells)."""
    read = {
        (name, version): requirements
        for name, versions in answers.items()
        for version, requirements in versions.items()
        if requirements is not None
    }
    if not any(read.values()):
        raise InputError(Location("requires.yaml"), "not one requirement was found; is it the right index?")
    unread = tuple(
        f"{name}=={version}"
        for name, versions in answers.items()
        for version, requirements in versions.items()
        if requirements is None
    )
    partly = tuple(f"{name}=={version}" for name, version in read if "+" in version)
    return RequiresMatrix.from_requirements(read, unread=unread, partly=partly, checked=checked)


def _files(client: IndexClient, name: str) -> tuple[IndexFile, ...]:
    try:
        return client.files(name)
    except PackageIndexError as error:
        if "404" in error.problem:
            return ()
        raise


def _read_one(client: IndexClient, version: str, files: tuple[IndexFile, ...]) -> tuple[str, ...] | None:
    public, _, build = version.partition("+")
    wheel = choose_wheel(files, public)
    if wheel is None:
        return None
    requires = parse_metadata(read_metadata(client, wheel)).requires
    return without_cuda(requires) if build else requires


def without_cuda(requires: Iterable[str]) -> tuple[str, ...]:
    """Leave out what differs between builds of one version for different CUDA versions."""
    return tuple(text for text in requires if not re.match(r"(nvidia|cuda|triton|pytorch-triton)\b", text))
