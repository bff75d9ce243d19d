"""`tfbootstrap install`: options and exit code."""

from __future__ import annotations

import click

from tfbootstrap.cli.hints import print_hints
from tfbootstrap.cli.options import no_color_here_option


@click.command("install")
@click.argument("lock", default="requirements.txt", metavar="[LOCK]")
@click.option("--venv", metavar="DIR", help="Install into this virtual environment; it is made if it is not there.")
@no_color_here_option
def command(*, lock: str, venv: str | None) -> int:
    """Install what differs from LOCK (default: requirements.txt), and verify that TensorFlow works."""
    from tfbootstrap.app.install import install

    code, hints = install(lock, venv=venv)
    print_hints(hints)
    return code
