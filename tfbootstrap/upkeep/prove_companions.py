"""Proves companions beside proven pins: which go with a release, installed and tried in its environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tfbootstrap.lock import Lock, read_lock
from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, WheelTie
from tfbootstrap.matrix.proofs import Proof, pin_line
from tfbootstrap.upkeep.cells import Cell
from tfbootstrap.upkeep.prove import (
    StepError,
    Workshop,
    existing_proof,
    find_interpreter,
    install_and_try,
    run_lock,
    write,
)

TRIED = ("tf-keras", "tensorflow-text", "tensorflow-probability", "tensorflow-hub", "tensorflow-datasets")
"""Companions that the deep trial has a check for; tf-keras first, for others need it with Keras 3."""

CHECK_OF = {name: f"deep-{name.removeprefix('tensorflow-')}" for name in TRIED}


def offers(matrix: CompanionsMatrix, tensorflow: str) -> Iterator[tuple[str, str]]:
    """Yield (package, requirement) of each companion that a row offers for a release: the newest range that goes."""
    for name in TRIED:
        row = matrix.row(name)
        tie = _newest_tie(row, tensorflow) if row else None
        if tie is not None:
            yield name, f"{name}{tie.versions}"


def _newest_tie(row: CompanionRow, tensorflow: str) -> WheelTie | None:
    fitting = [tie for tie in row.wheels if _allows(tie.tensorflow, tensorflow) and _allows(tie.check, tensorflow)]
    # Where some versions say which TensorFlow they are for, the silence of others promises nothing.
    fitting = [tie for tie in fitting if _is_tied(tie) or not any(map(_is_tied, row.wheels))]
    return fitting[-1] if fitting else None


def _is_tied(tie: WheelTie) -> bool:
    return tie.check is not None or (tie.tensorflow is not None and tie.extra is None)


def _allows(specifier: str | None, version: str) -> bool:
    return specifier is None or SpecifierSet(specifier).contains(version, prereleases=True)


def prove_companions(workshop: Workshop, cell: Cell, matrix: CompanionsMatrix) -> Proof | None:
    """Add companions to the proof of a cell, write it, and return it; None where there is no proof yet.

    Companions that can't be had beside the proven pins, or that fail, are told in the proof's note.
    """
    proof = existing_proof(workshop, cell)
    if proof is None:
        return None
    folder = workshop.folder / f"{cell.name}-companions"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        lock, left_out = _lock_most(workshop, cell, proof, matrix, folder)
        results = install_and_try(workshop, find_interpreter(cell.python), lock, folder)
        found = with_companions(proof, lock, results, left_out)
        write(workshop, found)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lock_most(
    workshop: Workshop, cell: Cell, proof: Proof, matrix: CompanionsMatrix, folder: Path
) -> tuple[Lock, list[str]]:
    """Lock as many companions as go beside the proven pins; return the lock, and why others are left out."""
    run_lock(workshop, cell, folder)
    kept: list[str] = []
    left_out: list[str] = []
    for name, requirement in offers(matrix, cell.tensorflow):
        try:
            output = run_lock(workshop, cell, folder, *kept, requirement, "--dry-run", "--json")
        except StepError:
            left_out.append(f"{name}: nothing of {requirement} goes with the other pins")
            continue
        pins = json.loads(output[output.index("{") :])["targets"][0]["pins"]
        moved = [pin.name for pin in proof.packages if pins.get(pin.name) != pin.version]
        if moved:
            left_out.append(f"{name}: needs another {', '.join(moved)}")
        else:
            kept.append(requirement)
    run_lock(workshop, cell, folder, *kept)
    return read_lock((folder / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt"), left_out


def with_companions(proof: Proof, lock: Lock, results: list[dict[str, str]], left_out: list[str]) -> Proof:
    """Return a proof with what a trial of companions showed, sealed again."""
    own = {pin.name for pin in proof.packages}
    added = [pin for pin in lock.pins if pin.name not in own]
    failed = {result["id"]: result["found"] for result in results if result["status"] == "fail"}
    broken = [name for name in TRIED if CHECK_OF[name] in failed]
    notes = [*left_out, *(f"{name}: {' '.join(failed[CHECK_OF[name]].split())[:200]}" for name in broken)]
    others = sorted(set(failed) - set(CHECK_OF.values()))
    if others:
        # Something else broke beside them: then they prove nothing, and the pins stay proven without them.
        notes.append(f"with companions {', '.join(others)} fails: {' '.join(failed[others[0]].split())[:200]}")
        added = []
    companions = tuple(pin_line(pin.name, pin.version, pin.hashes, pin.via) for pin in added if pin.name not in broken)
    return replace(proof, companions=companions, note="; ".join(notes) or None).sealed()
