"""What the resolver is asked: the admitted versions as metadata and bounds, beside the user's requirements. Pure."""

from __future__ import annotations

from dataclasses import replace

from packaging.version import Version

from tfbootstrap.matrix.markers import parsed
from tfbootstrap.matrix.tensorflow import CUDA_EXTRA, TensorflowMatrix
from tfbootstrap.plan.distributions import SLIM
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import Admission, Candidate
from tfbootstrap.resolution import PackageMetadata, ResolutionInput

DISTRIBUTION = "tensorflow"
SLIM_DISTRIBUTION = SLIM
"""The same for the CPU alone, half the download."""


def resolution_input(
    admission: Admission,
    knowledge: Knowledge,
    *,
    preferences: tuple[tuple[str, str], ...] = (),
    excluded: tuple[str, ...] = (),
    offline: bool = False,
) -> ResolutionInput:
    """Return the one resolution that is joint over all admitted versions.

    `excluded` are versions that the index has and no row describes: they would enter with raw metadata.
    """
    facts, request = admission.facts, admission.request
    return ResolutionInput(
        requirements=(
            f"{_distribution(admission)}{_admitted(admission, knowledge.tensorflow, excluded)}",
            *(str(wanted.requirement) for wanted in request.packages),
        ),
        constraints=tuple(str(wanted.requirement) for wanted in request.constraints),
        metadata=tuple(_metadata(candidate, admission) for candidate in admission.candidates),
        preferences=preferences,
        python=facts.python.minor,
        system=facts.platform.system,
        machine=facts.platform.machine,
        libc=facts.platform.libc,
        offline=offline,
    )


def slim_input(
    problem: ResolutionInput, version: str, published: tuple[str, ...] = (), own: tuple[str, ...] | None = None
) -> ResolutionInput:
    """Return the same resolution with `tensorflow-cpu` of one version in place of `tensorflow`.

    `own` is what its wheel requires where that is something else than what the one of `tensorflow` (`published`) does.
    """
    _, *others = problem.requirements

    def renamed(metadata: PackageMetadata) -> PackageMetadata:
        lines = metadata.requires
        if own is not None:
            lines = (*own, *(line for line in lines if line not in published))
        return replace(metadata, name=SLIM_DISTRIBUTION, requires=lines)

    return replace(
        problem,
        requirements=(f"{SLIM_DISTRIBUTION}=={version}", *others),
        metadata=tuple(renamed(one) for one in problem.metadata if one.version == version),
    )


def _distribution(admission: Admission) -> str:
    wheels = any(candidate.cuda_provider == "wheels" for candidate in admission.candidates)
    extras = sorted({*admission.request.extras, *([CUDA_EXTRA] if wheels else [])})
    return f"{DISTRIBUTION}[{','.join(extras)}]" if extras else DISTRIBUTION


def _admitted(admission: Admission, matrix: TensorflowMatrix, excluded: tuple[str, ...]) -> str:
    """Return the specifier that leaves exactly the admitted versions among those with a row."""
    admitted = {Version(candidate.row.version) for candidate in admission.candidates}
    if len(admitted) == 1:
        return f"=={admitted.pop()}"
    oldest, newest = min(admitted), max(admitted)
    known = {Version(row.version) for row in matrix.rows}
    others = sorted({version for version in known if oldest < version < newest} - admitted)
    holes = [*others, *(Version(version) for version in excluded if oldest <= Version(version) <= newest)]
    return ",".join([f">={oldest}", f"<={newest}", *(f"!={version}" for version in holes)])


def _metadata(candidate: Candidate, admission: Admission) -> PackageMetadata:
    row, facts = candidate.row, admission.facts
    metadata = row.metadata_for(f"{facts.platform.system}-{facts.platform.machine}", facts.python.minor)
    requires = _with_cuda(metadata.requires if metadata else (), candidate)
    # Only ever tighter: pip reads the published metadata when it installs the lock.
    added = (
        *(bound.requirement for bound in candidate.bounds),
        *(one.requirement for one in candidate.avoided),
        *candidate.companion_bounds,
    )
    return PackageMetadata(
        name=DISTRIBUTION,
        version=row.version,
        requires=(*requires, *added),
        requires_python=metadata.requires_python if metadata else None,
        extras=tuple(dict.fromkeys((*(metadata.extras if metadata else ()), CUDA_EXTRA))),
    )


def _with_cuda(requires: tuple[str, ...], candidate: Candidate) -> tuple[str, ...]:
    """Return the requirements with the extra `and-cuda` as the plan has it.

    Extras bind only while resolving: a lock names the wheels themselves, so replacing an extra loosens no metadata.
    """
    kept = requires
    if candidate.cuda_requirements:
        kept = tuple(line for line in requires if not _is_of_cuda_extra(line))
    return (*kept, *(f"{line} ; extra == '{CUDA_EXTRA}'" for line in candidate.cuda_requirements))


def _is_of_cuda_extra(line: str) -> bool:
    marker = parsed(line).marker
    return CUDA_EXTRA in line and marker is not None and not marker.evaluate({"extra": ""})
