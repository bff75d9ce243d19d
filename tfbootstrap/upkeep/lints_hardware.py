"""Named checks over the hardware files, each by itself. See `upkeep.lints`."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
from tfbootstrap.matrix.cudnn import CudnnMatrix
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix, capability
from tfbootstrap.matrix.gpus import GpuMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.upkeep.lints import Finding, lint


@lint(GpuCodeMatrix)
def the_newest_gpus_have_ptx(matrix: GpuCodeMatrix) -> Iterator[Finding]:
    """Every release has PTX for its newest architecture: without it no newer GPU could run it at all."""
    for index, row in enumerate(matrix.rows):
        machine = {one for group in row.groups for one in group.machine}
        ptx = {one for group in row.groups for one in group.ptx}
        if not ptx or max(machine, key=capability) not in ptx:
            yield f"rows[{index}].libraries", "the newest architecture has no PTX"


@lint(GpuCodeMatrix)
def gpu_code_is_from_its_own_wheel(matrix: GpuCodeMatrix) -> Iterator[Finding]:
    """The wheel that a row names is of the release that it speaks of."""
    for index, row in enumerate(matrix.rows):
        if not row.source.startswith(f"wheel: tensorflow-{row.tensorflow}-"):
            yield f"rows[{index}].source", f"is not a wheel of {row.tensorflow}"


@lint(CudaMatrix)
def toolkit_drivers_meet_the_floor(matrix: CudaMatrix) -> Iterator[Finding]:
    """No toolkit is served by a driver of an older branch than the floor of its major."""
    floors = {row.major: row for row in matrix.floors}
    for index, row in enumerate(matrix.toolkits):
        floor = floors.get(row.cuda.partition(".")[0])
        if floor and Version(row.linux).release[0] < Version(floor.linux).release[0]:
            yield f"toolkits[{index}].linux", f"{row.linux} is older than the floor {floor.linux} of CUDA {floor.major}"


@lint(CudaMatrix)
def branches_agree_with_toolkits(matrix: CudaMatrix) -> Iterator[Finding]:
    """The branch of a toolkit's own driver serves that toolkit and no newer one."""
    served = {row.branch: row.cuda for row in matrix.branches}
    for index, row in enumerate(matrix.toolkits):
        branch = row.linux.partition(".")[0]
        if served.get(branch, row.cuda) != row.cuda:
            yield (
                f"toolkits[{index}].linux",
                f"branch {branch} serves CUDA {served[branch]}, this toolkit is {row.cuda}",
            )


@lint(CudaMatrix)
def architectures_are_dropped_by_majors_only(matrix: CudaMatrix) -> Iterator[Finding]:
    """Within a CUDA major architectures are added, never dropped (10.1 became 11.0 with CUDA 13)."""
    for index in range(1, len(matrix.toolkits)):
        before, row = matrix.toolkits[index - 1], matrix.toolkits[index]
        lost = set(before.architectures) - set(row.architectures)
        if lost and before.cuda.partition(".")[0] == row.cuda.partition(".")[0]:
            yield f"toolkits[{index}].architectures", f"{', '.join(sorted(lost))} of CUDA {before.cuda} is missing"


@lint(CudaMatrix)
def generations_share_nothing(matrix: CudaMatrix) -> Iterator[Finding]:
    """A compute capability is of one generation."""
    seen: dict[str, str] = {}
    for index, row in enumerate(matrix.generations):
        for one in row.compute_capabilities:
            if seen.setdefault(one, row.generation) != row.generation:
                yield f"generations[{index}].compute_capabilities", f"{one} is of {seen[one]} already"


@lint(CudaMatrix)
def generations_end_where_toolkits_do(matrix: CudaMatrix) -> Iterator[Finding]:
    """The last toolkit of a generation knows it, the next does not."""
    for index, row in enumerate(matrix.generations):
        knowing = [one.cuda for one in matrix.toolkits if set(row.compute_capabilities) & set(one.architectures)]
        last = knowing[-1] if knowing and knowing[-1] != matrix.toolkits[-1].cuda else None
        if matrix.toolkits and last != row.last_cuda:
            yield f"generations[{index}].last_cuda", f"the toolkits say {last}, the row {row.last_cuda}"


