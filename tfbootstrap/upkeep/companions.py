"""Refreshes what `companions.yaml` has from wheels: requirements on TensorFlow, import-time checks, CUDA brought along.

Rows, their order and everything typed by hand stay as they are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel, read_metadata
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, CudaTie, WheelTie
from tfbootstrap.upkeep.requires import choose_wheel, linux_environment
from tfbootstrap.upkeep.tensorflow import parse_metadata

SINCE: Final = "2020-07-27"
"""The day of TensorFlow 2.3.0; older versions of companions go with a TensorFlow that nobody locks any more."""

FAMILY: Final = frozenset({
    "keras", "tensorflow-estimator", "tensorflow-io-gcs-filesystem", "tensorflow-probability", "tensorflow-text",
    "tf-keras",
})  # fmt: skip
"""What `also` names of a wheel's requirements."""

EXTRAS: Final = ("tensorflow", "tf", "and-tensorflow", "reverb")
"""Extras that stand for TensorFlow, the best first; others are for tests and documentation."""

CHECKED: Final = frozenset({"tensorflow-probability"})
"""Packages that check TensorFlow's version when they are imported."""

_THREADS: Final = 4
_PYTHON: Final = "3.11"
_CHECK = re.compile(r"""^\s*required_tensorflow_version\s*=\s*["'](\d+(?:\.\d+)+)["']""", re.MULTILINE)
_CUDA_PACKAGE = re.compile(r"^nvidia-(?:cublas|cudnn|cuda-runtime)-cu(\d+)$")
_CUDA_EXTRA = re.compile(r"^cuda(1[1-9])$")


# --- pure --------------------------------------------------------------------------------------------------------


def wheel_tie(version: str, requires: Iterable[str], check: str | None = None) -> WheelTie:
    """Return what one version's requirements say about TensorFlow and its family."""
    always: list[Requirement] = []
    with_extra: dict[str, Requirement] = {}
    for requirement in map(Requirement, requires):
        if _holds(requirement):
            always.append(requirement)
        elif requirement.name == "tensorflow":
            for name in EXTRAS:
                if _holds(requirement, name):
                    with_extra.setdefault(name, requirement)
    direct = next((item for item in always if item.name == "tensorflow" and item.specifier), None)
    extra: str | None = None if direct else next((name for name in EXTRAS if name in with_extra), None)
    chosen = direct or (with_extra[extra] if extra else None)
    has_bound = chosen is not None and bool(chosen.specifier)
    also = sorted(f"{canonicalize_name(item.name)}{item.specifier}" for item in always if _family(item))
    return WheelTie(
        versions=f"=={version}",
        tensorflow=str(chosen.specifier) if chosen and has_bound else None,
        extra=extra if has_bound else None,
        check=f">={check}" if check else None,
        also=tuple(also),
    )


def _family(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name) in FAMILY


def _holds(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**linux_environment(_PYTHON), "extra": extra})


def cuda_ties(version: str, requires: Iterable[str], extras: Iterable[str]) -> tuple[CudaTie, ...]:
    """Return the CUDA that one version brings: by its requirements, or by extras named after CUDA (`cuda12`)."""
    found: dict[str | None, CudaTie] = {}
    requirements = [Requirement(text) for text in requires]
    for extra in (None, *sorted(extras)):
        held = [item for item in requirements if _holds(item, extra or "")]
        if extra is not None:
            held = [item for item in held if not _holds(item)]
        major = next((major for item in held if (major := _cuda_major(item))), None)
        if major is None and extra is not None and (match := _CUDA_EXTRA.match(extra)):
            major = match[1]
        if major:
            cudnn = next((item for item in held if canonicalize_name(item.name).startswith("nvidia-cudnn-cu")), None)
            found[extra] = CudaTie(
                versions=f"=={version}",
                extra=canonicalize_name(extra) if extra else None,
                cuda=major,
                cudnn=f"{canonicalize_name(cudnn.name)}{cudnn.specifier}" if cudnn else None,
            )
    return tuple(found.values())


def _cuda_major(requirement: Requirement) -> str | None:
    if match := _CUDA_PACKAGE.match(canonicalize_name(requirement.name)):
        return match[1]
    return None


