"""`tfbootstrap scan`: the TensorFlow that code fits, and the lines that decide it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.tables import print_table
from tfbootstrap.errors import ExitCode

if TYPE_CHECKING:
    from tfbootstrap.app.scan import ScanOutcome

_SHOWN = 5
"""Lines shown for each bound; --json has all."""


@click.command("scan")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--matrix", type=click.Path(path_type=Path), metavar="DIR", help="Use this matrix (TFBOOTSTRAP_MATRIX).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--no-color", is_flag=True, help="No colour.")
def command(*, paths: tuple[Path, ...], matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Say which TensorFlow versions code fits (files, notebooks, folders), and the lines that decide it.

    Code behind a version check or an `except ImportError` is taken to be ready for either. Exit code 1:
    no version fits.
    """
    from tfbootstrap.app.scan import scan

    outcome = scan(paths, matrix)
    if as_json:
        click.echo(json.dumps(outcome.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(outcome, no_color=no_color)
    return int(ExitCode.DONE if outcome.verdict.minors else ExitCode.WANTING)


def _print(outcome: ScanOutcome, *, no_color: bool) -> None:
    verdict = outcome.verdict
    newest = f"; the newest known of these is {verdict.minors[-1]}" if verdict.minors else ""
    if verdict.fits is None:
        click.echo("no TensorFlow fits: these lines contradict each other\n")
    else:
        click.echo(f"fits TensorFlow {verdict.fits or '(every version)'}{newest}" + "\n" * bool(verdict.evidence))
    if verdict.evidence:
        print_table(("Bound", "Because of", "At", "Instead"), list(_cells(outcome)), no_color=no_color)
    for one in outcome.skipped:
        cell = f", cell {one.cell}" if one.cell else ""
        click.echo(f"passed over: {one.file}{cell}: {one.reason}", err=True)


def _cells(outcome: ScanOutcome) -> Iterator[tuple[str, ...]]:
    verdict = outcome.verdict
    for bound in verdict.bounds:
        deciding = [one for one in verdict.evidence if one.bound == bound]
        for one in deciding[:_SHOWN]:
            yield bound, one.symbol, one.place, one.replacement or one.note or "-"
        if len(deciding) > _SHOWN:
            yield bound, f"... and {len(deciding) - _SHOWN} more lines (--json has all)", "", ""
