"""`tfbootstrap cell`: options and output."""

from __future__ import annotations

from typing import cast, get_args

import click

from tfbootstrap.cli.options import no_color_here_option
from tfbootstrap.errors import UsageError
from tfbootstrap.render import SCRIPTS, OnRestart, ScriptKind, Style


@click.command("cell")
@click.argument("lock", default="requirements.txt", metavar="[LOCK]")
@click.option("--into", "notebooks", multiple=True, metavar="NOTEBOOK", help="Put it into this notebook. Repeatable.")
@click.option(
    "--style",
    type=click.Choice([*get_args(Style), *SCRIPTS]),
    help="Code to read (the default) or compressed code; or no cell: a Dockerfile or shell script with the lock.",
)
@click.option(
    "--on-restart",
    type=click.Choice(get_args(OnRestart)),
    help="Where a kernel has loaded what was replaced: ask for a restart (the default), restart, or only warn.",
)
@no_color_here_option
def command(*, lock: str, notebooks: tuple[str, ...], style: str | None, on_restart: OnRestart | None) -> None:
    """Print a self-contained notebook cell that installs and verifies LOCK (default: requirements.txt).

    With --into it becomes the notebook's first code cell; where it is already, it is brought up to date in place and
    keeps the options that it was made with, but for those named here.
    """
    from tfbootstrap.app.cell import CellWishes, make_cell, make_script

    if style in SCRIPTS:
        if notebooks or on_restart:
            raise UsageError(f"--style {style} is no cell", hint="leave out --into and --on-restart")
        click.echo(make_script(lock, cast(ScriptKind, style)), nl=False)
        return
    outcome = make_cell(lock, notebooks, CellWishes(style=cast("Style | None", style), on_restart=on_restart))
    if not notebooks:
        click.echo(outcome.source, nl=False)
    for path in outcome.changed:
        click.echo(f"wrote the cell into {path}", err=True)
    for path in outcome.unchanged:
        click.echo(f"{path} has the cell already", err=True)
