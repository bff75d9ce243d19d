"""What is said of companions that do not go with the TensorFlow beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.plan.test_keras import COMPANIONS, FACTS, KNOWLEDGE, admission
from tfbootstrap.matrix.companions import CompanionRow
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.companions import BINDING, companion_bounds, with_broken_ties
from tfbootstrap.plan.decision import decide
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.plan.records import Plan
from tfbootstrap.resolution import Solution


def warnings(tensorflow: str, requirement: str, **pins: str) -> tuple[str, ...]:
    admitted = admission(tensorflow, requirement)
    named = {name.replace("_", "-"): version for name, version in pins.items()}
    plan = Plan(facts=admitted.facts, request=admitted.request, candidate=admitted.candidates[0], gpus=(), pins=named)
    return with_broken_ties(replace(plan, warnings=("first",)), COMPANIONS).warnings


@pytest.mark.parametrize(
    ("tensorflow", "requirement", "version", "words"),
    [
        (
            "2.17.1",
            "tensorflow-metal",
            "1.2.0",
            "compiled for TensorFlow >=2.18 (tensorflow/tensorflow#84167); tensorflow-metal==1.1.* goes with 2.17",
        ),
        ("2.18.1", "tensorflow-metal", "1.1.0", "is compiled for TensorFlow >=2.14,<2.18"),
    ],
)
def test_a_tie_that_only_its_authors_tell_is_warned_of(
    tensorflow: str, requirement: str, version: str, words: str
) -> None:
    first, warning = warnings(tensorflow, requirement, tensorflow_metal=version)
    assert first == "first"
    assert words in warning


def bounds(tensorflow: str, requirement: str) -> tuple[str, ...]:
    return companion_bounds(admission(tensorflow, requirement).request, tensorflow, COMPANIONS)


@pytest.mark.parametrize(
    ("tensorflow", "requirement", "expected"),
    [
        ("2.15.1", "tensorflow-probability", ("tensorflow-probability<0.24.0",)),
        ("2.20.0", "tensorflow-probability", ()),
        ("2.15.1", "tensorflow-io", ("tensorflow-io>=0.36,<0.37",)),
        ("2.20.0", "tensorflow-io", ()),
        ("2.17.1", "tensorflow-metal", ("tensorflow-metal>=1.1,<1.2",)),
        ("2.18.1", "tensorflow-metal>=1", ("tensorflow-metal>=1.2",)),
        ("2.17.1", "tensorflow-metal==1.2.0", ()),
        ("2.17.1", "six", ()),
    ],
)
def test_bounds_that_metadata_lacks(tensorflow: str, requirement: str, expected: tuple[str, ...]) -> None:
    assert bounds(tensorflow, requirement) == expected


def test_bounds_reach_the_resolver_and_the_reasons() -> None:
    knowledge = replace(KNOWLEDGE, companions=COMPANIONS)
    admitted = admit(FACTS, knowledge, admission("2.15.1", "tensorflow-probability").request)
    (metadata,) = resolution_input(admitted, knowledge).metadata
    assert "tensorflow-probability<0.24.0" in metadata.requires
    plan = decide(admitted, admitted.candidates[0], Solution(packages=(), engine="uv"))
    assert "tensorflow-probability<0.24.0 goes with TensorFlow 2.15" in plan.reasons


@pytest.mark.parametrize("row", COMPANIONS.rows, ids=lambda row: row.name)
def test_bounds_admit_what_goes_and_nothing_that_does_not(row: CompanionRow) -> None:
    for minor in KNOWLEDGE.tensorflow.minors:
        newest = KNOWLEDGE.tensorflow.of_minor(minor)[-1].version
        for bound in bounds(newest, row.name) if not newest.startswith(("1.15", "2.22")) else ():
            specifier = Requirement(bound).specifier
            ties = [tie for tie in row.all_ties() if tie.kind in BINDING]
            starts = {clause.version.removesuffix(".*") for tie in ties for clause in SpecifierSet(tie.versions)}
            admitted = [start for start in starts if specifier.contains(start) and row.ties_of(start)]
            assert admitted
            assert [start for start in admitted if any(t.kind in BINDING for t in row.broken_ties(start, newest))] == []


def test_what_goes_together_is_not_warned_of() -> None:
    assert warnings("2.17.1", "tensorflow-metal", tensorflow_metal="1.1.0") == ("first",)


def test_what_nobody_asked_for_or_nothing_is_known_of_is_not_warned_of() -> None:
    assert warnings("2.17.1", "six", tensorflow_metal="1.2.0", six="1.17.0") == ("first",)
    assert warnings("2.17.1", "tensorflow-metal", six="1.17.0") == ("first",)
