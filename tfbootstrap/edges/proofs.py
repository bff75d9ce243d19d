"""Reads proofs: one file for one cell, so that a lock needs no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tfbootstrap.edges.resources import load_file
from tfbootstrap.matrix.proofs import FAILED, Proof

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated

FOLDER = "proofs"


def read_proof(name: str, directory: Traversable | Path) -> Proof | None:
    """Return the proof of a cell that passed, None where there is none; raises MatrixError where it was edited."""
    file = directory / FOLDER / f"{name}.yaml"
    return load_file(Proof, file, f"{FOLDER}/{name}.yaml") if file.is_file() else None


def read_proofs(directory: Traversable | Path) -> Iterator[Proof]:
    """Yield every proof of a matrix folder, by name; raises MatrixError where one was edited or is broken."""
    folder = directory / FOLDER
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            yield load_file(Proof, file, f"{FOLDER}/{file.name}")


def proof_names(directory: Traversable | Path) -> frozenset[str]:
    """Return the names of all cells that passed, without reading their proofs."""
    folder = directory / FOLDER
    entries = folder.iterdir() if folder.is_dir() else ()
    names = (entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))
    return frozenset(name for name in names if not name.endswith(FAILED))
