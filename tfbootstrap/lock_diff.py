"""What changes from one lock to the next: packages, and what they mean for the machine. Layer 2: pure."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from tfbootstrap.lock import Lock, LockHeader, Pin


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedPackage:
    """A package that came or went."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageChange:
    """A package whose version changed; `major` where the first number of the version did."""

    name: str
    before: str
    after: str
    major: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformChange:
    """Something that the change asks of the machine or of the user's code: `what` is a label, None is nothing."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockChanges:
    """Everything that differs between two locks, by name."""

    added: tuple[PinnedPackage, ...] = ()
    removed: tuple[PinnedPackage, ...] = ()
    changed: tuple[PackageChange, ...] = ()
    other_files: tuple[str, ...] = ()
    """Packages of the same version whose files (hashes) are others now."""
    platform_changes: tuple[PlatformChange, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.changed, self.other_files, self.platform_changes))


def diff(before: Lock, after: Lock) -> LockChanges:
    """Return what changes when `after` takes the place of `before`."""
    old, new = ({pin.name: pin for pin in lock.pins} for lock in (before, after))
    both = [(old[name], new[name]) for name in sorted(old.keys() & new.keys())]
    return LockChanges(
        added=tuple(_package(new[name]) for name in sorted(new.keys() - old.keys())),
        removed=tuple(_package(old[name]) for name in sorted(old.keys() - new.keys())),
        changed=tuple(
            PackageChange(name=a.name, before=a.version, after=b.version, major=_is_major(a.version, b.version))
            for a, b in both
            if a.version != b.version
        ),
        other_files=tuple(a.name for a, b in both if a.version == b.version and set(a.hashes) != set(b.hashes)),
        platform_changes=tuple(
            PlatformChange(what=what, before=had, after=has)
            for (what, had), (_, has) in zip(_platform(before.header), _platform(after.header), strict=True)
            if had != has
        ),
    )


def _platform(header: LockHeader) -> tuple[tuple[str, str | None], ...]:
    return (
        ("TensorFlow", header.tensorflow),
        ("Keras major", str(header.keras) if header.keras else None),
        ("CUDA from", header.cuda_provider),
        ("CUDA built with", header.build_cuda),
        ("cuDNN built with", header.build_cudnn),
        ("driver floor", header.driver_floor),
        ("Python", header.target.python),
    )


def _package(pin: Pin) -> PinnedPackage:
    return PinnedPackage(name=pin.name, version=pin.version)


def _is_major(before: str, after: str) -> bool:
    try:
        return Version(before).release[0] != Version(after).release[0]
    except InvalidVersion:
        # Versions of a lock that was edited by hand need not be any; then the whole text is what changed.
        return True
