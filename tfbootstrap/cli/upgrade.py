"""`tfbootstrap upgrade`: another TensorFlow for every target at once, and what that changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_here_option
from tfbootstrap.errors import ExitCode

if TYPE_CHECKING:
    from tfbootstrap.app.requests import LockOptions
    from tfbootstrap.upgrade.records import Upgrade


@click.command("upgrade")
@click.option(
    "--tensorflow", metavar="SPEC", help="TensorFlow wanted from now on: 2.20, or a specifier like '>=2.18,<2.21'."
)
@click.option(
    "--to",
    "to",
    type=click.Choice(["newest-that-fits"]),
    help="Take the newest minor that the code and every target allow.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="DIR",
    help="Code to look through beside the `sources` of pyproject.toml; can be repeated.",
)
@click.option(
    "-o", "--output-file", "output", metavar="FILE", help="Without [tool.tfbootstrap]: the lock to make again."
)
@click.option("--dry-run", is_flag=True, help="Report what would change; write nothing.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    help="markdown: for a pull request.",
)
@matrix_option
@json_option
@no_color_here_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    tensorflow: str | None,
    to: str | None,
    sources: tuple[str, ...],
    output: str | None,
    dry_run: bool,
    form: str,
    matrix: Path | None,
    as_json: bool,
) -> int:
    """Lock all targets for another TensorFlow, and say what that changes for packages, machines and code.

    The specifier changes where it stands: in [tool.tfbootstrap], in the requirements that name TensorFlow, or in the
    header of a lock that was made without a project. It, all locks, bootstraps and cells change together or not at
    all. Without --tensorflow and --to the newest TensorFlow that is asked for already is taken. Other packages keep the
    versions that they have where they can.

    Exit code 1: done, and lines of the code or companions will not work with it. 3: a target can't be served; nothing
    is written.
    """
    from tfbootstrap.app.upgrade import UpgradeOptions, recorded_command, upgrade
    from tfbootstrap.cli.progress import working
    from tfbootstrap.errors import UsageError

    if tensorflow and to:
        raise UsageError("--tensorflow and --to contradict each other", hint="leave out one of the two")
    recorded = recorded_command(output)
    options = UpgradeOptions(
        tensorflow=tensorflow,
        newest_that_fits=to is not None,
        sources=sources,
        output=output,
        dry_run=dry_run,
        matrix=matrix,
        recorded=_recorded(context, recorded, output) if recorded is not None else None,
    )
    with working("locking all targets"):
        outcome = upgrade(options)
    _print(outcome, form, as_json=as_json)
    if not outcome.served:
        return int(ExitCode.UNSATISFIABLE)
    return int(ExitCode.WANTING if outcome.findings else ExitCode.DONE)


def _recorded(context: click.Context, command_line: str, output: str | None) -> LockOptions:
    from tfbootstrap.cli.lock import recorded_options

    return recorded_options(context, command_line, output)


def _print(outcome: Upgrade, form: str, *, as_json: bool) -> None:
    from tfbootstrap.upgrade.markdown import upgrade_markdown
    from tfbootstrap.upgrade.report import upgrade_text

    if as_json:
        click.echo(json.dumps(outcome.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(upgrade_markdown(outcome) if form == "markdown" else upgrade_text(outcome), nl=False)
    for one in outcome.skipped:
        cell = f", cell {one.cell}" if one.cell else ""
        click.echo(f"passed over: {one.file}{cell}: {one.reason}", err=True)
    if not outcome.files:
        click.echo("no code was looked through: name it with --source, or as `sources` in [tool.tfbootstrap]", err=True)
    for path in outcome.written:
        click.echo(f"wrote {path}", err=True)
    if outcome.dry_run or not outcome.served:
        click.echo("nothing was written", err=True)
