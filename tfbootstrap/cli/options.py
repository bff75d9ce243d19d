"""Options that several commands share, so that they are called, and explained, alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def text(value: str) -> str:
    """Convert an option's value: one that says nothing (`--tensorflow "$UNSET"`) is a mistake, and no wish for any."""
    if not value.strip():
        raise click.BadParameter("it is empty")
    return value


matrix_option: Decorator[Any] = click.option(
    "--matrix", type=click.Path(path_type=Path), metavar="DIR", help="Use this matrix (TFBOOTSTRAP_MATRIX)."
)
json_option: Decorator[Any] = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
no_color_option: Decorator[Any] = click.option("--no-color", is_flag=True, help="No colour.")
no_color_here_option: Decorator[Any] = click.option(
    "--no-color", is_flag=True, expose_value=False, help="No colour (there is none here: scripts can always say it)."
)
"""For commands that colour nothing."""
requirement_files_option: Decorator[Any] = click.option(
    "-r", "--requirement", "files", type=text, multiple=True, metavar="FILE", help="Requirements file; can be repeated."
)


def runtime_options(command: Function) -> Function:
    """Add what describes the runtime: a profile or facts file, and what is known of it beside."""
    options: tuple[Decorator[Any], ...] = (
        click.option("--runtime", type=text, metavar="NAME|FILE", help="Profile or facts file; default: this machine."),
        click.option("--python", type=text, metavar="X.Y", help="Python of the runtime."),
        click.option(
            "--gpu",
            type=text,
            default="auto",
            metavar="auto|none|NAME|CC",
            help="GPU of the runtime: 'T4', or '7.5'; 'none': CPU.",
        ),
        click.option("--driver", type=text, metavar="V", help="NVIDIA driver of the runtime: 535.104.05."),
        click.option(
            "--cuda",
            type=click.Choice(["auto", "wheels", "system", "none"]),
            default="auto",
            help="Where CUDA comes from.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
