"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import assert_holds_only
from tfbootstrap.edges.files import read_text, write_all_atomically, write_atomically
from tfbootstrap.errors import InputError, OutputError


def test_writes_and_says_whether_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "lock.txt"
    assert write_atomically(path, "ä\n") is True
    assert path.read_bytes() == "ä\n".encode()
    os.utime(path, (1, 1))
    assert write_atomically(path, "ä\n") is False
    assert path.stat().st_mtime == 1
    assert write_atomically(path, "b\r\n") is True
    assert path.read_bytes() == b"b\r\n"
    assert_holds_only(tmp_path, ["lock.txt"])


def test_keeps_permissions_and_follows_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    assert write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", "x")
    (tmp_path / "other").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_missing_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"can't write .*deep/lock.txt: No such file") as caught:
        write_atomically(tmp_path / "deep" / "lock.txt", "x")
    assert caught.value.hint == f"make the folder first: mkdir -p {tmp_path / 'deep'}"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with a path")
def test_a_pipe_or_device_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="it is a device or a pipe"):
        write_atomically(pipe, "x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_atomically(tmp_path, "x")
    assert caught.value.hint == "name a file, not a folder"
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_atomically(tmp_path / "file" / "lock.txt", "x")


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "read-only"), (errno.EACCES, "writable"), (errno.EIO, "disk")],
)
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    (tmp_path / "lock.txt").write_text("old")

    def failing(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputError) as caught:
        write_atomically(tmp_path / "lock.txt", "new")
    assert hint in str(caught.value.hint)
    assert (tmp_path / "lock.txt").read_text() == "old"
    assert_holds_only(tmp_path, ["lock.txt"])


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_all_atomically({tmp_path / "a": "new", tmp_path / "b": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert_holds_only(tmp_path, ["a"])


def test_several_files_change_together(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("same")
    texts = {tmp_path / "a": "new", tmp_path / "b": "same", tmp_path / "c": "new"}
    assert write_all_atomically(texts) == (tmp_path / "a", tmp_path / "c")
    assert write_all_atomically(texts) == ()


def test_where_one_can_not_be_prepared_none_changes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(OutputError):
        write_all_atomically({tmp_path / "a": "new", tmp_path / "missing" / "b": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert_holds_only(tmp_path, ["a"])


@pytest.mark.parametrize("error", [OSError(errno.EIO, "bad disk"), KeyboardInterrupt()])
def test_where_one_can_not_be_replaced_the_others_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "a").write_text("old")
    real = Path.replace

    def failing(self: Path, target: Any) -> Path:
        if Path(target).name == "c":
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_all_atomically({tmp_path / "a": "new", tmp_path / "b": "new", tmp_path / "c": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert_holds_only(tmp_path, ["a"])


def test_reads_what_other_systems_write(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(tmp_path / "x", what="lock") == "a\nb\nc\n"
    assert read_text(tmp_path / "x", what="lock", as_it_is=True) == "\ufeffa\r\nb\rc\n"


@pytest.mark.parametrize(
    ("make", "problem", "hint"),
    [
        (lambda path: None, "there is no such lock", "make it"),
        (lambda path: path.write_bytes(b"ab\xff"), r"this lock is not UTF-8 \(byte 2\)", "save it as UTF-8"),
        (lambda path: path.mkdir(), "this is a folder, no lock", "name a file"),
        (lambda path: path.symlink_to(path), "this lock can't be read", "check its permissions"),
    ],
)
def test_what_can_not_be_read_is_an_input_error(tmp_path: Path, make: Any, problem: str, hint: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(InputError, match=problem) as caught:
        read_text(tmp_path / "x", what="lock", hint="make it")
    assert caught.value.hint == hint
