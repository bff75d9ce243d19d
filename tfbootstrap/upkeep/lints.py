"""Named checks over whole data files: what the reader can't refuse row by row, but no good matrix has.

    python -m tfbootstrap.upkeep lint [--matrix DIR]

A lint yields (dotted path, what is wrong and what to do). Each has a file below `tests/bad_matrix/` that it alone
catches.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

import tfbootstrap.upkeep
from tfbootstrap.matrix.reader import MatrixFile
from tfbootstrap.matrix.tensorflow import (
    CUDA_EXTRA,
    TensorflowMatrix,
    TensorflowRow,
    WheelMetadata,
    tag_platforms,
    tag_pythons,
)

Finding = tuple[str, str]
File = TypeVar("File", bound=MatrixFile)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lint:
    """One named check of one kind of data file."""

    name: str
    record: type[MatrixFile]
    check: Callable[[Any], Iterator[Finding]]


_LINTS: Final[dict[str, Lint]] = {}


def lint(record: type[File]) -> Callable[[Callable[[File], Iterator[Finding]]], Callable[[File], Iterator[Finding]]]:
    """Register a check under its function's name, with dashes."""

    def register(check: Callable[[File], Iterator[Finding]]) -> Callable[[File], Iterator[Finding]]:
        name = check.__name__.replace("_", "-")
        _LINTS[name] = Lint(name=name, record=record, check=check)
        return check

    return register


def all_lints() -> tuple[Lint, ...]:
    """Return every lint: those of this file in its order, then those of each `lints_….py` beside it."""
    for module in pkgutil.iter_modules(tfbootstrap.upkeep.__path__, "tfbootstrap.upkeep."):
        if module.name.startswith(f"{__name__}_"):
            importlib.import_module(module.name)
    return tuple(_LINTS.values())


def findings(matrix: MatrixFile) -> Iterator[tuple[str, str, str]]:
    """Yield (lint, dotted path, what is wrong) for one data file."""
    for check in all_lints():
        if isinstance(matrix, check.record):
            yield from ((check.name, key, text) for key, text in check.check(matrix))


def _rows(matrix: TensorflowMatrix) -> Iterator[tuple[str, TensorflowRow]]:
    return ((f"rows[{index}]", row) for index, row in enumerate(matrix.rows))


def _metadata(matrix: TensorflowMatrix) -> Iterator[tuple[str, TensorflowRow, WheelMetadata]]:
    for key, row in _rows(matrix):
        yield from ((f"{key}.metadata[{index}]", row, metadata) for index, metadata in enumerate(row.metadata))


