"""`tfbootstrap lock`: options, tables and exit codes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from tfbootstrap.errors import ExitCode


@click.command("lock")
@click.argument("requirements", nargs=-1, metavar="[REQ]...")
@click.option("-r", "--requirement", "files", multiple=True, metavar="FILE", help="Requirements file; can be repeated.")
@click.option(
    "--tensorflow", metavar="SPEC", help="TensorFlow wanted: 2.20, 2.20.0 or a specifier like '>=2.16,<2.21'."
)
@click.option("--runtime", metavar="NAME|FILE", help="Profile or facts file to lock for; default: this machine.")
@click.option("--python", metavar="X.Y", help="Python of the runtime.")
@click.option(
    "--gpu", default="auto", metavar="auto|none|NAME|CC", help="GPU of the runtime: 'T4', or '7.5'; 'none': CPU."
)
@click.option("--driver", metavar="V", help="NVIDIA driver of the runtime: 535.104.05.")
@click.option(
    "--cuda", type=click.Choice(["auto", "wheels", "system", "none"]), default="auto", help="Where CUDA comes from."
)
@click.option("-o", "--output-file", "output", default="requirements.txt", metavar="FILE", help="The lock to write.")
@click.option("--check", is_flag=True, help="Say whether the lock is fresh; write nothing, need no network.")
@click.option("--upgrade", is_flag=True, help="Take the newest versions instead of those of the lock that is there.")
@click.option("--engine", type=click.Choice(["uv", "pip-tools"]), default="uv", help="The program that resolves.")
@click.option("--offline", is_flag=True, help="Use only what the engine's cache holds.")
@click.option("--dry-run", is_flag=True, help="Plan and resolve; write nothing.")
@click.option("--no-bootstrap", is_flag=True, help="Write the lock only.")
@click.option("--slim", is_flag=True, help="For the CPU: take tensorflow-cpu where nothing needs tensorflow.")
@click.option("--matrix", type=click.Path(path_type=Path), metavar="DIR", help="Use this matrix (TFBOOTSTRAP_MATRIX).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--no-color", is_flag=True, help="No colour.")
@click.pass_context
def command(context: click.Context, /, *, check: bool, as_json: bool, no_color: bool, **given: Any) -> int:
    """Choose a TensorFlow for a runtime; write its hash-locked requirements and a bootstrap that installs and verifies.

    REQ are further requirements, as in a requirements file.
    """
    from tfbootstrap.app.lock import LockOptions

    del no_color  # nothing is coloured here
    given["bootstrap"] = not given.pop("no_bootstrap")
    options = LockOptions(**given)
    if check:
        return _check(_recorded(context, options) if _asks_nothing(context) else options, as_json=as_json)
    return _lock(options, as_json=as_json)


_NEUTRAL = frozenset(
    {"check", "output", "as_json", "no_color", "matrix", "no_bootstrap", "dry_run", "offline", "engine"}
)


def _asks_nothing(context: click.Context) -> bool:
    given = click.core.ParameterSource.COMMANDLINE
    return not any(context.get_parameter_source(name) is given for name in context.params if name not in _NEUTRAL)


def _recorded(context: click.Context, options: Any) -> Any:
    """Return the options that the lock records, where the user gave none: `tfbootstrap lock --check -o FILE`."""
    import dataclasses

    from tfbootstrap.app.lock import recorded_command

    words = shlex.split(recorded_command(options.output))[2:]
    recorded = command.make_context("lock", words, parent=context.parent).params
    names = ("requirements", "files", "tensorflow", "runtime", "python", "gpu", "driver", "cuda", "slim")
    return dataclasses.replace(options, **{name: recorded[name] for name in names})


def _check(options: Any, *, as_json: bool) -> int:
    from tfbootstrap.app.lock import check

    outcome = check(options)
    if as_json:
        click.echo(
            json.dumps({"lock": outcome.path, "fresh": not outcome.reasons, "reasons": outcome.reasons}, indent=2)
        )
    elif outcome.reasons:
        click.echo(f"{outcome.path} is stale:", err=True)
        for reason in outcome.reasons:
            click.echo(f"  {reason}", err=True)
        click.echo("\nhint: make it again with `tfbootstrap lock` and the same options", err=True)
    else:
        click.echo(f"{outcome.path} is fresh", err=True)
    return int(ExitCode.WANTING if outcome.reasons else ExitCode.DONE)


def _lock(options: Any, *, as_json: bool) -> int:
    from tfbootstrap.app.lock import lock
    from tfbootstrap.cli.progress import working

    with working(f"locking {options.output}"):
        outcome = lock(options)
    if as_json:
        click.echo(json.dumps({"targets": [outcome_mapping(outcome)]}, indent=2))
    elif outcome.rejections:
        _print_rejections(outcome)
    else:
        _print_lock(outcome, dry_run=options.dry_run)
    return int(ExitCode.UNSATISFIABLE if outcome.rejections else ExitCode.DONE)


def _print_rejections(outcome: Any) -> None:
    from tfbootstrap.explain import rejections_text

    click.echo(f"error: {rejections_text(outcome.rejections, runtime=outcome.name)}", err=True)


def _print_lock(outcome: Any, *, dry_run: bool) -> None:
    header = outcome.lock.header
    for warning in outcome.plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    for broken in outcome.plan.breaks:
        click.echo(f"breaks: {broken}", err=True)
    for reason in outcome.plan.reasons:
        click.echo(reason, err=True)
    click.echo(
        f"TensorFlow {header.tensorflow}, Python {header.target.python}, {len(outcome.lock.pins)} packages", err=True
    )
    if dry_run:
        click.echo("".join(f"{pin.name}=={pin.version}\n" for pin in outcome.lock.pins), nl=False)
        return
    for path in outcome.written:
        click.echo(f"wrote {path}", err=True)
    for path in outcome.unchanged:
        click.echo(f"unchanged {path}", err=True)


def outcome_mapping(outcome: Any) -> dict[str, Any]:
    """Return what `lock --json` says of one target (keys: DESIGN, the command line)."""
    if outcome.rejections:
        return {
            "name": outcome.name,
            "rejections": [_fields(rejection) for rejection in outcome.rejections.rejections],
            "ways_out": [_fields(way) for way in outcome.rejections.ways_out],
        }
    header, plan = outcome.lock.header, outcome.plan
    return {
        "name": outcome.name,
        "tensorflow": {"version": header.tensorflow, "distribution": header.distribution},
        "cuda": {"provider": header.cuda_provider},
        "python": header.target.python,
        "reasons": list(plan.reasons),
        "warnings": list(plan.warnings),
        "breaks": list(plan.breaks),
        "pins": dict(plan.pins),
        "proven": header.proven,
        "written": list(outcome.written),
        "unchanged": list(outcome.unchanged),
    }


def _fields(record: Any) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(record)
