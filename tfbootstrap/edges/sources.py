"""Finds and reads the Python files and notebooks of a project."""

from __future__ import annotations

import os
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tfbootstrap.errors import InputError, Location

_ENDINGS: Final = (".py", ".pyi", ".ipynb")
_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})
_LARGEST: Final = 32 << 20
"""Bytes; what is larger is data, not code."""


def find_sources(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files that are meant, sorted, each once: files as named, of folders all below but hidden ones.

    Raises InputError where there is no such file or folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(_below(path))))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError(Location(str(path)), "there is no such file or folder", hint="name what holds the code")
    return tuple(found)


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _LEFT_OUT and not (Path(root, name) / "pyvenv.cfg").is_file()
        ]
        yield from (Path(root, name) for name in files if name.endswith(_ENDINGS))


def read_source(path: Path) -> str:
    """Return the text of a source file in the encoding that it declares.

    Raises InputError where it can't be read.
    """
    where = Location(path.as_posix())
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(where, "is too large for code")
        if path.suffix == ".ipynb":
            return path.read_text(encoding="utf-8")
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise InputError(where, "is in no encoding that it declares") from None
    except OSError as error:
        raise InputError(where, f"can't be read: {error.strerror}") from None
