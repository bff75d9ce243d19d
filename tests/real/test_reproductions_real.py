"""A few failures made for real and mended by what is printed; `python -m tests.reproductions` makes all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reproductions.running import Recipe, load_recipes, remove, reproduce

pytestmark = pytest.mark.real

RECIPES = {recipe.name: recipe for recipe in load_recipes()}
CHOSEN = ("pip-no-record", "resolver-conflict", "protobuf-descriptors", "keras-method-removed")
"""Two without a TensorFlow, and two of one that is installed once."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for environments that the tests share, and that is removed at the end: they are large."""
    made = tmp_path_factory.mktemp("reproductions")
    yield made
    remove(made)


@pytest.mark.parametrize(
    ("recipe", "interpreter"),
    [pytest.param(RECIPES[name], RECIPES[name].interpreter, id=name) for name in CHOSEN],
    indirect=["interpreter"],
)
def test_a_failure_is_named_and_its_fix_works(recipe: Recipe, interpreter: Path, folder: Path) -> None:
    outcome = reproduce(recipe, folder)
    assert outcome.problem is None, outcome.output
