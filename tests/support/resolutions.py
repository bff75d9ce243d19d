"""Situations that take a resolution, as YAML: what is asked for, and what the lock or the rejection must say.

`request` has the options of `tfbootstrap lock`; in a public requirement set, `lines` are the lines of its file and
`source` says where they are from. Phrases must occur among what they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

from tests.support.cases import lock_options, tuples
from tfbootstrap.app.lock import lock
from tfbootstrap.app.locking import LockOutcome
from tfbootstrap.app.requests import LockOptions
from tfbootstrap.explain import rejections_text
from tfbootstrap.plan.overlay import changes

RESOLUTIONS = Path(__file__).parents[1] / "resolutions"
PUBLIC = Path(__file__).parents[1] / "public_requirements"


@dataclass(frozen=True, kw_only=True)
class ExpectedOutcome:
    """What must come of a resolution."""

    pins: Mapping[str, str] = field(default_factory=dict)
    """Name -> specifier that the pin meets. Empty: there is no lock."""
    absent: tuple[str, ...] = ()
    """Packages that must not be pinned; a star at the end stands for anything."""
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    """Each package that breaks, in order; no other may."""
    unchanged: bool = False
    """Whether the image has every pin already."""
    rejected: tuple[str, ...] = ()
    """Phrases of the text that says why nothing fits."""
    ways_out: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """One situation."""

    story: str
    options: LockOptions
    expect: ExpectedOutcome
    lines: tuple[str, ...] = ()
    source: str | None = None


def resolution_names(folder: Path) -> list[str]:
    """Return the names of all situations in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_resolution(path: Path) -> Resolution:
    """Read one situation; an unknown key is an error."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = {item.name for item in fields(ExpectedOutcome)}
    assert set(document["expect"]) <= known, sorted(set(document["expect"]) - known)
    options = document.pop("request")
    expect = ExpectedOutcome(**tuples(document.pop("expect")))
    return Resolution(options=lock_options(options), expect=expect, **tuples(document))


def resolve_it(options: LockOptions) -> LockOutcome:
    """Plan and resolve, against the index that uv is configured with; nothing is written."""
    (outcome,) = lock(options)
    return outcome


def check_outcome(outcome: LockOutcome, expect: ExpectedOutcome) -> None:
    """Compare what came of it with what must."""
    if outcome.rejections is not None:
        text = rejections_text(outcome.rejections, runtime=outcome.name)
        assert not expect.pins, text
        assert expect.rejected
        check_among(expect.rejected, (text,))
        check_among(expect.ways_out, tuple(way.text for way in outcome.rejections.ways_out))
        return
    assert outcome.plan is not None
    assert outcome.target is not None
    pins = outcome.plan.pins
    assert expect.pins, dict(pins)
    for name, specifier in expect.pins.items():
        assert SpecifierSet(specifier).contains(pins[name], prereleases=True), (name, pins[name])
    for name in expect.absent:
        found = [pin for pin in pins if pin == name or (name.endswith("*") and pin.startswith(name[:-1]))]
        assert not found
    check_among(expect.reasons, outcome.plan.reasons)
    check_among(expect.warnings, outcome.plan.warnings)
    assert [line.split()[0] for line in outcome.plan.breaks] == list(expect.breaks)
    if expect.unchanged:
        assert not changes(outcome.target.facts, pins)
        assert set(pins) <= set(outcome.target.facts.distributions)


def check_among(phrases: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """Require that each phrase occurs in one of the texts."""
    for phrase in phrases:
        assert any(phrase in text for text in texts), (phrase, texts)
