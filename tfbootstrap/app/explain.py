"""`tfbootstrap explain`: for every TensorFlow minor, whether it fits a runtime, and if not why and what else does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from tfbootstrap.app.knowledge import load_knowledge
from tfbootstrap.app.requests import LockOptions, read_request
from tfbootstrap.app.targets import find_target
from tfbootstrap.errors import UsageError
from tfbootstrap.facts import Facts
from tfbootstrap.plan.admission import admit, parts_needed
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.markers import meant_for
from tfbootstrap.plan.records import OTHER_PYTHON, Candidate, Rejection, WayOut
from tfbootstrap.plan.ways_out import rejections
from tfbootstrap.request import Request, TensorflowWish


@dataclass(frozen=True, kw_only=True, slots=True)
class MinorAnswer:
    """What one minor comes to: its newest release that fits, or why its newest does not and the nearest way out."""

    minor: str
    candidate: Candidate | None = None
    rejection: Rejection | None = None
    way_out: WayOut | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainOutcome:
    """The answers for a runtime, newest minor first."""

    runtime: str
    facts: Facts
    answers: tuple[MinorAnswer, ...]


def explain(options: LockOptions) -> ExplainOutcome:
    """Judge every minor that the options ask for, all of them without a wish; needs no network.

    Raises UsageError where no release is asked for at all, and what reading the options and the runtime raises.
    """
    asked = read_request(options)
    target = find_target(asked, options.matrix)
    request, _ = meant_for(asked, target.facts)
    knowledge = load_knowledge(options.matrix, parts_needed(target.facts, request))
    minors = reversed(knowledge.tensorflow.minors)
    answers = (_answer(minor, target.facts, knowledge, request) for minor in minors)
    found = tuple(answer for answer in answers if answer)
    if not found:
        admit(target.facts, knowledge, request)  # says which wish no release satisfies
        raise UsageError("the matrix has no release to explain", hint="see all with `tfbootstrap matrix show`")
    return ExplainOutcome(runtime=target.name, facts=target.facts, answers=found)


def _answer(minor: str, facts: Facts, knowledge: Knowledge, request: Request) -> MinorAnswer | None:
    narrowed = replace(
        request,
        tensorflow=(
            *request.tensorflow,
            TensorflowWish(specifier=SpecifierSet(f"=={minor}.*"), said_by="--tensorflow"),
        ),
    )
    try:
        admission = admit(facts, knowledge, narrowed)
    except UsageError:
        return None  # no finished release of this minor is asked for
    if admission.candidates:
        return MinorAnswer(minor=minor, candidate=admission.candidates[0])
    asked = replace(narrowed, tensorflow=narrowed.tensorflow[-1:])
    ways = rejections(replace(admission, request=asked), knowledge).ways_out
    # The other lines of the table say which other TensorFlow fits; this one is about getting this one.
    way = min(ways, key=lambda way: (way.cost != OTHER_PYTHON, way.cost), default=None)
    return MinorAnswer(minor=minor, rejection=admission.rejected[0], way_out=way)
