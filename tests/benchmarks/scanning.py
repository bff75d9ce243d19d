"""How much code a second `tfbootstrap scan` reads; the goal is a megabyte on one core. Name folders of real code."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tfbootstrap.edges.resources import load, matrix_directory
from tfbootstrap.edges.sources import find_sources, read_source
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.marks import MarksMatrix
from tfbootstrap.scan.findings import Finder
from tfbootstrap.scan.pieces import Piece, read_pieces
from tfbootstrap.scan.reader import find_uses

GOAL = 1_000_000
"""Bytes of code a second."""


def main(folders: list[str]) -> None:
    """Print the bytes a second of processor time, of the files that speak of TensorFlow or Keras."""
    folder = matrix_directory()
    interest = Finder.interest(load(MarksMatrix, folder), load(CompanionsMatrix, folder))
    size = 0
    start = time.process_time()
    for path in find_sources([Path(one) for one in folders]):
        try:
            text = read_source(path)
        except InputError:
            continue
        if path.suffix == ".py" and ("tensorflow" in text or "keras" in text):
            size += len(text)
            find_uses((one for one in read_pieces(str(path), text) if isinstance(one, Piece)), interest)
    seconds = time.process_time() - start
    verdict = "met" if size / seconds >= GOAL else "MISSED"
    print(f"{size / 1e6:.1f} MB in {seconds:.1f} s of processor time")
    print(f"{size / seconds / 1e6:.2f} MB/s  goal {GOAL / 1e6:.0f} MB/s {verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
