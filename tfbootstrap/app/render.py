"""The programs that a lock becomes, with our own sources and templates."""

from __future__ import annotations

from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.lock import Lock
from tfbootstrap.render import CellOptions, prepare, render_bootstrap, render_cell


def bootstrap_text(lock: Lock) -> str:
    """Return the text of the lock's `bootstrap.py`."""
    return render_bootstrap(lock, read_payload(), read_template("bootstrap.py.j2"))


def cell_text(lock: Lock, options: CellOptions) -> str:
    """Return the source of the lock's notebook cell."""
    return render_cell(lock, read_payload(), read_template("cell.py.j2"), options)


def prepare_bootstrap() -> None:
    """Do ahead what every bootstrap needs, for example while a resolver runs."""
    prepare(read_payload(), read_template("bootstrap.py.j2"))
