"""Checks across data files: the shipped matrix passes, and each check alone catches its file among shipped siblings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_matrix_data import BAD, MATRIX, bad_files, expected
from tfbootstrap.edges.resources import load, load_file
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.reader import MatrixFile
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.upkeep.across import Files, across_findings, across_lints
from tfbootstrap.upkeep.catalogue import file_records
from tfbootstrap.upkeep.lints import findings


@pytest.fixture(scope="module")
def shipped() -> dict[type[MatrixFile], MatrixFile]:
    return {record: load(record, MATRIX) for record in file_records() if "*" not in record.FILE}


def test_shipped_files_agree(shipped: dict[type[MatrixFile], MatrixFile]) -> None:
    assert list(across_findings(Files(shipped))) == []


@pytest.mark.parametrize(("record", "path"), bad_files("across"))
def test_check_alone_catches_its_file(
    record: type[MatrixFile], path: Path, shipped: dict[type[MatrixFile], MatrixFile]
) -> None:
    matrix = load_file(record, path)
    assert list(findings(matrix)) == []
    found = list(across_findings(Files({**shipped, record: matrix})))
    assert [f"{key}: {text} [{name}]" for _, name, key, text in found] == expected(path)
    assert {(where, name) for where, name, _, _ in found} == {(record, path.stem)}


def test_every_check_has_a_file_that_it_catches() -> None:
    assert {lint.name for lint in across_lints()} == {path.stem for path in BAD.glob("*/across/*.yaml")}


def test_missing_sibling_is_named() -> None:
    with pytest.raises(InputError, match=r"tensorflow\.yaml: there is no such file"):
        list(across_findings(Files({GpuCodeMatrix: load(GpuCodeMatrix, MATRIX)})))


def test_every_minor_since_2_1_has_its_gpu_code_and_its_libraries() -> None:
    minors = [minor for minor in load(TensorflowMatrix, MATRIX).minors if minor >= "2.1" and minor != "1.15"]
    assert [minor for minor in minors if load(GpuCodeMatrix, MATRIX).row(minor) is None] == []
    assert [minor for minor in minors if load(LibrariesMatrix, MATRIX).row(minor) is None] == []


def test_every_toolkit_has_drivers_in_ascending_branches() -> None:
    branches = [int(row.linux.partition(".")[0]) for row in load(CudaMatrix, MATRIX).toolkits]
    assert branches == sorted(set(branches))
