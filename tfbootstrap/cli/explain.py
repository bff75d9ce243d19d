"""`tfbootstrap explain`: which TensorFlow minors fit a runtime, and why the others don't."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from tfbootstrap.cli.options import (
    json_option,
    matrix_option,
    no_color_option,
    requirement_files_option,
    runtime_options,
    text,
)
from tfbootstrap.errors import ExitCode


@click.command("explain")
@click.argument("tensorflow", type=text, required=False, metavar="[SPEC]")
@requirement_files_option
@runtime_options
@matrix_option
@json_option
@no_color_option
def command(*, as_json: bool, no_color: bool, **given: Any) -> int:
    """Say for every TensorFlow minor whether it fits a runtime, or why not and what would.

    SPEC narrows the releases: 2.20, or a specifier like '>=2.16,<2.21'.
    """
    from tfbootstrap.app.explain import explain
    from tfbootstrap.app.requests import LockOptions

    outcome = explain(LockOptions(**given))
    if as_json:
        click.echo(json.dumps(outcome_mapping(outcome), indent=2))
    else:
        _print(outcome, color=not no_color)
    return int(ExitCode.DONE if any(answer.candidate for answer in outcome.answers) else ExitCode.UNSATISFIABLE)


def outcome_mapping(outcome: Any) -> dict[str, Any]:
    """Return what `explain --json` says (keys: DESIGN, the command line)."""
    return {"runtime": outcome.runtime, "candidates": [_answer_mapping(answer) for answer in outcome.answers]}


def _answer_mapping(answer: Any) -> dict[str, Any]:
    candidate = answer.candidate
    return {
        "tensorflow": candidate.row.version if candidate else answer.rejection.tensorflow,
        "fits": candidate is not None,
        "rejection": dataclasses.asdict(answer.rejection) if answer.rejection else None,
        "way_out": dataclasses.asdict(answer.way_out) if answer.way_out else None,
        "cuda": {"provider": candidate.cuda_provider, "driver_floor": candidate.driver_floor} if candidate else None,
        "reasons": list(_reasons(candidate)) if candidate else [],
        "warnings": list(candidate.warnings) if candidate else [],
    }


def _print(outcome: Any, *, color: bool) -> None:
    import rich.box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=rich.box.SIMPLE_HEAD, title=f"TensorFlow on {outcome.runtime}", title_justify="left")
    table.add_column("TensorFlow", no_wrap=True)
    table.add_column("fits", no_wrap=True)
    table.add_column("why", overflow="fold")
    for answer in outcome.answers:
        fits = answer.candidate is not None
        version = answer.candidate.row.version if fits else answer.rejection.tensorflow
        table.add_row(version, Text("yes", "green") if fits else Text("no", "red"), Text(_why(answer)))
    Console(no_color=not color or None, width=None).print(table)


def _reasons(candidate: Any) -> tuple[str, ...]:
    from tfbootstrap.plan.bounds import avoided_reason

    return (*candidate.reasons, *map(avoided_reason, candidate.avoided))


def _why(answer: Any) -> str:
    from tfbootstrap.explain import rejection_sentence

    if answer.candidate:
        warnings = (f"warning: {text}" for text in answer.candidate.warnings)
        return "\n".join((*_reasons(answer.candidate), *warnings))
    sentence = rejection_sentence(answer.rejection).split(" ", 2)[2]
    lines = [sentence, f"rule {answer.rejection.rule}, known from {answer.rejection.source}"]
    if answer.way_out:
        lines.append(f"way out: {answer.way_out.text}")
    return "\n".join(lines)
