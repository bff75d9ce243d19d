"""Dying at a chosen step: what that leaves behind is what a crash at that moment leaves behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

STEPS = frozenset({"open", "os.chmod", "os.remove", "os.rename"})
"""The audit events (PEP 578) of the calls that open or change files; `os.fsync` has none and is counted too."""


class Died(BaseException):
    """Raised at the step, and at every later one: nobody who cleans up after it gets anything done."""


@dataclass(slots=True)
class _Death:
    """When to die: `left` steps are still to be done in `folder`."""

    folder: Path
    left: int

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died


_deaths: list[_Death] = []
"""The death that is planned; a hook can't be taken away again, so that is all that changes."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _deaths and _changes_files(event, arguments) and _is_below(arguments[0], _deaths[-1].folder):
        _deaths[-1].count()


def _changes_files(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in STEPS and (event != "open" or bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)))


def _is_below(path: Any, folder: Path) -> bool:
    return isinstance(path, str | Path) and (Path.cwd() / path).is_relative_to(folder)


sys.addaudithook(_hook)


def dies_at(step: int, action: Callable[[], Any], folder: Path) -> bool:
    """Run an action that dies before its n-th step in a folder, counted from 0.

    Return whether it died; else it had fewer steps and came to its end.
    """
    with _death(step, folder):
        try:
            action()
        except Died:
            return True
    return False


@contextmanager
def _death(step: int, folder: Path) -> Iterator[None]:
    death = _Death(folder, step)

    def fsync(_descriptor: int) -> None:
        death.count()

    with mock.patch.object(os, "fsync", fsync):
        _deaths.append(death)
        try:
            yield
        finally:
            _deaths.remove(death)
