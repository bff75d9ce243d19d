"""What goes into a resolver and what comes out, whichever program it is. Layer 1: pure records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageMetadata:
    """Metadata that the resolver takes for one version instead of the published one (only ever tighter)."""

    name: str
    version: str
    requires: tuple[str, ...]
    requires_python: str | None
    extras: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolutionInput:
    """One resolution for one target."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    metadata: tuple[PackageMetadata, ...] = ()
    preferences: tuple[tuple[str, str], ...] = ()
    """Pins (name, version) to keep wherever they fit: the lock that is there already, the image, a proof."""
    python: str
    """X.Y of the target."""
    system: str
    machine: str
    libc: str | None = None
    offline: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedFile:
    """A file of the index that could serve a pin: its name and its hash (`sha256:<hex>`)."""

    name: str
    hash: str
    url: str | None = None
    """Its address without credentials (`file://…` for a file of this machine), where the engine told it."""
    size: int | None = None
    """In bytes, where the index told it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedPackage:
    """One package of a solution: what requires it, and the files that the resolver named."""

    name: str
    version: str
    via: tuple[str, ...]
    files: tuple[ResolvedFile, ...]
    hashes: tuple[str, ...] = ()
    """Of the files that fit the target, where that is known without their names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """Every package of one resolution, by name, and which engine and version found it."""

    packages: tuple[ResolvedPackage, ...]
    engine: str
    warnings: tuple[str, ...] = ()
    """What the engine warned of, a sentence each."""

    def version(self, name: str) -> str | None:
        """Return the version of one package, None where the solution lacks it."""
        return next((package.version for package in self.packages if package.name == name), None)
