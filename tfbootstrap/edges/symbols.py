"""Loads the trees of public names and what replaces the names that are gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tfbootstrap.edges.resources import load_file, matrix_directory
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.matrix.symbols import SymbolsMatrix

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated


def load_symbols(directory: Traversable | Path | None = None) -> SymbolTable:
    """Read every tree below `symbols/` and join them. Raises MatrixError, and InputError where a tree is missing."""
    folder = (matrix_directory() if directory is None else directory) / "symbols"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")) if folder.is_dir() else []
    trees = [load_file(SymbolsMatrix, folder / name, f"symbols/{name}") for name in names]
    missing = {"tf", "tf.keras", "keras"} - {tree.root for tree in trees}
    if missing:
        hint = "use the matrix that came with this tfbootstrap, or one as complete"
        raise InputError(Location("symbols"), f"no file has the tree of {' or '.join(sorted(missing))}", hint=hint)
    return SymbolTable.of(trees)
