"""The recipes of failures that are made by hand: complete, and of classes that there are."""

from __future__ import annotations

import pytest

from tests.diagnose.support import MATRIX, ROWS
from tests.reproductions.running import Recipe, load_recipes

RECIPES = load_recipes()
CLASSES = {row.id for row in ROWS}


def test_there_are_recipes_for_many_classes() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(names) >= 50
    assert names == sorted(set(names))


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.name for recipe in RECIPES])
def test_a_recipe_is_complete(recipe: Recipe) -> None:
    assert recipe.name in CLASSES
    assert (recipe.proof is None) != (recipe.python is None)
    assert (recipe.fix is None) != (recipe.says is None)
    assert recipe.interpreter.startswith("3.")
    assert recipe.proof is None or (MATRIX / "proofs" / f"{recipe.proof}.yaml").is_file()
