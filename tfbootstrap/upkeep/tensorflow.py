"""Refreshes `tensorflow.yaml` from the published wheels: file names, METADATA, and build_info of Linux x86_64.

Reading is split from fetching: everything named `parse_…` is pure. Nothing of a wheel is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel, read_metadata
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.tensorflow import (
    PLATFORMS,
    TensorflowMatrix,
    TensorflowRow,
    WheelMetadata,
    WheelPlatform,
    sort_versions,
    tag_platforms,
    tag_pythons,
)

PROJECT: Final = "tensorflow"
OLDEST: Final = Version("1.15")
"""The first release whose one distribution serves GPUs and processors alike on Linux."""

_BUILD_INFO: Final = re.compile(r"tensorflow(_core)?/python/platform/build_info\.py")
_THREADS: Final = 4

Fetch = Callable[[IndexFile], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildInfo:
    """What build_info records about CUDA; everything empty where it records nothing."""

    cuda: str | None = None
    cudnn: str | None = None
    compute_capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Documented:
    """CUDA facts of releases whose wheels don't record them, with where they are written."""

    releases: str
    """A specifier: the releases that this speaks of."""
    info: BuildInfo
    source: str
    checked: str


# --- pure --------------------------------------------------------------------------------------------------------


def parse_build_info(text: str) -> BuildInfo:
    """Read build_info.py without running it.

    Up to 2.2 it holds loose names (`cuda_version_number = '10.0'`), from 2.3 on one dictionary:
    `build_info = collections.OrderedDict([("cuda_version", "12.5.1"), …])` or `build_info = {…}`.
    """
    values: dict[str, object] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            literal = _literal(statement.value)
            values.update(literal if name == "build_info" and isinstance(literal, dict) else {name: literal})
    return BuildInfo(
        cuda=_text(values, "cuda_version", "cuda_version_number"),
        cudnn=_text(values, "cudnn_version", "cudnn_version_number"),
        compute_capabilities=_capabilities(values.get("cuda_compute_capabilities")),
    )


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
        # OrderedDict([...]), dict({...}): the argument says it all.
        inner = _literal(node.args[0])
        return dict(inner) if isinstance(inner, list) else inner
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _text(values: Mapping[str, object], *names: str) -> str | None:
    for name in names:
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _capabilities(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        return ()
    return tuple(str(item).strip() for item in value if str(item).strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedMetadata:
    """The parts of METADATA that decide an installation."""

    requires_python: str | None
    extras: tuple[str, ...]
    requires: tuple[str, ...]


def parse_metadata(text: str) -> ParsedMetadata:
    """Read METADATA: order and names kept, every requirement in packaging's normal form.

    Old wheels write `numpy (<2.0,>=1.16.0)`, new ones `numpy<2.0,>=1.16.0`; said in one way, equal ones are equal.
    """
    headers = HeaderParser().parsestr(text)
    requires_python = headers.get("Requires-Python")
    return ParsedMetadata(
        requires_python=_one_line(requires_python) if requires_python else None,
        extras=tuple(_one_line(value) for value in headers.get_all("Provides-Extra", [])),
        requires=tuple(str(Requirement(_one_line(value))) for value in headers.get_all("Requires-Dist", [])),
    )


def _one_line(value: str) -> str:
    return " ".join(value.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedWheel:
    """One wheel of one release, as its file name describes it."""

    file: IndexFile
    tag: str
    platform: WheelPlatform
    python: str


def group_releases(files: Iterable[IndexFile]) -> dict[Version, list[PublishedWheel]]:
    """Sort an index's files into releases since 1.15, oldest first; sources and other wheels are left out."""
    releases: dict[Version, list[PublishedWheel]] = {}
    for file in files:
        try:
            version = parse_wheel_filename(file.file_name)[1]
        except InvalidWheelFilename:
            continue
        if version < OLDEST or version.is_devrelease:
            continue
        tag = file.file_name.removesuffix(".whl").split("-", 2)[2]
        platforms, pythons = tag_platforms(tag), tag_pythons(tag)
        if platforms and pythons:
            wheel = PublishedWheel(file=file, tag=tag, platform=platforms[0], python=pythons[0])
            releases.setdefault(version, []).append(wheel)
    return {version: sorted(releases[version], key=_wheel_order) for version in sorted(releases)}


def _wheel_order(wheel: PublishedWheel) -> tuple[int, Version, str]:
    return PLATFORMS.index(wheel.platform), Version(wheel.python), wheel.tag


def merge_metadata(read: Mapping[tuple[WheelPlatform, str], ParsedMetadata]) -> tuple[WheelMetadata, ...]:
    """Join what wheels say, (platform, Python) -> metadata, into as few records as tell it all.

    Platforms that say the same share a record. Pythons are named only where one platform's wheels differ by them.
    """
    by_platform: dict[WheelPlatform, dict[ParsedMetadata, list[str]]] = {}
    for (platform, python), parsed in read.items():
        by_platform.setdefault(platform, {}).setdefault(parsed, []).append(python)
    groups: dict[tuple[tuple[str, ...], ParsedMetadata], list[WheelPlatform]] = {}
    for platform in PLATFORMS:
        variants = by_platform.get(platform, {})
        for parsed, pythons in variants.items():
            named = sort_versions(set(pythons)) if len(variants) > 1 else ()
            groups.setdefault((named, parsed), []).append(platform)
    return tuple(
        WheelMetadata(
            platforms=tuple(platforms),
            pythons=pythons,
            requires_python=parsed.requires_python,
            extras=parsed.extras,
            requires=parsed.requires,
        )
        for (pythons, parsed), platforms in groups.items()
    )


def complete(
    version: Version, info: BuildInfo, documented: Sequence[Documented]
) -> tuple[BuildInfo, Documented | None]:
    """Fill in what build_info leaves out from the documented rows; the row is None where none was needed."""
    if info.cuda and info.cudnn and info.compute_capabilities:
        return info, None
    for entry in documented:
        if SpecifierSet(entry.releases, prereleases=True).contains(version):
            filled = BuildInfo(
                cuda=info.cuda or entry.info.cuda,
                cudnn=info.cudnn or entry.info.cudnn,
                compute_capabilities=info.compute_capabilities or entry.info.compute_capabilities,
            )
            return filled, entry if filled != info else None
    return info, None


# --- fetching ----------------------------------------------------------------------------------------------------


def read_matrix(
    client: IndexClient,
    *,
    only: SpecifierSet | None = None,
    keep: TensorflowMatrix | None = None,
    documented: Sequence[Documented] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> TensorflowMatrix:
    """Read every release (or those that `only` admits; the other rows come from `keep`).

    Raises PackageIndexError where the index fails, InputError where it lists no release at all.
    """
    releases = group_releases(client.files(PROJECT))
    wanted = [version for version in releases if only is None or only.contains(version, prereleases=True)]
    if not wanted:
        raise InputError(
            Location(client.name),
            f"lists no wheel of {PROJECT}{only or ''} from {OLDEST} on",
            hint="is it the right index?",
        )

    def read(version: Version) -> TensorflowRow:
        row = read_release(client, version, releases[version], documented)
        progress(f"read {version}")
        return row

    with ThreadPoolExecutor(_THREADS) as pool:
        rows = list(pool.map(read, wanted))
    kept = [row for row in (keep.rows if keep else ()) if only is not None and Version(row.version) not in wanted]
    return TensorflowMatrix(rows=tuple(sorted([*kept, *rows], key=lambda row: Version(row.version))))


def read_release(
    client: IndexClient, version: Version, wheels: Sequence[PublishedWheel], documented: Sequence[Documented] = ()
) -> TensorflowRow:
    """Read one release from its wheels."""
    info, entry = complete(version, _read_build_info(client, wheels), documented)
    return TensorflowRow(
        version=str(version),
        released=_released(client, wheels),
        prerelease=version.is_prerelease,
        yanked=all(wheel.file.yanked for wheel in wheels),
        cuda=info.cuda,
        cudnn=info.cudnn,
        compute_capabilities=info.compute_capabilities,
        source=entry.source if entry else None,
        checked=entry.checked if entry else None,
        wheels=tuple(wheel.tag for wheel in wheels),
        metadata=merge_metadata(_read_all_metadata(client, wheels)),
    )


def _released(client: IndexClient, wheels: Sequence[PublishedWheel]) -> str:
    days = [wheel.file.uploaded[:10] for wheel in wheels if wheel.file.uploaded]
    if not days:
        raise client.error("does not tell when files were uploaded", "use an index that serves JSON pages (PEP 700)")
    return min(days)


def _read_build_info(client: IndexClient, wheels: Sequence[PublishedWheel]) -> BuildInfo:
    linux = [wheel for wheel in wheels if wheel.platform == "linux-x86_64"]
    if not linux:
        return BuildInfo()
    remote = RemoteWheel(client, linux[-1].file)
    for name in remote.names:
        if _BUILD_INFO.fullmatch(name):
            return parse_build_info(remote.text(name))
    raise InputError(Location(linux[-1].file.file_name), "holds no build_info.py", hint="has TensorFlow moved it?")


def _read_all_metadata(
    client: IndexClient, wheels: Sequence[PublishedWheel]
) -> dict[tuple[WheelPlatform, str], ParsedMetadata]:
    read: dict[tuple[WheelPlatform, str], ParsedMetadata] = {}
    for platform in PLATFORMS:
        own = [wheel for wheel in wheels if wheel.platform == platform]
        # The first and the last Python tell whether METADATA depends on it; if it does, all of them are read.
        ends = {wheel.python: parse_metadata(read_metadata(client, wheel.file)) for wheel in (own[:1] + own[-1:])}
        same = len(set(ends.values())) == 1
        for wheel in own:
            if same:
                read[platform, wheel.python] = next(iter(ends.values()))
            elif wheel.python in ends:
                read[platform, wheel.python] = ends[wheel.python]
            else:
                read[platform, wheel.python] = parse_metadata(read_metadata(client, wheel.file))
    return read


__all__ = [
    "BuildInfo",
    "Documented",
    "ParsedMetadata",
    "PublishedWheel",
    "complete",
    "group_releases",
    "merge_metadata",
    "parse_build_info",
    "parse_metadata",
    "read_matrix",
    "read_release",
]
