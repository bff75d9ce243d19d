"""Requirement lines and their environment markers (PEP 508), evaluated for a machine that need not be ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from packaging.requirements import Requirement

_SYSTEMS = {
    "linux": ("Linux", "linux", "posix"),
    "macos": ("Darwin", "darwin", "posix"),
    "windows": ("Windows", "win32", "nt"),
}
"""Our name of a system -> `platform_system`, `sys_platform`, `os_name`."""


@lru_cache(maxsize=4096)
def parsed(line: str) -> Requirement:
    """Parse a requirement line, once however often it is asked for; the record is shared and not to be changed."""
    return Requirement(line)


def marker_environment(system: str, machine: str, python: str, extra: str = "") -> dict[str, str]:
    """Return the values that markers have for a CPython (X.Y or X.Y.Z) on a system.

    Every variable that markers may name: what is left out would be asked of the machine that we run on.
    """
    name, platform, kind = _SYSTEMS.get(system, (system, system, "posix"))
    full = python if python.count(".") > 1 else f"{python}.0"
    return {
        "extra": extra,
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": kind,
        "platform_machine": "AMD64" if (system, machine) == ("windows", "x86_64") else machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": name,
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": platform,
    }


def applies(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    """Say whether a requirement is meant for an environment."""
    return requirement.marker is None or requirement.marker.evaluate(dict(environment))


def applying(lines: Iterable[str], environment: Mapping[str, str]) -> Iterator[Requirement]:
    """Yield the requirements of these lines that are meant for an environment."""
    return (requirement for requirement in map(parsed, lines) if applies(requirement, environment))
