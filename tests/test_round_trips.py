"""The cell goes through what people move notebooks with, and comes out as it was: jupytext, nbformat, the clipboard."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
import sysconfig
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bootstraps import PASSING_TRIAL, TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.kernels import Kernel
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex
from tests.support.programs import UV
from tests.support.wheel_factory import Project, build_wheel
from tests.test_render import a_lock, cell
from tests.test_scripts import HOSTILE, hostile_lock
from tfbootstrap.edges.notebooks import NotebookCell, put_cell
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.lock import Lock
from tfbootstrap.render import CellOptions, Style, render_cell

# None of them has types.
jupytext: Any = importlib.import_module("jupytext")
nbformat: Any = importlib.import_module("nbformat")
TransformerManager: Any = importlib.import_module("IPython.core.inputtransformer2").TransformerManager

FORMATS = ("py:percent", "py:light", "py:hydrogen", "md", "md:myst", "Rmd")
"""Formats of jupytext that keep the metadata of cells; VS Code runs the first."""

MARK = {"target": "colab-2026.07", "tensorflow": "2.20.0"}
OTHERS: tuple[dict[str, Any], ...] = (
    {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", "text"]},
    {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["x = 1\n", "%time x"]},
)
# What VS Code takes for the start of a cell: its `jupyter.interactiveWindow.cellMarker.codeRegex`.
CELL_START = re.compile(r"^(#\s*%%|#\s*<codecell>|#\s*In\[\d*?\]|#\s*In\[ \])")


@cache
def source_of(style: Style) -> str:
    return rendered(a_lock(40), read_payload(), style)


def rendered(lock: Lock, sources: Mapping[str, str], style: Style) -> str:
    return render_cell(lock, sources, read_template("cell.py.j2"), CellOptions(style=style)).rstrip("\n")


def notebook(source: str, minor: int = 5) -> str:
    """Return the text of a notebook with our cell and others."""
    cells = [{**other, "id": f"cell-{number}"} if minor >= 5 else other for number, other in enumerate(OTHERS)]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    return put(json.dumps(content, indent=1) + "\n", source)


def put(text: str, source: str) -> str:
    return put_cell(text, NotebookCell(source=source, mark=MARK), "train.ipynb")


def ours(text: str) -> list[str]:
    """Return the sources of the cells that are known as ours."""
    found = json.loads(text)["cells"]
    return ["".join(one["source"]) for one in found if "tfbootstrap" in one["metadata"]]


@pytest.mark.parametrize("style", get_args(Style))
@pytest.mark.parametrize("form", FORMATS)
def test_jupytext_brings_it_back_and_it_is_known_again(form: str, style: Style) -> None:
    source = source_of(style)
    text = jupytext.writes(nbformat.reads(notebook(source), as_version=4), fmt=form)
    assert source in text, "what runs the text itself needs the code as it is"
    back = nbformat.writes(jupytext.reads(text, fmt=form))
    assert ours(back) == [source]
    assert len(json.loads(back)["cells"]) == 1 + len(OTHERS)
    assert put(back, source) == back
    assert ours(put(back, "newer")) == ["newer"]


@settings(max_examples=30, deadline=None)
@given(HOSTILE, st.sampled_from(FORMATS))
def test_jupytext_reads_no_cells_into_hostile_texts(text: str, form: str) -> None:
    source = cell(hostile_lock(text)).rstrip("\n")
    written = jupytext.writes(nbformat.reads(notebook(source), as_version=4), fmt=form)
    assert ours(nbformat.writes(jupytext.reads(written, fmt=form))) == [source]


@given(HOSTILE)
def test_ipython_reads_no_magic_into_it(text: str) -> None:
    source = cell(hostile_lock(text))
    assert TransformerManager().transform_cell(source) == source


@given(HOSTILE)
def test_vs_code_sees_one_cell(text: str) -> None:
    assert not [line for line in cell(hostile_lock(text)).splitlines() if CELL_START.match(line)]


@pytest.mark.parametrize("minor", range(6))
def test_nbformat_reads_writes_and_renews_it(minor: int) -> None:
    source = source_of("readable")
    node = nbformat.reads(notebook(source, minor), as_version=4)
    newest = nbformat.v4.upgrade(node, from_version=4, from_minor=minor)
    for written in (nbformat.writes(node), nbformat.writes(newest)):
        nbformat.validate(json.loads(written))
        assert ours(written) == [source]
        assert put(written, source) == written


PASTED: Mapping[str, Callable[[str], str | list[str]]] = {
    "as it is": lambda source: source,
    "Windows": lambda source: source.replace("\n", "\r\n"),
    "old Mac": lambda source: source.replace("\n", "\r"),
    "stripped": lambda source: "\n".join(line.rstrip() for line in source.splitlines()),
    "blanks for tabs": lambda source: source.replace("\t", "    "),
    "indented": lambda source: "\n" + source + "\n\n  ",
    "through jupytext": lambda source: json.loads(through_jupytext(source))["cells"][1]["source"],
}
"""What happens to a cell on its way into a notebook."""


def through_jupytext(source: str) -> str:
    text = jupytext.writes(nbformat.reads(notebook(source), as_version=4), fmt="py:percent")
    written: str = nbformat.writes(jupytext.reads(text.replace("\n", "\r\n"), fmt="py:percent"))
    return written


@pytest.mark.slow
def test_it_runs_however_it_was_pasted(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    made = TinyBootstrap(sandbox, loopback_index)
    made.make_environment(sys.executable)
    (made.site_packages / "kernel.pth").write_text(sysconfig.get_path("purelib") + "\n")
    tiny = build_wheel(Project(name="tiny", version="1.0"))
    loopback_index.add(tiny)
    path = f"{UV.parent}:/usr/bin:/bin"
    variables = sandbox.environment(**{**made.variables, "PATH": path, "COVERAGE_PROCESS_CONFIG": None})
    payload = {**read_payload(), "trial": PASSING_TRIAL}
    sources = {style: rendered(make_lock([tiny]), payload, style) for style in get_args(Style)}

    async def story() -> None:
        async with Kernel(made.python, sandbox.work, variables) as kernel:
            for style, source in sources.items():
                for how, change in PASTED.items():
                    ran = await kernel.run("".join(change(source)))
                    assert ran.error is None, (style, how, ran)
                    assert ran.text.endswith(": verified\n"), (style, how)

    asyncio.run(story())
