"""From a request to the facts of the runtime it is for: this machine, a facts file or a profile, with overrides."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfbootstrap.errors import UsageError
from tfbootstrap.facts import DriverFacts, Facts, Gpu, PlatformFacts, PythonFacts
from tfbootstrap.request import Request

if TYPE_CHECKING:
    from tfbootstrap.edges.runtimes import NamedRuntime
    from tfbootstrap.matrix.hosts import HostRow

_AMD = re.compile(r"\b(amd|radeon|instinct|rx ?\d{3,4}|mi\d{2,3}[ax]?|gfx\d+)\b", re.IGNORECASE)
"""How AMD's GPUs are called; they need another build of TensorFlow."""

THIS_MACHINE = "this machine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A named runtime and its facts; `digest` stands for the content of a facts file."""

    name: str
    facts: Facts
    digest: str | None = None


def runtime_digest(runtime: str | None) -> str | None:
    """Return what stands for a runtime's content in a request's digest: None but for facts files."""
    if runtime is None or not is_facts_file(runtime):
        return None
    from tfbootstrap.edges.files import read_text

    text = read_text(Path(runtime), what="facts file", hint="make one there with: tfbootstrap detect -o FILE")
    return "facts:" + hashlib.sha256(text.encode()).hexdigest()


def is_facts_file(runtime: str) -> bool:
    """Say whether `--runtime` names a file rather than a profile."""
    return runtime.endswith(".json") or "/" in runtime or "\\" in runtime


def find_target(request: Request, matrix: Path | None) -> Target:
    """Return the target of a request; options of the request win over what was detected or profiled.

    Raises UsageError for an unknown profile or GPU, InputError for a facts file that can't be read.
    """
    if request.runtime is None:
        from tfbootstrap.edges.machine import collect_facts

        return Target(name=THIS_MACHINE, facts=_overridden(collect_facts(), request, matrix))
    if is_facts_file(request.runtime):
        from tfbootstrap.edges.machine import read_facts

        facts = read_facts(Path(request.runtime))
        name = Path(request.runtime).name
        return Target(name=name, facts=_overridden(facts, request, matrix), digest=runtime_digest(request.runtime))
    return Target(name=request.runtime, facts=_profiled(request, matrix))


def _profiled(request: Request, matrix: Path | None) -> Facts:
    from tfbootstrap.edges.runtimes import load_requirements, load_runtime
    from tfbootstrap.matrix.profiles import profile_facts

    folder = matrix_folder(matrix)
    runtime = load_runtime(request.runtime or "", folder)
    gpus = _profiled_gpus(request, runtime, matrix)
    facts = profile_facts(
        runtime.profile,
        host=runtime.host,
        python=request.python,
        gpus=gpus,
        driver=request.driver,
        requires=load_requirements(runtime.profile, "cpu" if gpus == () else "gpu", folder),
    )
    return _on_platform(facts, request)


def _profiled_gpus(request: Request, runtime: NamedRuntime, matrix: Path | None) -> tuple[Gpu, ...] | None:
    """Return the GPUs that the request names, as the profile's host lends them; None leaves them to the profile.

    Raises UsageError for a GPU that the host does not offer.
    """
    from tfbootstrap.matrix.profiles import offered_gpus

    if request.gpu == "auto":
        return None
    if request.gpu == "none":
        return ()
    if runtime.host and (offered := offered_gpus(runtime.host, request.gpu)):
        return offered
    named = _named_gpu(request.gpu, matrix)
    if runtime.host and (offer := _offer_of(named, runtime.host, matrix)):
        return offered_gpus(runtime.host, offer)
    if runtime.host and runtime.profile.gpu == "offered" and not _is_capability(request.gpu):
        offers = ", ".join(gpu.offer for gpu in runtime.host.gpus)
        raise UsageError(
            f"{runtime.host.title} offers no {named.name}; it offers {offers}",
            hint=f"name one of those, or by number what you do have: --gpu {named.compute_capability}",
        )
    return (named,)


def _offer_of(named: Gpu, host: HostRow, matrix: Path | None) -> str | None:
    """Return the offer of a host that lends this GPU, by whatever name its driver calls it (`Tesla P100-PCIE-16GB`)."""
    from tfbootstrap.edges.resources import load
    from tfbootstrap.matrix.gpus import GpuMatrix

    gpus = load(GpuMatrix, matrix_folder(matrix))
    rows = ((offered.offer, gpus.find_gpu(offered.name)) for offered in host.gpus)
    return next((offer for offer, row in rows if row and row.name == named.name), None)


def _overridden(facts: Facts, request: Request, matrix: Path | None) -> Facts:
    if request.python and facts.python.minor != request.python:
        facts = replace(facts, python=PythonFacts(version=request.python))
    facts = _on_platform(facts, request)
    if request.gpu == "none":
        facts = replace(facts, gpu_status="absent", gpus=(), driver=None)
    elif request.gpu != "auto":
        facts = replace(facts, gpu_status="present", gpus=(_named_gpu(request.gpu, matrix),))
    if request.driver:
        facts = replace(facts, driver=DriverFacts(version=request.driver, source="option"))
    return facts


def _on_platform(facts: Facts, request: Request) -> Facts:
    if request.platform and request.platform != f"{facts.platform.system}-{facts.platform.machine}":
        return replace(facts, platform=_named_platform(request.platform, facts.platform))
    return facts


def _is_capability(text: str) -> bool:
    return bool(re.match(r"^\d{1,2}\.\d$", text))


def _named_platform(name: str, found: PlatformFacts) -> PlatformFacts:
    """Return another system or processor; of the runtime's platform only the C library of the same system stays."""
    system, _, machine = name.partition("-")
    return PlatformFacts(
        system=system,
        machine=machine,
        libc=found.libc if system == found.system else None,
        release=found.release if system == found.system else None,
    )


def _named_gpu(text: str, matrix: Path | None) -> Gpu:
    if _is_capability(text):
        return Gpu(name=f"compute capability {text}", compute_capability=text, source="option")
    from tfbootstrap.edges.resources import load
    from tfbootstrap.matrix.gpus import GpuMatrix

    gpus = load(GpuMatrix, matrix_folder(matrix))
    row = gpus.find_gpu(text)
    if row is None and _AMD.search(text):
        raise _amd_gpu(text, matrix)
    if row is None:
        near = gpus.nearest_gpus(text, 3)
        nearest = f"nearest are {', '.join(near)}; or " if near else ""
        raise UsageError(
            f"there is no GPU {text!r} in the matrix",
            hint=f"{nearest}name its compute capability (--gpu 7.5); nvidia-smi --query-gpu=compute_cap prints it",
        )
    return Gpu(name=row.name, compute_capability=row.compute_capability, source="option")


def _amd_gpu(text: str, matrix: Path | None) -> UsageError:
    from tfbootstrap.edges.resources import load
    from tfbootstrap.matrix.distributions import DistributionsMatrix

    builds = load(DistributionsMatrix, matrix_folder(matrix)).of_kind("rocm")
    ends = [f"{build.name} (up to {build.ended.last}; {build.ended.note})" for build in builds if build.ended]
    return UsageError(
        f"{text!r} is a GPU of AMD's, which tensorflow does not use",
        hint=f"AMD's builds of TensorFlow are {', '.join(ends)}; here lock for the CPU: --gpu none",
    )


def matrix_folder(matrix: Path | None) -> Any:
    """Return the folder of the matrix in use: `--matrix`, TFBOOTSTRAP_MATRIX, or the shipped one."""
    import os

    from tfbootstrap.edges.resources import matrix_directory

    return matrix_directory(matrix, os.environ)
