"""The workflows: actions pinned to commits, no more rights than needed, and only commands of upkeep that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.support.environment import REPOSITORY
from tfbootstrap.upkeep.__main__ import group

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
REFRESH = REPOSITORY / ".github" / "workflows" / "matrix.yml"
ACTIONS = [*WORKFLOWS, REPOSITORY / "action.yml"]
PINNED = re.compile(r"^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+(?:\.\d+)*$")
UPKEEP = re.compile(r"python -m tfbootstrap\.upkeep ([^|>;\n]+)")
WITHOUT_UPSTREAM = {
    "format": "brings files into their form",
    "lag": "looks at proofs",
    "lint": "checks",
    "prove": "takes hours and machines of many kinds",
    "schema": "comes with the records",
}
"""Commands of upkeep that read nothing which changes elsewhere, and what they do instead."""


def pinning_problems(text: str) -> Iterator[str]:
    """Yield each line that uses an action by a name that can be moved."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(?:- )?uses:", line) and not PINNED.match(line):
            yield f"{number}: {line.strip()}"


def upkeep_commands(workflow: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the words after `python -m tfbootstrap.upkeep` of every command of a workflow."""
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            for found in UPKEEP.findall(step.get("run", "")):
                # What the shell puts in is one word for us.
                yield shlex.split(re.sub(r"\$\([^)]*\)", "VALUE", found))


def usage_problems(words: list[str]) -> Iterator[str]:
    """Yield what click finds wrong with a command line of upkeep, without running it."""
    command = group.commands.get(words[0])
    if command is None:
        yield f"upkeep has no command {words[0]}"
        return
    try:
        command.make_context(words[0], [*words[1:]])
    except click.ClickException as error:
        yield f"{words[0]}: {error.format_message()}"


def refresh() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(REFRESH.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_actions_are_pinned_to_commits(path: Path) -> None:
    assert list(pinning_problems(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", ["actions/checkout@v4", "actions/checkout@11bd719 # v4", "me/it@main"])
def test_notices_an_action_that_can_be_moved(name: str) -> None:
    assert list(pinning_problems(f"steps:\n  - uses: {name}\n")) == [f"2: - uses: {name}"]


def test_only_the_job_that_proposes_may_write_and_it_runs_nothing_of_ours() -> None:
    workflow = refresh()
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["refresh"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["propose"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert not re.search(r"\bpip\b|python", str(workflow["jobs"]["propose"]))
    checkouts = [step for step in workflow["jobs"]["refresh"]["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_it_names_only_commands_of_upkeep_that_exist() -> None:
    commands = list(upkeep_commands(refresh()))
    assert commands
    assert [problem for words in commands for problem in usage_problems(words)] == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["gpu-cod"], "upkeep has no command gpu-cod"),
        (["tensorflow", "--writ"], "tensorflow: No such option"),
        (["tested", "--write"], "tested: Missing option '--from'"),
    ],
)
def test_notices_a_command_line_that_upkeep_refuses(words: list[str], problem: str) -> None:
    (found,) = usage_problems(words)
    assert found.startswith(problem)
    assert words[0] in found
    assert problem.startswith("tested") or words[-1] in found  # click's versions quote it differently


def test_every_refresher_is_in_it() -> None:
    used = {words[0] for words in upkeep_commands(refresh())}
    assert set(group.commands) - used == set(WITHOUT_UPSTREAM) - used
    assert all("--write" in words for words in upkeep_commands(refresh()) if words[0] not in WITHOUT_UPSTREAM)


def test_one_that_fails_hides_no_other() -> None:
    steps = refresh()["jobs"]["refresh"]["steps"]
    refreshing = [step for step in steps if "tfbootstrap.upkeep" in step.get("run", "")]
    assert all(step["if"] == "${{ !cancelled() }}" for step in refreshing)
