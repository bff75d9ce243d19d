"""`tfbootstrap cell`: the notebook cell of a lock, as text or inside notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.render import cell_text
from tfbootstrap.edges.files import read_text, write_all_atomically
from tfbootstrap.edges.notebooks import NotebookCell, put_cell
from tfbootstrap.lock import Lock


@dataclass(frozen=True, kw_only=True, slots=True)
class CellOutcome:
    """The cell's source, and which of the notebooks changed and which had it already."""

    source: str
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def make_cell(lock_path: str, notebooks: Sequence[str] = ()) -> CellOutcome:
    """Make the cell of a lock and put it into the notebooks, all of them or none.

    Raises InputError for a lock or notebook that can't be used, OutputError for a notebook that can't be written.
    """
    lock = open_lock(lock_path)
    texts = notebook_texts(lock, notebooks)
    changed = {str(path) for path in write_all_atomically(texts)}
    return CellOutcome(
        source=cell_text(lock),
        changed=tuple(str(path) for path in texts if str(path) in changed),
        unchanged=tuple(str(path) for path in texts if str(path) not in changed),
    )


def notebook_texts(lock: Lock, notebooks: Sequence[str]) -> dict[Path, str]:
    """Return the text of each notebook with the lock's cell in it; nothing is written."""
    # A cell's source has no line end at its end; Jupyter would show an empty line.
    cell = NotebookCell(
        source=cell_text(lock).rstrip("\n"),
        mark={"target": lock.header.target.name, "tensorflow": lock.header.tensorflow},
    )
    texts = {}
    for notebook in notebooks:
        text = read_text(Path(notebook), what="notebook", hint="name an existing notebook, *.ipynb", as_it_is=True)
        texts[Path(notebook)] = put_cell(text, cell, notebook)
    return texts
