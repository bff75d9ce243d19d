"""`tfbootstrap doctor`: what is wrong in an environment, and how to mend it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.errors import ExitCode

if TYPE_CHECKING:
    from tfbootstrap.doctor.records import Examination, Finding

WIDTH = 100
COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command("doctor")
@click.argument("lock", required=False, metavar="[LOCK]")
@click.option("--venv", type=click.Path(path_type=Path), metavar="DIR", help="Examine this environment.")
@click.option("--deep", is_flag=True, help="Import TensorFlow and try it, too; takes a minute.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write all of it, without secrets, for a bug report: FILE ends with .json or .md.",
)
@matrix_option
@json_option
@no_color_option
def command(
    *,
    lock: str | None,
    venv: Path | None,
    deep: bool,
    report: Path | None,
    matrix: Path | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Say what is wrong in this environment, and the command that mends it.

    Looks at the GPU, its driver and the CUDA libraries, at what is installed and what it requires, and at LOCK where
    one is named; imports nothing of it. Ends with 1 where something does not work (an error); warnings and notes alone
    end with 0.
    """
    from tfbootstrap.app.doctor import doctor

    outcome = doctor(lock, venv=venv, matrix=matrix, report=report, deep=deep)
    if as_json:
        click.echo(json.dumps(outcome.examination.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(outcome.examination, deep=deep, color=not no_color)
    if report is not None:
        click.echo(f"wrote {report}" if outcome.report_changed else f"{report} was up to date", err=True)
    return int(ExitCode.WANTING if outcome.examination.wanting else ExitCode.DONE)


def _print(examination: Examination, *, deep: bool, color: bool) -> None:
    for number, finding in enumerate(examination.findings, start=1):
        title = f"{number}. {finding.severity}: {finding.id}"
        click.echo(click.style(title, fg=COLOURS[finding.severity], bold=True) if color else title)
        click.echo("\n".join(_body(finding)) + "\n")
    click.echo(_verdict(examination))
    click.echo("looked at:")
    width = max(len(one.what) for one in examination.looked)
    for one in examination.looked:
        click.echo(f"  {one.what.ljust(width)}  {one.seen}")
    if not deep:
        click.echo("not tried: importing TensorFlow and computing with it (--deep)")


def _verdict(examination: Examination) -> str:
    if not examination.findings:
        return "all is well: nothing is wanting"
    counts = [
        (sum(finding.severity == severity for finding in examination.findings), severity)
        for severity in ("error", "warning", "note")
    ]
    return ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for count, severity in counts if count)


def _body(finding: Finding) -> Iterator[str]:
    # Names come from files of strangers: nothing in them may steer the terminal.
    for line in _lines(finding):
        yield "".join(character if character.isprintable() else "?" for character in line)


def _lines(finding: Finding) -> Iterator[str]:
    yield from _wrapped(finding.summary, "   ", "   ")
    for line in finding.evidence:
        yield from _wrapped(f"- {line}", "   ", "     ")
    # In one piece, so that it can be copied.
    yield from (f"   $ {command}" for command in finding.commands)
    for line in finding.advice:
        yield from _wrapped(f"-> {line}", "   ", "      ")


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
