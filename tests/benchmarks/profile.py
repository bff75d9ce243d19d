"""How long it takes to read a profile and turn it into facts; the goal is 30 ms."""

from __future__ import annotations

import time

from tfbootstrap.edges.runtimes import load_runtime
from tfbootstrap.matrix.profiles import profile_facts

PROFILE = "colab-2026.07"
"""The longest kind of profile: an image with hundreds of packages."""

ROUNDS = 15


def seconds() -> float:
    """Return the time of one reading."""
    start = time.perf_counter()
    runtime = load_runtime(PROFILE)
    profile_facts(runtime.profile, host=runtime.host)
    return time.perf_counter() - start


def main() -> None:
    """Print the best time; the first ones warm caches."""
    print(f"{PROFILE}: {min(seconds() for _ in range(ROUNDS)) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
