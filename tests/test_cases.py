"""The situations in `tests/cases/`: what a runtime and a request come to before anything is downloaded."""

from __future__ import annotations

import dataclasses
import shlex

import pytest

from tests.support.cases import Case, ExpectedRejection, admission_of, case_names, knowledge, read_case
from tfbootstrap.app.requests import LockOptions
from tfbootstrap.cli.lock import command
from tfbootstrap.errors import TfbootstrapError
from tfbootstrap.explain import by_minor
from tfbootstrap.plan.records import Admission, Rejection
from tfbootstrap.plan.ways_out import rejections


def test_there_is_a_case_for_each_of_at_least_eighty_situations() -> None:
    assert len(case_names()) >= 80


@pytest.mark.parametrize("name", case_names())
def test_case(name: str) -> None:
    case = read_case(name)
    assert case.story.endswith(".")
    if case.expect.error is not None:
        with pytest.raises(TfbootstrapError) as raised:
            admission_of(case)
        assert case.expect.error in str(raised.value)
        return
    admission = admission_of(case)
    check_rejected(case, admission)
    if case.expect.tensorflow is None:
        check_ways_out(case, admission)
    else:
        check_plan(case, admission)


def check_plan(case: Case, admission: Admission) -> None:
    expect = case.expect
    versions = [candidate.row.version for candidate in admission.candidates]
    assert versions[:1] == [expect.tensorflow]
    assert expect.oldest in (None, versions[-1])
    newest = admission.candidates[0]
    assert (newest.cuda_provider, newest.driver_floor) == (expect.provider, expect.driver_floor)
    assert newest.loader_links is expect.loader_links
    check_phrases(expect.warnings, newest.warnings)
    for phrase in expect.reasons:
        assert any(phrase in reason for reason in newest.reasons), newest.reasons


def check_rejected(case: Case, admission: Admission) -> None:
    found = {rejection.tensorflow: rejection for rejection in admission.rejected}
    expected = dict(case.expect.rejected)
    if every := expected.pop("every", None):
        expected = {version: expected.get(version, every) for version in found}
    if case.expect.tensorflow is None:
        assert not admission.candidates, [candidate.row.version for candidate in admission.candidates]
        assert {rejection.tensorflow for rejection in by_minor(admission.rejected)} <= set(expected)
    for version, expectation in expected.items():
        assert says(found[version], expectation), found[version]


def says(rejection: Rejection, expected: ExpectedRejection) -> bool:
    return rejection.rule == expected.rule and expected.found in rejection.found and expected.needed in rejection.needed


def check_ways_out(case: Case, admission: Admission) -> None:
    """Compare the ways out, and walk each of them: its command must lead to a plan."""
    ways = rejections(admission, knowledge()).ways_out
    check_phrases(case.expect.ways_out, tuple(way.text for way in ways))
    for way in ways:
        assert admission_of(case, options_of(way.command)).candidates, way.command


def options_of(line: str) -> LockOptions:
    words = shlex.split(line)
    assert words[:2] == ["tfbootstrap", "lock"]
    given = command.make_context("lock", words[2:]).params
    names = {item.name for item in dataclasses.fields(LockOptions)}
    return LockOptions(**{name: value for name, value in given.items() if name in names})


def check_phrases(phrases: tuple[str, ...], texts: tuple[str, ...]) -> None:
    assert len(phrases) == len(texts), texts
    for phrase, text in zip(phrases, texts, strict=True):
        assert phrase in text
