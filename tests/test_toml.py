"""Reading TOML with positions."""

from __future__ import annotations

import pytest

from tfbootstrap.toml import TomlError, parse_toml


def test_valid_toml_is_plain_data() -> None:
    assert parse_toml("a = 1\n[b]\nc = ['d']\n") == {"a": 1, "b": {"c": ["d"]}}


def test_broken_toml_is_located() -> None:
    with pytest.raises(TomlError) as caught:
        parse_toml("a = 1\nb = = 2\n")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_a_duplicate_key_is_an_error_even_where_it_has_no_position() -> None:
    with pytest.raises(TomlError, match="a"):
        parse_toml("a = 1\na = 2\n")
