"""What a user can do when nothing fits: small changes of the request or runtime under which something does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.errors import UsageError
from tfbootstrap.facts import Facts
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.records import Admission, Rejections, WayOut
from tfbootstrap.request import Request, TensorflowWish, lock_command, spell_specifier

OTHER_TENSORFLOW, OTHER_PYTHON, NEWER_DRIVER, PRERELEASE, CPU = range(1, 6)
"""Costs to the user, smallest first."""


def rejections(admission: Admission, knowledge: Knowledge) -> Rejections:
    """Return the rejections of an admission without candidates, with the ways out of it, cheapest first."""
    ways = [
        *_other_tensorflow(admission, knowledge),
        *_other_python(admission, knowledge),
        *_newer_driver(admission, knowledge),
        *_prerelease(admission, knowledge),
        *_cpu(admission, knowledge),
    ]
    return Rejections(rejections=admission.rejected, ways_out=tuple(sorted(ways, key=lambda way: way.cost)))


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
            command=lock_command(with_tensorflow(admission.request, minor)),
            cost=OTHER_TENSORFLOW,
        )


def _other_python(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    here = Version(admission.facts.python.minor)
    pythons = {python for row in knowledge.tensorflow.rows for python in row.pythons} - {admission.facts.python.minor}
    fitting = [
        Version(python)
        for python in pythons
        if _admit(_with_python(admission.facts, python), knowledge, admission.request).candidates
    ]
    if not fitting:
        return
    nearest = min(fitting, key=lambda python: (abs(python.minor - here.minor), -python.minor))
    asked = ",".join(spell_specifier(str(wish.specifier)) for wish in admission.request.tensorflow)
    what = f"TensorFlow {asked}" if asked else "a TensorFlow"
    yield WayOut(
        text=f"another Python: {what} fits Python {nearest} in a virtual environment",
        command=lock_command(replace(admission.request, python=str(nearest))),
        cost=OTHER_PYTHON,
    )


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
            text=f"a newer NVIDIA driver: {served.driver_floor} or newer serves TensorFlow {served.row.version}",
            command=lock_command(replace(admission.request, driver=served.driver_floor)),
            cost=NEWER_DRIVER,
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
                command=lock_command(request),
                cost=PRERELEASE,
            )
            return


def _cpu(admission: Admission, knowledge: Knowledge) -> Iterator[WayOut]:
    request = replace(admission.request, gpu="none")
    if admission.gpus and _admit(admission.facts, knowledge, request).candidates:
        yield WayOut(text="the CPU only", command=lock_command(request), cost=CPU)


def _admit(facts: Facts, knowledge: Knowledge, request: Request) -> Admission:
    try:
        return admit(facts, knowledge, request)
    except UsageError:
        return Admission(facts=facts, request=request, gpus=(), candidates=())


def _with_python(facts: Facts, python: str) -> Facts:
    return replace(facts, python=replace(facts.python, version=f"{python}.0"))


def with_tensorflow(request: Request, version: str) -> Request:
    """Return the request with one wish about TensorFlow, X.Y or X.Y.Z, in place of all others."""
    specifier = f"=={version}" if version.count(".") > 1 else f"=={version}.*"
    return replace(request, tensorflow=(TensorflowWish(specifier=SpecifierSet(specifier), said_by="--tensorflow"),))
