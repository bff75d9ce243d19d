"""Files of one project that change together or not at all, even where we are killed at any moment.

A journal in the project's folder says what is to be done to finish a set. It is there as long as something is half
done, and it is replaced whole, so that each moment belongs to one of three states:

1. "throw these temporary files away": the new contents are being written beside their places; nothing has changed.
2. "put these temporary files into their places": from here on the set is decided; what is done is not done again.
3. no journal: nothing is left to be done.

Who is killed in state 1 leaves all files old; who is killed in state 2 leaves the rest to the next command, which calls
`finish_set`. Where a file can't be put into its place, the former contents are decided to be the set in the same way.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tfbootstrap.edges.files import current_content, prepare, temporary_beside, write_failure
from tfbootstrap.errors import InputError, Location, OutputError

JOURNAL: Final = ".tfbootstrap-journal.json"
_SCHEMA: Final = 1
_PATIENCE: Final = 10.0
"""Seconds to wait for another command that writes in the same folder; it holds its turn for milliseconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Replacement:
    """One file of a set; `before` and `after` are digests of its content, None where there is no such file."""

    path: str
    temporary: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Journal:
    """What is left to be done: files to replace, then temporary files to throw away where they are still there.

    Paths are relative to the journal's folder, but for those that lie elsewhere.
    """

    replacements: tuple[_Replacement, ...] = ()
    discard: tuple[str, ...] = ()


def write_set(texts: Mapping[Path, str], folder: Path) -> tuple[Path, ...]:
    """Write files, all or none, and return those that changed, in their order; the journal lies in `folder`.

    What an earlier command left half done is finished first. Raises OutputError where a file can't be written; then all
    are as they were.
    """
    contents = {path: text.encode() for path, text in texts.items()}
    with _turn(folder):
        _finish(folder)
        former = {path: current_content(path) for path in contents}
        changed = {path: content for path, content in contents.items() if former[path] != content}
        if changed:
            _Set(folder, changed, {path: former[path] for path in changed}).write()
    return tuple(changed)


def finish_set(folder: Path) -> tuple[str, ...]:
    """Finish what a killed command left half done in a folder; return the files that it was about.

    Raises OutputError where a file was changed in the meantime or lies outside the folder: a journal can come along
    with somebody else's files.
    """
    if not (folder / JOURNAL).is_file():
        return ()
    with _turn(folder):
        return _finish(folder)


class _Set:
    """The files of one `write_set`: all temporary names are chosen, and in the journal, before the first is used."""

    def __init__(self, folder: Path, contents: Mapping[Path, bytes], former: Mapping[Path, bytes | None]) -> None:
        self._folder = folder
        self._contents = contents
        self._former = former
        self._forward = {path: temporary_beside(path) for path in contents}
        self._back = {path: temporary_beside(path) for path, content in former.items() if content is not None}
        self._draft = temporary_beside(folder / JOURNAL)
        temporaries = (*self._forward.values(), *self._back.values(), self._draft)
        self._discard = tuple(_name(one, folder) for one in temporaries)

    def write(self) -> None:
        prepare(self._folder / JOURNAL, _dump(_Journal(discard=self._discard)), self._folder / JOURNAL)
        try:
            for path, temporary in self._forward.items():
                prepare(path, self._contents[path], temporary)
            journal = self._decide(self._forward, self._former, self._contents)
        except BaseException:
            _carry_out(_Journal(discard=self._discard), self._folder)
            raise
        try:
            _carry_out(journal, self._folder)
        except BaseException:
            self._put_back()
            raise

    def _put_back(self) -> None:
        current = {path: current_content(path) for path in self._former}
        undone = {path: content for path, content in self._former.items() if current[path] != content}
        for path, content in undone.items():
            if content is not None:
                prepare(path, content, self._back[path])
        _carry_out(self._decide(self._back, current, undone), self._folder)

    def _decide(
        self, temporaries: Mapping[Path, Path], before: Mapping[Path, bytes | None], after: Mapping[Path, bytes | None]
    ) -> _Journal:
        """Let the journal say that these contents take the place of the others, and return it."""
        replacements = tuple(
            _Replacement(
                path=_name(path.resolve(), self._folder),
                temporary=_name(temporaries[path], self._folder) if path in temporaries else None,
                before=_digest(before[path]),
                after=_digest(content),
            )
            for path, content in after.items()
        )
        journal = _Journal(replacements=replacements, discard=self._discard)
        prepare(self._folder / JOURNAL, _dump(journal), self._draft)
        _sync({self._folder, *(temporary.parent for temporary in temporaries.values())})
        self._draft.replace(self._folder / JOURNAL)
        _sync({self._folder})
        return journal


