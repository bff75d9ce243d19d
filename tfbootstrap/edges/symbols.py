"""Loads the trees of public names, and those of the arguments that changed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tfbootstrap.edges.resources import load_file, matrix_directory
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.signature_table import SignatureTable
from tfbootstrap.matrix.signatures import SignaturesMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.matrix.symbols import Matrix, SymbolsMatrix

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated


def load_symbols(directory: Traversable | Path | None = None) -> SymbolTable:
    """Read every tree below `symbols/` and join them. Raises MatrixError, and InputError where a tree is missing."""
    trees = _load_trees(SymbolsMatrix, directory)
    missing = {"tf", "tf.keras", "keras"} - {tree.root for tree in trees}
    if missing:
        hint = "use the matrix that came with this tfbootstrap, or one as complete"
        raise InputError(Location("symbols"), f"no file has the tree of {' or '.join(sorted(missing))}", hint=hint)
    return SymbolTable.of(trees)


def load_signatures(symbols: SymbolTable, directory: Traversable | Path | None = None) -> SignatureTable:
    """Read every tree below `signatures/`; a matrix without them tells of no arguments. Raises MatrixError."""
    return SignatureTable.of(_load_trees(SignaturesMatrix, directory), symbols)


def _load_trees(record: type[Matrix], directory: Traversable | Path | None) -> list[Matrix]:
    name = PurePosixPath(record.FILE).parent.name
    folder = (matrix_directory() if directory is None else directory) / name
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")) if folder.is_dir() else []
    return [load_file(record, folder / file, f"{name}/{file}") for file in files]
