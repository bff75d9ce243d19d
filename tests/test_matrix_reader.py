"""The strict reader: every shape that a data file can have, and every problem of a file at once, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from tfbootstrap.edges.resources import parse_yaml
from tfbootstrap.errors import ExitCode, MatrixError
from tfbootstrap.matrix.reader import (
    COMPUTE_CAPABILITY,
    SOURCE,
    DateText,
    Document,
    RequirementLines,
    SourceText,
    SpecifierText,
    VersionText,
    read_document,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Floor:
    version: VersionText
    system: Literal["linux", "windows"] = "linux"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    name: str
    count: int
    good: bool = False
    floor: Floor | None = None
    admits: SpecifierText | None = None
    released: DateText | None = None
    source: SourceText | None = None
    requires: RequirementLines = ()
    drivers: Mapping[str, VersionText] | None = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.count < 0:
            yield "count", "must not be negative"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    FILE: ClassVar[str] = "rows.yaml"
    SCHEMA: ClassVar[int] = 3
    HEADER: ClassVar[str] = "Rows."

    rows: tuple[Row, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        names = [row.name for row in self.rows]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield f"rows[{index}].name", f"{name} is there twice"


WHOLE = """\
schema: 3
rows:
  - name: first
    count: 1
    good: true
    floor:
      version: "12.10"
      system: windows
    admits: ">=2.16,<2.21"
    released: "2025-08-13"
    source: "tensorflow/tensorflow#44883"
    requires: |
      numpy>=1.26.0
      six
    drivers:
      "12.5": "555.42.02"
  - name: second
    count: 0
