"""What a resolver's conflict means for the user: in our words, with the ways out that a further resolution confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.errors import EngineConflictError, PackageIndexError, UsageError
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.conflict import conflict_rejections, lacks_tensorflow, retell, tied
from tfbootstrap.plan.keras import keras_2_ways
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import OTHER_TENSORFLOW, Admission, Rejections, WayOut
from tfbootstrap.plan.ways_out import other_command, with_tensorflow
from tfbootstrap.request import WantedPackage

MOST_TRIALS = 3
"""How many requirements we try to loosen, one at a time: each trial is a resolution."""

Resolve = Callable[[Admission], str]
"""Resolves an admission and returns the TensorFlow version; raises EngineConflictError."""


def explain_conflict(
    conflict: EngineConflictError, admission: Admission, knowledge: Knowledge, resolve: Resolve, index: str
) -> Rejections:
    """Return a conflict as rejections, with what would resolve instead.

    Raises PackageIndexError where the index (its address without credentials) has no TensorFlow at all.
    """
    if lacks_tensorflow(conflict.derivation):
        raise PackageIndexError(
            index,
            "it has no tensorflow",
            hint="check the index configuration of uv or pip; an index can stand for another",
        ) from conflict
    ways = (
        *keras_2_ways(admission),
        *_other_tensorflow(admission, knowledge, resolve),
        *_looser(conflict, admission, resolve),
    )
    return Rejections(
        rejections=conflict_rejections(conflict.derivation, admission),
        ways_out=ways,
        conflict=retell(conflict.derivation, admission),
    )


def _other_tensorflow(admission: Admission, knowledge: Knowledge, resolve: Resolve) -> Iterator[WayOut]:
    if not admission.request.tensorflow:
        return
    free = replace(admission.request, tensorflow=())
    try:
        version = resolve(admit(admission.facts, knowledge, free))
    except (EngineConflictError, UsageError):
        return
    release = Version(version).release
    minor = f"{release[0]}.{release[1]}"
    yield WayOut(
        text=f"another TensorFlow: {minor} meets all other requirements",
        command=other_command(admission.request, with_tensorflow(admission.request, minor)),
        cost=OTHER_TENSORFLOW,
    )


def _looser(conflict: EngineConflictError, admission: Admission, resolve: Resolve) -> Iterator[WayOut]:
    for wanted in tied(conflict.derivation, admission)[:MOST_TRIALS]:
        packages = tuple(_loosened(one) if one is wanted else one for one in admission.request.packages)
        loose = replace(admission, request=replace(admission.request, packages=packages))
        try:
            version = resolve(loose)
        except EngineConflictError:
            continue
        yield WayOut(
            text=f"without the bound of {wanted.requirement} ({wanted.location}): TensorFlow {version} can be had then",
            command="",
            cost=OTHER_TENSORFLOW,
        )


def _loosened(wanted: WantedPackage) -> WantedPackage:
    from copy import copy

    requirement = copy(wanted.requirement)
    requirement.specifier = SpecifierSet()
    return replace(wanted, requirement=requirement)
