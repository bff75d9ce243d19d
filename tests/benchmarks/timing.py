"""Measures commands beside each other: interleaved, so that a slow moment of the machine meets all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

Action = Callable[[], object]


def medians(actions: Mapping[str, Action], *, rounds: int) -> dict[str, float]:
    """Return the median seconds of each action over so many rounds, after one that warms caches."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: median(found) for name, found in times.items()}


def line(name: str, seconds: float, goal: float | None = None) -> str:
    """Return one line of a report; `goal` is the most seconds that are allowed."""
    verdict = "" if goal is None else f"  goal {goal:.2f} s  {'met' if seconds <= goal else 'MISSED'}"
    return f"{name:<34} {seconds:7.3f} s{verdict}"
