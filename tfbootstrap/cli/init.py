"""`tfbootstrap init`: options and output."""

from __future__ import annotations

import json
from typing import Any

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_here_option, text


@click.command("init")
@click.option(
    "--runtime",
    "runtimes",
    type=text,
    multiple=True,
    metavar="NAME|FILE",
    help="Make a target for it; can be repeated.",
)
@click.option("--tensorflow", type=text, metavar="SPEC", help="TensorFlow wanted by all targets.")
@click.option("--force", is_flag=True, help="Replace the table that is there.")
@matrix_option
@json_option
@no_color_here_option
def command(*, as_json: bool, **given: Any) -> None:
    """Write [tool.tfbootstrap] into pyproject.toml, with the rest of it kept as it is.

    Without --runtime the target is this machine: the profile that describes it, or (with a GPU) a facts file.
    """
    from tfbootstrap.app.init import InitOptions, init

    outcome = init(InitOptions(**given))
    if as_json:
        click.echo(json.dumps({"targets": dict(outcome.targets), "written": list(outcome.written)}, indent=2))
        return
    for name, runtime in outcome.targets.items():
        click.echo(f"target {name}: {runtime}", err=True)
    for path in outcome.written:
        click.echo(f"wrote {path}", err=True)
    click.echo("\nhint: lock all targets with: tfbootstrap lock", err=True)
