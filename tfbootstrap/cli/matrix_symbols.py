"""`tfbootstrap matrix symbols`: which releases have a name, and what to write instead where it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import print_facts

if TYPE_CHECKING:
    from tfbootstrap.app.matrix_symbols import SymbolOutcome

_TITLES = {"tensorflow": "TensorFlow", "keras": "Keras"}


@click.command("symbols")
@click.argument("name")
@matrix_option
@json_option
@no_color_option
def symbols(*, name: str, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show which TensorFlow minors have a name (tf.estimator, keras.ops), and what replaces it."""
    from tfbootstrap.app.matrix_symbols import show_symbol

    outcome = show_symbol(name, matrix)
    if as_json:
        click.echo(json.dumps(outcome.to_json(), indent=2, ensure_ascii=False))
    else:
        print_facts(list(_facts(outcome)), no_color=no_color)
    return 0


def _facts(outcome: SymbolOutcome) -> Iterator[tuple[str, str]]:
    fact = outcome.fact
    yield "name", outcome.symbol if fact.symbol == outcome.symbol else f"{outcome.symbol} (as far as {fact.symbol})"
    spans = (f"{one.first} and newer" if one.last is None else _span(one.first, one.last) for one in fact.intervals)
    yield _TITLES[fact.package], ", ".join(spans)
    if outcome.replacement:
        yield "instead", outcome.replacement
    if outcome.row and outcome.row.note:
        yield "note", outcome.row.note
    if outcome.row:
        yield "source", f"{outcome.row.source} ({outcome.row.checked})"
    for one in outcome.arguments:
        taken = (f"{first} and newer" if last is None else _span(first, last) for first, last in one.spans)
        yield f"{one.argument}=", f"TensorFlow {', '.join(taken)}"


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
