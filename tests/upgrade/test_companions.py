"""Packages that go with TensorFlow, judged against another release by the shipped data."""

from __future__ import annotations

import pytest

from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.upgrade.companions import companion_problems, companions_without_build

COMPANIONS = load(CompanionsMatrix)


def problem(name: str, version: str, tensorflow: str = "2.20.0", *extras: str) -> str | None:
    found = companion_problems({name: version, "unheard-of": "1"}, tensorflow, COMPANIONS, {name: extras})
    assert all((one.name, one.version) == (name, version) for one in found)
    return found[0].problem if found else None


@pytest.mark.parametrize(
    ("name", "version", "why", "way_out"),
    [
        (
            "tensorflow-text",
            "2.15.0",
            "requires TensorFlow <2.16,>=2.15.0",
            "tensorflow-text>=2.20.0,<=2.20.1 goes with TensorFlow 2.20.0",
        ),
        (
            "tensorflow-io",
            "0.37.1",
            "is compiled against TensorFlow ==2.16.*",
            "no release of tensorflow-io that is known goes with TensorFlow 2.20.0",
        ),
        (
            "tensorflow-decision-forests",
            "1.8.1",
            "requires TensorFlow ~=2.15.0",
            (
                "no release of tensorflow-decision-forests that is known goes with TensorFlow 2.20.0: "
                "ydf is the successor; no release for TensorFlow 2.20 and newer; ydf goes on with it"
            ),
        ),
    ],
)
def test_a_pin_that_does_not_go_with_it(name: str, version: str, why: str, way_out: str) -> None:
    assert problem(name, version) == f"{name} {version} {why}; {way_out}"


@pytest.mark.parametrize(
    ("name", "version"), [("tensorflow-text", "2.20.1"), ("tensorflow-datasets", "4.9.4"), ("keras", "3.13.2")]
)
def test_a_pin_that_goes_with_it(name: str, version: str) -> None:
    assert problem(name, version) is None


def test_what_has_ended_is_judged_by_the_extra_that_says_what_it_was_for() -> None:
    found = problem("tensorflow-addons", "0.23.0")
    assert found is not None
    assert "TensorFlow <2.16" in found
    assert "no release of tensorflow-addons that is known goes with TensorFlow 2.20.0: end of life" in found
    assert problem("tensorflow-addons", "0.23.0", "2.15.1") is None


def test_what_goes_on_with_tf_keras_is_judged_only_with_the_extra() -> None:
    assert problem("transformers", "4.40.0") is None
    assert "requires TensorFlow <2.16" in str(problem("transformers", "4.40.0", "2.20.0", "tf"))


def test_what_has_no_build_at_all() -> None:
    names = {"tensorflow-io": "0.37.1", "tensorflow-text": None, "tensorflow-addons": None, "six": None, "keras": "9.0"}
    found = companions_without_build(names, "2.20.0", COMPANIONS)
    assert [(one.name, one.version) for one in found] == [("tensorflow-addons", None), ("tensorflow-io", "0.37.1")]
    assert "no release of tensorflow-io that is known goes with TensorFlow 2.20.0" in found[1].problem


def test_nobody_goes_back_to_a_release_of_which_only_the_metadata_is_loose() -> None:
    # tensorflow-decision-forests 0.1.9 says `tensorflow~=2.6`; 1.8.1 and all after it name one minor.
    newer = companions_without_build({"tensorflow-decision-forests": "1.8.1"}, "2.20.0", COMPANIONS)
    assert [one.name for one in newer] == ["tensorflow-decision-forests"]
    assert companions_without_build({"tensorflow-decision-forests": None}, "2.20.0", COMPANIONS) == ()