@lint(CudaMatrix)
def forward_packages_are_named_after_their_cuda(matrix: CudaMatrix) -> Iterator[Finding]:
    """`cuda-compat-12-5` is for CUDA 12.5."""
    for index, row in enumerate(matrix.forward):
        if row.package != f"cuda-compat-{row.cuda.replace('.', '-')}":
            yield f"forward[{index}].package", f"{row.package} is not for CUDA {row.cuda}"


@lint(CudnnMatrix)
def neighbouring_cudnn_rows_differ(matrix: CudnnMatrix) -> Iterator[Finding]:
    """Runs of versions that serve the same GPUs are one row."""
    for index in range(1, len(matrix.rows)):
        before, row = matrix.rows[index - 1], matrix.rows[index]
        if (row.distribution, row.machine, row.ptx) == (before.distribution, before.machine, before.ptx):
            yield f"rows[{index}]", f"serves the same GPUs as {before.first} to {before.last}; join them"


@lint(LibrariesMatrix)
def no_wheel_rows_are_needed(matrix: LibrariesMatrix) -> Iterator[Finding]:
    """A library marked as having no wheel is loaded by some release, and no wheel carries it."""
    loaded = {soname for row in matrix.loaded for soname in (*row.needed, *row.optional)}
    carried = {row.soname for row in matrix.carriers}
    for index, row in enumerate(matrix.no_wheel):
        if row.soname in carried:
            yield f"no_wheel[{index}].soname", f"{row.soname} has a carrier"
        elif row.soname not in loaded:
            yield f"no_wheel[{index}].soname", f"no release loads {row.soname}"


@lint(LibrariesMatrix)
def libraries_are_needed_or_optional(matrix: LibrariesMatrix) -> Iterator[Finding]:
    """No library of a release is both needed and optional, or there twice."""
    for index, row in enumerate(matrix.loaded):
        names = [*row.needed, *row.optional]
        for soname in sorted({name for name in names if names.count(name) > 1}):
            yield f"loaded[{index}]", f"{soname} is there twice"


@lint(LibrariesMatrix)
def colliding_libraries_are_of_both_majors(matrix: LibrariesMatrix) -> Iterator[Finding]:
    """Collisions are between builds of the same part for different CUDA majors."""
    for index, row in enumerate(matrix.collisions):
        parts = {name.rpartition("-cu")[0] for name in row.distributions}
        if len(parts) != 1:
            yield f"collisions[{index}].distributions", "are not builds of one part for different CUDA majors"


@lint(CudaWheelsMatrix)
def pin_sets_do_not_overlap(matrix: CudaWheelsMatrix) -> Iterator[Finding]:
    """A TensorFlow version has at most one pin set."""
    edges = {one.version for row in matrix.pin_sets for one in SpecifierSet(row.tensorflow)}
    for index, row in enumerate(matrix.pin_sets):
        for before in matrix.pin_sets[:index]:
            both = SpecifierSet(row.tensorflow) & SpecifierSet(before.tensorflow)
            if common := sorted((edge for edge in edges if both.contains(edge)), key=Version):
                yield f"pin_sets[{index}].tensorflow", f"{common[0]} is in {before.tensorflow} too"


@lint(CudaWheelsMatrix)
def pins_are_sorted_and_there_once(matrix: CudaWheelsMatrix) -> Iterator[Finding]:
    """The pins of a set are in order, each distribution once."""
    for index, row in enumerate(matrix.pin_sets):
        names = [pin.partition("==")[0] for pin in row.pins]
        if names != sorted(set(names)):
            yield f"pin_sets[{index}].pins", "must be sorted, each distribution once"


@lint(GpuMatrix)
def gpus_are_found_by_their_names(matrix: GpuMatrix) -> Iterator[Finding]:
    """Every name and alias finds its own product: none is lost among the words that a lookup ignores."""
    for index, group in enumerate(matrix.groups):
        for row in group.rows:
            for name in (row.name, *row.aliases):
                found = matrix.find_gpu(name)
                if found is None or found.compute_capability != row.compute_capability:
                    yield f"groups[{index}].names", f"{name} finds {found.name if found else 'nothing'}"


@lint(GpuMatrix)
def gpu_groups_are_in_order(matrix: GpuMatrix) -> Iterator[Finding]:
    """Groups go from the newest compute capability to the oldest."""
    for index in range(1, len(matrix.groups)):
        before, group = matrix.groups[index - 1], matrix.groups[index]
        if capability(group.compute_capability) > capability(before.compute_capability):
            yield (
                f"groups[{index}].compute_capability",
                f"{group.compute_capability} must come before {before.compute_capability}",
            )
