"""Refreshes `tensorflow.yaml` from the published wheels: file names, METADATA, and build_info of Linux x86_64.

Reading is split from fetching: everything named `parse_…` is pure. Nothing of a wheel is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel
from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.matrix.tensorflow import (
    PLATFORMS,
    CudaRecord,
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
_CUDA_CONFIG: Final = re.compile(r"tensorflow(_core)?/include/external/local_config_cuda/cuda/cuda/cuda_config\.h")
_CUDNN_HEADER: Final = re.compile(r"tensorflow/include/external/cuda_cudnn/include/cudnn_version_v\d+\.h")
_DATA: Final = re.compile(r"^[^/]+\.data/(?:purelib|platlib)/")
_FOLDER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_THREADS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildInfo:
    """What a wheel records about CUDA; everything empty where it records nothing."""

    is_cuda: bool = False
    cuda: str | None = None
    cudnn: str | None = None
    compute_capabilities: tuple[str, ...] = ()


# --- pure --------------------------------------------------------------------------------------------------------


def parse_build_info(text: str) -> BuildInfo:
    """Read build_info.py without running it.

    Up to 2.2 it holds loose names (`cuda_version_number = '10.1'`), from 2.3 on one dictionary:
    `build_info = collections.OrderedDict([("cuda_version", "12.5.1"), …])` or `build_info = {…}`.
    """
    values: dict[str, object] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            literal = _literal(statement.value)
            is_dictionary = statement.targets[0].id == "build_info" and isinstance(literal, dict)
            values.update(literal if is_dictionary else {statement.targets[0].id: literal})
    return BuildInfo(
        is_cuda=values.get("is_cuda_build") is True,
        cuda=_string(values.get("cuda_version")),
        cudnn=_string(values.get("cudnn_version")),
        compute_capabilities=_strings(values.get("cuda_compute_capabilities")),
    )


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and len(node.args) == 1:
        # OrderedDict([...]): the argument says it all.
        inner = _literal(node.args[0])
        return dict(inner) if isinstance(inner, list) else inner
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def parse_cuda_config(text: str) -> BuildInfo:
    """Read the header cuda_config.h, which tells what build_info.py of some releases does not.

    Up to 2.2 it says `#define TF_CUDA_CAPABILITIES CudaVersion("3.5"), CudaVersion("7.0")`, and every one of them was
    built as machine code and PTX. Later ones say `#define TF_CUDA_COMPUTE_CAPABILITIES 60, 70, 90`, of which the newest
    alone has PTX: so it is in every release whose build_info.py tells the two apart.
    """
    defined = dict(re.findall(r"^#define (TF_\w+) +(.+?) *$", text, re.MULTILINE))
    old = [
        number.replace(".", "")
        for number in re.findall(r'CudaVersion\("([\d.]+)"\)', defined.get("TF_CUDA_CAPABILITIES", ""))
    ]
    new = re.findall(r"\d+", defined.get("TF_CUDA_COMPUTE_CAPABILITIES", ""))
    return BuildInfo(
        is_cuda=True,
        cuda=_string(defined.get("TF_CUDA_VERSION", "").strip('"')),
        cudnn=_string(defined.get("TF_CUDNN_VERSION", "").strip('"')),
        compute_capabilities=(
            *(f"compute_{number}" for number in old),
            *(f"sm_{number}" for number in new[:-1]),
            *(f"compute_{number}" for number in new[-1:]),
        ),
    )


def parse_cudnn_version(text: str) -> str | None:
    """Read the version from cuDNN's header: `#define CUDNN_MAJOR 9` and its two siblings."""
    found = [
        re.search(rf"^#define CUDNN_{part} (\d+)$", text, re.MULTILINE) for part in ("MAJOR", "MINOR", "PATCHLEVEL")
    ]
    return ".".join(match[1] for match in found if match) if all(found) else None


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


def group_releases(files: Iterable[IndexFile], oldest: Version = OLDEST) -> dict[Version, list[PublishedWheel]]:
    """Sort an index's files into releases since `oldest`, in order; sources and other wheels are left out."""
    releases: dict[Version, list[PublishedWheel]] = {}
    for file in files:
        try:
            version = parse_wheel_filename(file.file_name)[1]
        except InvalidWheelFilename:
            continue
        if version < oldest or version.is_devrelease:
            continue
        # The last three parts: a build number may stand before them.
        tag = "-".join(file.file_name.removesuffix(".whl").split("-")[-3:])
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


# --- fetching ----------------------------------------------------------------------------------------------------


def parse_only(text: str) -> SpecifierSet:
    """Read `--only`: a version specifier, or a bare version. Raises UsageError."""
    try:
        return SpecifierSet(text if text[:1] in "<>=!~" else f"=={text}")
    except InvalidSpecifier:
        raise UsageError(f"{text!r} is no version specifier", hint="write it like `==2.20.*` or `>=2.18`") from None


def read_matrix(
    client: IndexClient,
    *,
    only: SpecifierSet | None = None,
    keep: TensorflowMatrix | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> TensorflowMatrix:
    """Read every release (or those that `only` admits; the other rows come from `keep`).

    Raises PackageIndexError where the index fails, InputError where it lists no release at all.
    """
    releases = group_releases(client.files(PROJECT))
    wanted = [version for version in releases if only is None or only.contains(version, prereleases=True)]
    if not wanted:
        problem = f"lists no wheel of {PROJECT}{only or ''} from {OLDEST} on"
        raise InputError(Location(client.name), problem, hint="is it the right index?")

    def read(version: Version) -> TensorflowRow:
        row = read_release(client, version, releases[version])
        progress(f"read {version}")
        return row

    with ThreadPoolExecutor(_THREADS) as pool:
        rows = list(pool.map(read, wanted))
    kept = [row for row in (keep.rows if keep else ()) if only is not None and Version(row.version) not in wanted]
    return TensorflowMatrix(rows=tuple(sorted([*kept, *rows], key=lambda row: Version(row.version))))


def read_release(client: IndexClient, version: Version, wheels: Sequence[PublishedWheel]) -> TensorflowRow:
    """Read one release from its wheels."""
    reading = ReleaseReading(client, wheels)
    built = {platform: reading.built(platform) for platform in PLATFORMS if reading.of(platform)}
    linux = built.get("linux-x86_64") or WheelContents()
    cuda = [platform for platform, contents in built.items() if contents.info.is_cuda]
    return TensorflowRow(
        version=str(version),
        released=_released(client, wheels),
        prerelease=version.is_prerelease,
        yanked=all(wheel.file.yanked for wheel in wheels),
        cuda=linux.info.cuda,
        cudnn=linux.info.cudnn,
        cudnn_headers=linux.cudnn_headers,
        compute_capabilities=linux.info.compute_capabilities,
        cuda_read_from=linux.read_from,
        cuda_platforms=tuple(cuda),
        shim_platforms=tuple(platform for platform, contents in built.items() if contents.is_shim),
        wheels=tuple(wheel.tag for wheel in wheels),
        metadata=merge_metadata(reading.metadata()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelContents:
    """What the files inside one wheel tell."""

    info: BuildInfo = BuildInfo()
    read_from: CudaRecord = "build_info.py"
    cudnn_headers: str | None = None
    is_shim: bool = False


def read_contents(names: Collection[str], text: Callable[[str], str]) -> WheelContents:
    """Tell what a wheel was built with, from its list of members and a function that returns one of them."""
    info_file = _first(names, _BUILD_INFO)
    if info_file is None:
        return WheelContents(is_shim=True)
    info = parse_build_info(text(info_file))
    if not info.is_cuda:
        return WheelContents(info=info)
    header = _first(names, _CUDNN_HEADER)
    cudnn = parse_cudnn_version(text(header)) if header else None
    config = _first(names, _CUDA_CONFIG)
    if (info.cuda and info.compute_capabilities) or config is None:
        return WheelContents(info=info, cudnn_headers=cudnn)
    return WheelContents(info=parse_cuda_config(text(config)), read_from="cuda_config.h", cudnn_headers=cudnn)


def top_folders(names: Collection[str]) -> tuple[str, ...]:
    """Return the folders of a wheel that hold modules or plug-ins: neither its metadata nor bundled libraries."""
    tops = {_DATA.sub("", name).partition("/")[0] for name in names if "/" in name}
    return tuple(sorted(top for top in tops if _FOLDER.fullmatch(top)))


def _first(names: Collection[str], pattern: re.Pattern[str]) -> str | None:
    return next((name for name in names if pattern.fullmatch(name)), None)


class ReleaseReading:
    """Fetches from the wheels of one release; a wheel is opened once."""

    def __init__(self, client: IndexClient, wheels: Sequence[PublishedWheel]) -> None:
        self._client = client
        self._wheels = wheels
        self._open: dict[str, RemoteWheel] = {}

    def of(self, platform: WheelPlatform) -> list[PublishedWheel]:
        """Return the wheels for a platform, by Python."""
        return [wheel for wheel in self._wheels if wheel.platform == platform]

    def built(self, platform: WheelPlatform) -> WheelContents:
        """Return what the newest Python's wheel for a platform was built with."""
        remote = self._remote(self.of(platform)[-1])
        return read_contents(remote.names, remote.text)

    def folders(self, platform: WheelPlatform) -> tuple[str, ...]:
        """Return the importable folders that the newest Python's wheel for a platform brings, sorted."""
        return top_folders(self._remote(self.of(platform)[-1]).names)

    def metadata(self) -> dict[tuple[WheelPlatform, str], ParsedMetadata]:
        """Return what METADATA says, by platform and Python."""
        read: dict[tuple[WheelPlatform, str], ParsedMetadata] = {}
        for platform in PLATFORMS:
            own = self.of(platform)
            # The first and the last Python tell whether METADATA depends on it; if it does, all of them are read.
            ends = {wheel.python: self._metadata(wheel) for wheel in own[:1] + own[-1:]}
            same = len(set(ends.values())) == 1
            for wheel in own:
                known = next(iter(ends.values())) if same else ends.get(wheel.python)
                read[platform, wheel.python] = known or self._metadata(wheel)
        return read

    def _metadata(self, wheel: PublishedWheel) -> ParsedMetadata:
        beside = wheel.file.has_metadata
        text = self._client.metadata_beside(wheel.file) if beside else self._remote(wheel).metadata()
        return parse_metadata(text)

    def _remote(self, wheel: PublishedWheel) -> RemoteWheel:
        name = wheel.file.file_name
        if name not in self._open:
            self._open[name] = RemoteWheel(self._client, wheel.file)
        return self._open[name]


def _released(client: IndexClient, wheels: Sequence[PublishedWheel]) -> str:
    days = [wheel.file.uploaded[:10] for wheel in wheels if wheel.file.uploaded]
    if not days:
        raise client.error("does not tell when files were uploaded", "use an index that serves JSON pages (PEP 700)")
    return min(days)
