"""Plain tables of text that fit a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import click

WIDTH = 100


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Pad every column but the last to its widest cell; no line ends in blanks."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in table
    ]


def print_table(head: Sequence[str], cells: Sequence[Sequence[str]], *, no_color: bool) -> None:
    """Print a table with a bold head."""
    first, *rest = aligned([head, *cells])
    click.echo(click.style(first, bold=not no_color))
    for line in rest:
        click.echo(line)


def print_facts(facts: Sequence[tuple[str, str]], *, no_color: bool) -> None:
    """Print name and value pairs, values wrapped below themselves; a newline in a value starts a line."""
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        lines = [part for line in text.split("\n") for part in textwrap.wrap(line, WIDTH - width - 2) or [""]]
        for index, line in enumerate(lines):
            label = (name if index == 0 else "").ljust(width)
            click.echo(f"{click.style(label, bold=not no_color)}  {line}".rstrip())
