"""The shipped data is canonical and passes every lint; each lint and check catches what it is there for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load_file
from tfbootstrap.errors import MatrixError
from tfbootstrap.matrix.reader import MatrixFile
from tfbootstrap.upkeep.catalogue import file_records, files_of, schema_file
from tfbootstrap.upkeep.dump import dump
from tfbootstrap.upkeep.lints import all_lints, findings
from tfbootstrap.upkeep.schema import json_schema

MATRIX = REPOSITORY / "compat_matrix"
BAD = REPOSITORY / "tests" / "bad_matrix"

SHIPPED = [(record, path) for record in file_records() for path in files_of(record, MATRIX)]
SHIPPED_IDS = [path.relative_to(MATRIX).as_posix() for _, path in SHIPPED]


def bad_files(kind: str) -> list[Any]:
    """Return (record, path) of each `bad_matrix/<data file>/<kind>/<what is wrong>.yaml`."""
    records = {schema_file(record).stem: record for record in file_records()}
    paths = sorted(BAD.glob(f"*/{kind}/*.yaml"))
    return [pytest.param(records[path.parents[1].name], path, id=path.relative_to(BAD).as_posix()) for path in paths]


def expected(path: Path) -> list[str]:
    """Return the problems that a bad file announces in the comments at its head."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# ") for line in lines if line.startswith("# ")]


def problems(record: type[MatrixFile], path: Path) -> Iterator[str]:
    try:
        matrix = load_file(record, path, path.name)
    except MatrixError as error:
        yield from map(str, error.problems)
    else:
        yield from (f"{key}: {text} [{name}]" for name, key, text in findings(matrix))


def validator(record: type[MatrixFile]) -> jsonschema.Draft202012Validator:
    schema = json.loads((MATRIX / schema_file(record)).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def as_an_editor_sees(path: Path) -> object:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.mark.parametrize(("record", "path"), SHIPPED, ids=SHIPPED_IDS)
def test_shipped_file_is_canonical_and_passes_every_lint(record: type[MatrixFile], path: Path) -> None:
    matrix = load_file(record, path)
    assert dump(matrix) == path.read_text(encoding="utf-8"), "run: python -m tfbootstrap.upkeep format --write"
    assert list(findings(matrix)) == []


@pytest.mark.parametrize(("record", "path"), SHIPPED, ids=SHIPPED_IDS)
def test_shipped_file_fits_its_schema(record: type[MatrixFile], path: Path) -> None:
    assert [error.message for error in validator(record).iter_errors(as_an_editor_sees(path))] == []


@pytest.mark.parametrize("record", file_records(), ids=[record.FILE for record in file_records()])
def test_shipped_schema_is_that_of_the_records(record: type[MatrixFile]) -> None:
    shipped = (MATRIX / schema_file(record)).read_text(encoding="utf-8")
    assert shipped == json_schema(record), "run: python -m tfbootstrap.upkeep schema --write"


def test_every_data_file_has_a_record() -> None:
    assert sorted(path for _, path in SHIPPED) == sorted(MATRIX.rglob("*.yaml"))


def test_every_schema_has_a_record() -> None:
    assert sorted(MATRIX / schema_file(record) for record in file_records()) == sorted(MATRIX.rglob("*.json"))


@pytest.mark.parametrize(("record", "path"), [*bad_files("yaml"), *bad_files("shape"), *bad_files("record")])
def test_bad_file_is_refused_with_all_its_problems(record: type[MatrixFile], path: Path) -> None:
    assert expected(path)
    assert list(problems(record, path)) == expected(path)


@pytest.mark.parametrize(("record", "path"), bad_files("shape"))
def test_bad_shape_is_refused_by_the_schema_too(record: type[MatrixFile], path: Path) -> None:
    assert list(validator(record).iter_errors(as_an_editor_sees(path))) != []


@pytest.mark.parametrize(("record", "path"), bad_files("lint"))
def test_lint_alone_catches_its_file(record: type[MatrixFile], path: Path) -> None:
    found = list(problems(record, path))
    assert found == expected(path)
    assert {line.rpartition(" [")[2] for line in found} == {f"{path.stem}]"}


def test_every_lint_has_a_file_that_it_catches() -> None:
    assert {lint.name for lint in all_lints()} == {path.stem for path in BAD.glob("*/lint/*.yaml")}
