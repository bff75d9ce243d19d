"""Where the shipped data is found, and what the strict YAML parser makes of a text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY, Sandbox
from tfbootstrap.edges.resources import (
    MATRIX_VARIABLE,
    find_data,
    load,
    load_file,
    matrix_directory,
    parse_yaml,
    read_all,
    read_template,
)
from tfbootstrap.errors import InputError, MatrixError
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix


def test_checkout_has_its_data_beside_the_package() -> None:
    assert find_data("compat_matrix") == REPOSITORY / "compat_matrix"
    assert find_data("templates") == REPOSITORY / "templates"


def test_data_that_is_nowhere_is_named_with_both_places() -> None:
    with pytest.raises(InputError) as caught:
        find_data("missing")
    assert str(caught.value) == (
        f"missing: not found; looked at {REPOSITORY / 'tfbootstrap' / 'missing'} and, for a checkout,"
        f" {REPOSITORY / 'missing'}"
    )


def test_folder_of_another_distribution_is_not_taken_for_ours(sandbox: Sandbox) -> None:
    (sandbox.work / "tfbootstrap").symlink_to(REPOSITORY / "tfbootstrap")
    (sandbox.work / "templates").mkdir()
    code = "from tfbootstrap.edges.resources import find_data\nfind_data('templates')"
    result = sandbox.run(sys.executable, "-c", code, variables={"PYTHONPATH": str(sandbox.work)})
    assert result.stderr.splitlines()[-1].startswith("tfbootstrap.errors.InputError: templates: not found; looked at")


def test_template_text() -> None:
    assert "bootstrap" in read_template("bootstrap.py.j2")
    with pytest.raises(InputError, match=r"missing\.j2: there is no such file"):
        read_template("missing.j2")


def test_matrix_folder_option_goes_before_variable_before_the_shipped_one(tmp_path: Path) -> None:
    option, variable = tmp_path / "option", tmp_path / "variable"
    option.mkdir()
    variable.mkdir()
    environment = {MATRIX_VARIABLE: str(variable)}
    assert matrix_directory(option, environment) == option
    assert matrix_directory(None, environment) == variable
    assert matrix_directory(None, {MATRIX_VARIABLE: ""}) == REPOSITORY / "compat_matrix"
    assert matrix_directory() == REPOSITORY / "compat_matrix"


def test_matrix_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder") as caught:
        matrix_directory(None, {MATRIX_VARIABLE: str(tmp_path / "gone")})
    assert MATRIX_VARIABLE in (caught.value.hint or "")


def test_only_the_wanted_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.yaml").write_bytes((REPOSITORY / "compat_matrix" / "tensorflow.yaml").read_bytes())
    (tmp_path / "gpus.yaml").write_text("no matrix file at all: [", encoding="utf-8")
    assert load(TensorflowMatrix, tmp_path) == load(TensorflowMatrix)


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    for name, text in (("bounds.yaml", "schema: 9\n"), ("known_bad.yaml", "schema: 1\ncolour: red\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(MatrixError) as caught:
        read_all(
            lambda: load(BoundMatrix, tmp_path), lambda: load(TensorflowMatrix), lambda: load(KnownBadMatrix, tmp_path)
        )
    problems = [Path(problem.location.path).name for problem in caught.value.problems]
    assert problems == ["bounds.yaml", "known_bad.yaml"]
    assert caught.value.hint == "upgrade tfbootstrap, or use the matrix that came with it"
    assert read_all(lambda: 1, lambda: 2) == [1, 2]


def test_file_that_can_not_be_read(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match=r"x\.yaml: can't be read: "):
        load_file(TensorflowMatrix, loop, "x.yaml")


def test_plain_data_with_the_line_of_each_path() -> None:
    document = parse_yaml('a: "1"\nb:\n  - c: 2\n    d: |\n      x\n  - true\n  -\n', "x.yaml")
    assert document.data == {"a": "1", "b": [{"c": 2, "d": "x\n"}, True, None]}
    assert document.lines == {"": 1, "a": 1, "b": 3, "b[0]": 3, "b[0].c": 3, "b[0].d": 4, "b[1]": 6, "b[2]": 7}
    assert document.blocks == {"b[0].d"}
    assert document.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1: x", "x.yaml:1:1: 1: a key must be a string: write '1' in quotes"),
        ("2.15: x", "x.yaml:1:1: 2.15: 2.15 is read as a number: write it in quotes"),
        ("[a]: x", "x.yaml:1:1: a key must be a string"),
        ("a: =", "x.yaml:1:4: a: = is read as a default value: write it in quotes"),
        ("a: !mine x", "x.yaml:1:4: a: the tag !mine is not allowed"),
        ("a: !!set {x}", "x.yaml:1:4: a: the tag tag:yaml.org,2002:set is not allowed"),
        ("a: 0x10", "x.yaml:1:4: a: 0x10 is read as a number: write it in quotes"),
        ("a: on", "x.yaml:1:4: a: on is read as true or false: write it in quotes"),
        ("a: True", "x.yaml:1:4: a: True is read as true or false: write it in quotes"),
        ("a: 1e3\nb: .inf", "x.yaml:2:4: b: .inf is read as a number: write it in quotes"),
    ],
)
def test_what_yaml_would_guess_is_a_problem(text: str, problem: str) -> None:
    assert str(parse_yaml(text, "x.yaml").problems[-1]) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", r"x\.yaml:2:1: is no YAML: "),
        ("a: b: c", r"x\.yaml:1:5: is no YAML: mapping values are not allowed"),
        ("a: 1\n---\nb: 2\n", r"x\.yaml:2:1: is no YAML: but found another document"),
        ("a: \x00", r"x\.yaml.*: is no YAML: "),
        # PyYAML itself says so from 6.0.4 on.
        ("[" * 3_000 + "]" * 3_000, r"x\.yaml.*: is no YAML: (?:it is nested too deeply|exceeded .* nesting depth)"),
    ],
    ids=["open", "nested", "two-documents", "control-character", "deep"],
)
def test_text_that_is_no_yaml(text: str, problem: str) -> None:
    with pytest.raises(MatrixError, match=problem):
        parse_yaml(text, "x.yaml")
