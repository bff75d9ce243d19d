"""Reading TOML with positions."""

from __future__ import annotations

import pytest

from tfbootstrap.toml import TomlError, line_of, parse_toml


def test_valid_toml_is_plain_data() -> None:
    assert parse_toml("a = 1\n[b]\nc = ['d']\n") == {"a": 1, "b": {"c": ["d"]}}


def test_broken_toml_is_located() -> None:
    with pytest.raises(TomlError) as caught:
        parse_toml("a = 1\nb = = 2\n")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_a_duplicate_key_is_an_error_even_where_it_has_no_position() -> None:
    with pytest.raises(TomlError, match="a"):
        parse_toml("a = 1\na = 2\n")


TABLES = """\
title = "x"
[[servers]]
name = "one"
[tool.ours]
names = [
    "first",
    "second",
]
"""


@pytest.mark.parametrize(
    ("keys", "value", "line"),
    [
        (("title",), None, 1),
        (("servers",), None, 2),
        (("tool", "ours", "names"), None, 5),
        (("tool", "ours", "names"), "second", 7),
        (("tool", "ours", "names"), "third", 5),
        (("tool", "ours", "missing"), None, 4),
        (("missing",), None, None),
    ],
)
def test_a_key_is_found_where_it_stands_or_at_its_nearest_parent(
    keys: tuple[str, ...], value: str | None, line: int | None
) -> None:
    assert line_of(TABLES, keys, value) == line
