"""What a user can do when nothing fits: small changes of the request or runtime under which something does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.errors import UsageError
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.gpu_code import minor_of
from tfbootstrap.matrix.tensorflow import CUDA_EXTRA
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.gpu import driver_system
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import (
    CPU,
    CUDA_WHEELS,
    OTHER_BOTH,
    OTHER_DRIVER,
    OTHER_PYTHON,
    OTHER_TENSORFLOW,
    PRERELEASE,
    Admission,
    Candidate,
    Rejections,
    WayOut,
)
from tfbootstrap.request import TENSORFLOW_NAMES, Request, TensorflowWish, lock_command, spell_specifier


def rejections(admission: Admission, knowledge: Knowledge) -> Rejections:
    """Return the rejections of an admission without candidates, with the ways out of it, cheapest first."""
    ways = [
        *_cuda_wheels(admission, knowledge),
        *_other_versions(admission, knowledge),
        *_newer_driver(admission, knowledge),
        *_older_driver(admission, knowledge),
        *_prerelease(admission, knowledge),
        *_cpu(admission, knowledge),
    ]
    return Rejections(rejections=admission.rejected, ways_out=tuple(sorted(ways, key=lambda way: way.cost)))


def _cuda_wheels(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    request = replace(admission.request, cuda="auto")
    if admission.request.cuda == "system" and _admit(admission.facts, knowledge, request).candidates:
        yield WayOut(text="CUDA as wheels", command=lock_command(request), cost=CUDA_WHEELS)


def _other_versions(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    """Yield another TensorFlow, another Python, and only where neither alone will do both."""
    ways = [*_other_tensorflow(admission, knowledge), *_other_python(admission, knowledge)]
    yield from ways
    if not ways and admission.request.tensorflow:
        yield from _other_both(admission, knowledge)


def _other_both(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    free = replace(admission.request, tensorflow=())
    for python in _other_pythons(admission, knowledge):
        if candidates := _admit(_with_python(admission.facts, python), knowledge, free).candidates:
            minor = minor_of(candidates[0].row.version)
            request = replace(with_tensorflow(admission.request, minor), python=python)
            fits = f"{minor} fits Python {python} in {_beside(admission.facts)}"
            yield WayOut(
                text=f"another TensorFlow and another Python: {fits}",
                command=other_command(admission.request, request),
                cost=OTHER_BOTH,
            )
            return


def _other_tensorflow(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    if not admission.request.tensorflow:
        return
    free = replace(admission.request, tensorflow=())
    fitting = [Version(candidate.row.version) for candidate in _admit(admission.facts, knowledge, free).candidates]
    if not fitting:
        return
    asked = Version(admission.rejected[0].tensorflow)
    newer = [version for version in fitting if version > asked]
    nearest = min(newer) if newer else max(fitting)
    for version in dict.fromkeys([nearest, max(fitting)]):
        minor = f"{version.major}.{version.minor}"
        yield WayOut(
            text=f"another TensorFlow: {minor} fits this runtime",
            command=other_command(admission.request, with_tensorflow(admission.request, minor)),
            cost=OTHER_TENSORFLOW,
        )


def _other_python(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    fitting = (
        python
        for python in _other_pythons(admission, knowledge)
        if _admit(_with_python(admission.facts, python), knowledge, admission.request).candidates
    )
    nearest = next(fitting, None)
    if nearest is None:
        return
    asked = ",".join(spell_specifier(str(wish.specifier)) for wish in admission.request.tensorflow)
    what = f"TensorFlow {asked}" if asked else "a TensorFlow"
    yield WayOut(
        text=f"another Python: {what} fits Python {nearest} in {_beside(admission.facts)}",
        command=lock_command(replace(admission.request, python=nearest)),
        cost=OTHER_PYTHON,
    )


def _beside(facts: Facts) -> str:
    """Say how a machine has a second Python: on those with notebooks, beside the kernel's."""
    return "a virtual environment" + (" (tfbootstrap cell --isolate)" if facts.host.kind != "plain" else "")


def _other_pythons(admission: Admission, knowledge: Knowledge) -> list[str]:
    """Return every other Python that a TensorFlow has wheels for, the nearest first, of two the newer."""
    here = Version(admission.facts.python.minor)
    pythons = {python for row in knowledge.tensorflow.rows for python in row.pythons} - {admission.facts.python.minor}

    def distance(python: str) -> tuple[int, int]:
        return abs(Version(python).minor - here.minor), -Version(python).minor

    return sorted(pythons, key=distance)


