"""Reasons in words: what is said of rejections, of conflicts, and where there is no way out."""

from __future__ import annotations

import pytest

from tfbootstrap.explain import by_minor, rejection_sentence, rejections_text
from tfbootstrap.plan.records import Conflict, Rejection, Rejections, WayOut


def rejection(tensorflow: str, rule: str = "python") -> Rejection:
    return Rejection(tensorflow=tensorflow, rule=rule, found="Python 3.12", needed="Python 3.7", source="x")


def test_of_each_minor_the_newest_release_speaks() -> None:
    found = by_minor((rejection("2.9.0"), rejection("2.10.1"), rejection("2.10.0"), rejection("2.9.3")))
    assert [one.tensorflow for one in found] == ["2.10.1", "2.9.3"]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("python", "TensorFlow 2.7.4 has wheels for Python 3.7 only; this runtime has Python 3.12"),
        ("a rule of tomorrow", "TensorFlow 2.7.4 needs Python 3.7; found Python 3.12"),
    ],
)
def test_a_rule_without_words_of_its_own_is_told_too(rule: str, sentence: str) -> None:
    assert rejection_sentence(rejection("2.7.4", rule)) == sentence


def test_where_there_is_no_way_out_none_is_announced() -> None:
    text = rejections_text(Rejections(rejections=(rejection("2.7.4"),), ways_out=()), runtime="this machine")
    assert text.splitlines() == [
        "no TensorFlow that was asked for fits this machine",
        "  TensorFlow 2.7.4 has wheels for Python 3.7 only; this runtime has Python 3.12",
    ]


def test_a_conflict_is_told_with_ways_out_before_the_derivation() -> None:
    found = Rejections(
        rejections=(rejection("2.20.0"),),
        ways_out=(
            WayOut(text="drop numpy", command="", cost=1),
            WayOut(text="another", command="tfbootstrap lock", cost=2),
        ),
        conflict=Conflict(lines=("numpy<1 is asked for",), derivation="Because a\n\n  and b"),
    )
    assert rejections_text(found, runtime="x").splitlines() == [
        "the requirements can't all be met together",
        "  numpy<1 is asked for",
        "ways out:",
        "  drop numpy",
        "  another",
        "    tfbootstrap lock",
        "the resolver's derivation:",
        "  Because a",
        "  and b",
    ]
