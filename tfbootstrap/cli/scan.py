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
@click.option("--sarif", "as_sarif", is_flag=True, help="Print a SARIF log, which code hosts show at the lines.")
@click.option("--no-color", is_flag=True, help="No colour.")
def command(*, paths: tuple[Path, ...], matrix: Path | None, as_json: bool, as_sarif: bool, no_color: bool) -> int:
    """Say which TensorFlow versions code fits (files, notebooks, folders), and the lines that decide it.

    Names, arguments, and calls that surely fail decide. What may fail, and what other packages' versions
    matter (companions, NumPy), is told beside that.

    Code behind a version check or an `except ImportError` is taken to be ready for either. Exit code 1:
    no version fits.
    """
    from tfbootstrap.app.scan import scan

    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif contradict each other")
    outcome = scan(paths, matrix)
    if as_json or as_sarif:
        document = outcome.to_sarif() if as_sarif else outcome.to_json()
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
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
    if outcome.findings:
        click.echo()
        print_table(("Also", "Works with", "At", "Instead"), list(_findings(outcome)), no_color=no_color)
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


def _findings(outcome: ScanOutcome) -> Iterator[tuple[str, ...]]:
    for row in dict.fromkeys(one.id for one in outcome.findings):
        lines = [one for one in outcome.findings if one.id == row]
        for one in lines[:_SHOWN]:
            works = "-" if one.works is None else f"{one.package} {one.works or '(every version)'}"
            yield f"{one.symbol}: {one.says}", works, one.place, one.instead or "-"
        if len(lines) > _SHOWN:
            yield f"... and {len(lines) - _SHOWN} more lines (--json has all)", "", "", ""
