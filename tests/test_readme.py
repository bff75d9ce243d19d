"""What documents and integrations say to type exists: commands, options, the help text, the set-up commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.support.environment import REPOSITORY, Sandbox
from tests.test_end_to_end import SET_UP
from tfbootstrap.cli.main import COMMANDS, group

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

SET_UP_COMMANDS = (SET_UP, "pip install '.[dev]' && pytest")
"""All that a fresh machine with Python and pip needs, for users and for developers."""

CODE = re.compile(r"```(?P<language>\w*)\n(?P<block>.*?)```|`(?P<inline>[^`\n]+)`", re.DOTALL)


def commands_in(document: str) -> Iterator[list[str]]:
    """Yield the arguments of every `tfbootstrap …` in code of a Markdown text, in console blocks and in sentences."""
    for found in CODE.finditer(document):
        if found["inline"]:
            lines = [found["inline"]]
        elif found["language"] == "console":
            lines = [line[2:] for line in found["block"].splitlines() if line.startswith("$ ")]
        else:
            lines = []
        for line in lines:
            yield from commands_of(line)


def commands_of(line: str) -> Iterator[list[str]]:
    """Yield the arguments of every `tfbootstrap` in one shell line."""
    words = shlex.split(line, comments=True)
    while words:
        end = next((place for place, word in enumerate(words) if word in {"&&", "||", "|", ";", ">"}), len(words))
        if words[0] == "tfbootstrap":
            yield words[1:end]
        words = words[end + 1 :]


def problem_of(arguments: list[str], command: click.Command = group, name: str = "tfbootstrap") -> str | None:
    """Return why these arguments can't be typed; None where they can. `COMMAND` stands for any subcommand."""
    context = click.Context(command, info_name=name, **command.context_settings)
    try:
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as error:
        return f"{name}: {error.format_message()}"
    if not isinstance(command, click.Group) or not rest or rest[0] == "COMMAND":
        return None
    subcommand = command.get_command(context, rest[0])
    if subcommand is None:
        return f"{name}: there is no command {rest[0]!r}"
    return problem_of(rest[1:], subcommand, f"{name} {rest[0]}")


def help_in(document: str) -> str:
    """Return what a document shows below `$ tfbootstrap --help`."""
    found = re.search(r"```console\n\$ tfbootstrap --help\n(.*?)```", document, re.DOTALL)
    return found[1] if found else ""


def integrations() -> Iterator[tuple[str, str]]:
    """Yield file, shell text of what other tools run for us."""
    for hook in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        yield ".pre-commit-hooks.yaml", hook["entry"]
    action: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        for line in re.findall(r"tfbootstrap\"? (lock .*?)\$", step.get("run", "")):
            yield "action.yml", f"tfbootstrap {line}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_of_documents_exist(name: str) -> None:
    commands = list(commands_in((REPOSITORY / name).read_text(encoding="utf-8")))
    assert [problem for arguments in commands if (problem := problem_of(arguments))] == []


def test_commands_of_integrations_exist() -> None:
    found = list(integrations())
    assert {file for file, _ in found} == {".pre-commit-hooks.yaml", "action.yml"}
    commands = [arguments for _, line in found for arguments in commands_of(line)]
    assert [problem_of(arguments) for arguments in commands] == [None] * len(found)


def test_the_readme_shows_the_help(sandbox: Sandbox) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert help_in(readme) == sandbox.tfbootstrap("--help").stdout


def test_the_readme_has_the_two_set_up_commands() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert [line for line in SET_UP_COMMANDS if f"\n$ {line}\n" not in readme] == []


def test_the_group_has_every_command_that_it_lists() -> None:
    modules = {path.stem for path in Path(REPOSITORY, "tfbootstrap", "cli").glob("*.py")} - {"__init__", "main"}
    assert set(COMMANDS) <= modules


@click.group()
def sample() -> None:
    """Stand in for the real command line."""


@sample.command()
@click.option("--tensorflow")
@click.option("--check", is_flag=True)
@click.argument("requirements", nargs=-1)
def lock(tensorflow: str, requirements: tuple[str, ...], *, check: bool) -> None:
    """Stand in for the real command."""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("tfbootstrap lock --tensorflow 2.20 --check keras", None),
        ("tfbootstrap COMMAND --help", None),
        ("tfbootstrap", None),
        ("tfbootstrap lick", "tfbootstrap: there is no command 'lick'"),
        ("tfbootstrap lock --tensorlow 2.20", "tfbootstrap lock: No such option"),
        ("tfbootstrap lock --tensorflow", "tfbootstrap lock: Option '--tensorflow' requires an argument"),
    ],
)
def test_notices_commands_that_do_not_exist(line: str, problem: str | None) -> None:
    (arguments,) = commands_of(line)
    found = problem_of(arguments, sample)
    assert found is None if problem is None else (found or "").startswith(problem)


def test_finds_commands_in_documents() -> None:
    document = """
Use `tfbootstrap lock` or `pip install`.

```console
$ pip install . && tfbootstrap lock --check > report | cat # now
tfbootstrap output
$ tfbootstrap cell x.txt
```

```yaml
- id: tfbootstrap-lock-check
```
"""
    assert list(commands_in(document)) == [["lock"], ["lock", "--check"], ["cell", "x.txt"]]


def test_finds_the_help_in_a_document() -> None:
    assert help_in("```console\n$ tfbootstrap --help\nUsage: x\n```\n") == "Usage: x\n"
    assert help_in("nothing") == ""