@lint(TensorflowMatrix)
def wheel_tags_are_known(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """Every tag is one that installers parse, for a Python and a platform that we know."""
    for key, row in _rows(matrix):
        for tag in row.wheels:
            if not _is_wheel(f"tensorflow-{row.version}-{tag}.whl"):
                yield f"{key}.wheels", f"{tag} can't be parsed"
            elif not tag_platforms(tag) or not tag_pythons(tag):
                yield f"{key}.wheels", f"{tag} names a platform or Python that we don't know"


def _is_wheel(file_name: str) -> bool:
    try:
        parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return False
    return True


@lint(TensorflowMatrix)
def wheels_are_there_once(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """No tag stands twice in a row."""
    for key, row in _rows(matrix):
        for tag in {tag for tag in row.wheels if row.wheels.count(tag) > 1}:
            yield f"{key}.wheels", f"{tag} is there twice"


@lint(TensorflowMatrix)
def every_wheel_has_one_metadata(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """For each wheel there is exactly one metadata record that speaks of its platform and Python."""
    for key, row in _rows(matrix):
        for tag in row.wheels:
            for platform in tag_platforms(tag):
                for python in tag_pythons(tag):
                    count = sum(
                        platform in metadata.platforms and (not metadata.pythons or python in metadata.pythons)
                        for metadata in row.metadata
                    )
                    if count != 1:
                        yield f"{key}.metadata", f"{count} records speak of {tag}; there must be one"


@lint(TensorflowMatrix)
def requires_python_admits_the_wheels(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """No wheel is for a Python that its own metadata refuses."""
    for key, row, metadata in _metadata(matrix):
        specifier = SpecifierSet(metadata.requires_python or "")
        for python in metadata.pythons or row.pythons:
            if f"{python}.99" not in specifier:
                yield f"{key}.requires_python", f"{metadata.requires_python} refuses Python {python}, which has wheels"


@lint(TensorflowMatrix)
def requirements_are_in_normal_form(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """Requirements are spelled as packaging spells them, so that equal ones are equal."""
    for key, _, metadata in _metadata(matrix):
        for line in metadata.requires:
            if str(Requirement(line)) != line:
                yield f"{key}.requires", f"{line!r} must be written {str(Requirement(line))!r}"


@lint(TensorflowMatrix)
def extras_are_declared_and_used(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """The extras of the markers and the declared ones are the same."""
    for key, _, metadata in _metadata(matrix):
        used = {extra for line in metadata.requires for extra in re.findall(r'extra == "([^"]+)"', line)}
        for extra in sorted(used ^ set(metadata.extras)):
            yield f"{key}.extras", f"{extra} is {'not declared' if extra in used else 'declared and adds nothing'}"


@lint(TensorflowMatrix)
def cuda_is_known(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """From 2.1 on the Linux x86_64 wheel is built with CUDA, and every such row has all that decides."""
    for key, row in _rows(matrix):
        if Version(row.version) >= Version("2.1") and "linux-x86_64" not in row.cuda_platforms:
            yield f"{key}.cuda_platforms", "linux-x86_64 is missing; has TensorFlow stopped building it with CUDA?"
        if row.cuda and not (row.cudnn and row.compute_capabilities):
            yield f"{key}.cudnn", "a row with CUDA needs its cuDNN and its GPU architectures"


@lint(TensorflowMatrix)
def architectures_ascend_and_end_in_ptx(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """Architectures ascend, and the newest has PTX: without it no newer GPU could run the release at all."""
    for key, row in _rows(matrix):
        numbers = [int(name.partition("_")[2]) for name in row.compute_capabilities]
        if numbers != sorted(set(numbers)):
            yield f"{key}.compute_capabilities", "must ascend, each once"
        if row.compute_capabilities and not row.compute_capabilities[-1].startswith("compute_"):
            yield f"{key}.compute_capabilities", "the newest must have PTX (`compute_XY`)"


@lint(TensorflowMatrix)
def cuda_wheels_are_of_the_same_cuda(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """What the extra `and-cuda` brings is of the CUDA major that the release was built with."""
    for key, row in _rows(matrix):
        major = (row.cuda or "").partition(".")[0]
        for line in row.nvidia:
            suffix = re.match(r"[\w-]+-cu(\d+)\b", line)
            if suffix and suffix[1] != major:
                yield f"{key}.metadata", f"{line} in {CUDA_EXTRA} is not of CUDA {major}"


@lint(TensorflowMatrix)
def cuda_extra_since_2_14(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """The extra `and-cuda` pins CUDA in every release from 2.14 on, in none before."""
    for key, row in _rows(matrix):
        if bool(row.nvidia) != (Version(row.version) >= Version("2.14.dev0")):
            yield f"{key}.metadata", f"{row.version} has {len(row.nvidia)} requirements in {CUDA_EXTRA}"


@lint(TensorflowMatrix)
def shims_require_what_they_stand_for(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """A wheel without TensorFlow in it requires the distribution that has it, in its own version."""
    for key, row in _rows(matrix):
        for platform in row.shim_platforms:
            metadata = row.metadata_for(platform)
            pinned = (Requirement(line) for line in (metadata.requires if metadata else ()))
            if not any(_pins(requirement, row.version) for requirement in pinned):
                yield f"{key}.shim_platforms", f"the wheel for {platform} requires no other tensorflow=={row.version}"


def _pins(requirement: Requirement, version: str) -> bool:
    # Pre-releases spell it `==2.16.0-rc0`: versions are compared, not texts.
    pins = (item for item in requirement.specifier if item.operator == "==" and not item.version.endswith(".*"))
    return requirement.name.startswith("tensorflow-") and any(Version(pin.version) == Version(version) for pin in pins)


@lint(TensorflowMatrix)
def a_minor_keeps_its_cuda(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """Within one minor of TensorFlow 2 CUDA, cuDNN and architectures never changed; if they do, look twice."""
    first: dict[str, TensorflowRow] = {}
    for key, row in _rows(matrix):
        before = first.setdefault(row.minor, row)
        same = (row.cuda, row.cudnn, row.compute_capabilities) == (
            before.cuda,
            before.cudnn,
            before.compute_capabilities,
        )
        # In 1.15 the first release alone was built with CUDA.
        if not same and row.minor != "1.15":
            yield f"{key}.cuda", f"{row.version} differs from {before.version}"


@lint(TensorflowMatrix)
def patches_follow_each_other(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """Within one minor a later version was not released earlier."""
    last: dict[str, TensorflowRow] = {}
    for key, row in _rows(matrix):
        before = last.get(row.minor)
        if before is not None and row.released < before.released:
            yield (
                f"{key}.released",
                f"{row.version} of {row.released} is older than {before.version} of {before.released}",
            )
        last[row.minor] = row
