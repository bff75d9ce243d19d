"""`tfbootstrap install`: run the lock's bootstrap here."""

from __future__ import annotations

from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.render import bootstrap_text
from tfbootstrap.edges.bootstraps import find_uv, run_bootstrap


def install(lock_path: str, *, venv: str | None = None) -> int:
    """Install a lock into this interpreter's environment or a virtual environment, and verify it; return the exit code.

    Raises InputError where the lock can't be used.
    """
    arguments = ["--venv", venv] if venv else []
    if uv := find_uv():
        arguments += ["--installer", uv]
    code, _ = run_bootstrap(bootstrap_text(open_lock(lock_path)), arguments)
    return code
