"""What the diagnoses know about failed checks, below the bootstrap's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tfbootstrap.app.hints import Hint


def print_hints(hints: Iterable[Hint]) -> None:
    """Print them to stderr: the cause, then each step."""
    for hint in hints:
        click.echo(f"{hint.check}: {hint.cause} ({hint.diagnosis})", err=True)
        for step in hint.fix:
            click.echo(f"  -> {step}", err=True)
