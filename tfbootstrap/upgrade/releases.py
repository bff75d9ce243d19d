"""What two releases of TensorFlow differ in for a runtime, as their wheels say it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.facts import Facts
from tfbootstrap.lock_diff import PlatformChange
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.gpu_code import Coverage, capability
from tfbootstrap.matrix.markers import applying
from tfbootstrap.matrix.tensorflow import TensorflowRow, tag_platforms, tag_pythons
from tfbootstrap.plan.admission import glibc_floors
from tfbootstrap.plan.bounds import missing_bounds, published_requirements
from tfbootstrap.plan.gpu import Hardware, support_of
from tfbootstrap.plan.markers import runtime_environment
from tfbootstrap.upgrade.records import ReleaseChanges

_MACOS = re.compile(r"macosx_(\d+)_(\d+)_")
_SOME_NUMPY_2 = tuple(f"2.{minor}.0" for minor in range(20))


def release_changes(
    before: TensorflowRow,
    after: TensorflowRow,
    facts: Facts,
    bounds: BoundMatrix,
    hardware: Hardware | None,
    capabilities: Iterable[str] = (),
) -> ReleaseChanges:
    """Return what differs; without `hardware` nothing is said of GPUs.

    `capabilities` are the compute capabilities that GPUs have (X.Y).
    """
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    covered = _coverage(before, after, hardware, capabilities) if hardware and platform in after.cuda_platforms else {}
    dropped = tuple(one for one, (had, has) in covered.items() if had != "none" and has == "none")
    gained = tuple(one for one, (had, has) in covered.items() if had != "binary" and has == "binary")
    facts_before, facts_after = (_facts(row, facts, platform, bounds) for row in (before, after))
    changes = [
        PlatformChange(what=what, before=facts_before[what], after=facts_after[what])
        for what in facts_before
        if facts_before[what] != facts_after[what]
    ]
    return ReleaseChanges(
        platform_changes=(*_capability_change(covered, dropped, gained), *changes),
        capabilities_dropped=dropped,
        capabilities_gained=gained,
        no_longer_required=_no_longer_required(before, after, facts, platform),
    )


def _coverage(
    before: TensorflowRow, after: TensorflowRow, hardware: Hardware, capabilities: Iterable[str]
) -> dict[str, tuple[Coverage, Coverage]]:
    """Return compute capability -> how the two releases serve such a GPU, ascending."""
    return {
        one: (support_of(before, one, hardware).coverage, support_of(after, one, hardware).coverage)
        for one in sorted(set(capabilities), key=capability)
    }


def _capability_change(
    covered: Mapping[str, tuple[Coverage, Coverage]], dropped: Sequence[str], gained: Sequence[str]
) -> Iterator[PlatformChange]:
    if not dropped and not gained:
        return
    had, has = ([one for one, pair in covered.items() if pair[side] != "none"] for side in (0, 1))
    notes = [f"{', '.join(_grouped(dropped, has))} dropped"] if dropped else []
    notes += [f"{', '.join(gained)} as machine code now"] if gained else []
    yield PlatformChange(
        what="compute capabilities",
        before=_span(had, covered),
        after=f"{_span(has, covered)} ({'; '.join(notes)})",
    )


def _span(served: Sequence[str], known: Iterable[str]) -> str:
    if not served:
        return "none"
    from_here = [one for one in known if capability(one) >= capability(served[0])]
    return f"{served[0]} or newer" if list(served) == from_here else ", ".join(served)


def _grouped(dropped: Sequence[str], served: Sequence[str]) -> Iterator[str]:
    """Yield `5.x` for a major of which nothing is served any more, else each compute capability."""
    left = {one.split(".")[0] for one in served}
    yield from dict.fromkeys(one if one.split(".")[0] in left else f"{one.split('.')[0]}.x" for one in dropped)


def _facts(row: TensorflowRow, facts: Facts, platform: str, bounds: BoundMatrix) -> dict[str, str | None]:
    tags = [tag for tag in row.wheels if platform in tag_platforms(tag) and facts.python.minor in tag_pythons(tag)] or [
        tag for tag in row.wheels if platform in tag_platforms(tag)
    ]
    machine = facts.platform.machine
    glibc = min((floor for tag in tags for floor in glibc_floors(tag, machine)), default=None)
    macos = min(((int(found[1]), int(found[2])) for tag in tags for found in _MACOS.finditer(tag)), default=None)
    pythons = [python for python in row.pythons if any(python in tag_pythons(tag) for tag in row.wheels)]
    return {
        "Python of the wheels": f"{pythons[0]} to {pythons[-1]}",
        "glibc floor": f"{glibc[0]}.{glibc[1]}" if glibc and facts.platform.system == "linux" else None,
        "macOS floor": f"{macos[0]}.{macos[1]}" if macos and facts.platform.system == "macos" else None,
        "NumPy 2": "allowed" if _allows_numpy_2(row, facts, bounds) else "not allowed",
    }


def _allows_numpy_2(row: TensorflowRow, facts: Facts, bounds: BoundMatrix) -> bool:
    requires = published_requirements(row, facts)
    found = [
        requirement.specifier
        for requirement in applying(requires, runtime_environment(facts))
        if canonicalize_name(requirement.name) == "numpy"
    ]
    missing = missing_bounds(requires, row.version, facts, bounds)
    found += [SpecifierSet(bound.requirement.removeprefix("numpy")) for bound in missing if bound.package == "numpy"]
    return any(all(one.contains(version) for one in found) for version in _SOME_NUMPY_2)


def _no_longer_required(before: TensorflowRow, after: TensorflowRow, facts: Facts, platform: str) -> tuple[str, ...]:
    if platform in (*before.shim_platforms, *after.shim_platforms):
        return ()  # a shim requires nothing but the distribution that it stands for
    had, has = (
        {
            canonicalize_name(requirement.name)
            for requirement in applying(published_requirements(row, facts), runtime_environment(facts))
        }
        for row in (before, after)
    )
    return tuple(sorted(had - has))
