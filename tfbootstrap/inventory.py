"""What is installed and how it lies on the disk, beyond the facts of a runtime. Layer 1: pure.

Taken by the payload's `inventory`, in the interpreter that it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Literal["LD_LIBRARY_PATH", "tensorflow", "wheel", "cache", "default", "other"]
"""Why a program looks into a folder: the variable, TensorFlow's own search path (two kinds), the loader; or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledDistribution:
    """One distribution: normalised name, library folder, its `*.dist-info` there, and what is missing of it."""

    name: str
    version: str
    folder: str
    info: str
    installer: str = ""
    """As its INSTALLER says: `pip`, `uv`, `conda`, `debian`."""
    editable: bool = False
    record: bool = True
    """Whether it has a list of its files."""
    files: int = 0
    missing: tuple[str, ...] = ()
    """The first recorded files that are not there, those that programs load before others."""
    missing_count: int = 0
    vital: bool = False
    """Whether files that programs load are among them."""
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedFile:
    """A file that several distributions own with different contents; `intact`: whose content lies there."""

    folder: str
    path: str
    owners: tuple[str, ...]
    intact: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalModule:
    """One's own file or folder that Python imports in place of a module of that name; `why`: why it looks there."""

    module: str
    path: str
    why: str
    standard: bool = False
    """Whether it hides a module of the standard library."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryFolder:
    """A folder with NVIDIA's libraries: name by which each is loaded -> name of the file that it leads to."""

    path: str
    origin: Origin
    below: str = ""
    """The folder below the library folder (`nvidia/cudnn/lib`); empty elsewhere."""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device node of NVIDIA's driver in /dev, and whether this user may use it."""

    name: str
    usable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskSpace:
    """How much space is left, in MiB, where a path lies."""

    path: str
    free_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """One environment, in the order in which a fresh process looks; folders and paths are those of its machine."""

    prefix: str = ""
    home: str = ""
    """Where packages are installed to."""
    virtual: bool = False
    conda: bool = False
    managed: bool = False
    """Whether the operating system forbids installing into it (PEP 668)."""
    writable: bool = True
    user_site: str | None = None
    """The user's own library folder, where Python looks there too."""
    here: str = ""
    """The folder that was current."""
    installed: tuple[InstalledDistribution, ...] = ()
    rivals: tuple[tuple[str, ...], ...] = ()
    """Names of distributions that bring the same modules."""
    shared: tuple[SharedFile, ...] = ()
    local: tuple[LocalModule, ...] = ()
    leftovers: tuple[str, ...] = ()
    """Folders that no distribution owns: put aside by an installer that was killed, or left by an uninstallation."""
    libraries: tuple[LibraryFolder, ...] = ()
    devices: tuple[Device, ...] = ()
    disk: tuple[DiskSpace, ...] = ()

    def of(self, name: str) -> tuple[InstalledDistribution, ...]:
        """Return every installation of a distribution; the first is the one that is imported."""
        return tuple(one for one in self.installed if one.name == name)


def inventory_from_mapping(document: Mapping[str, Any]) -> Inventory:
    """Return the record of what the payload has taken; a key that is not known raises TypeError."""
    rows = {
        "installed": tuple(InstalledDistribution(**_tuples(row)) for row in document["installed"]),
        "rivals": tuple(tuple(names) for names in document["rivals"]),
        "shared": tuple(SharedFile(**_tuples(row)) for row in document["shared"]),
        "local": tuple(LocalModule(**row) for row in document["local"]),
        "leftovers": tuple(document["leftovers"]),
        "libraries": tuple(LibraryFolder(**row) for row in document["libraries"]),
        "devices": tuple(Device(**row) for row in document["devices"]),
        "disk": tuple(DiskSpace(**row) for row in document["disk"]),
    }
    return Inventory(**{**document, **rows})


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
