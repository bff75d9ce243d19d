"""Uses of names -> every line that one TensorFlow lacks something for, not only those that decide what fits."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.scan.judge import Evidence, Judge
from tfbootstrap.scan.uses import Use


def lacking(judge: Judge, uses: Iterable[Use], minor: str) -> tuple[Evidence, ...]:
    """Return the lines that break with a minor (X.Y), each once, in the order of the uses.

    A minor that was not read is judged as the nearest older one that was.
    """
    axis = judge.table.minors
    known = max((one for one in axis if Version(one) <= Version(minor)), key=Version, default=axis[0])
    verdicts = (judge.judge((use,)) for use in uses)
    lines = (one for verdict in verdicts for one in verdict.evidence if known not in SpecifierSet(one.bound))
    return tuple(dict.fromkeys(lines))
