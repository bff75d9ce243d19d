"""Run recipes by hand and tell what happened: `python -m tests.reproductions [CLASS]…`."""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from tests.reproductions.running import Recipe, load_recipes, reproduce

SHOWN = 1500
"""Characters of the output of what went wrong."""


def main(names: list[str]) -> int:
    """Run the recipes of these classes, or all; return the number that went otherwise than expected."""
    recipes = [recipe for recipe in load_recipes() if not names or recipe.name in names]
    recipes.sort(key=_environment)
    wrong = 0
    for _, together in groupby(recipes, _environment):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            wrong += sum(not _goes_well(recipe, Path(folder)) for recipe in together)
    print(f"{len(recipes) - wrong} of {len(recipes)} classes were made, named, and mended by what was printed")
    return wrong


def _environment(recipe: Recipe) -> str:
    return recipe.proof or ""


def _goes_well(recipe: Recipe, folder: Path) -> bool:
    start = time.monotonic()
    outcome = reproduce(recipe, folder)
    seconds = time.monotonic() - start
    others = [finding.id for finding in outcome.report.findings if not finding.harmless] if outcome.report else []
    beside = [name for name in others if name != recipe.name]
    print(f"{recipe.name}: {outcome.problem or 'mended'} ({seconds:.0f} s){f', beside {beside}' if beside else ''}")
    if outcome.problem:
        print(outcome.output[-SHOWN:])
    sys.stdout.flush()
    return outcome.problem is None


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
