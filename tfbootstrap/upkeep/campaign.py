"""A run over many cells: which are left, one or two at a time, progress on a terminal, a line for each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import ExitCode, MachineError, UsageError
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.upkeep.cells import Cell, all_cells, select
from tfbootstrap.upkeep.prove import StepError, Workshop, existing_proof, prove
from tfbootstrap.upkeep.prove_companions import prove_companions

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """Which cells to prove, and how."""

    only: SpecifierSet | None = None
    python: str | None = None
    jobs: int = 1
    again: bool = False
    companions: bool = False
    work: Path | None = None


def run_campaign(matrix: Path, wishes: Wishes) -> int:
    """Prove what is asked for and not yet proven; return 0 where all passed, 1 where a cell failed."""
    workshop = Workshop(folder=(wishes.work or _default_work()).resolve(), matrix=matrix.resolve())
    workshop.folder.mkdir(parents=True, exist_ok=True)
    asked = select(all_cells(load(TensorflowMatrix, matrix)), wishes.only, wishes.python)
    if not asked:
        raise UsageError("no cell is asked for", hint="leave out --only or --python")
    left = tuple(cell for cell in asked if wishes.again or not _is_done(workshop, cell, wishes))
    prove_one = partial(_prove_one, workshop, load(CompanionsMatrix, matrix) if wishes.companions else None)
    failed = 0
    with _progress(len(left)) as (say, advance), ThreadPoolExecutor(max_workers=wishes.jobs) as pool:
        try:
            for future in as_completed([pool.submit(prove_one, cell, say) for cell in left]):
                failed += not future.result()
                advance()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    click.echo(f"{len(asked) - failed} of {len(asked)} cells proven", err=True)
    return int(ExitCode.WANTING if failed else ExitCode.DONE)


def _is_done(workshop: Workshop, cell: Cell, wishes: Wishes) -> bool:
    proof = existing_proof(workshop, cell)
    return proof is not None and (not wishes.companions or bool(proof.companions or proof.note))


def _prove_one(workshop: Workshop, companions: CompanionsMatrix | None, cell: Cell, say: Say) -> bool:
    start = time.monotonic()
    try:
        proof = prove_companions(workshop, cell, companions) if companions else prove(workshop, cell)
    except (StepError, MachineError) as error:
        say(f"{cell.name}: no proof: {error}")
        return False
    if proof is None:
        say(f"{cell.name}: prove the cell itself first")
        return False
    seconds = time.monotonic() - start
    say(f"{cell.name}: {proof.result} in {seconds:.0f} s")
    for line in [*(line for line in proof.checks if line.startswith("fail ")), *filter(None, [proof.note])]:
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
