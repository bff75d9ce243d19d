"""Files that we write: whole or not at all, and only when they change."""

from __future__ import annotations

import errno
import os
import tempfile
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
    prepared: dict[Path, str] = {}
    former: dict[Path, bytes | None] = {}
    try:
        for path, text in texts.items():
            current = _read(path)
            if current != text.encode():
                former[path] = current
                prepared[path] = _prepare(path, text)
        _replace_all(prepared, former)
    finally:
        for temporary in prepared.values():
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - what tempfile returned is a string
    return tuple(former)


def _read(path: Path) -> bytes | None:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # Whoever may, such as root, would put a file in place of /dev/null; and a pipe's end never comes.
            raise OutputError(f"can't write {path}: it is a device or a pipe", hint="name a file")
        return path.read_bytes()
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise _failure(path, error) from error


def _prepare(path: Path, text: str) -> str:
    """Write the text to a new file beside its place, with the place's permissions, and return the name."""
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(target))
    except BaseException as error:
        os.unlink(temporary)  # noqa: PTH108 - what tempfile returned is a string
        if isinstance(error, OSError):
            raise _failure(path, error) from error
        raise
    return temporary


def _mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _replace_all(prepared: Mapping[Path, str], former: Mapping[Path, bytes | None]) -> None:
    done: list[Path] = []
    try:
        for path, temporary in prepared.items():
            done.append(path)
            Path(temporary).replace(path.resolve())
    except BaseException as error:
        for path in done:
            _put_back(path, former[path])
        if isinstance(error, OSError):
            raise _failure(done[-1], error) from error
        raise


def _put_back(path: Path, content: bytes | None) -> None:
    with suppress(OSError):
        if content is None:
            path.unlink()
        elif path.read_bytes() != content:
            path.write_bytes(content)


def _failure(path: Path, error: OSError) -> OutputError:
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
