"""What all commands have in common: whoever knows the options of one knows those of the others."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from tests.support.environment import Sandbox
from tfbootstrap.cli.main import group

SPELLED = {
    "output": ("-o", "--output-file"),
    "files": ("-r", "--requirement"),
    "as_json": ("--json",),
    "matrix": ("--matrix",),
    "runtime": ("--runtime",),
    "no_color": ("--no-color",),
}
"""Parameter -> how it is spelled wherever it is offered."""


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for below in command.list_commands(context):
        found = command.get_command(context, below)
        assert found is not None
        yield from leaves(found, f"{name} {below}".strip())


COMMANDS = dict(leaves(group, ""))


def test_there_are_commands_of_both_depths() -> None:
    assert {"lock", "verify", "matrix show"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_spelled_alike(name: str) -> None:
    options = {option.name: tuple(option.opts) for option in COMMANDS[name].params if isinstance(option, click.Option)}
    assert "no_color" in options
    for parameter, spelled in SPELLED.items():
        assert options.get(parameter, spelled) == spelled


@pytest.mark.parametrize("name", COMMANDS)
def test_everything_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("option", ["--tensorflow", "--runtime", "--python", "--gpu", "--driver", "-o", "-r"])
def test_an_option_that_says_nothing_is_no_wish_for_anything(sandbox: Sandbox, option: str) -> None:
    result = sandbox.tfbootstrap("lock", option, "")
    assert result.returncode == 2
    assert "it is empty" in result.stderr
