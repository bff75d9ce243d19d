"""Finds the smallest change of a provisioned runtime: the image's own pins are hard, and few of them are relaxed.

Preferences alone overshoot: a resolver that may move a package moves it to the newest, over what its neighbours can
bear. So everything that the image holds is a constraint first; what a conflict names is relaxed, held by what the other
packages of the image require of it; and in the end each relaxation is tried to be taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from packaging.requirements import Requirement

from tfbootstrap.errors import EngineConflictError
from tfbootstrap.facts import Facts
from tfbootstrap.plan.overlay import can_not_bind, image_pins, must_move, named_in, needs, requirers
from tfbootstrap.plan.records import Admission, Candidate
from tfbootstrap.resolution import ResolutionInput, Solution

MOST_STEPS = 60
"""Relaxations before we give up being careful; each names at least one package, and closures have about 40."""

Solve = Callable[[ResolutionInput], Solution]
Problem = Callable[[Admission], ResolutionInput]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grip:
    """How tightly the image is held: which of its packages may move, and which of their requirements no longer bind."""

    relaxed: frozenset[str]
    released: frozenset[tuple[str, str]] = frozenset()
    """(requirer, requirement)"""


def preferred_order(admission: Admission) -> tuple[Candidate, ...]:
    """Return the candidates in the order to try: the image's own TensorFlow, then the newest first."""
    held = admission.facts.distributions.get("tensorflow")
    own = [one for one in admission.candidates if held and one.row.version == held.version]
    return (*own, *(one for one in admission.candidates if one not in own))


def resolve_overlay(admission: Admission, problem_of: Problem, solve: Solve) -> tuple[Candidate, Solution]:
    """Return the candidate and the solution that change the image least.

    Raises EngineConflictError where even with the whole image released no candidate has a solution.
    """
    conflict: EngineConflictError | None = None
    for candidate in preferred_order(admission):
        problem = problem_of(replace(admission, candidates=(candidate,)))
        try:
            return candidate, _Search(admission, candidate, problem, solve).smallest()
        except EngineConflictError as error:
            conflict = conflict or error
    assert conflict is not None, "an admission without candidates is no overlay"
    raise conflict


class _Search:
    """The search for one candidate."""

    def __init__(self, admission: Admission, candidate: Candidate, problem: ResolutionInput, solve: Solve) -> None:
        self.facts: Facts = admission.facts
        self.pins = image_pins(admission.facts)
        self.problem = problem
        self.solve = solve
        wanted = [item.requirement for item in admission.request.packages]
        self.needed = needs(candidate.row, admission.facts, wanted)
        self.start = self._loosened(_Grip(relaxed=frozenset()), must_move(self.needed, admission.facts))

    def smallest(self) -> Solution:
        """Relax until there is a solution, then take back what need not have been relaxed."""
        return self._tighten(*self._relax(self.start))

    def _relax(self, grip: _Grip) -> tuple[_Grip, Solution]:
        answer = self._answer(grip)
        for _ in range(MOST_STEPS):
            if isinstance(answer, Solution):
                return grip, answer
            looser = self._looser(grip, answer.derivation)
            if looser == grip:
                break
            grip, answer = looser, self._answer(looser)
        if isinstance(answer, Solution):
            return grip, answer
        raise answer

    def _looser(self, grip: _Grip, derivation: str) -> _Grip:
        """Release what the derivation speaks of: first pins, then the image's requirements on what moves."""
        named = named_in(derivation, set(self.pins) - grip.relaxed)
        if named:
            return self._loosened(grip, named)
        moving = named_in(derivation, grip.relaxed)
        binding = requirers(self.facts, grip.relaxed) - grip.released
        released = {one for one in binding if Requirement(one[1]).name in moving}
        if released:
            return replace(grip, released=grip.released | released)
        # The derivation names nothing of the image: hold nothing of it any more, rather than fail.
        return _Grip(relaxed=grip.relaxed | self.pins.keys(), released=grip.released | binding)

    def _loosened(self, grip: _Grip, names: frozenset[str]) -> _Grip:
        """Let packages move; what the image requires of them binds, unless it can't."""
        relaxed = grip.relaxed | names
        hopeless = can_not_bind(requirers(self.facts, relaxed), self.needed)
        return _Grip(relaxed=relaxed, released=grip.released | hopeless)

    def _tighten(self, grip: _Grip, solution: Solution) -> Solution:
        """Try to take back each relaxation of a package that moved without need, then each released requirement."""
        for name in sorted(grip.relaxed - self.start.relaxed):
            if solution.version(name) not in (None, self.pins.get(name)):
                grip, solution = self._better(replace(grip, relaxed=grip.relaxed - {name}), grip, solution)
        for one in sorted(grip.released - can_not_bind(grip.released, self.needed)):
            if self._violates(solution, one[1]):
                grip, solution = self._better(replace(grip, released=grip.released - {one}), grip, solution)
        return solution

    def _violates(self, solution: Solution, line: str) -> bool:
        requirement = Requirement(line)
        version = solution.version(requirement.name)
        return version is not None and not requirement.specifier.contains(version, prereleases=True)

    def _better(self, tried: _Grip, grip: _Grip, solution: Solution) -> tuple[_Grip, Solution]:
        answer = self._answer(tried)
        return (tried, answer) if isinstance(answer, Solution) else (grip, solution)

    def _answer(self, grip: _Grip) -> Solution | EngineConflictError:
        try:
            return self._solved(grip)
        except EngineConflictError as conflict:
            return conflict

    def _solved(self, grip: _Grip) -> Solution:
        pinned = [f"{name}=={version}" for name, version in sorted(self.pins.items()) if name not in grip.relaxed]
        bound = sorted({line for _, line in requirers(self.facts, grip.relaxed) - grip.released})
        return self.solve(
            replace(
                self.problem,
                constraints=(*self.problem.constraints, *pinned, *bound),
                preferences=tuple(sorted({**self.pins, **dict(self.problem.preferences)}.items())),
            )
        )
