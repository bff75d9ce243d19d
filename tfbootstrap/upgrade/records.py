"""The records of an upgrade, and what they are as plain data. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tfbootstrap.lock_diff import LockChanges, PlatformChange
from tfbootstrap.plan.records import Rejections
from tfbootstrap.scan.findings import Finding
from tfbootstrap.scan.judge import Evidence
from tfbootstrap.scan.pieces import Skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A place that says which TensorFlow is wanted, and what it says instead; `before` None: it said nothing."""

    file: str
    line: int | None
    before: str | None
    after: str

    @property
    def place(self) -> str:
        """Where it stands: `requirements.in:3`."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenSymbol:
    """A line of the code that lacks something in the new TensorFlow; `already`: it lacks it in the old one too."""

    evidence: Evidence
    already: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, with the keys of `scan --json`."""
        one = self.evidence
        return {
            "file": one.file,
            "cell": one.cell,
            "line": one.line,
            "symbol": one.symbol,
            "bound": one.bound,
            "replacement": one.replacement,
            "note": one.note,
            "already": self.already,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeFinding:
    """A line that does not go with a version in the new lock: it fails (`finding.breaks`), or does something else.

    `already`: it does not go with the version in the old lock either.
    """

    finding: Finding
    version: str
    already: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, with the keys of `scan --json`."""
        return {**asdict(self.finding), "version": self.version, "already": self.already}


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanionProblem:
    """A package that goes with TensorFlow, and does not go with the new one; `version` None: nothing was locked."""

    name: str
    version: str | None
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseChanges:
    """What two releases of TensorFlow differ in, for one runtime; compute capabilities only where a GPU is used."""

    platform_changes: tuple[PlatformChange, ...] = ()
    capabilities_dropped: tuple[str, ...] = ()
    capabilities_gained: tuple[str, ...] = ()
    """Those with machine code now: before, the driver had to compile, or nothing ran at all."""
    no_longer_required: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBack:
    """A minor that is newer than the one taken, and the first thing that speaks against it."""

    minor: str
    by: str
    """A target's name, or `code`."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetUpgrade:
    """What an upgrade means for one target; with rejections nothing serves it."""

    name: str
    lock: str
    before: str | None = None
    """The TensorFlow of the lock that was there, None where there was none."""
    after: str | None = None
    changes: LockChanges | None = None
    """All that differs from the lock that was there; None where there was none, or nothing serves."""
    release: ReleaseChanges = ReleaseChanges()
    broken: tuple[BrokenSymbol, ...] = ()
    behaviours: tuple[CodeFinding, ...] = ()
    """Lines that don't lack a name of TensorFlow, and don't go with a version of the new lock."""
    companions: tuple[CompanionProblem, ...] = ()
    warnings: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    rejections: Rejections | None = None
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def platform_changes(self) -> tuple[PlatformChange, ...]:
        """What the change asks of the machine and of the code."""
        return (*(self.changes.platform_changes if self.changes else ()), *self.release.platform_changes)

    @property
    def findings(self) -> bool:
        """Whether something that works now will not work then."""
        lacking = any(not one.already for one in self.broken)
        failing = any(one.finding.breaks and not one.already for one in self.behaviours)
        return bool(self.companions) or lacking or failing

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; keys are part of the command line's contract."""
        shared = {"name": self.name, "lock": self.lock, "tensorflow": {"before": self.before, "after": self.after}}
        if self.rejections is not None:
            return {
                **shared,
                "companions": [asdict(one) for one in self.companions],
                "rejections": [asdict(one) for one in self.rejections.rejections],
                "ways_out": [asdict(one) for one in self.rejections.ways_out],
                "conflict": asdict(self.rejections.conflict) if self.rejections.conflict else None,
            }
        changes = self.changes or LockChanges()
        return {
            **shared,
            "added": [asdict(one) for one in changes.added],
            "removed": [asdict(one) for one in changes.removed],
            "changed": [asdict(one) for one in changes.changed],
            "other_files": list(changes.other_files),
            "platform_changes": [asdict(one) for one in self.platform_changes],
            "compute_capabilities": {
                "dropped": list(self.release.capabilities_dropped),
                "gained": list(self.release.capabilities_gained),
            },
            "no_longer_required": list(self.release.no_longer_required),
            "broken_symbols": [one.to_json() for one in self.broken],
            "behaviours": [one.to_json() for one in self.behaviours],
            "companions": [asdict(one) for one in self.companions],
            "warnings": list(self.warnings),
            "breaks": list(self.breaks),
            "written": list(self.written),
            "unchanged": list(self.unchanged),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """The whole upgrade."""

    targets: tuple[TargetUpgrade, ...]
    edits: tuple[Edit, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    """Newest minor first; told only where the newest that fits was looked for."""
    notes: tuple[str, ...] = ()
    """What else should change, and is not ours to change."""
    files: int = 0
    """How many files of code were looked through."""
    skipped: tuple[Skipped, ...] = ()
    """Code that could not be read."""
    dry_run: bool = False
    written: tuple[str, ...] = ()
    """Every file that changed: none for a dry run, or where a target can't be served."""

    @property
    def served(self) -> bool:
        """Whether every target can be served."""
        return all(target.rejections is None for target in self.targets)

    @property
    def findings(self) -> bool:
        """Whether something that works now will not work then."""
        return any(target.findings for target in self.targets)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; keys are part of the command line's contract."""
        return {
            "targets": [target.to_json() for target in self.targets],
            "edits": [asdict(edit) for edit in self.edits],
            "held_back": [asdict(one) for one in self.held_back],
            "notes": list(self.notes),
            "files": self.files,
            "skipped": [{"file": one.file, "cell": one.cell, "reason": one.reason} for one in self.skipped],
            "dry_run": self.dry_run,
            "written": list(self.written),
        }
