"""`tfbootstrap diagnose`: what an error's text means, and the next step."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.errors import ExitCode

if TYPE_CHECKING:
    from tfbootstrap.diagnose.findings import Finding, Report

WIDTH = 100
SHOWN = 180
"""Characters of a line of the text."""
SAYS = {"stops": "stops the program", "degrades": "runs, but worse", "nothing": "harmless"}
COLOURS = {"stops": "red", "degrades": "yellow", "nothing": "green"}
UNKNOWN = """\
nothing known here: none of the classes that tfbootstrap knows is in these {lines} lines.
If they come from a TensorFlow that fails, report it with the whole text from the first warning on (look through it for
secrets first) and the file that this writes there: tfbootstrap doctor --report report.md"""


@click.command("diagnose")
@click.argument("log", default="-", metavar="[FILE|-]")
@click.option("--facts", type=click.Path(path_type=Path), metavar="FILE", help="Facts of the machine it comes from.")
@matrix_option
@json_option
@no_color_option
def command(*, log: str, facts: Path | None, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Name the cause of an error and the next step, from its text.

    FILE is a log of any length, or a notebook with its outputs; `-` or nothing reads standard input. User names,
    tokens and the like are not repeated. Ends with 1 where something was found that is not harmless.
    """
    from tfbootstrap.app.diagnose import diagnose

    report = diagnose(None if log == "-" else Path(log), facts, matrix)
    if as_json:
        click.echo(json.dumps(report_mapping(report), indent=2, ensure_ascii=False))
    else:
        _print(report, color=not no_color)
    return int(ExitCode.WANTING if report.wanting else ExitCode.DONE)


def report_mapping(report: Report) -> dict[str, Any]:
    """Return what `diagnose --json` says (keys: DESIGN, the command line)."""
    return {
        "findings": [finding.to_json() for finding in report.findings],
        "lines_read": report.lines_read,
        "tensorflow": report.context.tensorflow,
        "python": report.context.python,
        "situations": sorted(report.context.situations),
    }


def _print(report: Report, *, color: bool) -> None:
    if not report.findings:
        click.echo(UNKNOWN.format(lines=report.lines_read))
        return
    serious = [finding for finding in report.findings if not finding.harmless]
    for number, finding in enumerate(serious, start=1):
        title = f"{number}. {finding.id}: {SAYS[finding.effect]}"
        click.echo(click.style(title, fg=COLOURS[finding.effect], bold=True) if color else title)
        click.echo("\n".join(_body(finding)) + "\n")
    for finding in report.findings[len(serious) :]:
        title = f"{finding.id}: {SAYS[finding.effect]}"
        click.echo(click.style(title, fg=COLOURS[finding.effect]) if color else title)
        click.echo("\n".join(_wrapped(finding.cause, "   ")))
    if not serious:
        click.echo("nothing else known here; harmless lines are not the cause of a failure")


def _body(finding: Finding) -> Iterator[str]:
    yield from _wrapped(finding.cause, "   ")
    for remark in finding.remarks:
        yield from _wrapped(f"({remark})", "   ")
    for line in finding.lines:
        text = line.text if len(line.text) <= SHOWN else f"{line.text[:SHOWN]}…"
        yield from _wrapped(f"line {line.number}: {text}", "   ", "      ")
    if finding.count > len(finding.lines):
        yield f"   and {finding.count - len(finding.lines)} more"
    for step in finding.fix:
        yield from _wrapped(f"-> {step}", "   ", "      ")


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    # What is to be typed stays in one piece.
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
