"""Which companions are tried beside a release, and what a trial of them leaves in the proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from tests.plan.test_proven import HASH, PROOF, lock_of
from tfbootstrap.edges.resources import load
from tfbootstrap.lock import Lock, Pin
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.upkeep.cells import Cell
from tfbootstrap.upkeep.prove import Workshop
from tfbootstrap.upkeep.prove_companions import Bench, needing, offers, try_companions, with_companions

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


def test_a_companion_that_is_tied_to_no_release_is_offered_over_all_its_versions() -> None:
    assert dict(offers(COMPANIONS, "2.7.4"))["tensorflow-hub"] == "tensorflow-hub>=0.9.0,<=0.16.1"


def lock_with(*more: Pin) -> Lock:
    lock = lock_of(*BASE)
    return replace(lock, pins=(*lock.pins, *more))


def pin(name: str, version: str, *via: str) -> Pin:
    return Pin(name=name, version=version, hashes=(HASH,), via=via)


def test_what_companions_bring_is_kept_beside_the_pins_and_sealed() -> None:
    found = with_companions(PROOF, lock_with(pin("dm-tree", "0.1.9", "x", "y")), [])
    assert found.companions == (f"dm-tree==0.1.9 {HASH} # x, y",)
    assert found.note is None
    assert list(found.problems()) == []


def test_a_pin_that_companions_move_stands_among_them() -> None:
    lock = lock_of(("numpy", "2.1.0"), *BASE[1:], ("tensorflow-datasets", "4.9.9"))
    found = with_companions(PROOF, lock, ["tensorflow-text: no"])
    assert found.companions == (f"numpy==2.1.0 {HASH}", f"tensorflow-datasets==4.9.9 {HASH}")
    assert found.note == "tensorflow-text: no"
    assert list(found.problems()) == []


def test_who_needs_a_package_is_found_through_others() -> None:
    lock = lock_with(
        pin("tf-keras", "2.20.1", "tensorflow-hub"),
        pin("tensorflow-hub", "0.16.1", "tensorflow-text"),
        pin("tensorflow-text", "2.20.1", "the command line"),
    )
    assert {"tf-keras", "tensorflow-hub", "tensorflow-text"} < needing(lock, "tf-keras")
    assert "tf-keras" not in needing(lock, "tensorflow-text")


class PlayedBench(Bench):
    """A bench whose locks and trials are played: what each companion pins, and which checks fail beside it."""

    brings: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    fails: ClassVar[Mapping[str, Collection[str]]] = {}

    def lock(self, requirements: Collection[str]) -> Lock:
        pins = self.pins(requirements)
        assert pins is not None
        return lock_of(*pins.items())

    def pins(self, requirements: Collection[str]) -> dict[str, str] | None:
        brought = {key: value for name in requirements for key, value in self.brings[name].items()}
        return None if "impossible" in requirements else {**dict(BASE), **brought}

    def failures(self, lock: Lock) -> dict[str, str]:
        names = {one.name for one in lock.pins}
        return {check: "no\n  good" for check, needed in self.fails.items() if names.issuperset(needed)}


def bench(
    brings: Mapping[str, Mapping[str, str]], fails: Mapping[str, Collection[str]] | None = None
) -> tuple[PlayedBench, dict[str, str]]:
    played = type("Played", (PlayedBench,), {"brings": brings, "fails": fails or {}})
    cell = Cell(tensorflow="2.20.0", python="3.12")
    workshop = Workshop(folder=Path(), matrix=Path())
    return played(workshop=workshop, cell=cell, folder=Path(), proof=PROOF), {name: name for name in brings}


HUB, TEXT, KERAS, DATASETS = "tensorflow-hub", "tensorflow-text", "tf-keras", "tensorflow-datasets"


def tried(
    brings: Mapping[str, Mapping[str, str]], fails: Mapping[str, Collection[str]] | None = None
) -> tuple[dict[str, str], list[str]]:
    lock, notes = try_companions(*bench(brings, fails))
    return {one.name: one.version for one in lock.pins if (one.name, one.version) not in BASE}, notes


def test_companions_that_move_no_pin_are_kept_and_those_that_do_come_on_top() -> None:
    brings = {DATASETS: {DATASETS: "4", "numpy": "2.1.0"}, HUB: {HUB: "0.16"}}
    assert tried(brings) == ({DATASETS: "4", "numpy": "2.1.0", HUB: "0.16"}, [])


def test_a_companion_that_fails_is_taken_away_and_told_and_the_others_stay() -> None:
    brings = {KERAS: {KERAS: "2"}, HUB: {HUB: "0.16"}}
    assert tried(brings, {"deep-hub": [HUB]}) == ({KERAS: "2"}, [f"{HUB}: deep-hub fails: no good"])


def test_where_something_else_breaks_the_last_one_goes() -> None:
    brings = {KERAS: {KERAS: "2"}, HUB: {HUB: "0.16"}}
    assert tried(brings, {"deep-lstm": [HUB]}) == ({KERAS: "2"}, [f"{HUB}: deep-lstm fails: no good"])


def test_a_mover_that_fails_leaves_what_passed_without_it() -> None:
    brings = {DATASETS: {DATASETS: "4", "numpy": "2.1.0"}, HUB: {HUB: "0.16"}}
    assert tried(brings, {"deep-datasets": [DATASETS]}) == (
        {HUB: "0.16"},
        [f"{DATASETS}: deep-datasets fails: no good"],
    )


def test_what_cannot_be_had_is_told() -> None:
    assert tried({"impossible": {}, HUB: {HUB: "0.16"}}) == (
        {HUB: "0.16"},
        ["impossible: nothing of impossible goes with this release"],
    )


def test_a_mover_that_moves_another_companion_is_left_out() -> None:
    brings = {HUB: {HUB: "0.16"}, DATASETS: {DATASETS: "4", "numpy": "2.1.0", HUB: "0.15"}}
    assert tried(brings) == ({HUB: "0.16"}, [f"{DATASETS}: does not go with the other companions"])
