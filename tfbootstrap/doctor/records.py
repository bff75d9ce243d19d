"""The records of an examination: what is looked at, and what was found. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tfbootstrap.doctor.shell import Shell
from tfbootstrap.facts import Facts
from tfbootstrap.inventory import Inventory
from tfbootstrap.lock import Lock
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow
from tfbootstrap.plan.gpu import Hardware

Severity = Literal["error", "warning", "note"]
"""`error`: something does not work, or not as it was meant to. `warning`: it may fail, or costs something. `note`."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

Link = Literal[
    "driver", "device-nodes", "container", "library-missing", "library-version", "library-path", "wheel", "hidden"
]
"""What lies between TensorFlow and a GPU, in the order of the chain; `hidden`: a variable hides the GPU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be; every text in it may name paths of the machine."""

    id: str
    severity: Severity
    summary: str
    """One sentence."""
    evidence: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    """What to run, in this order, in the shell (or notebook) of this machine."""
    advice: tuple[str, ...] = ()
    """What to do beside that, or where no command does it."""
    link: Link | None = None
    """Which link to the GPU is broken."""
    diagnosis: str | None = None
    """The class of `tfbootstrap diagnose` that shows when it fails; its steps are further advice."""
    symptom: str | None = None
    """The error as it is printed, where the matrix tells it: it names the class."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "id": self.id,
            "severity": self.severity,
            "summary": self.summary,
            "evidence": list(self.evidence),
            "fix": [*self.commands, *self.advice],
            "commands": list(self.commands),
            "link": self.link,
            "class": self.diagnosis,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One thing that was looked at, and what was seen."""

    what: str
    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """What is known; the tables of hardware only where there is a GPU."""

    tensorflow: TensorflowMatrix
    bounds: BoundMatrix = field(default_factory=BoundMatrix)
    known_bad: KnownBadMatrix = field(default_factory=KnownBadMatrix)
    companions: CompanionsMatrix
    libraries: LibrariesMatrix = field(default_factory=LibrariesMatrix)
    hardware: Hardware | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledTensorflow:
    """The TensorFlow that is imported: distribution, version, and the matrix row that speaks for it."""

    distribution: str
    version: str
    row: TensorflowRow | None = None
    """Its own, else the newest of its minor; None for one that no row speaks for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One environment that is examined."""

    facts: Facts
    inventory: Inventory
    tables: Tables
    shell: Shell
    tensorflow: InstalledTensorflow | None
    versions: Mapping[str, str]
    """Normalised name -> version of everything installed."""
    closure: frozenset[str]
    """TensorFlow and all that it needs, by requirements."""
    family: frozenset[str]
    """The closure, the packages that go with TensorFlow, and CUDA's wheels."""
    lock: Lock | None = None
    lock_path: str = ""
    venv: str | None = None
    """The environment's folder, as the user named it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """All that was found, most important first, and what was looked at."""

    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    tensorflow: InstalledTensorflow | None = None

    @property
    def wanting(self) -> bool:
        """Whether something does not work."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = self.tensorflow
        return {
            "ok": not self.wanting,
            "findings": [finding.to_json() for finding in self.findings],
            "looked_at": {one.what: one.seen for one in self.looked},
            "tensorflow": None if found is None else {"version": found.version, "distribution": found.distribution},
        }
