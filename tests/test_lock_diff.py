"""What changes from one lock to the next."""

from __future__ import annotations

from dataclasses import replace

from tests.test_lock import a_lock
from tfbootstrap.cli.lock_output import change_lines
from tfbootstrap.lock import Pin
from tfbootstrap.lock_diff import LockChanges, PackageChange, PinnedPackage, PlatformChange, diff


def pin(name: str, version: str, digest: str = "a") -> Pin:
    return Pin(name=name, version=version, hashes=(f"sha256:{digest * 64}",))


BEFORE = replace(
    a_lock(),
    pins=(
        pin("keras", "2.15.0"),
        pin("numpy", "1.26.4"),
        pin("odd", "not-a-version"),
        pin("old", "1"),
        pin("six", "1"),
    ),
)


def test_the_same_lock_changes_nothing() -> None:
    changes = diff(BEFORE, BEFORE)
    assert changes == LockChanges()
    assert not changes


def test_packages_and_what_they_mean_for_the_machine_are_told() -> None:
    header = replace(BEFORE.header, keras=3, cuda_provider="none", driver_floor=None, tensorflow="2.16.2")
    before = replace(BEFORE, header=replace(header, keras=2, tensorflow="2.15.1"))
    after = replace(
        BEFORE,
        header=replace(header, cuda_provider="wheels", driver_floor="525.60.13"),
        pins=(
            pin("keras", "3.10.0"),
            pin("new", "1"),
            pin("numpy", "1.26.5"),
            pin("odd", "other"),
            pin("six", "1", "b"),
        ),
    )
    changes = diff(before, after)
    assert changes == LockChanges(
        added=(PinnedPackage(name="new", version="1"),),
        removed=(PinnedPackage(name="old", version="1"),),
        changed=(
            PackageChange(name="keras", before="2.15.0", after="3.10.0", major=True),
            PackageChange(name="numpy", before="1.26.4", after="1.26.5", major=False),
            PackageChange(name="odd", before="not-a-version", after="other", major=True),
        ),
        other_files=("six",),
        platform_changes=(
            PlatformChange(what="TensorFlow", before="2.15.1", after="2.16.2"),
            PlatformChange(what="Keras major", before="2", after="3"),
            PlatformChange(what="CUDA from", before="none", after="wheels"),
            PlatformChange(what="driver floor", before=None, after="525.60.13"),
        ),
    )
    assert change_lines(changes) == [
        "changes:",
        "  keras  changed       2.15.0 -> 3.10.0        major",
        "  new    added         1",
        "  numpy  changed       1.26.4 -> 1.26.5",
        "  odd    changed       not-a-version -> other  major",
        "  old    removed       1",
        "  six    other files",
        "         TensorFlow    2.15.1 -> 2.16.2",
        "         Keras major   2 -> 3",
        "         CUDA from     none -> wheels",
        "         driver floor  none -> 525.60.13",
    ]
