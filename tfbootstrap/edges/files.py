"""Files that we write: whole or not at all, and only when they change."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tfbootstrap.errors import InputError, Location, OutputError

_HINTS = {
    errno.ENOENT: "make the folder first: mkdir -p {folder}",
    errno.ENOTDIR: "name a file inside a folder",
    errno.EISDIR: "name a file, not a folder",
    errno.EACCES: "name another place, or make {folder} writable",
    errno.EPERM: "name another place, or make {folder} writable",
    errno.EROFS: "name a place outside the read-only file system",
    errno.ENOSPC: "free some space below {folder}, then run this again",
    errno.EDQUOT: "free some space below {folder}, then run this again",
}


def write_atomically(path: Path, text: str) -> bool:
    """Write a file so that nobody ever sees half of it; return whether it changed.

    A file that holds the text already is not touched. Raises OutputError where it can't be written; then the file is as
    it was, and nothing is left beside it.
    """
    return bool(write_all_atomically({path: text}))


def write_all_atomically(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write several files, all or none; return those that changed, in their order.

    All are prepared beside their places before the first is replaced, so what can fail has failed by then; where a
    replacement fails nevertheless, those done before are put back.
    """
    prepared: dict[Path, Path] = {}
    former: dict[Path, bytes | None] = {}
    try:
        for path, text in texts.items():
            current = current_content(path)
            if current != text.encode():
                former[path] = current
                prepared[path] = temporary_beside(path)
                prepare(path, text.encode(), prepared[path])
        _replace_all(prepared, former)
    finally:
        for temporary in prepared.values():
            with suppress(OSError):
                temporary.unlink()
    return tuple(former)


def current_content(path: Path) -> bytes | None:
    """Return what a file that we are about to write holds now, None where there is none; raises OutputError."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # Whoever may, such as root, would put a file in place of /dev/null; and a pipe's end never comes.
            raise OutputError(f"can't write {path}: it is a device or a pipe", hint="name a file")
        return path.read_bytes()
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise write_failure(path, error) from error


def temporary_beside(path: Path) -> Path:
    """Return a name that nobody has yet, in the folder of the file that is to be written."""
    target = path.resolve()
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")


def prepare(path: Path, content: bytes, temporary: Path) -> None:
    """Write what is to come to `path` into a new file, with the permissions that it has or will have.

    Raises OutputError; then the new file is not there.
    """
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path.resolve()))
    except BaseException as error:
        temporary.unlink()
        if isinstance(error, OSError):
            raise write_failure(path, error) from error
        raise


def _mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _replace_all(prepared: Mapping[Path, Path], former: Mapping[Path, bytes | None]) -> None:
    done: list[Path] = []
    try:
        for path, temporary in prepared.items():
            done.append(path)
            temporary.replace(path.resolve())
    except BaseException as error:
        for path in done:
            _put_back(path, former[path])
        if isinstance(error, OSError):
            raise write_failure(done[-1], error) from error
        raise


def _put_back(path: Path, content: bytes | None) -> None:
    with suppress(OSError):
        if content is None:
            path.unlink()
        elif path.read_bytes() != content:
            path.write_bytes(content)


def write_failure(path: Path, error: OSError) -> OutputError:
    """Return what a failure of the system to write a file means for the user."""
    number = error.errno or 0
    hint = _HINTS.get(number, "see whether the disk and its folder are in order")
    if number == errno.ENOENT and path.parent.is_dir():
        hint = "the folder is there: see whether something removes files in it"
    return OutputError(
        f"can't write {path}: {os.strerror(number) if number else error}", hint=hint.format(folder=path.parent)
    )


def read_text(path: Path, *, what: str, hint: str | None = None, as_it_is: bool = False) -> str:
    """Return the text of a UTF-8 file; `what` names its role in messages (`requirements file`).

    Line ends become those of Unix and a byte order mark goes, but for `as_it_is`: who writes the file again keeps them.
    Raises InputError where there is no such file, or it can't be read.
    """
    location = Location(str(path))
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise InputError(location, f"there is no such {what}", hint=hint or "check the path") from None
    except IsADirectoryError:
        raise InputError(location, f"this is a folder, no {what}", hint="name a file") from None
    except UnicodeDecodeError as error:
        raise InputError(location, f"this {what} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None
    except OSError as error:
        problem = f"this {what} can't be read: {error.strerror}"
        raise InputError(location, problem, hint="check its permissions") from None
    return text if as_it_is else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
