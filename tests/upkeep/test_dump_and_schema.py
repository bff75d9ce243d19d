"""The canonical writer and the JSON Schema, on a record that has every shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tfbootstrap.edges.resources import parse_yaml
from tfbootstrap.matrix.reader import RequirementLines, VersionText, read_document
from tfbootstrap.upkeep.dump import dump
from tfbootstrap.upkeep.schema import json_schema


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part."""

    version: VersionText
    """The version of the part."""
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """All shapes
    in one.
    """

    FILE: ClassVar[str] = "parts/*.yaml"
    SCHEMA: ClassVar[int] = 2
    HEADER: ClassVar[str] = "What this is.\n\nAnd why."

    name: str
    count: int = 0
    good: bool = False
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    words: tuple[str, ...] = ()
    requires: RequirementLines = ()
    drivers: Mapping[str, VersionText] | None = None


FULL = Everything(
    name="no",
    count=3,
    good=True,
    part=Part(version="12.10"),
    parts=(Part(version="1", kind="b"), Part(version="2")),
    words=("plain", "with space", "2", "true", "ß"),
    requires=("numpy>=1.26.0", 'six; extra == "x"'),
    drivers={"12.5": "555.42.02"},
)

TEXT = """\
# What this is.
#
# And why.
# yaml-language-server: $schema=../schema/parts.json
schema: 2
name: "no"
count: 3
good: true
part:
  version: "12.10"
parts:
  - version: "1"
    kind: b
  - version: "2"
words: [plain, "with space", "2", "true", "ß"]
requires: |
  numpy>=1.26.0
  six; extra == "x"
drivers:
  "12.5": "555.42.02"
"""


def test_every_shape_is_written_canonically_and_read_back() -> None:
    assert dump(FULL) == TEXT
    assert read_document(Everything, parse_yaml(TEXT, "parts/x.yaml")) == FULL


def test_defaults_are_left_out() -> None:
    assert dump(Everything(name="plain")).splitlines()[4:] == ["schema: 2", "name: plain"]


def test_long_lists_take_a_line_an_entry() -> None:
    long = Everything(name="plain", words=tuple(f"word-number-{number}" for number in range(8)))
    assert dump(long).splitlines()[6:8] == ["words:", "  - word-number-0"]
    assert read_document(Everything, parse_yaml(dump(long), "x")) == long


def test_schema_says_every_shape_and_what_each_key_means() -> None:
    schema = json.loads(json_schema(Everything))
    assert schema["description"] == "All shapes in one."
    assert schema["required"] == ["schema", "name"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["schema"]["const"] == 2
    assert properties["name"] == {"type": "string", "minLength": 1}
    assert properties["count"] == {"type": "integer"}
    assert properties["good"] == {"type": "boolean"}
    assert properties["part"] == {"$ref": "#/$defs/Part"}
    assert properties["parts"] == {"type": "array", "items": {"$ref": "#/$defs/Part"}}
    assert properties["requires"]["description"] == "Lines, each a requirement."
    assert properties["drivers"]["additionalProperties"]["type"] == "string"
    part = schema["$defs"]["Part"]
    assert part["properties"]["version"]["description"] == "The version of the part."
    assert part["properties"]["kind"] == {"enum": ["a", "b"]}
    assert part["required"] == ["version"]
