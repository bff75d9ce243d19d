"""The newest minor of TensorFlow that code and every target allow, and what speaks against the newer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.locking import LockOutcome
from tfbootstrap.app.requests import Job
from tfbootstrap.app.scan import ScanOutcome
from tfbootstrap.app.targets import Target, find_target
from tfbootstrap.app.upgrade_inputs import Inputs, Wanted
from tfbootstrap.errors import InputError, UnsatisfiableError, UsageError
from tfbootstrap.explain import rejection_sentence
from tfbootstrap.plan.admission import admit, parts_needed
from tfbootstrap.plan.markers import meant_for
from tfbootstrap.plan.records import Rejections
from tfbootstrap.request import TensorflowWish
from tfbootstrap.upgrade.records import HeldBack
from tfbootstrap.upgrade.report import bound_words

MOST_TRIALS = 5
"""How many minors we resolve for: each trial is a resolution of every target."""

Lock = Callable[[Wanted], tuple[LockOutcome, ...]]
Found = tuple[Wanted, tuple[LockOutcome, ...], tuple[HeldBack, ...]]


@dataclass(slots=True)
class Newest:
    """A search: the cheap judges (code, then each target) go first, the resolver has the last word."""

    inputs: Inputs
    code: ScanOutcome | None
    wishes: tuple[TensorflowWish, ...]
    tables: Tables
    matrix: Path | None
    _targets: dict[str, Target] = field(default_factory=dict)

    def find(self, lock: Lock) -> Found:
        """Return what is asked for with the newest minor, its locks, and why no newer one was taken.

        Where several minors fit each target but nothing resolves, the first of them with its rejections. Raises
        UnsatisfiableError where no minor fits.
        """
        held_back: list[HeldBack] = []
        tried: list[Found] = []
        for minor in self._minors():
            wanted = self._judged(minor, held_back)
            if wanted is None:
                continue
            outcomes = lock(wanted)
            tried.append((wanted, outcomes, tuple(held_back)))
            refused = next((one for one in outcomes if one.rejections), None)
            if refused is None:
                return tried[-1]
            assert refused.rejections is not None
            held_back.append(HeldBack(minor=minor, by=refused.name, reason=_reason(refused.rejections)))
            if len(tried) == MOST_TRIALS:
                break
        if tried:
            return tried[0]
        told = "\n".join(f"  {one.minor} ({one.by}): {one.reason}" for one in held_back)
        raise UnsatisfiableError(
            f"no TensorFlow fits the code and every target\n{told}",
            hint="see what each target allows with tfbootstrap explain, and the code with tfbootstrap scan",
        )

    def _minors(self) -> Iterator[str]:
        """Yield the minors that have a finished release, newest first."""
        rows = self.tables.knowledge().tensorflow.rows
        yield from sorted({row.minor for row in rows if not row.prerelease and not row.yanked}, key=Version)[::-1]

    def _judged(self, minor: str, held_back: list[HeldBack]) -> Wanted | None:
        """Return what is asked for with a minor; None, and the reason remembered, where something speaks against it."""
        if self.code is not None and (lacking := self.code.lacking(minor)):
            reason = f"{lacking[0].place} ({lacking[0].symbol}) {bound_words(lacking[0].bound)}"
            held_back.append(HeldBack(minor=minor, by="code", reason=reason))
            return None
        try:
            wanted = self.inputs.wanted(minor, self.wishes)
        except InputError as error:
            held_back.append(HeldBack(minor=minor, by="constraint", reason=str(error)))
            return None
        for job in wanted.jobs:
            if refusal := self._refusal(job):
                held_back.append(HeldBack(minor=minor, by=job.name or job.output, reason=refusal))
                return None
        return wanted

    def _refusal(self, job: Job) -> str | None:
        target = self._target(job)
        request, _ = meant_for(job.request, target.facts)
        knowledge = self.tables.knowledge(parts_needed(target.facts, request))
        try:
            admission = admit(target.facts, knowledge, request)
        except UsageError as error:
            return str(error)
        return None if admission.candidates else rejection_sentence(admission.rejected[0])

    def _target(self, job: Job) -> Target:
        if job.output not in self._targets:
            self._targets[job.output] = find_target(job.request, self.matrix)
        return self._targets[job.output]


def _reason(rejections: Rejections) -> str:
    if not rejections.conflict:
        return rejection_sentence(rejections.rejections[0])
    # What is asked for is known to who asked; what stands against it is the news.
    lines = [line for line in rejections.conflict.lines if not line.startswith("tensorflow") or " needs " in line]
    return "; ".join(lines or rejections.conflict.lines) or "its requirements can't all be met together"
