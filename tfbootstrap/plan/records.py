"""The records of planning. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfbootstrap.facts import Facts, Gpu
from tfbootstrap.lock import CudaProvider
from tfbootstrap.matrix.bounds import Bound
from tfbootstrap.matrix.known_bad import KnownBad
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.request import Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Why one TensorFlow version can't serve: the rule, what was found, what is needed, and how we know."""

    tensorflow: str
    rule: str
    found: str
    needed: str
    source: str


CUDA_WHEELS, OTHER_TENSORFLOW, OTHER_PYTHON, OTHER_BOTH, OTHER_DRIVER, PRERELEASE, CPU = range(7)
"""What ways out cost the user, smallest first."""


def reject(row: TensorflowRow, rule: str, found: str, needed: str, source: str | None = None) -> Rejection:
    """Return the rejection of a release; without `source` its own wheels are how we know."""
    return Rejection(
        tensorflow=row.version,
        rule=rule,
        found=found,
        needed=needed,
        source=source or f"the published wheels of tensorflow {row.version}",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class WayOut:
    """Something the user can do instead, with the command that does it (empty where none does); a smaller cost is the
    smaller change.
    """

    text: str
    command: str
    cost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Requirements that can't be met together: a sentence for each that meets, and the resolver's own derivation."""

    lines: tuple[str, ...]
    derivation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejections:
    """No version serves: the deciding rejection of each version asked for, newest first, and the ways out."""

    rejections: tuple[Rejection, ...]
    ways_out: tuple[WayOut, ...]
    conflict: Conflict | None = None
    """Where versions fit the runtime, and the resolver found no set of packages with one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Avoided:
    """A known-bad combination, and the requirement (with its marker) that keeps it out."""

    row: KnownBad
    requirement: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A TensorFlow version that may serve: its row, where its CUDA would come from, and what to say about it."""

    row: TensorflowRow
    cuda_provider: CudaProvider
    cuda_requirements: tuple[str, ...] = ()
    """Wheels to require in place of the extra `and-cuda`; empty where the extra serves, or no wheels are used."""
    bounds: tuple[Bound, ...] = ()
    """What its published requirements lack."""
    avoided: tuple[Avoided, ...] = ()
    """Known-bad combinations that are kept out."""
    companion_bounds: tuple[str, ...] = ()
    """Requirements that keep companions asked for to versions that go with it."""
    loader_links: bool = False
    driver_floor: str | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The versions that may serve (newest first), for these facts and this request."""

    facts: Facts
    request: Request
    gpus: tuple[Gpu, ...]
    """The GPUs to be used: empty where the request or the machine leaves the CPU only."""
    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The decision for one target, once the resolver has chosen among the admitted versions."""

    facts: Facts
    request: Request
    candidate: Candidate
    gpus: tuple[Gpu, ...]
    pins: Mapping[str, str]
    """Name -> version of the whole closure."""
    distribution: str = "tensorflow"
    """The distribution that TensorFlow comes in: `tensorflow`, or `tensorflow-cpu`."""
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)
    """Matrix rows that decided -> digest."""
    proven: str | None = None
    """The day on which these pins were proven, but for those that are named as not proven."""
    unproven: tuple[str, ...] = ()
    """Packages whose pins are not those of the proof; nothing where there is no proof."""
