"""The command `tfbootstrap detect`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.options import no_color_option

if TYPE_CHECKING:
    from tfbootstrap.facts import DriverFacts, Facts, Gpu

_STATUS = {
    "absent": "none",
    "broken": "not usable",
    "unknown": "could not ask",
}
"""GPU status other than `present` -> the words for it."""

Row = tuple[str, str, str]
"""Fact, value, source."""


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print the facts file instead of the table.")
@click.option(
    "-o",
    "--output-file",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the facts file, to lock for this machine elsewhere.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="Ask this interpreter, not the one that runs tfbootstrap.",
)
@no_color_option
def command(as_json: bool, output: Path | None, python: Path | None, no_color: bool) -> int:
    """Show the facts of this machine: Python, platform, GPUs and driver, CUDA found, packages.

    Each GPU fact names the source that answered. "None", "not usable" and "could not ask" are three different answers.
    """
    from tfbootstrap.app.detect import detect

    outcome = detect(python=python, output=output)
    if as_json:
        click.echo(outcome.document, nl=False)
    else:
        _print_table(list(_rows(outcome.facts)), color=not no_color)
    if output is not None:
        click.echo(f"wrote {output}" if outcome.changed else f"{output} was up to date", err=True)
    return 0


def _print_table(rows: list[Row], *, color: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Fact", no_wrap=True, style="bold")
    table.add_column("Value", overflow="fold")
    table.add_column("Source", overflow="fold", style="dim")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(color_system="auto" if color else None).print(table)


def _rows(facts: Facts) -> Iterator[Row]:
    python, place = facts.python, facts.platform
    yield "Python", f"{python.version} ({python.implementation})", python.executable or ""
    yield "Platform", ", ".join(filter(None, [place.system, place.machine, place.libc, place.release])), ""
    marks = [word for word, there in (("WSL", place.wsl), ("container", place.container)) if there]
    yield "Host", ", ".join([facts.host.kind, *marks]), facts.host.release or ""
    yield "CPU flags", "unknown" if place.cpu_flags is None else " ".join(place.cpu_flags) or "none", ""
    if not facts.gpus:
        yield "GPU", _STATUS[facts.gpu_status], ""
    for index, gpu in enumerate(facts.gpus):
        yield f"GPU {index}", _gpu_text(gpu), gpu.source or ""
    yield "Driver", _driver_text(facts.driver), (facts.driver.source or "") if facts.driver else ""
    yield from (("CUDA toolkit", f"{found.version}, {found.path}", found.source) for found in facts.cuda_toolkits)
    yield from (("cuDNN", f"{found.version}, {found.path}", found.source) for found in facts.cudnn)
    yield from _package_rows(facts)
    yield from (("Environment", f"{name}={value}", "") for name, value in facts.environment.items())
    yield from (("Unknown", f"{path}: {reason}", "") for path, reason in facts.unknown.items())


def _gpu_text(gpu: Gpu) -> str:
    capability = f"compute capability {gpu.compute_capability or 'unknown'}"
    return ", ".join(filter(None, [gpu.name, capability, f"{gpu.memory_mib} MiB" if gpu.memory_mib else None]))


def _driver_text(driver: DriverFacts | None) -> str:
    if driver is None:
        return "none found"
    return f"{driver.version}, serves CUDA {driver.cuda_version or 'unknown'}"


def _package_rows(facts: Facts) -> Iterator[Row]:
    yield "Packages", str(len(facts.distributions)), ""
    for name, distribution in facts.distributions.items():
        if name.startswith(("tensorflow", "keras", "tf-keras")):
            yield "", f"{name} {distribution.version}", ""
