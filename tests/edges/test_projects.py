"""The TensorFlow that a project's table asks for is changed in place; whatever else is in the file stays."""

from __future__ import annotations

import pytest

from tfbootstrap.edges.projects import with_tensorflow
from tfbootstrap.errors import InputError


def changed(text: str, *targets: str, tensorflow: str = ">=2.16,<2.21", table: bool = True) -> str:
    return with_tensorflow(text, tensorflow, "pyproject.toml", table=table, targets=targets)


def test_keys_change_where_they_are_and_nothing_else() -> None:
    text = """\
# head
[project]
name = "x"   # c

[tool.tfbootstrap]
# about it
tensorflow   =   "2.15"    # the one
sources = ["src"] # y

[tool.other]
a = 1

[tool.tfbootstrap.targets.colab] # cc
tensorflow = '2.15' # dd
runtime="x"

[tool.tfbootstrap.targets.lab]
runtime = "y"
"""
    assert changed(text, "colab") == text.replace('"2.15"', '">=2.16,<2.21"').replace("'2.15'", "'>=2.16,<2.21'")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_line_ends_and_inline_tables_stay(ends: str) -> None:
    text = f'tool.tfbootstrap.targets.a = {{runtime="x", tensorflow="2.15"}} # é{ends}[b]{ends}c=1{ends}'
    assert changed(text, "a", tensorflow="2.20", table=False) == text.replace("2.15", "2.20")


def test_a_table_that_says_none_says_it_first() -> None:
    text = '[tool.tfbootstrap] # ours\n# more\nsources = ["src"]\n\n[tool.tfbootstrap.targets.a]\nruntime = "x"\n'
    expected = text.replace("# ours\n", '# ours\ntensorflow = "2.20"\n')
    assert changed(text, tensorflow="2.20") == expected


def test_a_table_that_stands_below_its_targets_is_found() -> None:
    text = '[tool.tfbootstrap.targets.a]\nruntime = "x"\ntensorflow = "2.15"\n\n[tool.tfbootstrap]\nsources = ["src"]\n'
    expected = text.replace('"2.15"', '"2.20"').replace("bootstrap]\n", 'bootstrap]\ntensorflow = "2.20"\n')
    assert changed(text, "a", tensorflow="2.20") == expected


def test_targets_without_a_table_above_get_one() -> None:
    text = '[project]\nname = "x"\n\n[tool.tfbootstrap.targets.a]\nruntime = "x"\n'
    expected = text.replace("[tool", '[tool.tfbootstrap]\ntensorflow = "2.20"\n\n[tool')
    assert changed(text, tensorflow="2.20") == expected


def test_where_there_is_no_place_for_it_that_is_told() -> None:
    text = 'tool.tfbootstrap = {targets = {a = {runtime = "x"}}}\n'
    with pytest.raises(InputError, match=r"pyproject.toml: tool.tfbootstrap: there is no heading") as caught:
        changed(text, tensorflow="2.20")
    assert caught.value.hint == 'add to this table: tensorflow = "2.20"'
