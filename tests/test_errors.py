"""Errors keep their facts and build one sentence of them."""

from __future__ import annotations

import re

import pytest

from tfbootstrap import errors
from tfbootstrap.errors import (
    EngineConflictError,
    ExitCode,
    InputError,
    Location,
    MatrixError,
    PackageIndexError,
    Problem,
    TfbootstrapError,
)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location("a.txt"), "a.txt"),
        (Location("a.txt", 3), "a.txt:3"),
        (Location("a.txt", 3, 7), "a.txt:3:7"),
        (Location("a.txt", column=7), "a.txt"),
        (Location("a.yaml", 3, 7, "rows[0].cuda"), "a.yaml:3:7: rows[0].cuda"),
        (Location("a.yaml", key="rows"), "a.yaml: rows"),
    ],
)
def test_a_location_reads_as_editors_understand_it(location: Location, text: str) -> None:
    assert str(location) == text


def test_an_input_error_says_where_and_what() -> None:
    error = InputError(Location("in.txt", 2), "is no requirement: '>>'", hint="write NAME or NAME>=VERSION")
    assert str(error) == "in.txt:2: is no requirement: '>>'"
    assert (error.hint, error.problem, error.exit_code) == ("write NAME or NAME>=VERSION", "is no requirement: '>>'", 2)


def test_a_matrix_error_lists_every_problem() -> None:
    problems = (Problem(Location("a.yaml", 1), "is no list"), Problem(Location("a.yaml", 9), "is no version"))
    assert str(MatrixError(problems[:1])) == "the matrix has a problem\n  a.yaml:1: is no list"
    assert str(MatrixError(problems)).splitlines() == [
        "the matrix has 2 problems",
        "  a.yaml:1: is no list",
        "  a.yaml:9: is no version",
    ]


def test_errors_of_programs_keep_their_facts() -> None:
    conflict = EngineConflictError("no solution", "Because a==1 depends on b>2 …")
    assert str(conflict) == "no solution\n\nBecause a==1 depends on b>2 …"
    index = PackageIndexError("https://index.test/simple", "answered 500 three times")
    assert str(index) == "package index https://index.test/simple: answered 500 three times"
    assert (index.index, index.problem, index.exit_code) == (
        "https://index.test/simple",
        "answered 500 three times",
        ExitCode.NETWORK,
    )


def test_the_docstring_draws_every_error_with_its_exit_code() -> None:
    drawn = {name: int(code) for name, code in re.findall(r"── (\w+Error) +(\d)", errors.__doc__ or "")}
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    ours = {name: kind for name, kind in classes.items() if issubclass(kind, TfbootstrapError)}
    assert drawn == {name: int(kind.exit_code) for name, kind in ours.items() if kind is not TfbootstrapError}