def _newer_driver(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    if admission.facts.driver is None or not admission.gpus:
        return
    current = replace(admission.facts, driver=None)
    fitting = _admit(current, knowledge, admission.request).candidates
    floors = [Version(candidate.driver_floor) for candidate in fitting if candidate.driver_floor]
    newer = [floor for floor in floors if floor > Version(admission.facts.driver.version)]
    if newer:
        served = next(one for one in fitting if one.driver_floor and Version(one.driver_floor) == min(newer))
        yield WayOut(
            text=f"a newer NVIDIA driver: {served.driver_floor} or newer serves TensorFlow {served.row.version}"
            + _forward_package(served, current, knowledge),
            command=lock_command(replace(admission.request, driver=served.driver_floor)),
            cost=OTHER_DRIVER,
        )


def _forward_package(candidate: Candidate, facts: Facts, knowledge: Knowledge) -> str:
    """Return the remark that a data center GPU can keep its driver; empty where there is no such package."""
    cuda = knowledge.hardware.cuda if knowledge.hardware and candidate.row.cuda else None
    package = cuda.forward_package(candidate.row.cuda or "", driver_system(facts)) if cuda else None
    return f"; on a data center GPU {package.package} beside the present one may do instead" if package else ""


def _older_driver(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    """Yield the last branch that knows all of the GPUs, where the driver is newer than that."""
    if admission.facts.driver is None or knowledge.hardware is None:
        return
    generations = [knowledge.hardware.cuda.generation(gpu.compute_capability or "") for gpu in admission.gpus]
    branches = [int(one.last_branch) for one in generations if one and one.last_branch]
    if not branches or min(branches) >= Version(admission.facts.driver.version).major:
        return
    # No number of that branch is the newest for long: one that every release of it reaches stands for it.
    branch = str(min(branches))
    older = replace(admission.facts, driver=replace(admission.facts.driver, version=branch))
    if _admit(older, knowledge, admission.request).candidates:
        yield WayOut(
            text=f"an older NVIDIA driver: one of branch {branch}, the last that knows the GPU",
            command=lock_command(replace(admission.request, driver=branch)),
            cost=OTHER_DRIVER,
        )


def _prerelease(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    named = [
        row
        for row in knowledge.tensorflow.rows
        if row.prerelease and admission.request.specifier.contains(row.version, prereleases=True)
    ]
    for row in reversed(named):
        request = with_tensorflow(admission.request, row.version)
        if _admit(admission.facts, knowledge, request).candidates:
            yield WayOut(
                text=f"a pre-release: {row.version} has a wheel for this runtime",
                command=other_command(admission.request, request),
                cost=PRERELEASE,
            )
            return


def _cpu(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    request = replace(admission.request, gpu="none", driver=None, cuda="auto", wants_cuda_extra=False)
    if admission.gpus and _admit(admission.facts, knowledge, request).candidates:
        yield WayOut(text="the CPU only", command=lock_command(request), cost=CPU)


def _admit(facts: Facts, knowledge: Knowledge, request: Request) -> Admission:
    try:
        return admit(facts, knowledge, request)
    except UsageError:
        return Admission(facts=facts, request=request, gpus=(), candidates=())


def _with_python(facts: Facts, python: str) -> Facts:
    return replace(facts, python=replace(facts.python, version=f"{python}.0"))


def other_command(asked: Request, instead: Request) -> str:
    """Return the command for another TensorFlow; none where a file says which, since the file has to change first."""
    by_options = {"--tensorflow", "the command line"}
    from_files = [wish for wish in asked.tensorflow if wish.said_by not in by_options and not wish.configured]
    return "" if from_files else lock_command(instead)


def with_tensorflow(request: Request, version: str) -> Request:
    """Return the request with one wish about TensorFlow, X.Y or X.Y.Z, in place of all others.

    A file that says something else stays in the request: what it says is for the user to change.
    """
    specifier = f"=={version}" if version.count(".") > 1 else f"=={version}.*"
    kept = tuple(
        text for text in request.arguments if canonicalize_name(Requirement(text).name) not in TENSORFLOW_NAMES
    )
    extras = ",".join([*request.extras, *([CUDA_EXTRA] if request.wants_cuda_extra else [])])
    extra = (f"tensorflow[{extras}]",) if len(kept) < len(request.arguments) and extras else ()
    wish = TensorflowWish(specifier=SpecifierSet(specifier), said_by="--tensorflow")
    return replace(request, tensorflow=(wish,), arguments=(*kept, *extra))
