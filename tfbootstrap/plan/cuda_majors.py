"""Wheels of two CUDA majors in one environment: which of them own the same files, and what to leave out. Pure.

Whichever of two such wheels is installed last overwrites the other's libraries, and both programs load that one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from packaging.utils import canonicalize_name

from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.libraries import CollisionRow, LibrariesMatrix
from tfbootstrap.plan.records import CPU, OTHER_BOTH, Admission, Candidate, Rejection, Rejections, WayOut
from tfbootstrap.request import TENSORFLOW_NAMES, WantedPackage, lock_command
from tfbootstrap.resolution import Solution

RULE = "cuda-majors"
_SUFFIX = re.compile(r"-cu(\d+)$")


def cuda_majors(names: Iterable[str]) -> frozenset[str]:
    """Return the CUDA majors that nvidia wheels are for, by their names: `nvidia-cudnn-cu12` -> 12."""
    return frozenset(match[1] for name in names if name.startswith("nvidia-") and (match := _SUFFIX.search(name)))


def collisions(
    pins: Mapping[str, str], libraries: LibrariesMatrix, held: Mapping[str, str] | None = None
) -> tuple[CollisionRow, ...]:
    """Return the pairs of pinned distributions that own the same files.

    What a provisioned image holds already (`held`) and keeps is not installed, so that nothing is overwritten.
    """
    names = {name for name, version in pins.items() if name.startswith("nvidia-") and (held or {}).get(name) != version}
    kept = {name for name in pins if name.startswith("nvidia-")}
    return tuple(
        row for row in libraries.collisions if set(row.distributions) <= kept and names & set(row.distributions)
    )


def other_majors(rows: Iterable[CollisionRow], major: str) -> tuple[str, ...]:
    """Return the distributions of colliding pairs that are for another CUDA major than TensorFlow's."""
    names = {name for row in rows for name in row.distributions}
    return tuple(sorted(name for name in names if cuda_majors([name]) != {major}))


def exclusions(names: Iterable[str]) -> tuple[str, ...]:
    """Return constraints that no version of these packages meets."""
    return tuple(f"{name}<0" for name in names)


def bringers(solution: Solution, names: Collection[str], wanted: Iterable[WantedPackage]) -> tuple[str, ...]:
    """Return what brings packages into a solution, as `torch 2.12.0`: the wanted ones, else who requires them."""
    via = {package.name: package.via for package in solution.packages}
    asked = {item.name for item in wanted}
    found: dict[str, None] = {}
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in seen or name in TENSORFLOW_NAMES:
            continue
        seen.add(name)
        if name in asked:
            found[f"{name} {solution.version(name)}"] = None
        queue += [canonicalize_name(one) for one in via.get(name, ()) if canonicalize_name(one) in via]
    return tuple(sorted(found)) or tuple(sorted(names))


def moved_warning(before: Solution, after: Solution, names: tuple[str, ...], wanted: tuple[WantedPackage, ...]) -> str:
    """Return what choosing one CUDA major has changed among what was asked for."""
    changes = [
        f"{item.name} {after.version(item.name)} instead of {before.version(item.name)}"
        for item in wanted
        if before.version(item.name) != after.version(item.name)
    ]
    what = ", ".join(changes) or "other versions"
    return f"{what}: newer ones bring {', '.join(names)}, which own files of TensorFlow's CUDA wheels"


def split_rejections(
    admission: Admission,
    candidate: Candidate,
    solution: Solution,
    rows: tuple[CollisionRow, ...],
    companions: CompanionsMatrix,
) -> Rejections:
    """Return that two CUDA majors can't share one environment, and what can be done."""
    major = (candidate.row.cuda or "").split(".")[0]
    others = other_majors(rows, major)
    asked = bringers(solution, others, admission.request.packages)
    rejection = Rejection(
        tensorflow=candidate.row.version,
        rule=RULE,
        found=" and ".join(_with_major(one, admission, companions) for one in asked) + f" ({', '.join(others)})",
        needed=f"wheels of CUDA {major} only, because both would own {rows[0].files[0]}",
        source=rows[0].sources[0],
    )
    return Rejections(rejections=(rejection,), ways_out=tuple(_ways(admission, asked)))


def _ways(admission: Admission, asked: tuple[str, ...]) -> Iterable[WayOut]:
    request = admission.request
    names = " and ".join(one.split()[0] for one in asked)
    yield WayOut(
        text=f"two environments: a lock of its own without {names}, installed with `tfbootstrap install --venv DIR`, "
        "or in a notebook with `tfbootstrap cell --isolate`",
        command="",
        cost=OTHER_BOTH,
    )
    if admission.gpus:
        text = f"TensorFlow on the CPU only, the GPU for {names}"
        yield WayOut(text=text, command=lock_command(replace(request, gpu="none", driver=None, cuda="auto")), cost=CPU)


def _with_major(text: str, admission: Admission, companions: CompanionsMatrix) -> str:
    name, _, version = text.partition(" ")
    row = companions.row(name)
    extras = {extra for item in admission.request.packages if item.name == name for extra in item.requirement.extras}
    tie = row.cuda_of(version, extras) if row and version else None
    return f"{text} with CUDA {tie.cuda}" if tie else text
