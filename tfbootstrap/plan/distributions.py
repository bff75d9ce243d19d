"""What the other distributions of TensorFlow mean for a plan: stand-ins, other builds, `tensorflow-cpu`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.facts import Facts
from tfbootstrap.matrix.distributions import DistributionsMatrix, stand_in
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import Rejection, reject
from tfbootstrap.plan.tags import tag_fits
from tfbootstrap.request import Request

METAL = "tensorflow-metal"
SLIM = "tensorflow-cpu"


def platform_of(facts: Facts) -> str:
    """Return operating system and processor as the rows name them: `macos-arm64`."""
    return f"{facts.platform.system}-{facts.platform.machine}"


def needs_distributions(facts: Facts, request: Request) -> bool:
    """Say whether planning looks at the other distributions: wheels of `tensorflow` for Linux x86_64 are no shims."""
    return request.slim or bool(request.renamed) or platform_of(facts) != "linux-x86_64"


def stand_in_rejection(
    row: TensorflowRow, facts: Facts, accepted: frozenset[Tag], distributions: DistributionsMatrix | None
) -> Rejection | None:
    """Reject a wheel that only redirects to a distribution which has none for this runtime; None otherwise."""
    platform, python = platform_of(facts), facts.python.minor
    instead = stand_in(row, platform, python, distributions) if distributions else None
    if instead is None or instead.release is None or any(tag_fits(tag, accepted) for tag in instead.release.wheels):
        return None
    pythons = instead.release.pythons_for(platform)
    offered = pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"
    needed = f"{instead.name} {instead.version}, which has wheels for Python {offered} only"
    return reject(row, "stand-in", f"Python {python}", needed)


def naming_other_builds(
    rejection: Rejection, row: TensorflowRow, facts: Facts, distributions: DistributionsMatrix | None
) -> Rejection:
    """Return a rejection of the platform that names the distributions which serve it."""
    builds = ", ".join(_builds(row, facts, distributions)) if distributions else ""
    return replace(rejection, needed=f"{rejection.needed} ({builds})") if builds else rejection


def _builds(row: TensorflowRow, facts: Facts, distributions: DistributionsMatrix) -> Iterator[str]:
    platform = platform_of(facts)
    for other in distributions.of_kind("stand-in"):
        found = [
            (group, version)
            for group in other.releases
            for version in group.versions
            if group.owns and _minor(version) == row.minor and group.pythons_for(platform)
        ]
        if found:
            group, version = found[-1]
            pythons = group.pythons_for(platform)
            yield f"another distribution, {other.name} {version}, has them for Python {pythons[0]} to {pythons[-1]}"


def _minor(version: str) -> str:
    release = Version(version).release
    return f"{release[0]}.{release[1]}"


def slim_hindrance(
    row: TensorflowRow, facts: Facts, accepted: frozenset[Tag], distributions: DistributionsMatrix
) -> str | None:
    """Return why `tensorflow-cpu` is nothing for a release on a runtime; None where it can be taken."""
    platform = platform_of(facts)
    if platform not in row.cuda_platforms:
        return f"the wheels of tensorflow {row.version} for {platform} are for processors alone already"
    known = distributions.row(SLIM)
    release = known.release(row.version) if known else None
    if known and (release is None or not any(tag_fits(tag, accepted) for tag in release.wheels)):
        return f"there is no {SLIM} {row.version} for this runtime"
    return None


def slim_requirements(row: TensorflowRow, facts: Facts, distributions: DistributionsMatrix) -> tuple[str, ...] | None:
    """Return what the wheel of `tensorflow-cpu` requires, None where it is what that of `tensorflow` does."""
    known = distributions.row(SLIM)
    release = known.release(row.version) if known else None
    own = release.metadata_for(platform_of(facts), facts.python.minor) if release else None
    return own.requires if own else None


def renamed_reasons(request: Request, distributions: DistributionsMatrix | None) -> tuple[str, ...]:
    """Return a sentence for each requirement that names another distribution and is met by `tensorflow`."""
    return tuple(
        f"{wanted.name} ({wanted.location}) is met by tensorflow: {_why_not(wanted.name, request, distributions)}"
        for wanted in request.renamed
    )


def _why_not(name: str, request: Request, distributions: DistributionsMatrix | None) -> str:
    row = distributions.row(name) if distributions else None
    if row and row.ended:
        return f"it ended with {row.ended.last}; {row.ended.note}"
    if canonicalize_name(name) == SLIM and not request.slim:
        return "--slim takes tensorflow-cpu itself where nothing else needs tensorflow"
    return "both bring the same files"


def cpu_reason(row: TensorflowRow, facts: Facts, request: Request, knowledge: Knowledge) -> str:
    """Return why the CPU is planned."""
    platform = platform_of(facts)
    if request.gpu == "none" or request.cuda == "none":
        return "the CPU is planned, as asked for"
    if platform == "macos-arm64":
        return f"the CPU is planned: a Mac's GPU needs Apple's plug-in, {_metal(row, facts, knowledge)}"
    if platform not in row.cuda_platforms:
        where = "; in WSL2 the one for Linux uses a GPU" if facts.platform.system == "windows" else ""
        return f"the CPU is planned: no wheel of TensorFlow {row.minor} for {platform} uses a GPU{where}"
    return "the CPU is planned: this runtime has no GPU that can be used"


def _metal(row: TensorflowRow, facts: Facts, knowledge: Knowledge) -> str:
    """Return what of the plug-in fits a release: https://developer.apple.com/metal/tensorflow-plugin/."""
    plug_in = knowledge.distributions.row(METAL) if knowledge.distributions else None
    newest = plug_in.releases[-1] if plug_in else None
    if newest and facts.python.minor not in newest.pythons:
        return f"{METAL}, which has no wheel for Python {facts.python.minor} (up to {newest.pythons[-1]})"
    companion = knowledge.companions.row(METAL) if knowledge.companions else None
    made = next((tie for tie in companion.all_ties() if tie.allows(row.version)), None) if companion else None
    pair = f"{METAL}{made.versions}" if made else METAL
    note = f" ({made.note})" if made and made.note else ""
    return f"which can be required beside it: {pair}{note}"
