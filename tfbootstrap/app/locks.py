"""Reads the lock that a command works on."""

from __future__ import annotations

from pathlib import Path

from tfbootstrap.edges.files import read_text
from tfbootstrap.lock import Lock, read_lock
from tfbootstrap.pylock import is_pylock_name, read_pylock

DEFAULT_LOCK = "requirements.txt"


def open_lock(path: str) -> Lock:
    """Return the lock in a file.

    Raises InputError where the file is missing, unreadable or no lock.
    """
    text = read_text(Path(path), what="lock", hint=f"make it with `tfbootstrap lock --output-file {path}`")
    return read_pylock(text, path) if is_pylock_name(Path(path).name) else read_lock(text, path)
