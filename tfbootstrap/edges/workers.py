"""Runs a function over many inputs, in several processes where there is enough to do."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

_AT_MOST: Final = 8
_CHUNKS_EACH: Final = 8
"""Files differ in size: several portions for each process even that out."""


def map_in_processes(function: Callable[[In], Out], inputs: Sequence[In], *, worth: bool) -> list[Out]:
    """Return the function's answer for each input, in order; `worth` says that it pays to start processes.

    The function and its inputs have to be importable and picklable. Where no process can be started, this one works.
    """
    workers = min(_AT_MOST, _processors(), len(inputs))
    if not worth or workers < 2:
        return [function(one) for one in inputs]
    chunk = max(1, len(inputs) // (workers * _CHUNKS_EACH))
    # `spawn` is the one way to start that every platform has, and that is safe beside threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(function, inputs, chunksize=chunk))


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # macOS and Windows have no such call.
        return os.cpu_count() or 1
