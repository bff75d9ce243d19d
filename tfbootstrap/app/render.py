"""The programs that a lock becomes, with our own sources and templates."""

from __future__ import annotations

from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.errors import InputError, Location
from tfbootstrap.lock import Lock
from tfbootstrap.render import (
    SCRIPTS,
    CellOptions,
    ScriptKind,
    cell_template,
    prepare,
    render_bootstrap,
    render_cell,
    render_script,
)


def bootstrap_text(lock: Lock) -> str:
    """Return the text of the lock's `bootstrap.py`."""
    return render_bootstrap(lock, read_payload(), read_template("bootstrap.py.j2"))


def script_text(lock: Lock, kind: ScriptKind) -> str:
    """Return a `dockerfile` or `shell` script that carries the lock's bootstrap.

    Raises InputError for a lock that such a script can't be made for.
    """
    system = lock.header.target.system
    if system == "windows" or (kind == "dockerfile" and system != "linux"):
        message = f"a {kind} script is not for {system}, the lock's system"
        raise InputError(Location("lock"), message, hint="make the lock for Linux, or run its bootstrap.py")
    try:
        return render_script(lock, bootstrap_text(lock), read_template(SCRIPTS[kind]))
    except ValueError as error:
        raise InputError(Location("lock"), str(error), hint="make the lock again with `tfbootstrap lock`") from error


def cell_text(lock: Lock, options: CellOptions) -> str:
    """Return the source of the lock's notebook cell."""
    return render_cell(lock, read_payload(), read_template(cell_template(options)), options)


def prepare_bootstrap() -> None:
    """Do ahead what every bootstrap needs, for example while a resolver runs."""
    prepare(read_payload(), read_template("bootstrap.py.j2"))
