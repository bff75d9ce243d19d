"""What of a request is meant for a runtime, as its environment markers (PEP 508) say. Pure."""

from __future__ import annotations

from dataclasses import replace

from packaging.markers import Marker

from tfbootstrap.facts import Facts
from tfbootstrap.matrix.markers import marker_environment
from tfbootstrap.request import Request


def runtime_environment(facts: Facts) -> dict[str, str]:
    """Return the values that environment markers have on a runtime; `extra` is empty."""
    return marker_environment(facts.platform.system, facts.platform.machine, facts.python.version)


def meant_for(request: Request, facts: Facts) -> tuple[Request, tuple[str, ...]]:
    """Return the request without what its markers say is for other runtimes, and a sentence for each thing left out."""
    environment = runtime_environment(facts)

    def holds(marker: Marker | None) -> bool:
        return marker is None or marker.evaluate(environment)

    left_out = [
        f"left out {wanted.requirement} ({wanted.location}): it is for other runtimes"
        for wanted in request.packages
        if not holds(wanted.requirement.marker)
    ]
    left_out += [
        f"left out tensorflow{wish.specifier} ({wish.said_by}): it is for other runtimes"
        for wish in request.tensorflow
        if not holds(wish.marker)
    ]
    meant = replace(
        request,
        tensorflow=tuple(wish for wish in request.tensorflow if holds(wish.marker)),
        packages=tuple(wanted for wanted in request.packages if holds(wanted.requirement.marker)),
        renamed=tuple(wanted for wanted in request.renamed if holds(wanted.requirement.marker)),
        constraints=tuple(wanted for wanted in request.constraints if holds(wanted.requirement.marker)),
    )
    return meant, tuple(left_out)
