"""NVIDIA's pages about drivers and GPU generations, as fragments of the saved pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.upkeep.cuda import (
    Drivers,
    parse_drivers,
    parse_generations,
    refresh_generations,
    refresh_toolkits,
    unknown_toolkits,
)

PAGES = Path(__file__).parent / "pages"
RELEASE_NOTES = (PAGES / "cuda-release-notes.html").read_text(encoding="utf-8")
ARCHITECTURES = (PAGES / "architecture-matrix.html").read_text(encoding="utf-8")
MATRIX = load(CudaMatrix, REPOSITORY / "compat_matrix")


def test_oldest_driver_of_each_toolkit() -> None:
    assert parse_drivers(RELEASE_NOTES) == {
        "13.4": Drivers(linux="616.10.02", windows=None),
        "13.0": Drivers(linux="580.65.06", windows=None),
        "12.5": Drivers(linux="555.42.02", windows="555.85"),
        "9.2": Drivers(linux="396.26", windows="397.44"),
    }


def test_last_driver_branch_of_each_compute_capability() -> None:
    assert parse_generations(ARCHITECTURES) == {
        "10.0": None,
        "12.0": None,
        "6.0": "580",
        "6.1": "580",
        "3.5": "470",
        "3.7": "470",
    }


@pytest.mark.parametrize(
    "page", ["", "<p>CUDA 12.5 GA needs &gt;=555.42.02</p>", "<table><tr><td>CUDA</td></tr></table>"]
)
def test_page_without_the_table_is_a_failure(page: str) -> None:
    with pytest.raises(InputError, match="no row names a CUDA toolkit and its driver"):
        parse_drivers(page)
    with pytest.raises(InputError, match="no row names a GPU generation"):
        parse_generations(page)


def test_drivers_of_known_toolkits_are_brought_up_to_date() -> None:
    drivers = {"12.5": Drivers(linux="555.43", windows=None)}
    rows = refresh_toolkits(MATRIX.toolkits, drivers, "2027-01-01")
    changed = [row for row, before in zip(rows, MATRIX.toolkits, strict=True) if row != before]
    assert [(row.cuda, row.linux, row.windows, row.checked) for row in changed] == [
        ("12.5", "555.43", None, "2027-01-01")
    ]


def test_newer_toolkits_are_named_older_ones_are_not() -> None:
    assert unknown_toolkits(MATRIX, parse_drivers(RELEASE_NOTES)) == ("13.4",)
    assert unknown_toolkits(CudaMatrix(), {"9.2": Drivers(linux="396.26", windows=None)}) == ("9.2",)


def test_generations_take_the_pages_branches() -> None:
    turing = [replace(row, last_branch=None) for row in MATRIX.generations]
    rows = refresh_generations(turing, parse_generations(ARCHITECTURES), "2027-01-01")
    assert {row.generation: (row.last_branch, row.checked) for row in rows if row.checked == "2027-01-01"} == {
        "Kepler": ("470", "2027-01-01"),
        "Pascal": ("580", "2027-01-01"),
        "Blackwell": (None, "2027-01-01"),
    }


def test_generation_with_two_last_drivers_is_refused() -> None:
    with pytest.raises(InputError, match="Pascal has several last drivers"):
        refresh_generations(MATRIX.generations, {"6.0": "580", "6.1": None}, "2027-01-01")
