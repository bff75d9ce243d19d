"""An upgrade that is killed leaves locks and pyproject.toml all old, or all new once the next command has looked."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import User
from tests.cli.test_project import everything
from tests.cli.test_upgrade import fill, upgrade
from tests.support.killing import dies_at
from tfbootstrap.app import upgrade as app_upgrade
from tfbootstrap.app.lock import lock_jobs
from tfbootstrap.app.locking import LockOutcome
from tfbootstrap.edges.file_sets import JOURNAL

pytestmark = pytest.mark.slow

MOST_STEPS = 300
"""More steps than writing this project takes."""

KILLS = 15


@pytest.fixture
def locked(user: User) -> User:
    fill(user)
    assert user.lock().returncode == 0
    return user


def put_back(user: User, files: dict[str, bytes]) -> None:
    for name in everything(user.sandbox.work):
        (user.sandbox.work / name).unlink()
    for name, content in files.items():
        (user.sandbox.work / name).write_bytes(content)


def new_state(user: User) -> dict[str, bytes]:
    """Return all files as they are after the upgrade, and put the old ones back."""
    old = everything(user.sandbox.work)
    assert upgrade(user, "--tensorflow", "2.20").returncode == 0
    new = everything(user.sandbox.work)
    assert {name for name in old if old[name] != new[name]} == set(new) - {"src/train.py"}
    put_back(user, old)
    return new


def test_killed_before_any_step_of_writing(locked: User, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = everything(locked.sandbox.work), new_state(locked)
    made: list[tuple[LockOutcome, ...]] = []

    def once(*arguments: object) -> tuple[LockOutcome, ...]:
        made[:] = made or [lock_jobs(*arguments)]  # type: ignore[arg-type]  # passed on as it came
        return made[0]

    monkeypatch.setattr(app_upgrade, "lock_jobs", once)
    outcomes = []
    for step in range(MOST_STEPS):
        died = dies_at(step, lambda: upgrade(locked, "--tensorflow", "2.20"), locked.sandbox.work)
        assert locked.lock("--check").returncode == 0
        outcomes.append(everything(locked.sandbox.work))
        put_back(locked, old)
        if not died:
            break
    assert not died
    assert [found for found in outcomes if found not in (old, new)] == []
    assert outcomes == sorted(outcomes, key=lambda found: found == new)
    assert outcomes.count(old) > 20
    assert outcomes.count(new) > 20


def test_killed_at_any_time(locked: User) -> None:
    old, new = everything(locked.sandbox.work), new_state(locked)
    started = time.monotonic()
    with start(locked) as whole:
        whole.wait()
    duration = time.monotonic() - started
    put_back(locked, old)
    chance = random.Random(2026)
    outcomes = []
    for number in range(KILLS):
        with start(locked) as process:
            MOMENTS[number % len(MOMENTS)](process, locked.sandbox.work, chance.random(), duration)
            process.kill()
        assert locked.lock("--check").returncode == 0
        outcomes.append(everything(locked.sandbox.work))
        put_back(locked, old)
    assert [found for found in outcomes if found not in (old, new)] == []
    assert old in outcomes
    assert new in outcomes


def start(user: User) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tfbootstrap", "upgrade", "--tensorflow", "2.20"],
        cwd=user.sandbox.work,
        env=user.sandbox.environment(**user.variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def any_time(process: subprocess.Popen[bytes], folder: Path, chance: float, duration: float) -> None:
    del process, folder
    time.sleep(chance * duration)


def while_it_writes(process: subprocess.Popen[bytes], folder: Path, chance: float, duration: float) -> None:
    while process.poll() is None and not os.path.lexists(folder / JOURNAL):
        time.sleep(0.0002)
    time.sleep(chance * duration / 50)


def between_two_files(process: subprocess.Popen[bytes], folder: Path, chance: float, duration: float) -> None:
    del chance, duration
    first = folder / "locks" / "lab.txt"
    before = first.stat().st_ino
    while process.poll() is None and first.stat().st_ino == before:
        pass


MOMENTS = (any_time, while_it_writes, between_two_files)
"""What is waited for before the kill."""
