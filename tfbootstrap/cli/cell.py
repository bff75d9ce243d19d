"""`tfbootstrap cell`: options and output."""

from __future__ import annotations

import click

from tfbootstrap.cli.options import no_color_here_option


@click.command("cell")
@click.argument("lock", default="requirements.txt", metavar="[LOCK]")
@click.option("--into", "notebooks", multiple=True, metavar="NOTEBOOK", help="Put it into this notebook. Repeatable.")
@no_color_here_option
def command(*, lock: str, notebooks: tuple[str, ...]) -> None:
    """Print a self-contained notebook cell that installs and verifies LOCK (default: requirements.txt).

    With --into it becomes the notebook's first code cell; where it is already, it is brought up to date in place.
    """
    from tfbootstrap.app.cell import make_cell

    outcome = make_cell(lock, notebooks)
    if not notebooks:
        click.echo(outcome.source, nl=False)
    for path in outcome.changed:
        click.echo(f"wrote the cell into {path}", err=True)
    for path in outcome.unchanged:
        click.echo(f"{path} has the cell already", err=True)
