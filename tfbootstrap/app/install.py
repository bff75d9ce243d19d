"""`tfbootstrap install`: run the lock's bootstrap here."""

from __future__ import annotations

import json

from tfbootstrap.app.hints import Hint, check_hints
from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.render import bootstrap_text
from tfbootstrap.edges.bootstraps import find_uv, run_bootstrap


def install(lock_path: str, *, venv: str | None = None) -> tuple[int, tuple[Hint, ...]]:
    """Install a lock into this interpreter's environment or a virtual environment, and verify it.

    Returns the exit code, and what the diagnoses know about checks that failed.

    Raises InputError where the lock can't be used.
    """
    arguments = ["--venv", venv] if venv else []
    if uv := find_uv():
        arguments += ["--installer", uv]
    code, report = run_bootstrap(bootstrap_text(open_lock(lock_path)), arguments)
    return code, check_hints(json.loads(report), venv) if report else ()
