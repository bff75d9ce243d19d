"""Proves companions beside proven pins: which go with a release, installed and tried in its environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.lock import Lock, Pin, read_lock
from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, WheelTie
from tfbootstrap.matrix.proofs import Proof, ProvenPin, pin_line
from tfbootstrap.upkeep.cells import Cell
from tfbootstrap.upkeep.prove import (
    StepError,
    Workshop,
    existing_proof,
    find_interpreter,
    install_and_try,
    run_lock,
    tidy,
    write,
)

TRIED = ("tf-keras", "tensorflow-text", "tensorflow-probability", "tensorflow-hub", "tensorflow-datasets")
"""Companions that the deep trial has a check for; tf-keras first, for others need it with Keras 3."""

CHECK_OF = {name: f"deep-{name.removeprefix('tensorflow-')}" for name in TRIED}


def offers(matrix: CompanionsMatrix, tensorflow: str) -> Iterator[tuple[str, str]]:
    """Yield (package, requirement) of each companion that a row offers for a release: what goes with it."""
    for name in TRIED:
        row = matrix.row(name)
        versions = _fitting_versions(row, tensorflow) if row else None
        if versions is not None:
            yield name, f"{name}{versions}"


def _fitting_versions(row: CompanionRow, tensorflow: str) -> str | None:
    fitting = [tie for tie in row.wheels if _allows(tie.tensorflow, tensorflow) and _allows(tie.check, tensorflow)]
    if any(map(_is_tied, row.wheels)):
        # Where some versions say which TensorFlow they are for, the silence of others promises nothing.
        fitting = [tie for tie in fitting if _is_tied(tie)]
        return fitting[-1].versions if fitting else None
    return _joined(fitting[0].versions, fitting[-1].versions) if fitting else None


def _joined(oldest: str, newest: str) -> str:
    """Return one specifier from the lower end of a range to the upper end of another."""
    first, last = (sorted(Version(one.version) for one in SpecifierSet(text)) for text in (oldest, newest))
    return f">={first[0]},<={last[-1]}"


def _is_tied(tie: WheelTie) -> bool:
    return tie.check is not None or (tie.tensorflow is not None and tie.extra is None)


def _allows(specifier: str | None, version: str) -> bool:
    return specifier is None or SpecifierSet(specifier).contains(version, prereleases=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where the companions of one cell are tried: its folder holds the newest lock, whose pins the next one keeps."""

    workshop: Workshop
    cell: Cell
    folder: Path
    proof: Proof

    def lock(self, requirements: Collection[str]) -> Lock:
        """Lock the release with these companions, and return it; raises StepError."""
        run_lock(self.workshop, self.cell, self.folder, *requirements)
        return read_lock((self.folder / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt")

    def pins(self, requirements: Collection[str]) -> dict[str, str] | None:
        """Return what such a lock would pin, None where there is none."""
        try:
            output = run_lock(self.workshop, self.cell, self.folder, *requirements, "--dry-run", "--json")
        except StepError:
            return None
        return dict(json.loads(output[output.index("{") :])["targets"][0]["pins"])

    def failures(self, lock: Lock) -> dict[str, str]:
        """Install a lock and try it; return what failed: check -> what was found."""
        # In a folder of its own: what an earlier trial left behind must not speak for this one.
        folder = self.folder / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in ("requirements.txt", "bootstrap.py"):
            shutil.copyfile(self.folder / name, folder / name)
        results = install_and_try(self.workshop, find_interpreter(self.cell.python), lock, folder)
        return {result["id"]: result["found"] for result in results if result["status"] == "fail"}


def prove_companions(workshop: Workshop, cell: Cell, matrix: CompanionsMatrix) -> Proof | None:
    """Add companions to the proof of a cell, write it, and return it; None where there is no proof yet.

    First those that go with the proven pins as they are, then all, where the others need another version of some pin.
    What can't be had, or fails, is told in the proof's note.
    """
    proof = existing_proof(workshop, cell)
    if proof is None:
        return None
    # Companions of a former trial would be preferred, and this one is to find the newest.
    proof = replace(proof, companions=(), note=None).sealed()
    write(workshop, proof)
    folder = workshop.folder / f"{cell.name}-companions"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        bench = Bench(workshop=workshop, cell=cell, folder=folder, proof=proof)
        found = with_companions(proof, *try_companions(bench, dict(offers(matrix, cell.tensorflow))))
        write(workshop, found)
        return found
    finally:
        tidy(workshop, folder)


def try_companions(bench: Bench, offered: Mapping[str, str]) -> tuple[Lock, list[str]]:
    """Return the lock of all companions that passed, and why others are left out."""
    lock, notes = bench.lock(()), []
    kept: dict[str, str] = {}
    moving: dict[str, str] = {}
    for name, requirement in offered.items():
        pins = bench.pins((*kept.values(), requirement))
        if pins is None:
            notes.append(f"{name}: nothing of {requirement} goes with this release")
        elif moved_pins(bench.proof.packages, pins):
            moving[name] = requirement
        else:
            kept[name] = requirement
    if kept:
        lock = _passing(bench, {}, kept, notes)
    added = [pin for pin in lock.pins if bench.proof.version(pin.name) is None]
    movers: dict[str, str] = {}
    for name, requirement in moving.items():
        pins = bench.pins((*kept.values(), *movers.values(), requirement))
        if pins is None or moved_pins(added, pins):
            notes.append(f"{name}: does not go with the other companions")
        else:
            movers[name] = requirement
    return (_passing(bench, kept, movers, notes) if movers else lock), notes


def moved_pins(pins: Iterable[ProvenPin | Pin], others: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of pins that have another version among others, or none."""
    return tuple(pin.name for pin in pins if others.get(pin.name) != pin.version)


def _passing(bench: Bench, kept: Mapping[str, str], tried: dict[str, str], notes: list[str]) -> Lock:
    """Try companions beside kept ones; take away what fails and tell it, until the rest passes, and return its lock."""
    while tried:
        lock = bench.lock((*kept.values(), *tried.values()))
        failed = bench.failures(lock)
        if not failed:
            return lock
        broken = [name for name in TRIED if CHECK_OF[name] in failed]
        culprits = [name for name in tried if any(name in needing(lock, other) for other in broken)] or [[*tried][-1]]
        check = CHECK_OF[broken[0]] if broken else next(iter(failed))
        for name in culprits:
            notes.append(f"{name}: {check} fails: {' '.join(failed[check].split())[:200]}")
            del tried[name]
    return bench.lock(kept.values())


def needing(lock: Lock, name: str) -> frozenset[str]:
    """Return a package of a lock and all that need it, directly or not."""
    found: set[str] = set()
    left = {name}
    while left:
        found |= left
        left = {reason for pin in lock.pins if pin.name in left for reason in pin.via} - found
    return frozenset(found)


def with_companions(proof: Proof, lock: Lock, notes: Collection[str]) -> Proof:
    """Return a proof with what the lock of its companions holds beside its own pins or instead, sealed again."""
    own = {pin.name: pin.version for pin in proof.packages}
    added = [pin for pin in lock.pins if own.get(pin.name) != pin.version]
    companions = tuple(pin_line(pin.name, pin.version, pin.hashes, pin.via) for pin in added)
    return replace(proof, companions=companions, note="; ".join(notes) or None).sealed()
