"""`tfbootstrap verify`: prove that an environment is what a lock says, and install nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tfbootstrap.app.hints import Hint, check_hints, with_hints
from tfbootstrap.app.locks import open_lock
from tfbootstrap.app.render import bootstrap_text
from tfbootstrap.edges.bootstraps import run_bootstrap


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOutcome:
    """How the verification ended: its exit code, its report as JSON where one was asked for, and what helps."""

    code: int
    report: str
    hints: tuple[Hint, ...] = ()


def verify(lock_path: str, *, venv: str | None = None, deep: bool = False, report: bool = False) -> VerifyOutcome:
    """Verify this interpreter's environment, or a virtual environment; `deep` compares every file with its hash.

    Raises InputError where the lock can't be used, MachineError where the verification itself broke down.
    """
    arguments = ["--verify-only", *(["--venv", venv] if venv else []), *(["--deep"] if deep else [])]
    code, written = run_bootstrap(bootstrap_text(open_lock(lock_path)), arguments, as_json=report)
    hints = check_hints(json.loads(written), venv) if written else ()
    return VerifyOutcome(code=code, report=with_hints(written, hints) if report else "", hints=hints)