def _finish(folder: Path) -> tuple[str, ...]:
    journal = _read_journal(folder)
    if journal is None:
        return ()
    names = [*(one.path for one in journal.replacements), *(one.temporary or "" for one in journal.replacements)]
    outside = [name for name in (*names, *journal.discard) if not _is_below(folder / name, folder)]
    if outside:
        raise OutputError(
            f"{folder / JOURNAL} tells of files outside its folder, which are left alone: {', '.join(outside)}",
            hint="put them in order yourself: move each temporary file to its path, then remove the journal",
        )
    _carry_out(journal, folder)
    return tuple(one.path for one in journal.replacements)


def _carry_out(journal: _Journal, folder: Path) -> None:
    """Do what is left to be done and remove the journal; whoever does it again does no harm."""
    left = [one for one in journal.replacements if _is_left(one, folder)]
    for one in left:
        path = folder / one.path
        try:
            if one.temporary is None:
                path.unlink()
            else:
                (folder / one.temporary).replace(path)
        except OSError as error:
            raise write_failure(path, error) from error
    _sync({(folder / one.path).parent for one in left})
    for name in journal.discard:
        with suppress(OSError):
            (folder / name).unlink()
    (folder / JOURNAL).unlink(missing_ok=True)
    _sync({folder})


def _is_left(one: _Replacement, folder: Path) -> bool:
    """Say whether a file is still to be replaced; raises OutputError where it is neither the old nor the new one."""
    path = folder / one.path
    current = _digest(current_content(path))
    if current == one.after:
        return False
    if current != one.before or (one.temporary and not (folder / one.temporary).is_file()):
        raise OutputError(
            f"{path} was changed while a set of files was being written (see {folder / JOURNAL})",
            hint=f"to keep it as it is, remove {folder / JOURNAL}; then lock again with: tfbootstrap lock",
        )
    return True


def _read_journal(folder: Path) -> _Journal | None:
    """Return the journal of a folder, None where there is none.

    One that is cut off is of somebody who was killed before there was any temporary file, so it has nothing to say.
    """
    path = folder / JOURNAL
    content = current_content(path)
    if content is None:
        return None
    try:
        document: dict[str, Any] = json.loads(content)
    except ValueError:
        return _Journal()
    try:
        replacements = tuple(_Replacement(**one) for one in document["replacements"])
        known = document["schema"] == _SCHEMA
        journal = _Journal(replacements=replacements, discard=tuple(document["discard"]))
    except (KeyError, TypeError):
        known = False
    if not known or not all(Path(name).name.startswith(".") and name.endswith(".tmp") for name in journal.discard):
        raise InputError(Location(str(path)), "this is no journal of ours", hint="see what made it, then remove it")
    return journal


def _dump(journal: _Journal) -> bytes:
    return (json.dumps({"schema": _SCHEMA, **asdict(journal)}, indent=2, ensure_ascii=False) + "\n").encode()


def _name(path: Path, folder: Path) -> str:
    """Return how the journal calls a file."""
    return path.relative_to(folder.resolve()).as_posix() if _is_below(path, folder) else str(path)


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _digest(content: bytes | None) -> str | None:
    return None if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"


def _sync(folders: Collection[Path]) -> None:
    """Let the disk have what changed in folders before anything else is done, where the system can do that."""
    for folder in folders:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let one command at a time write sets in a folder. The system frees the turn of whoever ends, however it ends.

    Raises OutputError where somebody else does not get done.
    """
    try:
        locks: Any = importlib.import_module("fcntl")
        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        locks = None  # Windows has no such locks; a folder that can't be opened fails where it is written to
    if locks is None:
        yield
        return
    try:
        _wait(locks, descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _wait(locks: Any, descriptor: int, folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not _take(locks, descriptor):
        if time.monotonic() > end:
            raise OutputError(
                f"another tfbootstrap is writing in {folder}", hint="wait until it is done, then run this again"
            )
        time.sleep(0.02)


def _take(locks: Any, descriptor: int) -> bool:
    try:
        locks.flock(descriptor, locks.LOCK_EX | locks.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # not every network drive has such locks
    return True