"""


def read(text: str) -> Rows:
    return read_document(Rows, parse_yaml(text, "rows.yaml"))


def problems(text: str) -> list[str]:
    with pytest.raises(MatrixError) as caught:
        read(text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint
    return [str(problem) for problem in caught.value.problems]


def test_every_shape_is_read() -> None:
    assert read(WHOLE) == Rows(
        rows=(
            Row(
                name="first",
                count=1,
                good=True,
                floor=Floor(version="12.10", system="windows"),
                admits=">=2.16,<2.21",
                released="2025-08-13",
                source="tensorflow/tensorflow#44883",
                requires=("numpy>=1.26.0", "six"),
                drivers={"12.5": "555.42.02"},
            ),
            Row(name="second", count=0),
        )
    )


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    assert problems(
        WHOLE.replace("count: 1", "count: -1")
        .replace('"12.10"', "12.10")
        .replace("windows", "solaris")
        .replace("six", "six=1")
        .replace('"555.42.02"', "[]")
        .replace("count: 0", "cnt: 0")
    ) == [
        "rows.yaml:7:16: rows[0].floor.version: 12.10 is read as a number: write it in quotes",
        "rows.yaml:8: rows[0].floor.system: expected one of linux, windows; found 'solaris'",
        "rows.yaml:14: rows[0].requires: 'six=1' is not a requirement; one is 'numpy>=1.26.0'",
        "rows.yaml:16: rows[0].drivers.12.5: expected a version, found a sequence",
        "rows.yaml:17: rows[1]: `count` is missing",
        f"rows.yaml:18: rows[1].cnt: unknown key (known: {', '.join(Row.__dataclass_fields__)})",
    ]


def test_a_mapping_is_expected_where_names_are_free() -> None:
    text = WHOLE.replace('    drivers:\n      "12.5": "555.42.02"\n', '    drivers: "555"\n')
    assert problems(text) == ["rows.yaml:15: rows[0].drivers: expected a mapping, found '555'"]


def test_records_check_themselves_once_their_values_are_good() -> None:
    assert problems(WHOLE.replace("count: 1", "count: -1")) == ["rows.yaml:4: rows[0].count: must not be negative"]


def test_a_whole_file_is_checked_for_what_single_rows_can_not_tell() -> None:
    assert problems(WHOLE.replace("second", "first")) == ["rows.yaml:17: rows[1].name: first is there twice"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('count: "1"', "expected a whole number, found '1'"),
        ("count: true", "expected a whole number, found true (a string is written in quotes)"),
        ("count: {}", "expected a whole number, found a mapping"),
        ("count:", "expected a whole number, found nothing"),
        ("count: 010", "010 is read as a number: write it in quotes"),
        ("count: 1_000", "1_000 is read as a number: write it in quotes"),
        ("count: 12:30", "12:30 is read as a number: write it in quotes"),
    ],
)
def test_whole_numbers_are_written_plainly(written: str, problem: str) -> None:
    (only,) = problems(WHOLE.replace("count: 1", written))
    assert only.endswith(f"rows[0].count: {problem}")


@pytest.mark.parametrize("written", ["name: 1", "name: no", "name: 1.5", "name: 2025-01-01", 'name: ""', "name: ~"])
def test_names_are_strings(written: str) -> None:
    assert len(problems(WHOLE.replace("name: first", written))) == 1


def test_empty_block_is_a_problem() -> None:
    text = WHOLE.replace("      numpy>=1.26.0\n      six\n", "")
    assert problems(text) == ["rows.yaml:12: rows[0].requires: is empty; leave the key out where there is no value"]


@pytest.mark.parametrize(
    ("schema", "problem", "hint"),
    [
        ("schema: 4\n", "rows.yaml:1: schema: 4 is not a schema that this tfbootstrap reads (it reads 3)", "upgrade"),
        ("schema: 2\n", "rows.yaml:1: schema: 2 is not a schema that this tfbootstrap reads (it reads 3)", "write"),
        ("schema: true\n", "rows.yaml:1: schema: True is not a schema that", "write"),
        ("", "rows.yaml:1: schema: missing; this tfbootstrap reads `schema: 3`", "write"),
    ],
    ids=["newer", "older", "no-number", "missing"],
)
def test_schema_decides_before_anything_else(schema: str, problem: str, hint: str) -> None:
    with pytest.raises(MatrixError) as caught:
        read(WHOLE.replace("schema: 3\n", schema).replace("count: 1", "count: one"))
    assert str(caught.value.problems[0]).startswith(problem)
    assert len(caught.value.problems) == 1
    assert (caught.value.hint or "").startswith(hint)


def test_plain_data_without_lines_is_read_too() -> None:
    document = Document(path="rows", data={"schema": 3, "rows": [{"name": "a", "count": "x"}]})
    with pytest.raises(MatrixError) as caught:
        read_document(Rows, document)
    assert [str(problem) for problem in caught.value.problems] == [
        "rows: rows[0].count: expected a whole number, found 'x'"
    ]


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("https://example.test/page", True),
        ("http://example.test/page", False),
        ("https://user@example.test/page", False),
        ("tensorflow/docs@7c36502:site/en/install/source.md", True),
        ("tensorflow/docs:site/en/install/source.md", False),
        ("tensorflow/tensorflow#44883", True),
        ("wheel: tensorflow-2.20.0-cp313-cp313-win_amd64.whl", True),
        ("run: Conv2D.fit on T4, 2.21.0 with cuDNN 9.3", True),
        ("somebody said so", False),
    ],
)
def test_sources_have_a_known_form(text: str, accepted: bool) -> None:
    assert SOURCE.accepts(text) is accepted


@pytest.mark.parametrize(("text", "accepted"), [("7.5", True), ("12.0", True), ("sm_75", False), ("7", False)])
def test_compute_capabilities_have_two_numbers(text: str, accepted: bool) -> None:
    assert COMPUTE_CAPABILITY.accepts(text) is accepted


def test_shape_that_no_file_can_have_is_a_bug() -> None:
    @dataclass(frozen=True)
    class Wrong:
        FILE: ClassVar[str] = "x.yaml"
        SCHEMA: ClassVar[int] = 1
        HEADER: ClassVar[str] = ""
        ratio: float

    with pytest.raises(TypeError, match="is not a shape that a data file can have"):
        read_document(Wrong, Document(path="x", data={"schema": 1, "ratio": "1"}))
