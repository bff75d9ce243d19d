"""A run over many cells: which are left, one or two at a time, progress on a terminal, a line for each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import click
from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import ExitCode, MachineError, UsageError
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.upkeep.cells import Cell, all_cells, select
from tfbootstrap.upkeep.prove import StepError, Workshop, existing_proof, prove

Say = Callable[[str], None]


def run_campaign(
    matrix: Path, work: Path | None, *, only: SpecifierSet | None, python: str | None, jobs: int, again: bool
) -> int:
    """Prove what is asked for and not yet proven; return 0 where all passed, 1 where a cell failed."""
    workshop = Workshop(folder=(work or _default_work()).resolve(), matrix=matrix.resolve())
    workshop.folder.mkdir(parents=True, exist_ok=True)
    asked = select(all_cells(load(TensorflowMatrix, matrix)), only, python)
    if not asked:
        raise UsageError("no cell is asked for", hint="leave out --only or --python")
    left = asked if again else tuple(cell for cell in asked if not _is_proven(workshop, cell))
    failed = 0
    with _progress(len(left)) as (say, advance), ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for future in as_completed([pool.submit(_prove_one, workshop, cell, say) for cell in left]):
                failed += not future.result()
                advance()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    click.echo(f"{len(asked) - failed} of {len(asked)} cells proven", err=True)
    return int(ExitCode.WANTING if failed else ExitCode.DONE)


def _is_proven(workshop: Workshop, cell: Cell) -> bool:
    return existing_proof(workshop, cell) is not None


def _prove_one(workshop: Workshop, cell: Cell, say: Say) -> bool:
    start = time.monotonic()
    try:
        proof = prove(workshop, cell)
    except (StepError, MachineError) as error:
        say(f"{cell.name}: no proof: {error}")
        return False
    seconds = time.monotonic() - start
    say(f"{cell.name}: {proof.result} in {seconds:.0f} s")
    for line in proof.checks:
        if line.startswith("fail "):
            say(f"    {line}")
    return proof.result == "passed"


@contextmanager
def _progress(total: int) -> Iterator[tuple[Say, Callable[[], None]]]:
    """Yield what tells a line, and what counts a cell as done; a bar only on a terminal."""
    if not sys.stderr.isatty():
        yield (lambda line: click.echo(line, err=True)), (lambda: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("proving", total=total)
        yield bar.console.print, (lambda: bar.advance(task))


def _default_work() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tfbootstrap" / "prove"
