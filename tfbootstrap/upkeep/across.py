"""Named checks across data files: what one file says of things that another knows.

Each has a file `tests/bad_matrix/<data file>/across/<name>.yaml` that it alone catches beside the other shipped files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
from tfbootstrap.matrix.cudnn import CudnnMatrix
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix, capability
from tfbootstrap.matrix.gpus import GpuMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.reader import MatrixFile
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.upkeep.lints import Finding

File = TypeVar("File", bound=MatrixFile)


@dataclass(frozen=True, slots=True)
class Files:
    """All data files of a matrix that have one file, by record."""

    by_record: Mapping[type[MatrixFile], MatrixFile]

    def of(self, record: type[File]) -> File:
        """Return one file. Raises InputError where the matrix lacks it."""
        if record not in self.by_record:
            raise InputError(Location(record.FILE), "there is no such file", hint="is the matrix folder complete?")
        return cast("File", self.by_record[record])


@dataclass(frozen=True, kw_only=True, slots=True)
class AcrossLint:
    """One named check of one file against its siblings."""

    name: str
    record: type[MatrixFile]
    check: Callable[[Any, Files], Iterator[Finding]]


_LINTS: Final[list[AcrossLint]] = []
_Check = Callable[[File, Files], Iterator[Finding]]


def across(record: type[File]) -> Callable[[_Check[File]], _Check[File]]:
    """Register a check of a record's file against the others under its function's name, with dashes."""

    def register(check: _Check[File]) -> _Check[File]:
        _LINTS.append(AcrossLint(name=check.__name__.replace("_", "-"), record=record, check=check))
        return check

    return register


def across_lints() -> tuple[AcrossLint, ...]:
    """Return every check across files."""
    return tuple(_LINTS)


def across_findings(files: Files) -> Iterator[tuple[type[MatrixFile], str, str, str]]:
    """Yield (record, lint, dotted path, what is wrong) for a whole matrix."""
    for lint in across_lints():
        if lint.record not in files.by_record:
            continue
        for key, text in lint.check(files.of(lint.record), files):
            yield lint.record, lint.name, key, text


@across(GpuCodeMatrix)
def gpu_code_is_of_known_releases(matrix: GpuCodeMatrix, files: Files) -> Iterator[Finding]:
    """Every row's release is in tensorflow.yaml."""
    for index, row in enumerate(matrix.rows):
        if files.of(TensorflowMatrix).row(row.tensorflow) is None:
            yield f"rows[{index}].tensorflow", f"tensorflow.yaml has no {row.tensorflow}"


@across(GpuCodeMatrix)
def gpu_code_agrees_with_the_build(matrix: GpuCodeMatrix, files: Files) -> Iterator[Finding]:
    """The machine code is for just the architectures that the build records."""
    for index, row in enumerate(matrix.rows):
        release = files.of(TensorflowMatrix).row(row.tensorflow)
        recorded = {_capability(name) for name in release.compute_capabilities} if release else set()
        found = {one for group in row.groups for one in group.machine}
        if release and recorded != found:
            yield f"rows[{index}].libraries", f"has {_words(found)}; the build records {_words(recorded)}"


@across(GpuCodeMatrix)
def ptx_is_of_known_toolkits(matrix: GpuCodeMatrix, files: Files) -> Iterator[Finding]:
    """Every PTX ISA version is one that a toolkit of cuda.yaml writes: else no driver could be named for it."""
    known = {row.isa for row in files.of(CudaMatrix).toolkits}
    for index, row in enumerate(matrix.rows):
        for isa in sorted({group.isa for group in row.groups if group.isa} - known):
            yield f"rows[{index}].libraries", f"no toolkit of cuda.yaml writes PTX {isa}"


@across(CudaMatrix)
def the_cuda_of_every_release_is_known(matrix: CudaMatrix, files: Files) -> Iterator[Finding]:
    """There is a driver for each CUDA that a release since 2.1 was built with."""
    for row in files.of(TensorflowMatrix).rows:
        known = row.cuda is None or Version(row.version) < Version("2.1") or matrix.driver_floor(row.cuda)
        if not known:
            yield "toolkits", f"{row.version} was built with CUDA {row.cuda}, which has no row"


