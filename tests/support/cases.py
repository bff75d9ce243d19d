"""Situations as YAML: what a runtime is and what is asked for, and the plan or the rejection that must come of it.

`request` has the options of `tfbootstrap lock`; `runtime` in it is a profile, or `machine:NAME` for a captured machine.
`facts` are laid over what that runtime is known to be. A phrase in `expect` must occur in what it stands for, and each
list must be as long as what it stands for: one warning more than expected fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.machines import MACHINES
from tfbootstrap.app.knowledge import load_knowledge
from tfbootstrap.app.requests import LockOptions, read_request
from tfbootstrap.app.targets import find_target
from tfbootstrap.facts import Facts, facts_from_mapping, facts_to_mapping
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.knowledge import ALL_PARTS, Knowledge
from tfbootstrap.plan.markers import meant_for
from tfbootstrap.plan.records import Admission

CASES = Path(__file__).parents[1] / "cases"


@dataclass(frozen=True, kw_only=True)
class ExpectedRejection:
    """The rule that decides, and phrases of what was found and what is needed."""

    rule: str
    found: str
    needed: str


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must come of a situation: a plan, rejections, or an error."""

    tensorflow: str | None = None
    """The newest version that is admitted; None: nothing fits."""
    oldest: str | None = None
    """The oldest that is, where the range is the point."""
    provider: str | None = None
    driver_floor: str | None = None
    loader_links: bool = False
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rejected: Mapping[str, ExpectedRejection] = field(default_factory=dict)
    """By version asked for (`X.Y.Z`), or `every`. Where nothing fits, each minor's newest must be there."""
    ways_out: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One situation."""

    name: str
    story: str
    options: LockOptions
    facts: Mapping[str, Any]
    expect: Expected


def case_names(folder: Path = CASES) -> list[str]:
    """Return the names of all situations."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_case(name: str, folder: Path = CASES) -> Case:
    """Read one situation; an unknown key is an error."""
    document = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    assert set(document) <= {"story", "request", "facts", "expect"}, sorted(document)
    return Case(
        name=name,
        story=document["story"],
        options=lock_options(document.get("request") or {}),
        facts=document.get("facts") or {},
        expect=_expected(document["expect"]),
    )


def facts_of(case: Case, options: LockOptions | None = None) -> Facts:
    """Return the facts of a situation: its runtime as its request describes it, and its own facts laid over that."""
    facts = find_target(read_request(options or case.options), None).facts
    above = dict(case.facts)
    if options and options.gpu != case.options.gpu:
        above.pop("gpus", None)
    return facts_from_mapping(_laid_over(facts_to_mapping(facts), above), path=case.name)


def admission_of(case: Case, options: LockOptions | None = None) -> Admission:
    """Return which versions are admitted in a situation, with other options where they are given."""
    facts = facts_of(case, options)
    request, _ = meant_for(read_request(options or case.options), facts)
    return admit(facts, knowledge(), request)


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """Return the whole shipped matrix."""
    return load_knowledge(parts=ALL_PARTS)


def lock_options(given: Mapping[str, Any]) -> LockOptions:
    """Return the options that a situation's `request` stands for."""
    options = LockOptions(**tuples(given))
    if options.runtime and options.runtime.startswith("machine:"):
        machine = MACHINES / options.runtime.removeprefix("machine:") / "facts.json"
        return replace(options, runtime=str(machine))
    return options


def _expected(given: Mapping[str, Any]) -> Expected:
    known = {item.name for item in fields(Expected)}
    assert set(given) <= known, sorted(set(given) - known)
    rejected = {version: ExpectedRejection(**said) for version, said in (given.get("rejected") or {}).items()}
    return Expected(**(tuples(given) | {"rejected": rejected}))


def tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with tuples for lists, as records hold them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        held = merged.get(key)
        merged[key] = _laid_over(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged
