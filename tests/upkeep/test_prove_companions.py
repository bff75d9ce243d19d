"""Which companions are tried beside a release, and what a trial of them leaves in the proof."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_proven import HASH, PROOF, lock_of
from tfbootstrap.edges.resources import load
from tfbootstrap.lock import Pin
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.upkeep.prove_companions import offers, with_companions

COMPANIONS = load(CompanionsMatrix)
BASE = (("numpy", "2.2.6"), ("setuptools", "81.0.0"), ("tensorflow", "2.20.0"))


@pytest.mark.parametrize(
    ("tensorflow", "tied"), [("2.20.0", {"tf-keras", "tensorflow-text"}), ("2.7.4", {"tensorflow-text"})]
)
def test_the_newest_range_that_goes_with_a_release_is_offered(tensorflow: str, tied: set[str]) -> None:
    found = dict(offers(COMPANIONS, tensorflow))
    assert found.keys() == tied | {"tensorflow-probability", "tensorflow-hub", "tensorflow-datasets"}
    minor = ".".join(tensorflow.split(".")[:2])
    assert all(f"={minor}." in found[name] for name in tied)


def trial(**failed: str) -> list[dict[str, str]]:
    results = [{"id": "deep-import", "status": "pass", "found": ""}]
    return results + [
        {"id": name.replace("_", "-"), "status": "fail", "found": found} for name, found in failed.items()
    ]


def test_what_companions_bring_is_kept_beside_the_pins_and_sealed() -> None:
    lock = lock_of(*BASE, ("tf-keras", "2.20.1"))
    found = with_companions(PROOF, lock, trial(), [])
    assert found.companions == (f"tf-keras==2.20.1 {HASH}",)
    assert found.note is None
    assert list(found.problems()) == []


def test_a_companion_that_fails_is_left_out_and_told() -> None:
    lock = lock_of(*BASE, ("tensorflow-hub", "0.16.1"), ("tf-keras", "2.20.1"))
    found = with_companions(PROOF, lock, trial(deep_hub="ImportError: no"), ["tensorflow-text: needs another numpy"])
    assert found.companions == (f"tf-keras==2.20.1 {HASH}",)
    assert found.note == "tensorflow-text: needs another numpy; tensorflow-hub: ImportError: no"


def test_companions_that_break_something_else_prove_nothing() -> None:
    lock = lock_of(*BASE, ("tf-keras", "2.20.1"))
    found = with_companions(PROOF, lock, trial(deep_lstm="ValueError: no"), [])
    assert found.companions == ()
    assert found.note == "with companions deep-lstm fails: ValueError: no"
    assert found.result == "passed"
    assert list(found.problems()) == []


def test_hashes_and_reasons_are_kept() -> None:
    lock = lock_of(*BASE)
    lock = replace(lock, pins=(*lock.pins, Pin(name="dm-tree", version="0.1.9", hashes=(HASH,), via=("x", "y"))))
    assert with_companions(PROOF, lock, trial(), []).companions == (f"dm-tree==0.1.9 {HASH} # x, y",)
