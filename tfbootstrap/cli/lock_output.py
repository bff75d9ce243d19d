"""What `tfbootstrap lock` says of its outcomes: for people on stderr, for programs as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tfbootstrap.app.freshness import CheckOutcome
    from tfbootstrap.app.locking import LockOutcome, PinDifference
    from tfbootstrap.lock_diff import LockChanges
    from tfbootstrap.plan.records import Rejections


def print_outcome(outcome: LockOutcome, *, dry_run: bool) -> None:
    """Print what became of one target: its lock and what changed, or why nothing fits."""
    if outcome.rejections:
        _print_rejections(outcome, outcome.rejections)
        return
    assert outcome.lock is not None
    assert outcome.plan is not None
    for warning in outcome.plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    for broken in outcome.plan.breaks:
        click.echo(f"breaks: {broken}", err=True)
    for reason in outcome.plan.reasons:
        click.echo(reason, err=True)
    header = outcome.lock.header
    click.echo(
        f"TensorFlow {header.tensorflow}, Python {header.target.python}, {len(outcome.lock.pins)} packages", err=True
    )
    if outcome.changes:
        click.echo("\n".join(change_lines(outcome.changes)), err=True)
    if outcome.differences is not None:
        click.echo("\n".join(difference_lines(outcome.differences)), err=True)
    if dry_run:
        click.echo("".join(f"{pin.name}=={pin.version}\n" for pin in outcome.lock.pins), nl=False)
    for path in outcome.written:
        click.echo(f"wrote {path}", err=True)
    for path in outcome.unchanged:
        click.echo(f"unchanged {path}", err=True)


def _print_rejections(outcome: LockOutcome, rejections: Rejections) -> None:
    from tfbootstrap.explain import rejections_text

    click.echo(f"error: {rejections_text(rejections, runtime=outcome.name)}", err=True)
    for hint in outcome.hints:
        click.echo(f"\nhint: {hint}", err=True)


def change_lines(changes: LockChanges) -> list[str]:
    """Return the table of changes: packages by name, then what they mean for the machine."""
    rows = [(package.name, "added", package.version, "") for package in changes.added]
    rows += [(package.name, "removed", package.version, "") for package in changes.removed]
    rows += [
        (one.name, "changed", f"{one.before} -> {one.after}", "major" if one.major else "") for one in changes.changed
    ]
    rows += [(name, "other files", "", "") for name in changes.other_files]
    rows.sort()
    rows += [
        ("", change.what, f"{change.before or 'none'} -> {change.after or 'none'}", "")
        for change in changes.platform_changes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["changes:", *("  " + "  ".join(map(str.ljust, row, (*widths, 0))).rstrip() for row in rows)]


def difference_lines(differences: Sequence[PinDifference]) -> list[str]:
    """Return the pins in which the engines differ, a line each."""
    if not differences:
        return ["both engines give the same pins"]
    lines = ["the engines differ; nothing was written:"]
    for one in differences:
        versions = (f"{engine} {version or 'none'}" for engine, version in one.versions.items())
        lines.append(f"  {one.name}: {', '.join(versions)}")
    return lines


def print_check(outcome: CheckOutcome) -> None:
    """Print whether one lock is fresh, and why not."""
    click.echo(f"{outcome.path} is {'stale:' if outcome.reasons else 'fresh'}", err=True)
    for reason in outcome.reasons:
        click.echo(f"  {reason}", err=True)


def check_mapping(outcome: CheckOutcome) -> dict[str, Any]:
    """Return what `lock --check --json` says of one lock."""
    return {
        "name": outcome.name,
        "lock": outcome.path,
        "fresh": not outcome.reasons,
        "reasons": list(outcome.reasons),
    }


def outcome_mapping(outcome: LockOutcome) -> dict[str, Any]:
    """Return what `lock --json` says of one target (keys: DESIGN, the command line)."""
    if outcome.rejections:
        return {
            "name": outcome.name,
            "lock": outcome.output,
            "rejections": [dataclasses.asdict(rejection) for rejection in outcome.rejections.rejections],
            "ways_out": [dataclasses.asdict(way) for way in outcome.rejections.ways_out],
            "hints": list(outcome.hints),
            "conflict": dataclasses.asdict(outcome.rejections.conflict) if outcome.rejections.conflict else None,
        }
    assert outcome.lock is not None
    assert outcome.plan is not None
    header, plan = outcome.lock.header, outcome.plan
    return {
        "name": outcome.name,
        "lock": outcome.output,
        "tensorflow": {"version": header.tensorflow, "distribution": header.distribution},
        "cuda": {"provider": header.cuda_provider},
        "python": header.target.python,
        "reasons": list(plan.reasons),
        "warnings": list(plan.warnings),
        "breaks": list(plan.breaks),
        "pins": dict(plan.pins),
        "proven": header.proven,
        "unproven": list(header.unproven),
        "changes": None if outcome.changes is None else dataclasses.asdict(outcome.changes),
        "cross_check": None
        if outcome.differences is None
        else [{"name": one.name, **one.versions} for one in outcome.differences],
        "written": list(outcome.written),
        "unchanged": list(outcome.unchanged),
    }
