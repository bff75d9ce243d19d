"""One cell goes into a notebook, and every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbootstrap.edges.notebooks import NotebookCell, put_cell
from tfbootstrap.errors import InputError

CELL = NotebookCell(source="# ours: é\nrun()", mark={"tensorflow": "2.20.0"})
NEWER = NotebookCell(source="# newer\nrun()\nagain()", mark={"tensorflow": "2.21.0"})

TITLE = {"cell_type": "markdown", "metadata": {}, "source": ["# Title ünd \\u00e9\n"]}
CODE = {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": [], "source": "x = 1"}

PRETTY = """{
 "cells": [
  {
   "cell_type": "markdown",
   "metadata": {},
   "source": [ "# T\\u00eftle é" ]
  },
  {
   "source": "x = 1", "cell_type": "code",
   "execution_count": null, "metadata": {}, "outputs": []
  }
 ],
 "metadata": {"b": 1, "a": 1.0},
 "nbformat": 4, "nbformat_minor": 4
}
"""

EXPECTED = """{
 "cells": [
  {
   "cell_type": "markdown",
   "metadata": {},
   "source": [ "# T\\u00eftle é" ]
  },
  {
   "cell_type": "code",
   "execution_count": null,
   "metadata": {
    "cellView": "form",
    "jupyter": {
     "source_hidden": true
    },
    "tfbootstrap": {
     "tensorflow": "2.20.0"
    }
   },
   "outputs": [],
   "source": [
    "# ours: é\\n",
    "run()"
   ]
  },
  {
   "source": "x = 1", "cell_type": "code",
   "execution_count": null, "metadata": {}, "outputs": []
  }
 ],
 "metadata": {"b": 1, "a": 1.0},
 "nbformat": 4, "nbformat_minor": 4
}
"""


def notebook(*cells: dict[str, Any], minor: int = 4, **style: Any) -> str:
    made: list[dict[str, Any]] = [dict(cell) for cell in cells]
    if minor >= 5:
        made = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(made)]
    content = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    return json.dumps(content, ensure_ascii=False, **style)


def put(text: str, cell: NotebookCell = CELL) -> str:
    return put_cell(text, cell, "x.ipynb")


def cells(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text.removeprefix("\ufeff"))["cells"]
    return found


def is_ours(cell: dict[str, Any]) -> bool:
    return "tfbootstrap" in cell["metadata"]


def test_goes_before_the_first_code_cell_and_leaves_the_rest() -> None:
    assert put(PRETTY) == EXPECTED


def test_the_second_time_nothing_changes() -> None:
    assert put(EXPECTED) == EXPECTED


def test_a_newer_cell_takes_the_place_of_the_older() -> None:
    newer = put(EXPECTED, NEWER)
    assert newer == EXPECTED.replace("2.20.0", "2.21.0").replace(
        '    "# ours: é\\n",\n    "run()"', '    "# newer\\n",\n    "run()\\n",\n    "again()"'
    )
    assert put(newer, CELL) == EXPECTED


def test_a_cell_that_jupyter_saved_again_is_not_touched() -> None:
    saved = json.loads(EXPECTED)
    saved["cells"][1]["source"] = "".join(saved["cells"][1]["source"])
    saved["cells"][1]["execution_count"] = 7
    text = json.dumps(saved)
    assert put(text) == text


def test_what_others_noted_in_our_cell_stays() -> None:
    saved = json.loads(EXPECTED)
    saved["cells"][1]["metadata"]["collapsed"] = True
    saved["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["tfbootstrap"]}]
    (ours,) = [cell for cell in cells(put(json.dumps(saved, indent=1), NEWER)) if is_ours(cell)]
    noted = {name: ours["metadata"][name] for name in ("tfbootstrap", "collapsed")}
    assert noted == {"tfbootstrap": {"tensorflow": "2.21.0"}, "collapsed": True}
    assert ours["outputs"] == saved["cells"][1]["outputs"]


@pytest.mark.parametrize("minor", range(6))
@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
@pytest.mark.parametrize("content", [(), (TITLE,), (CODE,), (TITLE, CODE)], ids=["empty", "title", "code", "both"])
def test_the_notebook_stays_valid(minor: int, indent: Any, content: tuple[dict[str, Any], ...]) -> None:
    text = notebook(*content, minor=minor, indent=indent) + "\n"
    new = put(text)
    nbformat.validate(json.loads(new))
    assert put(new) == new
    assert [is_ours(cell) for cell in cells(new)].index(True) == len([cell for cell in content if cell is TITLE])
    assert ("id" in next(filter(is_ours, cells(new)))) == (minor >= 5)
    # In the notebook's own style the whole is what its own writer would have written.
    ours = next(filter(is_ours, cells(new)))
    whole = json.loads(text)
    whole["cells"].insert(cells(new).index(ours), ours)
    if content:
        assert new == json.dumps(whole, ensure_ascii=False, indent=indent) + "\n"
    else:
        assert json.loads(new) == whole


def test_a_notebook_without_blanks_stays_so() -> None:
    text = notebook(CODE, separators=(",", ":"))
    assert put(text) == text.replace(
        '"cells":[',
        '"cells":[{"cell_type":"code","execution_count":null,"metadata":'
        '{"cellView":"form","jupyter":{"source_hidden":true},"tfbootstrap":{"tensorflow":"2.20.0"}},'
        '"outputs":[],"source":["# ours: é\\n","run()"]},',
    )


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_marks_stay(ending: str, start: str) -> None:
    text = start + PRETTY.rstrip("\n").replace("\n", "\r\n") + ending
    assert put(text) == start + EXPECTED.rstrip("\n").replace("\n", "\r\n") + ending


def test_an_id_that_is_taken_is_not_used_again() -> None:
    text = notebook({**CODE}, minor=5).replace("cell-0", "tfbootstrap")
    assert next(filter(is_ours, cells(put(text))))["id"] == "tfbootstrap-2"


@given(
    st.lists(st.sampled_from([TITLE, CODE]) | st.builds(lambda text: {**CODE, "source": text}, st.text()), max_size=4),
    st.sampled_from([None, 0, 1, 4, "\t"]),
    st.text(),
)
@settings(max_examples=60)
def test_taking_the_cell_out_gives_the_notebook_back(content: list[dict[str, Any]], indent: Any, source: str) -> None:
    text = notebook(*content, indent=indent)
    new = put(text, NotebookCell(source=source, mark={}))
    found = json.loads(new)
    (ours,) = [cell for cell in found["cells"] if is_ours(cell)]
    assert "".join(ours["source"]) == source
    found["cells"].remove(ours)
    assert found == json.loads(text)
    prefix = text[: text.index("[") + 1]
    assert new.startswith(prefix)


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("", "x.ipynb:1:1: is no JSON", "name a notebook"),
        ('{"cells": [}', "x.ipynb:1:12: is no JSON", "name a notebook"),
        ("[]", "is no notebook of format 4", "name a notebook"),
        ("{}", "is no notebook of format 4", "name a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 4, "cells": {}}', "is no notebook of format 4", "name a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 4, "cells": [1]}', "cells: a cell is no object", "name a notebook"),
        ('{"nbformat": 5, "nbformat_minor": 0, "cells": []}', "is no notebook of format 4", "name a notebook"),
        ('{"nbformat": 3, "worksheets": []}', "old format 3", "jupyter nbconvert --to notebook"),
    ],
)
def test_what_is_no_notebook_is_refused(text: str, problem: str, hint: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        put(text)
    assert hint in str(caught.value.hint)
