"""`tfbootstrap matrix gpus`: GPUs by name, and which TensorFlow serves one. A subcommand of `cli.matrix`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import print_table

if TYPE_CHECKING:
    from tfbootstrap.app.matrix_gpus import GpusOutcome, ServedBy

_RUNS = {
    "binary": "machine code",
    "partly-ptx": "machine code, some PTX",
    "ptx": "PTX only",
    "none": "not at all",
}
_ABOUT_PTX = "PTX is compiled by the driver: a slow first start (PTX only: up to half an hour), cached after."
_ABOUT_CUDA = "* the CUDA it was built with does not know the GPU: without newer libraries cuBLAS and cuDNN fail."
_ABOUT_JETSON = "Jetson is aarch64, for which TensorFlow's wheels have no CUDA; NVIDIA builds TensorFlow for it apart."


@click.command("gpus")
@click.argument("name", required=False, metavar="[NAME]")
@matrix_option
@json_option
@no_color_option
def gpus(*, name: str | None, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show a GPU ('Tesla T4', 'rtx 4090', a compute capability; default: all) and the TensorFlow that serves it."""
    from tfbootstrap.app.matrix_gpus import show_gpus

    outcome = show_gpus(name, directory=matrix)
    if as_json:
        click.echo(json.dumps(outcome.to_json(), indent=2, ensure_ascii=False))
        return 0
    head = ("GPU", "Compute capability", "Generation", "Sold as")
    cells = [(gpu.name, gpu.compute_capability, gpu.generation, gpu.family) for gpu in outcome.gpus]
    print_table(head, cells, no_color=no_color)
    if len(outcome.gpus) == 1 and outcome.gpus[0].aliases:
        click.echo(f"also called {', '.join(outcome.gpus[0].aliases)}")
    if outcome.served:
        _print_served(outcome, no_color=no_color)
    return 0


def _print_served(outcome: GpusOutcome, *, no_color: bool) -> None:
    click.echo()
    print_table(("TensorFlow", "Runs as", "Linux driver"), list(_served(outcome)), no_color=no_color)
    notes = []
    if any(one.coverage in ("ptx", "partly-ptx") for one in outcome.served):
        notes.append(_ABOUT_PTX)
    if any(_blind(one) for one in outcome.served):
        notes.append(_ABOUT_CUDA)
    if any(gpu.family == "jetson" for gpu in outcome.gpus):
        notes.append(_ABOUT_JETSON)
    if notes:
        click.echo("\n" + "\n".join(notes))


def _blind(served: ServedBy) -> bool:
    return served.coverage != "none" and not served.cuda_knows


def _served(outcome: GpusOutcome) -> Iterator[tuple[str, ...]]:
    """Yield a line for each run of minors that serve a GPU alike, newest first."""
    until = f" to branch {outcome.last_branch}" if outcome.last_branch else " or newer"
    alike = groupby(outcome.served, key=lambda one: (one.coverage, one.driver, _blind(one)))
    for (coverage, driver, blind), group in alike:
        yield _minors(list(group)), _RUNS[coverage] + " *" * blind, f"{driver}{until}" if driver else "-"


def _minors(served: list[ServedBy]) -> str:
    newest, oldest = (".".join(one.tensorflow.split(".")[:2]) for one in (served[0], served[-1]))
    return newest if newest == oldest else f"{oldest}-{newest}"
