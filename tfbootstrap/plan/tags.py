"""Which wheel files fit a target, by their tags. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from packaging import tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from tfbootstrap.facts import Facts

_LEGACY_MANYLINUX = {"2_17": "manylinux2014", "2_12": "manylinux2010", "2_5": "manylinux1"}
_NEWEST_MACOS = (15, 0)
"""What a macOS target counts as where its version is unknown; wheels ask for far older ones."""


def target_tags(facts: Facts) -> frozenset[tags.Tag]:
    """Return every wheel tag that the interpreter and platform of these facts accept."""
    return _target_tags(
        facts.python.minor, facts.platform.system, facts.platform.machine, facts.platform.libc, facts.platform.release
    )


@lru_cache(maxsize=64)
def _target_tags(python: str, system: str, machine: str, libc: str | None, release: str | None) -> frozenset[tags.Tag]:
    major, minor = (int(part) for part in python.split("."))
    platforms = list(_platforms(system, machine, libc, release))
    interpreter = f"cp{major}{minor}"
    abi = f"{interpreter}m" if (major, minor) < (3, 8) else interpreter
    return frozenset(
        [
            *tags.cpython_tags((major, minor), abis=[abi], platforms=platforms),
            *tags.compatible_tags((major, minor), interpreter=interpreter, platforms=platforms),
        ]
    )


def wheel_fits(file_name: str, accepted: frozenset[tags.Tag]) -> bool:
    """Say whether a wheel of this file name can be installed where `accepted` are the tags; no wheel at all: False."""
    try:
        return not parse_wheel_filename(file_name)[3].isdisjoint(accepted)
    except InvalidWheelFilename:
        return False


def tag_fits(tag: str, accepted: frozenset[tags.Tag]) -> bool:
    """Like `wheel_fits` for the tag part of a file name (`cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64`)."""
    return not tags.parse_tag(tag).isdisjoint(accepted)


def _platforms(system: str, machine: str, libc: str | None, release: str | None) -> Iterator[str]:
    if system == "linux":
        yield from _linux_platforms(machine, libc)
    elif system == "macos":
        yield from tags.mac_platforms(_macos_version(release), machine)
    elif system == "windows":
        yield {"x86_64": "win_amd64", "arm64": "win_arm64", "aarch64": "win_arm64"}.get(machine, "win32")
    else:
        yield f"{system}_{machine}"  # with no platform at all, packaging takes that of the machine we run on


def _linux_platforms(machine: str, libc: str | None) -> Iterator[str]:
    family, _, version = (libc or "").partition(" ")
    if version:
        major, minor = (int(part) for part in version.split(".")[:2])
        oldest = 5 if machine == "x86_64" and family == "glibc" else 17 if family == "glibc" else 0
        for step in range(minor, oldest - 1, -1):
            if family == "musl":
                yield f"musllinux_{major}_{step}_{machine}"
                continue
            yield f"manylinux_{major}_{step}_{machine}"
            if legacy := _LEGACY_MANYLINUX.get(f"{major}_{step}"):
                yield f"{legacy}_{machine}"
    yield f"linux_{machine}"


def _macos_version(release: str | None) -> tuple[int, int]:
    numbers = [part for part in (release or "").replace("macOS", "").strip().split(".") if part.isdigit()]
    if not numbers:
        return _NEWEST_MACOS
    return int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
