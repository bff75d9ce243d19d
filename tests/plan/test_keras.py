"""Which Keras a plan ends up with, and what Keras 2 code is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import Location
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.keras import keras_2_ways, keras_major, with_keras_notes
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import Admission, Plan
from tfbootstrap.request import Request, TensorflowWish, parse_requirement, parse_tensorflow

COMPANIONS = load(CompanionsMatrix)
KNOWLEDGE = Knowledge(tensorflow=load(TensorflowMatrix))
FACTS = Facts(
    python=PythonFacts(version="3.11.9"),
    platform=PlatformFacts(system="linux", machine="x86_64", libc="glibc 2.35"),
    gpu_status="absent",
)


def admission(tensorflow: str, *requirements: str) -> Admission:
    packages = tuple(parse_requirement(text, Location("requirements.in", 1)) for text in requirements)
    wish = TensorflowWish(specifier=parse_tensorflow(tensorflow), said_by="--tensorflow")
    return admit(FACTS, KNOWLEDGE, Request(tensorflow=(wish,), packages=packages))


def plan(tensorflow: str, **pins: str) -> Plan:
    admitted = admission(tensorflow)
    named = {name.replace("_", "-"): version for name, version in pins.items()}
    return Plan(
        facts=FACTS, request=admitted.request, candidate=admitted.candidates[0], gpus=(), pins=named, reasons=("first",)
    )


@pytest.mark.parametrize(("tensorflow", "major"), [("2.15.1", 2), ("2.16.1", 3), ("2.21.0", 3), ("2.9.3", 2)])
def test_major(tensorflow: str, major: int) -> None:
    assert keras_major(tensorflow) == major


def test_tf_keras_must_be_switched_on() -> None:
    noted = with_keras_notes(plan("2.19", tf_keras="2.19.0", transformers="4.57.6"), COMPANIONS)
    assert noted.reasons[1:] == (
        "tf-keras 2.19.0 is Keras 2; set TF_USE_LEGACY_KERAS=1 before the first import, or tf.keras is Keras 3",
    )
    assert noted.warnings == ()


def test_keras_2_code_without_tf_keras_is_warned_of() -> None:
    noted = with_keras_notes(plan("2.19", transformers="4.57.6"), COMPANIONS)
    (warning,) = noted.warnings
    assert warning == (
        "transformers 4.57.6 works with Keras 2: ask for tf-keras~=2.19.0 too, and set TF_USE_LEGACY_KERAS=1 before "
        "the first import"
    )


def test_before_2_16_there_is_nothing_to_say() -> None:
    before = plan("2.15", transformers="4.57.6", tf_keras="2.15.1")
    assert with_keras_notes(before, COMPANIONS) == before


@pytest.mark.parametrize(
    ("requirement", "offered"),
    [("keras<3", True), ("keras==2.15.0", True), ("keras~=2.12", True), ("keras", False), ("keras==3.3.3", False)],
)
def test_tf_keras_is_offered_for_keras_2(requirement: str, offered: bool) -> None:
    ways = [way.text for way in keras_2_ways(admission("2.18", requirement))]
    assert bool(ways) is offered
    if offered:
        assert ways[0].startswith(
            "Keras 2 beside TensorFlow 2.18 is tf-keras: ask for tf-keras~=2.18.0 instead of keras"
        )


def test_nothing_is_offered_where_keras_is_2_anyway() -> None:
    assert not list(keras_2_ways(replace(admission("2.15", "keras<2.14"))))
