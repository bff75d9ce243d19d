"""`tfbootstrap lock`: options, tables and exit codes."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from tfbootstrap.cli.options import (
    json_option,
    matrix_option,
    no_color_here_option,
    requirement_files_option,
    runtime_options,
    text,
)
from tfbootstrap.errors import ExitCode

if TYPE_CHECKING:
    from tfbootstrap.app.requests import LockOptions


@click.command("lock")
@click.argument("requirements", nargs=-1, metavar="[REQ]...")
@requirement_files_option
@click.option(
    "--tensorflow",
    type=text,
    metavar="SPEC",
    help="TensorFlow wanted: 2.20, 2.20.0 or a specifier like '>=2.16,<2.21'.",
)
@runtime_options
@click.option("-o", "--output-file", "output", type=text, metavar="FILE", help="The lock; default: requirements.txt.")
@click.option("--check", is_flag=True, help="Say whether the lock is fresh; write nothing, need no network.")
@click.option("--upgrade", is_flag=True, help="Take the newest versions instead of those of the lock that is there.")
@click.option("--engine", type=click.Choice(["uv", "pip-tools"]), default="uv", help="The program that resolves.")
@click.option("--cross-check", is_flag=True, help="Resolve with both engines; where pins differ, write nothing.")
@click.option(
    "--format",
    type=click.Choice(["requirements", "pylock"]),
    help="pylock: pylock.<target>.toml (PEP 751). Default: as the lock's name says.",
)
@click.option("--offline", is_flag=True, help="Use only what the engine's cache holds.")
@click.option("--dry-run", is_flag=True, help="Plan and resolve; write nothing.")
@click.option("--no-bootstrap", is_flag=True, help="Write the lock only.")
@click.option("--strict-image", is_flag=True, help="Fail (3) where a package of the runtime's image would break.")
@click.option("--slim", is_flag=True, help="For the CPU: take tensorflow-cpu where nothing needs tensorflow.")
@matrix_option
@json_option
@no_color_here_option
@click.pass_context
def command(context: click.Context, /, *, check: bool, as_json: bool, **given: Any) -> int:
    """Choose a TensorFlow for a runtime; write its hash-locked requirements and a bootstrap that installs and verifies.

    REQ are further requirements, as in a requirements file. Where nothing says what to lock and pyproject.toml has a
    [tool.tfbootstrap], all targets in it are locked (with -o: the target of that lock), and all their files change
    together or none.
    """
    from tfbootstrap.app.requests import LockOptions

    given["bootstrap"] = not given.pop("no_bootstrap")
    options = LockOptions(**given)
    if check:
        _refuse_what_a_check_does_not_do(options)
        return _check_recorded(context, options, as_json=as_json)
    return _lock(options, as_json=as_json)


def _check_recorded(context: click.Context, options: LockOptions, *, as_json: bool) -> int:
    from tfbootstrap.errors import InputError

    recorded = _recorded(context, options)
    try:
        return _check(recorded, as_json=as_json)
    except InputError as error:
        if recorded is options:
            raise
        hint = "paths count from the folder in which the lock was made: check it there, or make it again here"
        raise InputError(error.location, error.problem, hint=hint) from error


def _recorded(context: click.Context, options: LockOptions) -> LockOptions:
    """Return the options that the lock records, where nothing else says what it is for: `lock --check -o FILE`."""
    from tfbootstrap.app.freshness import recorded_command
    from tfbootstrap.app.requests import is_configured

    if not options.asks_nothing or is_configured(options):
        return options
    recorded = recorded_options(context, recorded_command(options), options.output)
    return dataclasses.replace(options, **{name: getattr(recorded, name) for name in _ASKING})


_ASKING = ("requirements", "files", "tensorflow", "runtime", "python", "gpu", "driver", "cuda", "slim")


def recorded_options(context: click.Context, command_line: str, output: str | None) -> LockOptions:
    """Return what the command in a lock's header asks for, for the lock `output`."""
    from tfbootstrap.app.requests import LockOptions
    from tfbootstrap.errors import InputError, Location

    try:
        recorded = command.make_context("lock", shlex.split(command_line)[2:], parent=context.parent).params
    except (ValueError, click.UsageError) as error:
        raise InputError(
            Location(output or "requirements.txt"),
            f"the header names a command that can't be read ({command_line}): {error}",
            hint="make the lock again with `tfbootstrap lock` and its options",
        ) from error
    return LockOptions(output=output, **{name: recorded[name] for name in _ASKING})


def _refuse_what_a_check_does_not_do(options: LockOptions) -> None:
    from tfbootstrap.errors import UsageError

    for name, given in (("upgrade", options.upgrade), ("cross-check", options.cross_check)):
        if given:
            raise UsageError(
                f"--check and --{name} contradict each other: a check resolves nothing", hint="leave out one"
            )


def _check(options: LockOptions, *, as_json: bool) -> int:
    from tfbootstrap.app.freshness import check
    from tfbootstrap.cli.lock_output import check_mapping, print_check

    outcomes = check(options)
    stale = any(outcome.reasons for outcome in outcomes)
    if as_json:
        click.echo(json.dumps({"targets": [check_mapping(outcome) for outcome in outcomes]}, indent=2))
    else:
        for outcome in outcomes:
            print_check(outcome)
    if stale and not as_json:
        click.echo("\nhint: make it again with `tfbootstrap lock` and the same options", err=True)
    return int(ExitCode.WANTING if stale else ExitCode.DONE)


def _lock(options: LockOptions, *, as_json: bool) -> int:
    from tfbootstrap.app.lock import lock
    from tfbootstrap.cli.lock_output import outcome_mapping, print_outcome
    from tfbootstrap.cli.progress import working

    with working(f"locking {options.output or ''}".rstrip()):
        outcomes = lock(options)
    unsatisfied = any(outcome.rejections for outcome in outcomes)
    if as_json:
        click.echo(json.dumps({"targets": [outcome_mapping(outcome) for outcome in outcomes]}, indent=2))
    else:
        for number, outcome in enumerate(outcomes):
            if len(outcomes) > 1:
                click.echo(f"{chr(10) if number else ''}[{outcome.name}] {outcome.output}", err=True)
            print_outcome(outcome, dry_run=options.dry_run)
        if unsatisfied and len(outcomes) > 1:
            click.echo("\nnothing was written: the locks of all targets change together", err=True)
    if unsatisfied:
        return int(ExitCode.UNSATISFIABLE)
    return int(ExitCode.WANTING if any(outcome.differences for outcome in outcomes) else ExitCode.DONE)