@across(CudnnMatrix)
def cudnn_is_for_known_gpus(matrix: CudnnMatrix, files: Files) -> Iterator[Finding]:
    """Every architecture is of a generation of cuda.yaml."""
    cuda = files.of(CudaMatrix)
    for index, row in enumerate(matrix.rows):
        for one in (*row.machine, *row.ptx):
            if cuda.generation(one) is None:
                yield f"rows[{index}].machine", f"no generation of cuda.yaml has {one}"


@across(LibrariesMatrix)
def loaded_libraries_are_of_known_releases(matrix: LibrariesMatrix, files: Files) -> Iterator[Finding]:
    """Every row's release is in tensorflow.yaml."""
    for index, row in enumerate(matrix.loaded):
        if files.of(TensorflowMatrix).row(row.tensorflow) is None:
            yield f"loaded[{index}].tensorflow", f"tensorflow.yaml has no {row.tensorflow}"


@across(CudaWheelsMatrix)
def pin_sets_serve_known_releases(matrix: CudaWheelsMatrix, files: Files) -> Iterator[Finding]:
    """Every pin set speaks of some release: none is there that can never match."""
    releases = files.of(TensorflowMatrix)
    for index, row in enumerate(matrix.pin_sets):
        if not releases.matching(SpecifierSet(row.tensorflow), prereleases=True):
            yield f"pin_sets[{index}].tensorflow", f"{row.tensorflow} admits no release of tensorflow.yaml"


@across(CudaWheelsMatrix)
def pins_carry_what_is_loaded(matrix: CudaWheelsMatrix, files: Files) -> Iterator[Finding]:
    """For all that registering a GPU needs there is a pin whose version carries it."""
    libraries = files.of(LibrariesMatrix)
    for index, row in enumerate(matrix.pin_sets):
        pins = {pin.partition("==")[0]: Version(pin.partition("==")[2]) for pin in row.pins}
        minors = {release.minor for release in files.of(TensorflowMatrix).matching(SpecifierSet(row.tensorflow))}
        for minor in sorted(minors, key=Version):
            loaded = libraries.row(minor)
            for soname in loaded.needed if loaded else ():
                carriers = libraries.carriers_of(soname)
                if not any(_within(pins.get(one.distribution), one.first, one.last) for one in carriers):
                    yield f"pin_sets[{index}].pins", f"{minor} needs {soname}, which no pin carries"


def _within(version: Version | None, first: str, last: str) -> bool:
    return version is not None and Version(first) <= version <= Version(last)


@across(KnownBadMatrix)
def bounds_keep_to_code_for_the_gpu(matrix: KnownBadMatrix, files: Files) -> Iterator[Finding]:
    """A bound on cuDNN for some GPUs keeps out just the versions that have no code for them."""
    generations = files.of(CudaMatrix).generations
    known = [one for row in generations for one in row.compute_capabilities]
    for index, row in enumerate(matrix.rows):
        if row.compute_capabilities is None or row.bound is None:
            continue
        requirement = Requirement(row.bound)
        meant = [one for one in known if SpecifierSet(row.compute_capabilities).contains(one)]
        for run in (one for one in files.of(CudnnMatrix).rows if one.distribution == requirement.name):
            # Kepler has no code in any cuDNN for CUDA 12, and no TensorFlow with CUDA 12 has code for it.
            serves = any(run.runs_on(one) for one in meant)
            wrong = [end for end in (run.first, run.last) if requirement.specifier.contains(end) != serves]
            if wrong:
                verb = "keeps out" if serves else "admits"
                yield f"rows[{index}].bound", f"{verb} {wrong[0]}, against what cudnn.yaml says"


@across(GpuMatrix)
def gpus_are_of_their_generation(matrix: GpuMatrix, files: Files) -> Iterator[Finding]:
    """A group's generation is the one that cuda.yaml gives its compute capability."""
    for index, group in enumerate(matrix.groups):
        row = files.of(CudaMatrix).generation(group.compute_capability)
        if row is None or row.generation != group.generation:
            yield f"groups[{index}].generation", f"{group.compute_capability} is {row.generation if row else 'of none'}"


def _capability(architecture: str) -> str:
    """Write `sm_75` as `7.5`."""
    return re.sub(r"^(?:sm|compute)_(\d+)(\d)$", r"\1.\2", architecture)


def _words(capabilities: set[str]) -> str:
    return " ".join(sorted(capabilities, key=capability)) or "none"