def join_neighbours(ties: Sequence[WheelTie]) -> tuple[WheelTie, ...]:
    """Join neighbouring versions (oldest first, one each) that say the same: `==2.20.0`, `==2.20.1` -> a range."""
    joined: list[list[WheelTie]] = []
    for tie in ties:
        if joined and dataclasses.replace(joined[-1][0], versions=tie.versions) == tie:
            joined[-1].append(tie)
        else:
            joined.append([tie])
    return tuple(
        dataclasses.replace(group[0], versions=_range(group[0].versions, group[-1].versions)) for group in joined
    )


def join_cuda(ties: Sequence[CudaTie]) -> tuple[CudaTie, ...]:
    """Join neighbouring versions that bring the same CUDA, extra by extra."""
    joined: list[CudaTie] = []
    for extra in dict.fromkeys(tie.extra for tie in ties):
        group: list[CudaTie] = []
        for tie in [tie for tie in ties if tie.extra == extra]:
            if group and dataclasses.replace(group[-1], versions=tie.versions) == tie:
                group[-1] = dataclasses.replace(tie, versions=_range(group[-1].versions, tie.versions))
            else:
                group.append(tie)
        joined += group
    return tuple(joined)


def _range(first: str, last: str) -> str:
    low, high = re.findall(r"[^<>=,]+", first)[0], re.findall(r"[^<>=,]+", last)[-1]
    return f"=={low}" if low == high else f">={low},<={high}"


def parse_check(text: str) -> str | None:
    """Find the TensorFlow version that a package asks for when it is imported: `2.18`."""
    match = _CHECK.search(text)
    return match[1] if match else None


# --- fetching ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadCompanion:
    """What the wheels of one package say."""

    wheels: tuple[WheelTie, ...]
    cuda: tuple[CudaTie, ...]


def read_companions(
    client: IndexClient,
    matrix: CompanionsMatrix,
    *,
    day: str,
    progress: Callable[[str], None] = lambda _: None,
) -> CompanionsMatrix:
    """Return the matrix with its `wheels` and `cuda` as the index has them now; the day changes only with them.

    Raises PackageIndexError where the index fails, InputError where a package has no wheel at all.
    """

    def read(row: CompanionRow) -> CompanionRow:
        found = read_companion(client, row.name)
        progress(row.name)
        return dataclasses.replace(row, wheels=found.wheels, cuda=found.cuda)

    with ThreadPoolExecutor(_THREADS) as pool:
        rows = tuple(pool.map(read, matrix.rows))
    return matrix if rows == matrix.rows else dataclasses.replace(matrix, read=day, rows=rows)


def read_companion(client: IndexClient, name: str) -> ReadCompanion:
    """Read what the wheels of one package say, from SINCE on; versions without bounds and family are left out."""
    files = client.files(name)
    versions = stable_versions(files)
    if not versions:
        raise InputError(Location(client.name), f"lists no wheel of {name}", hint="is it the right index?")
    ties: list[WheelTie] = []
    cuda: list[CudaTie] = []
    for version in versions:
        wheel = choose_wheel(files, version)
        assert wheel is not None, "a version is listed because it has a wheel"
        try:
            metadata = parse_metadata(read_metadata(client, wheel))
        except InvalidRequirement:
            # Some old wheels say `tensorflow>=2.3.0,<3 (…`; no installer can read them either.
            continue
        ties.append(wheel_tie(version, metadata.requires, _read_check(client, name, wheel)))
        cuda += cuda_ties(version, metadata.requires, metadata.extras)
    telling = any(tie.tensorflow or tie.check or tie.also for tie in ties)
    return ReadCompanion(wheels=join_neighbours(ties) if telling else (), cuda=join_cuda(cuda))


def stable_versions(files: Iterable[IndexFile]) -> tuple[str, ...]:
    """Return the versions with a wheel since SINCE, oldest first, without pre-releases and yanked ones."""
    found: dict[Version, str] = {}
    for file in files:
        try:
            version = parse_wheel_filename(file.file_name)[1]
        except (InvalidWheelFilename, InvalidVersion):
            continue
        recent = file.uploaded is None or file.uploaded[:10] >= SINCE
        if recent and not version.is_prerelease and not file.yanked:
            found[version] = str(version)
    return tuple(found[version] for version in sorted(found))


def _read_check(client: IndexClient, name: str, wheel: IndexFile) -> str | None:
    if name not in CHECKED:
        return None
    remote = RemoteWheel(client, wheel)
    package = name.replace("-", "_")
    places = [place for place in (f"{package}/__init__.py", f"{package}/python/__init__.py") if place in remote.names]
    return next((found for place in places if (found := parse_check(remote.text(place)))), None)
