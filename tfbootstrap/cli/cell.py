"""`tfbootstrap cell`: options and output."""

from __future__ import annotations

from typing import Any, cast, get_args

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
@click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Put TensorFlow into an environment of its own, with the Python of the lock; %%tf runs cells there.",
)
@click.option(
    "--wheelhouse",
    metavar="DIR",
    help="Keep the lock's wheels in this folder of the notebook's machine, such as a mounted Drive, and install from "
    'there. "" for none.',
)
@no_color_here_option
def command(*, lock: str, notebooks: tuple[str, ...], style: str | None, **wishes: Any) -> None:
    """Print a self-contained notebook cell that installs and verifies LOCK (default: requirements.txt).

    With --into it becomes the notebook's first code cell; where it is already, it is brought up to date in place and
    keeps the options that it was made with, but for those named here.
    """
    from tfbootstrap.app.cell import CellWishes, make_cell, make_script

    if style in SCRIPTS:
        if notebooks or any(value is not None for value in wishes.values()):
            hint = "leave out --into, --on-restart, --isolate and --wheelhouse"
            raise UsageError(f"--style {style} is no cell", hint=hint)
        click.echo(make_script(lock, cast(ScriptKind, style)), nl=False)
        return
    outcome = make_cell(lock, notebooks, CellWishes(style=cast("Style | None", style), **wishes))
    if not notebooks:
        click.echo(outcome.source, nl=False)
    for path in outcome.changed:
        click.echo(f"wrote the cell into {path}", err=True)
    for path in outcome.unchanged:
        click.echo(f"{path} has the cell already", err=True)
