"""The `tfbootstrap` command: a group whose subcommands are imported only when they run, and the one place that turns
errors into messages and exit codes.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from tfbootstrap import __version__

COMMANDS: dict[str, str] = {
    "detect": "Show the facts of this machine.",
    "lock": "Choose a TensorFlow for a runtime and write its lock and bootstrap.",
    "explain": "Say which TensorFlow versions fit a runtime, and why the others do not.",
    "upgrade": "Lock all targets for another TensorFlow, and say what that changes.",
    "init": "Write [tool.tfbootstrap] into pyproject.toml.",
    "cell": "Print a self-contained notebook cell for a lock, or put it into notebooks.",
    "install": "Install a lock here and verify it.",
    "verify": "Verify that this environment is what a lock says.",
    "diagnose": "Name the cause of an error and the next step, from its text.",
    "doctor": "Say what is wrong in an environment, and the command that mends it.",
    "scan": "Say which TensorFlow versions code fits, and the lines that decide it.",
    "matrix": "Look at the compatibility data.",
}
"""Subcommand -> its one-line help. Each lives in `tfbootstrap.cli.<name>` as the click command `command`."""

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says where nothing can be written any more."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only when that subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the subcommands in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tfbootstrap.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of subcommands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; an unknown one is answered with the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{suggestion}", ctx) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tfbootstrap")
def group() -> None:
    """Get the right TensorFlow onto a machine, on its GPU, reproducibly."""
    from tfbootstrap.app.recovery import finish_interrupted

    if finished := finish_interrupted():
        click.echo(f"finished what a killed command left half written: {', '.join(finished)}", err=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure becomes one message on stderr."""
    from tfbootstrap.errors import ExitCode, TfbootstrapError

    try:
        result = _run(sys.argv[1:] if arguments is None else arguments)
    except click.exceptions.Abort:
        return _interrupted()
    except KeyboardInterrupt:
        return _interrupted()
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except TfbootstrapError as error:
        click.echo(f"error: {error}", err=True)
        if error.hint:
            click.echo(f"\nhint: {error.hint}", err=True)
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`tfbootstrap … | head`); what it did not read is not our failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except OSError as error:
        return _disk_full() if error.errno in DISK_FULL else _bug()
    except Exception:  # noqa: BLE001 - the outermost place: what gets here is a bug, and is reported as one
        return _bug()
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _run(arguments: Sequence[str]) -> Any:
    """Do what click's own `main` does but for one thing: that takes a reader that went away for a failure."""
    if "_TFBOOTSTRAP_COMPLETE" in os.environ:
        group.main(prog_name="tfbootstrap")  # a shell asks how to complete a line; click answers and ends
    try:
        with group.make_context("tfbootstrap", list(arguments)) as context:
            return group.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def _disk_full() -> int:
    from tfbootstrap.errors import ExitCode

    click.echo("error: the disk is full, of the output or of temporary files", err=True)
    click.echo("\nhint: free some space, or name another folder for temporary files with TMPDIR", err=True)
    return int(ExitCode.USAGE)


def _interrupted() -> int:
    from tfbootstrap.errors import ExitCode

    click.echo("interrupted; nothing was written", err=True)
    return int(ExitCode.INTERRUPTED)


def _bug() -> int:
    import platform

    from tfbootstrap.errors import ExitCode

    traceback.print_exc()
    click.echo(
        f"\nThis is a bug in tfbootstrap {__version__} (Python {platform.python_version()}, {platform.platform()}).\n"
        "Please report it with the text above.",
        err=True,
    )
    return int(ExitCode.BUG)
