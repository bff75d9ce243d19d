"""Named checks of what goes with TensorFlow: bounds, known-bad combinations, proofs; each beside the releases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.edges.resources import load
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.matrix.bounds import TENSORFLOW, Bound, BoundMatrix
from tfbootstrap.matrix.distributions import DistributionsMatrix, stand_in
from tfbootstrap.matrix.gpus import GpuMatrix
from tfbootstrap.matrix.known_bad import KnownBad, KnownBadMatrix
from tfbootstrap.matrix.proofs import Proof
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow, tag_platforms, tag_pythons
from tfbootstrap.plan.bounds import missing_bounds, published_requirements
from tfbootstrap.upkeep.lints import Finding, lint

PLATFORM = "linux-x86_64"


@cache
def _releases() -> TensorflowMatrix:
    return load(TensorflowMatrix)


@cache
def _capabilities() -> tuple[str, ...]:
    return tuple({group.compute_capability for group in load(GpuMatrix).groups})


def facts_for(python: str, platform: str = PLATFORM) -> Facts:
    """Return the facts of a machine without GPU."""
    system, _, machine = platform.partition("-")
    libc = "glibc 2.36" if system == "linux" else None
    return Facts(
        python=PythonFacts(version=f"{python}.0"),
        platform=PlatformFacts(system=system, machine=machine, libc=libc),
        gpu_status="absent",
    )


def firing(bound: Bound) -> Iterator[tuple[TensorflowRow, str]]:
    """Yield (release, Python) for which a bound adds something to what the Linux wheels require."""
    alone = BoundMatrix(rows=(bound,))
    asked = () if bound.needed_by == TENSORFLOW else (bound.needed_by,)
    for row in _releases().rows:
        for python in _pythons(row):
            facts = facts_for(python)
            if missing_bounds(published_requirements(row, facts), row.version, facts, alone, asked):
                yield row, python


def _pythons(row: TensorflowRow) -> tuple[str, ...]:
    tags = (tag for tag in row.wheels if PLATFORM in tag_platforms(tag))
    return tuple(dict.fromkeys(python for tag in tags for python in tag_pythons(tag)))


@lint(BoundMatrix)
def every_bound_fires(matrix: BoundMatrix) -> Iterator[Finding]:
    """Each bound adds something to some release: its metadata admits what the bound refuses."""
    for index, bound in enumerate(matrix.rows):
        if next(firing(bound), None) is None:
            yield f"rows[{index}].bound", f"no release of {bound.tensorflow} admits {bound.package} {bound.bad}"


@lint(BoundMatrix)
def bounds_do_not_overlap(matrix: BoundMatrix) -> Iterator[Finding]:
    """No release has two bounds on one package for the same reason."""
    for index, bound in enumerate(matrix.rows):
        for other in matrix.rows[:index]:
            same = (other.package, other.needed_by, other.bound[0]) == (bound.package, bound.needed_by, bound.bound[0])
            both = [
                row.version
                for row in _releases().rows
                if same and any(bound.is_for(row.version, p) and other.is_for(row.version, p) for p in row.pythons)
            ]
            if both:
                yield f"rows[{index}].tensorflow", f"{other.id} bounds {bound.package} for {both[0]} already"


@lint(KnownBadMatrix)
def every_known_bad_row_can_match(matrix: KnownBadMatrix) -> Iterator[Finding]:
    """For each row there is a release, a Python, a platform and a GPU that meet its conditions."""
    for index, row in enumerate(matrix.rows):
        if not any(_can_match(row, release) for release in _releases().rows):
            yield f"rows[{index}]", "no release with these Pythons and platforms can ever match"
        wanted = SpecifierSet(row.compute_capabilities or "")
        if not any(wanted.contains(capability) for capability in _capabilities()):
            yield f"rows[{index}].compute_capabilities", f"no GPU has {row.compute_capabilities}"


def _can_match(row: KnownBad, release: TensorflowRow) -> bool:
    if row.tensorflow is not None and not SpecifierSet(row.tensorflow).contains(release.version, prereleases=True):
        return False
    return any(
        (not row.platforms or set(row.platforms) & set(tag_platforms(tag)))
        and (row.python is None or any(SpecifierSet(row.python).contains(python) for python in tag_pythons(tag)))
        for tag in release.wheels
    )


@lint(KnownBadMatrix)
def way_out_leads_somewhere(matrix: KnownBadMatrix) -> Iterator[Finding]:
    """`instead` names a release that there is."""
    for index, row in enumerate(matrix.rows):
        if row.instead is not None and not _releases().matching(SpecifierSet(row.instead)):
            yield f"rows[{index}].instead", f"there is no release {row.instead}"


@lint(Proof)
def proof_is_of_a_current_row(proof: Proof) -> Iterator[Finding]:
    """The release is in the matrix, with a wheel for that Python."""
    row = _releases().row(proof.tensorflow)
    if row is None:
        yield "tensorflow", f"the matrix has no release {proof.tensorflow}"
    elif proof.python not in _pythons(row):
        yield "python", f"{proof.tensorflow} has no Linux wheel for Python {proof.python}"


@lint(Proof)
def proof_is_not_older_than_its_row(proof: Proof) -> Iterator[Finding]:
    """Nothing was proven before it was released."""
    row = _releases().row(proof.tensorflow)
    if row is not None and proof.proven < row.released:
        yield "proven", f"{proof.tensorflow} was released on {row.released}, which is later"


@lint(Proof)
def proof_keeps_the_bounds(proof: Proof) -> Iterator[Finding]:
    """No pin is beyond a bound that applies to it: a bound that came later asks for a new proof."""
    row = _releases().row(proof.tensorflow)
    if row is None or proof.python not in _pythons(row):
        return
    facts = facts_for(proof.python)
    for bound in missing_bounds(published_requirements(row, facts), row.version, facts, load(BoundMatrix)):
        found = proof.version(bound.package)
        if found is not None and not SpecifierSet(bound.bound).contains(found, prereleases=True):
            yield "pins", f"{bound.package} {found} is beyond {bound.bound} ({bound.id}); prove it again"


@lint(Proof)
def proof_meets_the_requirements(proof: Proof) -> Iterator[Finding]:
    """The pins satisfy what the release itself requires."""
    row = _releases().row(proof.tensorflow)
    if row is None or proof.python not in _pythons(row):
        return
    environment = {"extra": "", "python_version": proof.python, "platform_system": "Linux", "sys_platform": "linux"}
    for requirement in map(Requirement, published_requirements(row, facts_for(proof.python))):
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        found = proof.version(canonicalize_name(requirement.name))
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            yield "pins", f"{requirement} is not met by {found or 'any pin'}"


@lint(TensorflowMatrix)
def stand_ins_are_known(matrix: TensorflowMatrix) -> Iterator[Finding]:
    """For every shim wheel of a final release it is known what the distribution that it redirects to has."""
    for index, row in enumerate(matrix.rows):
        for platform in () if row.prerelease else row.shim_platforms:
            instead = stand_in(row, platform, row.pythons[-1], load(DistributionsMatrix))
            if instead is not None and instead.release is None:
                missing = f"distributions.yaml has no {instead.name} {instead.version}"
                yield f"rows[{index}].shim_platforms", f"{platform}: {missing}"


@lint(DistributionsMatrix)
def distribution_tags_are_known(matrix: DistributionsMatrix) -> Iterator[Finding]:
    """Every tag is for a Python and a platform that we know, each once."""
    for index, row in enumerate(matrix.rows):
        for position, group in enumerate(row.releases):
            key = f"rows[{index}].releases[{position}].wheels"
            for tag in group.wheels:
                if not tag_platforms(tag) or not tag_pythons(tag):
                    yield key, f"{tag} names a platform or Python that we don't know"
            if len(set(group.wheels)) < len(group.wheels):
                yield key, "a tag is there twice"


@lint(DistributionsMatrix)
def builds_beside_tensorflow_are_known_bad(matrix: DistributionsMatrix) -> Iterator[Finding]:
    """What brings the same files as `tensorflow` must not be locked beside it: a known-bad row says so."""
    refused = [{*row.packages} for row in load(KnownBadMatrix).rows if row.effect == "exclude"]
    for index, row in enumerate(matrix.rows):
        owns = {folder for group in row.releases for folder in group.owns}
        if row.kind != "stand-in" and "tensorflow" in owns and {"tensorflow", row.name} not in refused:
            yield f"rows[{index}].name", f"known_bad.yaml does not refuse {row.name} beside tensorflow"
