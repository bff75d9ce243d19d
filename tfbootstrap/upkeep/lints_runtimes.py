"""Lints of hosts, runtimes, their requirements and companions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.hosts import HostsMatrix
from tfbootstrap.matrix.requires import RequiresMatrix
from tfbootstrap.matrix.runtimes import RuntimeProfile
from tfbootstrap.upkeep.lints import Finding, lint

_TOLD = ("tensorflow", "keras", "numpy", "protobuf", "setuptools", "pip")
_MINORS = [f"2.{minor}.0" for minor in range(30)]


@lint(HostsMatrix)
def offers_are_told_apart(matrix: HostsMatrix) -> Iterator[Finding]:
    """No host has two offers of one name: `--gpu` must mean one of them."""
    for index, host in enumerate(matrix.hosts):
        count = Counter(gpu.offer.casefold() for gpu in host.gpus)
        yield from ((f"hosts[{index}].gpus", f"{name} is offered twice") for name, times in count.items() if times > 1)


@lint(HostsMatrix)
def one_gpu_has_one_capability(matrix: HostsMatrix) -> Iterator[Finding]:
    """A GPU has the same compute capability at every host."""
    known: dict[str, str] = {}
    for index, host in enumerate(matrix.hosts):
        for gpu in host.gpus:
            before = known.setdefault(gpu.name, gpu.compute_capability)
            if before != gpu.compute_capability:
                yield f"hosts[{index}].gpus", f"{gpu.name} has {gpu.compute_capability} here and {before} above"


@lint(RuntimeProfile)
def plain_profiles_presume_nothing(profile: RuntimeProfile) -> Iterator[Finding]:
    """A profile that is no service lists no packages and no CUDA: nobody's machine has just those."""
    if profile.host == "plain" and (profile.packages or profile.cuda):
        yield "host", "a plain profile lists no packages and no CUDA"


@lint(RuntimeProfile)
def services_offer_their_gpus(profile: RuntimeProfile) -> Iterator[Finding]:
    """The GPUs of a service are those of hosts.yaml, and only a service offers some."""
    if (profile.host == "plain") == (profile.gpu == "offered"):
        yield "gpu", "`offered` is for the profiles of a service, and for all of them"


@lint(RuntimeProfile)
def whole_images_have_what_every_image_has(profile: RuntimeProfile) -> Iterator[Finding]:
    """A complete list has TensorFlow and what its first conflicts are about; else it was cut off."""
    if profile.host != "plain" and profile.complete:
        missing = [name for name in _TOLD if name not in profile.pins("cpu")]
        if missing:
            yield "packages", f"a whole image without {', '.join(missing)}? say `complete: false` if it is a part"


@lint(RuntimeProfile)
def partial_lists_say_why(profile: RuntimeProfile) -> Iterator[Finding]:
    """A list that is not the whole image has a note that says what is in it."""
    if not profile.complete and not profile.note:
        yield "note", "is missing; say what a partial list has"


@lint(RuntimeProfile)
def lists_are_from_where_they_are_published(profile: RuntimeProfile) -> Iterator[Finding]:
    """A service's profile cites the commit of the repository that describes its images."""
    repository = {"colab": "googlecolab/backend-info@", "kaggle": "Kaggle/docker-python@"}.get(profile.host)
    if repository and not profile.source.startswith(repository):
        yield "source", f"must be {repository}<commit>:<file>"


@lint(RuntimeProfile)
def cudnn_wheels_fit_the_toolkit(profile: RuntimeProfile) -> Iterator[Finding]:
    """A cuDNN wheel is for the CUDA major that the image installs beside it."""
    if profile.cuda is None:
        return
    major = profile.cuda.toolkit.partition(".")[0]
    for name in profile.pins("gpu"):
        if name.startswith("nvidia-cudnn-cu") and name != f"nvidia-cudnn-cu{major}":
            yield "gpu_packages", f"{name} beside CUDA {profile.cuda.toolkit}"


@lint(RequiresMatrix)
def what_is_unread_has_no_requirements(matrix: RequiresMatrix) -> Iterator[Finding]:
    """A package is either read or unread."""
    heads = (line.split() for line in matrix.lines if not line.startswith(" "))
    read = {f"{name}=={version}" for name, *versions in heads for version in versions}
    yield from (("unread", f"{pin} has requirements below") for pin in sorted(read & {*matrix.unread}))


@lint(RequiresMatrix)
def requirements_of_images_can_be_parsed(matrix: RequiresMatrix) -> Iterator[Finding]:
    """Every requirement is one, of a normalised name, with a version."""
    for line in matrix.lines:
        if not line.startswith(" "):
            continue
        try:
            requirement = Requirement(line.strip())
        except InvalidRequirement:
            yield "lines", f"{line.strip()!r} is no requirement"
            continue
        if requirement.name != canonicalize_name(requirement.name):
            yield "lines", f"{line.strip()!r} must name {canonicalize_name(requirement.name)}"


@lint(CompanionsMatrix)
def each_companion_says_something(matrix: CompanionsMatrix) -> Iterator[Finding]:
    """A row without tie, end or note tells nobody anything."""
    for index, row in enumerate(matrix.rows):
        if not (row.ties or row.wheels or row.cuda or row.ended or row.legacy_keras or row.note):
            yield f"rows[{index}]", f"{row.name} has nothing to say"


@lint(CompanionsMatrix)
def nothing_is_tied_after_its_end(matrix: CompanionsMatrix) -> Iterator[Finding]:
    """What ended has no version for TensorFlow after its last one."""
    for index, row in enumerate(matrix.rows):
        for tie in row.all_ties():
            if row.ended and _oldest(tie.versions) > Version(row.ended.last):
                yield f"rows[{index}].ended", f"{tie.versions} is tied to TensorFlow after {row.ended.last}"


def _oldest(versions: str) -> Version:
    return min(Version(item.version.removesuffix(".*")) for item in SpecifierSet(versions))


@lint(CompanionsMatrix)
def documented_ties_speak_of_different_versions(matrix: CompanionsMatrix) -> Iterator[Finding]:
    """No version that wheels name is spoken of by two documented ties of one kind."""
    for index, row in enumerate(matrix.rows):
        versions = {item.version for tie in row.wheels for item in SpecifierSet(tie.versions)}
        for version in sorted(versions, key=Version):
            kinds = Counter(tie.kind for tie in row.ties if SpecifierSet(tie.versions).contains(version))
            for kind, times in kinds.items():
                if times > 1:
                    yield f"rows[{index}].ties", f"{times} ties of kind {kind} speak of {row.name} {version}"


@lint(CompanionsMatrix)
def every_tensorflow_has_one_keras(matrix: CompanionsMatrix) -> Iterator[Finding]:
    """Each minor of TensorFlow 2 has exactly one row of `keras`."""
    for version in _MINORS:
        rows = [row for row in matrix.keras if SpecifierSet(row.tensorflow).contains(version)]
        if len(rows) != 1:
            yield "keras", f"{len(rows)} rows speak of TensorFlow {version}; there must be one"
