"""How long `tfbootstrap --help` takes, beside `python -c "import click"`; the goal is at most twice as long."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from tests.support.environment import REPOSITORY

ROUNDS = 15


def seconds(*arguments: str) -> float:
    """Return the median wall time of running our interpreter with these arguments, after one run that warms caches."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def main() -> None:
    """Print both times and their ratio."""
    click, ours = seconds("-c", "import click"), seconds("-m", "tfbootstrap", "--help")
    print(f"import click: {click * 1000:.0f} ms; tfbootstrap --help: {ours * 1000:.0f} ms; ratio {ours / click:.2f}")


if __name__ == "__main__":
    main()
