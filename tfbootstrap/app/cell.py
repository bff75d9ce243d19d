"""`tfbootstrap cell`: the notebook cell of a lock, as text or inside notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.render import cell_text, script_text
from tfbootstrap.edges.files import read_text, write_all_atomically
from tfbootstrap.edges.notebooks import NotebookCell, mark_of_ours, put_cell
from tfbootstrap.lock import Lock
from tfbootstrap.render import CellOptions, OnRestart, ScriptKind, Style


@dataclass(frozen=True, kw_only=True, slots=True)
class CellOutcome:
    """The cell's source, and which of the notebooks changed and which had it already."""

    source: str
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CellWishes:
    """What the user said of the cell's options; None leaves one as the notebook's cell has it."""

    style: Style | None = None
    on_restart: OnRestart | None = None
    isolate: bool | None = None
    wheelhouse: str | None = None


def make_cell(lock_path: str, notebooks: Sequence[str] = (), wishes: CellWishes | None = None) -> CellOutcome:
    """Make the cell of a lock and put it into the notebooks, all of them or none.

    Raises InputError for a lock or notebook that can't be used, OutputError for a notebook that can't be written.
    """
    lock, wishes = open_lock(lock_path), wishes or CellWishes()
    texts = notebook_texts(lock, notebooks, wishes)
    changed = {str(path) for path in write_all_atomically(texts)}
    return CellOutcome(
        source=cell_text(lock, _options({}, wishes)),
        changed=tuple(str(path) for path in texts if str(path) in changed),
        unchanged=tuple(str(path) for path in texts if str(path) not in changed),
    )


def make_script(lock_path: str, kind: ScriptKind) -> str:
    """Return the Dockerfile or shell script of a lock.

    Raises InputError for a lock that can't be used, or that is for another system than such a script.
    """
    return script_text(open_lock(lock_path), kind)


def notebook_texts(lock: Lock, notebooks: Sequence[str], wishes: CellWishes | None = None) -> dict[Path, str]:
    """Return the text of each notebook with the lock's cell in it; nothing is written."""
    texts = {}
    for notebook in notebooks:
        text = read_text(Path(notebook), what="notebook", hint="name an existing notebook, *.ipynb", as_it_is=True)
        options = _options(mark_of_ours(text, notebook), wishes or CellWishes())
        mark = {"target": lock.header.target.name, "tensorflow": lock.header.tensorflow, **_unusual(options)}
        # A cell's source has no line end at its end; Jupyter would show an empty line.
        cell = NotebookCell(source=cell_text(lock, options).rstrip("\n"), mark=mark)
        texts[Path(notebook)] = put_cell(text, cell, notebook)
    return texts


def _options(mark: Mapping[str, Any], wishes: CellWishes) -> CellOptions:
    """Return what is wished for, else what the notebook's cell was made with, else the default."""
    names = asdict(CellOptions())
    kept = {name: mark[name] for name in names if name in mark and _is_possible(name, mark[name])}
    wished = {name: value for name in names if (value := getattr(wishes, name)) is not None}
    return CellOptions(**{**kept, **wished})


def _is_possible(option: str, value: object) -> bool:
    known: Mapping[str, tuple[str, ...]] = {"style": get_args(Style), "on_restart": get_args(OnRestart)}
    kind = bool if option == "isolate" else str
    return isinstance(value, kind) and (option not in known or value in known[option])


def _unusual(options: CellOptions) -> dict[str, Any]:
    """Return the options that are not at their default, for the mark."""
    default = asdict(CellOptions())
    return {name: value for name, value in asdict(options).items() if value != default[name]}
