"""From the lock that was there and the one that was made to what an upgrade means for a target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.app.knowledge import Tables
from tfbootstrap.app.locking import LockOutcome, existing_lock
from tfbootstrap.app.requests import Job
from tfbootstrap.app.scan import ScanOutcome
from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.edges.resources import load
from tfbootstrap.lock import Lock
from tfbootstrap.lock_diff import LockChanges
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.gpu_code import minor_of
from tfbootstrap.matrix.gpus import GpuMatrix
from tfbootstrap.upgrade.behaviours import changed_behaviours
from tfbootstrap.upgrade.companions import companion_problems, companions_without_build
from tfbootstrap.upgrade.records import BrokenSymbol, CodeFinding, CompanionProblem, ReleaseChanges, TargetUpgrade
from tfbootstrap.upgrade.releases import release_changes

_OF_BUILDS = ("CUDA built with", "cuDNN built with")
"""Changes that matter where a GPU is used."""


class Reporter:
    """Reports one target after the other; to be used before anything is written."""

    def __init__(self, tables: Tables, code: ScanOutcome | None, matrix: Path | None) -> None:
        self._tables = tables
        self._code = code
        self._matrix = matrix
        self._companions = load(CompanionsMatrix, matrix_folder(matrix))

    def report(self, job: Job, outcome: LockOutcome) -> TargetUpgrade:
        """Return what the new lock means for a target, or why there is none."""
        existing = existing_lock(Path(job.output))
        shared = TargetUpgrade(
            name=outcome.name, lock=job.output, before=existing.header.tensorflow if existing else None
        )
        if outcome.rejections is not None:
            return self._unserved(shared, job, outcome, existing)
        assert outcome.lock is not None
        assert outcome.plan is not None
        on_gpu = any(one.header.cuda_provider != "none" for one in (existing, outcome.lock) if one)
        return replace(
            shared,
            after=outcome.lock.header.tensorflow,
            changes=outcome.changes and _told(outcome.changes, on_gpu=on_gpu),
            release=self._release(outcome, existing, on_gpu=on_gpu),
            broken=self._broken(shared.before, outcome.lock.header.tensorflow),
            behaviours=self._behaviours(outcome.lock, existing),
            companions=self._companion_problems(job, outcome.lock, existing),
            warnings=outcome.plan.warnings,
            breaks=outcome.plan.breaks,
        )

    def _unserved(self, shared: TargetUpgrade, job: Job, outcome: LockOutcome, existing: Lock | None) -> TargetUpgrade:
        rejections = outcome.rejections
        assert rejections is not None
        if not rejections.rejections:
            return replace(shared, rejections=rejections)
        asked = rejections.rejections[0].tensorflow
        newer = existing if existing and Version(existing.header.tensorflow) <= Version(asked) else None
        pins = {pin.name: pin.version for pin in newer.pins} if newer else {}
        names = {wanted.name: pins.get(wanted.name) for wanted in job.request.packages}
        return replace(
            shared, rejections=rejections, companions=companions_without_build(names, asked, self._companions)
        )

    def _release(self, outcome: LockOutcome, existing: Lock | None, *, on_gpu: bool) -> ReleaseChanges:
        knowledge = self._tables.knowledge(frozenset({"hardware"}) if on_gpu else frozenset())
        before = knowledge.tensorflow.row(existing.header.tensorflow) if existing else None
        if before is None or outcome.plan is None or outcome.target is None:
            return ReleaseChanges()
        known = load(GpuMatrix, matrix_folder(self._matrix)).rows if on_gpu else ()
        return release_changes(
            before,
            outcome.plan.candidate.row,
            outcome.target.facts,
            knowledge.bounds,
            knowledge.hardware if on_gpu else None,
            {gpu.compute_capability for gpu in known},
        )

    def _broken(self, before: str | None, after: str) -> tuple[BrokenSymbol, ...]:
        if self._code is None:
            return ()
        lacked = {(one.place, one.symbol) for one in self._code.lacking(minor_of(before))} if before else set()
        return tuple(
            BrokenSymbol(evidence=one, already=(one.place, one.symbol) in lacked)
            for one in self._code.lacking(minor_of(after))
        )

    def _behaviours(self, made: Lock, existing: Lock | None) -> tuple[CodeFinding, ...]:
        before, after = ({pin.name: pin.version for pin in lock.pins} if lock else {} for lock in (existing, made))
        return changed_behaviours(self._code.findings, before, after) if self._code else ()

    def _companion_problems(self, job: Job, made: Lock, existing: Lock | None) -> tuple[CompanionProblem, ...]:
        """Return what does not go with the new TensorFlow, without what did not go with the old one either."""
        extras = {
            wanted.name: {canonicalize_name(extra) for extra in wanted.requirement.extras}
            for wanted in job.request.packages
        }
        found, had = (
            companion_problems(
                {pin.name: pin.version for pin in lock.pins}, lock.header.tensorflow, self._companions, extras
            )
            if lock
            else ()
            for lock in (made, existing)
        )
        known = {(one.name, one.version) for one in had}
        return tuple(one for one in found if (one.name, one.version) not in known)


def _told(changes: LockChanges, *, on_gpu: bool) -> LockChanges:
    """Return changes without those that mean nothing on a runtime whose GPU is not used."""
    told = tuple(one for one in changes.platform_changes if on_gpu or one.what not in _OF_BUILDS)
    return replace(changes, platform_changes=told)
