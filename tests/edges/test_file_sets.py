"""Sets of files change together or not at all, even where we are killed at any moment."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import assert_holds_only
from tests.support.killing import Died, dies_at
from tfbootstrap.app import recovery
from tfbootstrap.edges import file_sets
from tfbootstrap.edges.file_sets import JOURNAL, finish_set, write_set
from tfbootstrap.errors import InputError, OutputError

OLD = {"pyproject.toml": "old project\n", "locks/a.txt": "old a\n", "locks/b.txt": "old b\n"}
NEW = {"pyproject.toml": "new project\n", "locks/a.txt": "new a\n", "locks/b.txt": "new b\n", "locks/c.py": "new c\n"}
MOST_STEPS = 200
"""More steps than a set of these files takes."""


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of sets are written here, and none outlives its test


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "project", OLD)


def fill(folder: Path, texts: Mapping[str, str]) -> Path:
    (folder / "locks").mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def write_new(folder: Path) -> tuple[Path, ...]:
    return write_set({folder / name: text for name, text in NEW.items()}, folder)


def everything(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def failing_replace(name: str, error: BaseException) -> Callable[[Path, Any], Path]:
    real = Path.replace

    def replace(self: Path, target: Any) -> Path:
        if Path(target).name == name:
            raise error
        return real(self, target)

    return replace


def test_what_changed_is_written_and_nothing_is_left(folder: Path) -> None:
    (folder / "locks/b.txt").write_text(NEW["locks/b.txt"])
    os.utime(folder / "locks/b.txt", (1, 1))
    assert [path.name for path in write_new(folder)] == ["pyproject.toml", "a.txt", "c.py"]
    assert everything(folder) == NEW
    assert (folder / "locks/b.txt").stat().st_mtime == 1
    assert write_new(folder) == ()
    assert finish_set(folder) == ()


def test_links_and_permissions_are_kept(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text("old")
    elsewhere.chmod(0o640)
    (folder / "pyproject.toml").unlink()
    (folder / "pyproject.toml").symlink_to(elsewhere)
    write_new(folder)
    assert (folder / "pyproject.toml").is_symlink()
    assert elsewhere.read_text() == NEW["pyproject.toml"]
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert_holds_only(tmp_path, ["project", "elsewhere.toml"])


def test_killed_at_every_step_all_are_old_or_all_are_new_once_it_is_finished(tmp_path: Path) -> None:
    outcomes = []
    for step in range(MOST_STEPS):
        folder = fill(tmp_path / str(step), OLD)
        died = dies_at(step, partial(write_new, folder), folder)
        finish_set(folder)
        outcomes.append(everything(folder))
        if not died:
            break
    assert not died
    assert outcomes == sorted(outcomes, key=lambda found: found == NEW)
    assert [found for found in outcomes if found not in (OLD, NEW)] == []
    assert len([found for found in outcomes if found == OLD]) > 10
    assert len([found for found in outcomes if found == NEW]) > 10


def test_no_file_changes_before_the_set_is_decided(tmp_path: Path) -> None:
    for step in range(MOST_STEPS):
        folder = fill(tmp_path / str(step), OLD)
        dies_at(step, partial(write_new, folder), folder)
        changed = {
            name: text for name, text in everything(folder).items() if not Path(name).name.startswith(".")
        } != OLD
        journal = folder / JOURNAL
        if changed:
            assert json.loads(journal.read_text())["replacements"]
            break
    assert changed


def test_who_finishes_can_be_killed_at_every_step_too(tmp_path: Path) -> None:
    for step in range(MOST_STEPS):
        folder = half_written(tmp_path / str(step))
        died = dies_at(step, partial(finish_set, folder), folder)
        finish_set(folder)
        assert everything(folder) == NEW
        if not died:
            break
    assert not died


def half_written(folder: Path) -> Path:
    """Return a project in which somebody died between two files of a set."""
    fill(folder, OLD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", failing_replace("b.txt", Died()))
        patch.setattr(file_sets._Set, "_put_back", lambda self: None)
        with pytest.raises(Died):
            write_new(folder)
    found = everything(folder)
    assert (found["locks/a.txt"], found["locks/b.txt"]) == (NEW["locks/a.txt"], OLD["locks/b.txt"])
    return folder


def test_the_next_set_finishes_the_one_before(tmp_path: Path) -> None:
    folder = half_written(tmp_path / "project")
    assert write_set({folder / "locks/a.txt": "newest a\n"}, folder) == (folder / "locks/a.txt",)
    assert everything(folder) == {**NEW, "locks/a.txt": "newest a\n"}


@pytest.mark.parametrize("error", [OSError(errno.EBUSY, "busy"), KeyboardInterrupt()])
def test_where_one_can_not_be_replaced_the_others_are_put_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(Path, "replace", failing_replace("c.py", error))
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_new(folder)
    assert everything(folder) == OLD


def test_who_puts_back_can_be_killed_at_every_step_too(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "replace", failing_replace("c.py", OSError(errno.EBUSY, "busy")))
            with suppress(OutputError):
                write_new(folder)

    outcomes = []
    for step in range(MOST_STEPS):
        folder = fill(tmp_path / str(step), OLD)
        died = dies_at(step, partial(fail, folder), folder)
        finish_set(folder)
        outcomes.append(everything(folder))
        if not died:
            break
    assert not died
    assert [found for found in outcomes if found not in (OLD, NEW)] == []
    assert outcomes[-1] == OLD
    assert NEW in outcomes


@pytest.mark.parametrize("stage", ["prepare", "journal"])
def test_where_the_disk_is_full_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == (1 if stage == "journal" else 3):
            raise OSError(errno.ENOSPC, "full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="can't write"):
        write_new(folder)
    assert everything(folder) == OLD


def test_a_file_that_was_changed_in_the_meantime_is_not_written_over(tmp_path: Path) -> None:
    folder = half_written(tmp_path / "project")
    (folder / "locks/b.txt").write_text("mine\n")
    before = everything(folder)
    with pytest.raises(OutputError, match=r"b.txt was changed while a set of files") as caught:
        finish_set(folder)
    assert JOURNAL in str(caught.value.hint)
    assert everything(folder) == before


def test_a_temporary_file_that_somebody_removed_is_told(tmp_path: Path) -> None:
    folder = half_written(tmp_path / "project")
    for path in (folder / "locks").glob(".b.txt.*"):
        path.unlink()
    with pytest.raises(OutputError, match=r"b.txt was changed"):
        finish_set(folder)


def test_a_journal_that_was_cut_off_says_nothing(folder: Path) -> None:
    (folder / JOURNAL).write_text('{"schema": 1, "repl')
    assert finish_set(folder) == ()
    assert everything(folder) == OLD


@pytest.mark.parametrize(
    "document",
    [
        {"schema": 2, "replacements": [], "discard": []},
        {"schema": 1},
        [],
        {"schema": 1, "replacements": [], "discard": ["pyproject.toml"]},
        {"schema": 1, "replacements": [{"path": "pyproject.toml"}], "discard": []},
    ],
)
def test_a_journal_of_somebody_else_is_left_alone(folder: Path, document: Any) -> None:
    (folder / JOURNAL).write_text(json.dumps(document))
    with pytest.raises(InputError, match="this is no journal of ours"):
        finish_set(folder)
    assert (folder / JOURNAL).is_file()


@pytest.mark.parametrize("key", ["path", "temporary", "discard"])
def test_a_journal_that_came_along_touches_nothing_outside_its_folder(folder: Path, tmp_path: Path, key: str) -> None:
    victim = tmp_path / ".victim.tmp"
    victim.write_text("precious")
    outside = "../.victim.tmp"
    one = {"path": "new", "temporary": ".x.tmp", "before": None, "after": "sha256:0"}
    document = {
        "schema": 1,
        "replacements": [] if key == "discard" else [{**one, key: outside}],
        "discard": [outside] if key == "discard" else [],
    }
    (folder / JOURNAL).write_text(json.dumps(document))
    with pytest.raises(OutputError, match="files outside its folder"):
        finish_set(folder)
    assert victim.read_text() == "precious"


def test_two_commands_take_turns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(file_sets, "_PATIENCE", 0.05)
    other = os.open(folder, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(OutputError, match="another tfbootstrap is writing"):
        write_new(folder)
    assert everything(folder) == OLD
    os.close(other)
    assert write_new(folder)


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't write"):
        write_set({tmp_path / "x": "new"}, tmp_path / "missing")


def test_the_command_line_looks_for_the_same_journal() -> None:
    assert recovery.JOURNAL == JOURNAL
