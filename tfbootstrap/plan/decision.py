"""From the resolver's solution to the plan and the lock of one target. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.errors import EngineError
from tfbootstrap.lock import Lock, LockGpu, LockHeader, LockTarget, Pin
from tfbootstrap.plan.bounds import avoided_reason, bound_reason
from tfbootstrap.plan.keras import keras_major
from tfbootstrap.plan.overlay import is_provisioned
from tfbootstrap.plan.problem import DISTRIBUTION, SLIM_DISTRIBUTION
from tfbootstrap.plan.records import Admission, Candidate, Plan
from tfbootstrap.plan.tags import target_tags, wheel_fits
from tfbootstrap.resolution import ResolvedPackage, Solution

BOOTSTRAP_PYTHON = Version("3.7")
"""The oldest Python that runs what a bootstrap is made of; a few releases have wheels for older ones."""


def chosen_candidate(admission: Admission, solution: Solution) -> Candidate | None:
    """Return the candidate that the resolver chose; None where it chose a version without a row."""
    version = solution.version(DISTRIBUTION)
    return next((one for one in admission.candidates if version and Version(one.row.version) == Version(version)), None)


def decide(admission: Admission, candidate: Candidate, solution: Solution, *, kept: str | None = None) -> Plan:
    """Return the plan for the version that the resolver chose; `kept` is the version of the lock that is there."""
    row = candidate.row
    return Plan(
        facts=admission.facts,
        request=admission.request,
        candidate=candidate,
        gpus=admission.gpus,
        pins={package.name: package.version for package in solution.packages},
        reasons=(
            _chosen(admission, candidate, kept),
            *_code_reasons(admission),
            *candidate.reasons,
            *map(avoided_reason, candidate.avoided),
            *(f"{bound} goes with TensorFlow {row.minor}" for bound in candidate.companion_bounds),
            *map(bound_reason, candidate.bounds),
        ),
        warnings=(*candidate.warnings, *_hidden_gpus(admission), *_beyond_the_bootstrap(admission)),
        rows={
            f"tensorflow:{row.version}": record_digest(row),
            **{f"bounds:{bound.id}": record_digest(bound) for bound in candidate.bounds},
            **{f"known_bad:{one.row.id}": record_digest(one.row) for one in candidate.avoided},
        },
    )


def _hidden_gpus(admission: Admission) -> Iterator[str]:
    facts, request = admission.facts, admission.request
    if facts.gpus and not admission.gpus and request.gpu == "auto" and request.cuda != "none":
        yield (
            f"CUDA_VISIBLE_DEVICES={facts.environment.get('CUDA_VISIBLE_DEVICES')!r} hides every GPU of that runtime "
            f"({', '.join(sorted({gpu.name for gpu in facts.gpus}))}): the CPU is planned; --gpu NAME plans for one"
        )


def _beyond_the_bootstrap(admission: Admission) -> Iterator[str]:
    python = admission.facts.python.minor
    if Version(python) < BOOTSTRAP_PYTHON:
        yield (
            f"bootstrap and cell need Python {BOOTSTRAP_PYTHON} or newer: with Python {python} install the lock by "
            "`pip install --require-hashes -r`, which verifies nothing"
        )


def _code_reasons(admission: Admission) -> Iterator[str]:
    for wish in admission.request.tensorflow:
        if wish.by_code:
            yield f"the code needs TensorFlow {wish.specifier}: {wish.said_by}"


def make_lock(plan: Plan, solution: Solution, *, name: str, command: str, inputs: str, tool: str, matrix: str) -> Lock:
    """Return the lock of a plan: every pin with the hashes of the files that fit the target."""
    facts, row = plan.facts, plan.candidate.row
    cuda_build = facts.platform.system == "linux" and facts.platform.machine == "x86_64"
    header = LockHeader(
        command=command,
        tool=tool,
        matrix=matrix,
        inputs=inputs,
        rows=plan.rows,
        proven=plan.proven,
        unproven=plan.unproven,
        breaks=plan.breaks,
        target=LockTarget(
            name=name,
            python=facts.python.minor,
            system=facts.platform.system,
            machine=facts.platform.machine,
            libc=facts.platform.libc,
            host=facts.host.kind if facts.host.release else None,
            release=facts.host.release,
        ),
        tensorflow=row.version,
        distribution=plan.distribution,
        keras=keras_major(row.version),
        cuda_provider=plan.candidate.cuda_provider,
        build_cuda=row.cuda if cuda_build else None,
        build_cudnn=(row.cudnn_headers or row.cudnn) if cuda_build else None,
        build_capabilities=row.compute_capabilities if cuda_build else (),
        loader_links=plan.candidate.loader_links,
        driver_floor=plan.candidate.driver_floor if plan.gpus else None,
        gpus=tuple(
            LockGpu(name=gpu.name, compute_capability=gpu.compute_capability)
            for gpu in plan.gpus
            if gpu.compute_capability
        ),
    )
    accepted = target_tags(facts)
    wanted = {item.name: str(item.location) for item in plan.request.packages}
    return Lock(header=header, pins=tuple(_pin(package, accepted, wanted) for package in solution.packages))


def record_digest(record: Any) -> str:
    """Return a short digest of a frozen record's content, stable over runs and machines."""
    canonical = json.dumps(dataclasses.asdict(record), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _pin(package: ResolvedPackage, accepted: frozenset[Any], wanted: dict[str, str]) -> Pin:
    """Return a package's pin: its fitting wheels' hashes, or the source distribution's where no wheel fits."""
    wheels = tuple(file.hash for file in package.files if wheel_fits(file.name, accepted))
    sources = tuple(file.hash for file in package.files if not file.name.endswith(".whl"))
    hashes = package.hashes or wheels or sources
    if not hashes:
        names = ", ".join(file.name for file in package.files) or "no file with a sha256 hash"
        raise EngineError(
            f"{package.name} {package.version} has nothing that this target can install: the index offers {names}",
            hint=f"name another version of {package.name}, or another index",
        )
    name = canonicalize_name(package.name)
    via = [reason for reason in package.via if not reason.startswith(("-r ", "-c "))]
    if name in (DISTRIBUTION, SLIM_DISTRIBUTION) or name in wanted:
        via.insert(0, wanted.get(name, "the request"))
    return Pin(name=name, version=package.version, hashes=tuple(sorted(set(hashes))), via=tuple(via))


def _chosen(admission: Admission, candidate: Candidate, kept: str | None) -> str:
    if len(admission.candidates) == 1:
        return f"TensorFlow {candidate.row.version} is the only version asked for that fits this runtime"
    newest = admission.candidates[0].row.version
    if candidate.row.version == newest:
        return f"TensorFlow {newest} is the newest version asked for that fits this runtime"
    held = admission.facts.distributions.get(DISTRIBUTION)
    if is_provisioned(admission.facts) and held and held.version == candidate.row.version:
        return f"TensorFlow {held.version} is the image's own (up to {newest} fits this runtime)"
    if kept == candidate.row.version:
        return f"TensorFlow {kept} is kept from the lock that is there (up to {newest} fits this runtime)"
    return f"TensorFlow {candidate.row.version} is the newest that the other requirements allow (of up to {newest})"
