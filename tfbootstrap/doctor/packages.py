"""Requirements between installed packages, and combinations that are known to be bad. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.diagnose.context import DISTRIBUTIONS
from tfbootstrap.doctor.bounds import admits, all_bounds, tightest
from tfbootstrap.doctor.case import requirements_of
from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.matrix.bounds import TENSORFLOW
from tfbootstrap.matrix.known_bad import Provider, Situation

SEEN_ELSEWHERE: Final = frozenset({
    "tensorflow-cpu-beside",  # clashing distributions
    "tensorflow-gpu-beside",  # the same
    "nccl-cu12-cu13",  # files of several owners
    "and-cuda-2.16-not-found",  # where libraries are found
    "blackwell-ptx",  # what the wheel has for the GPU
    "tensorflow-intel-stub",  # about locks for several platforms, not about what is installed
})  # fmt: skip
"""Rows of known_bad.yaml that other checks judge by what is really there."""
SHOWN: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """One requirement that is not met: who has it, what it asks of which package, and what breaks (else empty)."""

    by: str
    package: str
    bound: str
    symptom: str = ""


def check_requirements(case: Case) -> Iterator[Finding]:
    """Find requirements of installed packages that are not met, with the bounds that their metadata lacks."""
    broken = [*_by_metadata(case), *_by_matrix(case)]
    near = [one for one in broken if one.by in case.family or one.symptom]
    for package in sorted({one.package for one in near}):
        yield _requirement(case, package, [one for one in near if one.package == package])
    far = [one for one in broken if one not in near]
    if far:
        lines = [_sentence(case, one) for one in far]
        more = (f"and {len(lines) - SHOWN} more",) if len(lines) > SHOWN else ()
        yield Finding(
            id="requirements-elsewhere",
            severity="note",
            summary="packages that TensorFlow does not need lack what they require",
            evidence=(*lines[:SHOWN], *more),
        )


def _by_metadata(case: Case) -> Iterator[Broken]:
    for name in sorted(case.facts.distributions):
        for requirement in requirements_of(case.facts, name):
            package = canonicalize_name(requirement.name)
            if _is_judged_elsewhere(case, name, package):
                continue
            have = case.versions.get(package)
            if have is None or not admits(requirement.specifier, have):
                yield Broken(by=name, package=package, bound=str(requirement.specifier))


def _is_judged_elsewhere(case: Case, name: str, package: str) -> bool:
    """Say whether a requirement is about TensorFlow itself, its Keras, or what is there twice."""
    installed = case.inventory.of(package)
    if len({one.folder for one in installed}) < len(installed):
        return True  # twice in one folder: which of them counts is not known
    if package == "keras" and name in DISTRIBUTIONS:
        return keras_is_of_another_major(case)
    return package in DISTRIBUTIONS and (case.tensorflow is not None and case.tables.companions.row(name) is not None)


def keras_is_of_another_major(case: Case) -> bool:
    """Say whether the distribution keras is of another major than this TensorFlow's."""
    row = case.tables.companions.keras_of(case.tensorflow.version) if case.tensorflow else None
    have = case.versions.get("keras")
    return row is not None and row.provider == "keras" and have is not None and have.split(".")[0] != row.major


def _by_matrix(case: Case) -> Iterator[Broken]:
    if case.tensorflow is None:
        return
    installed = {*case.versions, TENSORFLOW}
    for bound in case.tables.bounds.rows:
        have = case.versions.get(bound.package)
        if have is None or bound.needed_by not in installed:
            continue
        by = case.tensorflow.distribution if bound.needed_by == TENSORFLOW else bound.needed_by
        applies = bound.is_for(case.tensorflow.version, case.facts.python.minor)
        if applies and not admits(SpecifierSet(bound.bound), have):
            yield Broken(by=by, package=bound.package, bound=bound.bound, symptom=bound.symptom)


def _requirement(case: Case, package: str, broken: list[Broken]) -> Finding:
    have = case.versions.get(package)
    needing = all_bounds(case, package)
    wanted = f"{package}{tightest(needing)}"
    symptom = next((one.symptom for one in broken if one.symptom), None)
    what = f"{package} {have} does not serve" if have else f"{package} is missing for"
    return Finding(
        id="requirement-broken" if have else "requirement-missing",
        severity="error" if any(one.by in case.closure or one.symptom for one in broken) else "warning",
        summary=f"{what} {_listed(sorted({one.by for one in broken}))}",
        evidence=tuple(dict.fromkeys(_sentence(case, one) for one in broken)),
        commands=(case.shell.install(wanted),),
        symptom=symptom,
    )


def _sentence(case: Case, one: Broken) -> str:
    have = case.versions.get(one.package)
    found = f"{one.package} {have} is installed" if have else "it is not installed"
    who = f"{one.by} {case.versions.get(one.by, '')}".strip()
    if one.symptom:
        return f"{who} needs {one.package}{one.bound}, which its metadata does not say; {found} ({one.symptom})"
    return f"{who} requires {one.package}{one.bound}; {found}"


def check_known_bad(case: Case) -> Iterator[Finding]:
    """Find combinations that metadata allows and that are broken nevertheless."""
    if case.tensorflow is None:
        return
    for row in case.tables.known_bad.matching(situation_of(case, case.tensorflow.version, cuda_provider(case))):
        if row.id in SEEN_ELSEWHERE:
            continue
        yield Finding(
            id="known-bad",
            severity="error" if row.effect == "exclude" else "warning",
            summary=f"{row.breaks} does not work here ({row.id})",
            evidence=(
                *(f"{name} {case.versions[name]}" for name in row.packages),
                f"it shows as: {row.symptom}",
                row.source,
            ),
            commands=(case.shell.install(row.bound),) if row.bound else (),
            advice=(row.way_out,),
            symptom=row.symptom,
        )


def situation_of(case: Case, tensorflow: str, provider: Provider) -> Situation:
    """Return what the rows are compared with, where CUDA comes from this provider."""
    return Situation(
        tensorflow=tensorflow,
        python=case.facts.python.minor,
        platform=f"{case.facts.platform.system}-{case.facts.platform.machine}",
        cuda_provider=provider,
        compute_capabilities=tuple(gpu.compute_capability for gpu in case.facts.gpus if gpu.compute_capability),
        packages=case.versions,
    )


def cuda_provider(case: Case) -> Provider:
    """Return where this TensorFlow's CUDA comes from, as far as it is used."""
    platform = f"{case.facts.platform.system}-{case.facts.platform.machine}"
    row = case.tensorflow.row if case.tensorflow else None
    if row is None or platform not in row.cuda_platforms or case.facts.gpu_status == "absent":
        return "none"
    major = (row.cuda or "").split(".")[0]
    return "wheels" if any(name.endswith(f"-cu{major}") for name in case.versions) else "system"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
