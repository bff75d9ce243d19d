"""`tfbootstrap verify`: options, output and exit code."""

from __future__ import annotations

import click

from tfbootstrap.cli.hints import print_hints
from tfbootstrap.cli.options import json_option, no_color_here_option


@click.command("verify")
@click.argument("lock", default="requirements.txt", metavar="[LOCK]")
@click.option("--venv", metavar="DIR", help="Verify this virtual environment.")
@click.option("--deep", is_flag=True, help="Compare every installed file with its recorded hash.")
@json_option
@no_color_here_option
def command(*, lock: str, venv: str | None, deep: bool, as_json: bool) -> int:
    """Verify that this environment is what LOCK says (default: requirements.txt), and that TensorFlow works."""
    from tfbootstrap.app.verify import verify

    outcome = verify(lock, venv=venv, deep=deep, report=as_json)
    click.echo(outcome.report, nl=False)
    print_hints(outcome.hints)
    return outcome.code
