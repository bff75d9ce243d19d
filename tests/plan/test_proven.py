"""When a proof is all that a request needs, and what it says of pins that it does not cover."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from tests.plan.test_bounds import KNOWLEDGE, ask, linux
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import Location
from tfbootstrap.facts import Facts
from tfbootstrap.lock import Lock, LockHeader, LockTarget, Pin
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.proofs import Proof, pin_line
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.known_bad import judge_solution
from tfbootstrap.plan.proven import (
    covers,
    proof_for,
    proof_reason,
    proven_solution,
    unproven,
    with_preferences,
)
from tfbootstrap.plan.records import Admission, Plan
from tfbootstrap.request import Request, WantedPackage

HASH = f"sha256:{'ab' * 32}"
PROOF = Proof(
    tensorflow="2.20.0",
    python="3.12",
    runtime="linux-cpu",
    libc="glibc 2.28",
    result="passed",
    proven="2026-11-21",
    interpreter="3.12.1",
    tool="tfbootstrap 0.1.0, uv 0.13.8",
    machine="x86_64, 2 cores, 24 GiB, glibc 2.36",
    checks=("pass import",),
    pins=(
        pin_line("numpy", "2.2.6", (HASH,), ("tensorflow",)),
        pin_line("setuptools", "81.0.0", (HASH,), ("tensorboard", "tensorflow")),
        pin_line("tensorflow", "2.20.0", (HASH,), ("the request",)),
    ),
    seal="0" * 16,
).sealed()


def admission(request: Request, runtime: Facts | None = None) -> Admission:
    return admit(runtime or linux("3.12"), KNOWLEDGE, request)


def wanted(*packages: str) -> tuple[WantedPackage, ...]:
    return tuple(WantedPackage(requirement=Requirement(name), location=Location("x")) for name in packages)


def lock_of(*pins: tuple[str, str]) -> Lock:
    header = LockHeader(
        command="",
        tool="",
        matrix="",
        inputs="",
        target=LockTarget(name="x", python="3.12", system="linux", machine="x86_64"),
        tensorflow="2.20.0",
        distribution="tensorflow",
        cuda_provider="none",
    )
    return Lock(header=header, pins=tuple(Pin(name=name, version=version, hashes=(HASH,)) for name, version in pins))


SAME = (("numpy", "2.2.6"), ("setuptools", "81.0.0"), ("tensorflow", "2.20.0"))


@pytest.mark.parametrize(
    ("packages", "constraints", "covered"),
    [
        ((), (), True),
        (("numpy>=2",), (), True),
        (("numpy<2",), (), False),
        (("NumPy[extra]",), (), False),
        (("pandas",), (), False),
        ((), ("numpy<3", "pandas<2"), True),
        ((), ("numpy<2",), False),
    ],
)
def test_a_request_is_covered_where_every_package_is_among_the_pins(
    packages: tuple[str, ...], constraints: tuple[str, ...], covered: bool
) -> None:
    request = replace(ask("2.20.0", *packages), constraints=wanted(*constraints))
    assert covers(PROOF, admission(request), None) is covered


def test_a_pin_beyond_a_bound_covers_nothing() -> None:
    pins = (*PROOF.pins[:1], pin_line("setuptools", "82.0.0", (HASH,), ()), PROOF.pins[2])
    assert not covers(replace(PROOF, pins=pins), admission(ask("2.20.0")), None)


def test_slim_is_another_wish() -> None:
    assert not covers(PROOF, admission(replace(ask("2.20.0"), slim=True)), None)


@pytest.mark.parametrize(
    ("libc", "covered"),
    [("glibc 2.28", True), ("glibc 2.36", True), ("glibc 2.27", False), ("musl 1.2", False), (None, False)],
)
def test_a_proof_serves_its_c_library_and_newer_ones(libc: str | None, covered: bool) -> None:
    found = admission(ask("2.20.0"))
    runtime = replace(found.facts, platform=replace(found.facts.platform, libc=libc))
    assert covers(PROOF, replace(found, facts=runtime), None) is covered


def test_a_lock_that_is_there_has_its_say_first() -> None:
    assert covers(PROOF, admission(ask("2.20.0")), lock_of(*SAME))
    assert not covers(PROOF, admission(ask("2.20.0")), lock_of(("numpy", "2.1.0"), *SAME[1:]))
    assert not covers(PROOF, admission(ask("2.20.0")), lock_of(*SAME, ("pandas", "2.3.0")))


def test_only_linux_on_x86_64_without_gpu_has_proofs() -> None:
    (candidate,) = admission(ask("2.20.0")).candidates
    assert proof_for(candidate, linux("3.12")) == "2.20.0-cp312-linux-cpu"
    assert proof_for(replace(candidate, cuda_provider="wheels"), linux("3.12")) is None
    elsewhere = replace(linux("3.12"), platform=replace(linux("3.12").platform, machine="aarch64"))
    assert proof_for(candidate, elsewhere) is None


def test_the_solution_of_a_proof_has_its_hashes() -> None:
    solution = proven_solution(PROOF)
    assert [(one.name, one.version, one.hashes, one.via) for one in solution.packages] == [
        ("numpy", "2.2.6", (HASH,), ("tensorflow",)),
        ("setuptools", "81.0.0", (HASH,), ("tensorboard", "tensorflow")),
        ("tensorflow", "2.20.0", (HASH,), ()),
    ]
    assert solution.engine == "proof of 2026-11-21"


def test_what_is_preferred_already_stays() -> None:
    kept = (("numpy", "2.1.0"), ("pandas", "2.3.0"))
    assert with_preferences(kept, PROOF) == (*kept, ("setuptools", "81.0.0"), ("tensorflow", "2.20.0"))
    assert with_preferences(kept, None) == kept


def test_what_deviates_is_named() -> None:
    pins = {"numpy": "2.1.0", "setuptools": "81.0.0", "tensorflow": "2.20.0", "pandas": "2.3.0"}
    assert unproven(pins, PROOF) == ("numpy", "pandas")
    assert unproven(dict(SAME), PROOF) == ()
    assert proof_reason(PROOF, ()).startswith("every pin is proven: installed and tried on 2026-11-21")
    assert proof_reason(PROOF, ("numpy", "pandas")).startswith("proven but for numpy, pandas: ")
    assert "h and 2 more" in proof_reason(PROOF, tuple("abcdefghij"))


def test_known_bad_pins_are_refused_wherever_they_come_from() -> None:
    found = admission(ask("2.20.0"))
    pins = {package.name: package.version for package in proven_solution(PROOF).packages}
    plan = Plan(
        facts=found.facts, request=found.request, candidate=found.candidates[0], gpus=(), pins=pins, proven="2026-11-21"
    )
    assert judge_solution(plan, load(KnownBadMatrix)).warnings == ()


WITH_COMPANIONS = replace(
    PROOF,
    companions=(
        pin_line("tensorflow-probability", "0.25.0", (HASH,), ("the command line",)),
        pin_line("dm-tree", "0.1.9", (HASH,), ("tensorflow-probability",)),
        pin_line("attrs", "26.1.0", (HASH,), ("dm-tree",)),
        pin_line("tf-keras", "2.20.1", (HASH,), ("the command line",)),
        pin_line("wheel", "0.48.0", (HASH,), ("numpy", "tf-keras")),
    ),
)


@pytest.mark.parametrize(
    ("wanted_names", "more"),
    [
        ((), []),
        (("tensorflow-probability",), ["attrs", "dm-tree", "tensorflow-probability"]),
        (("tf-keras",), ["tf-keras", "wheel"]),
        (("pandas",), []),
    ],
)
def test_a_companion_brings_what_it_needs_and_no_other(wanted_names: tuple[str, ...], more: list[str]) -> None:
    names = {package.name for package in proven_solution(WITH_COMPANIONS, wanted_names).packages}
    assert sorted(names - {"numpy", "setuptools", "tensorflow"}) == more


def test_a_request_for_proven_companions_is_covered() -> None:
    assert covers(WITH_COMPANIONS, admission(ask("2.20.0", "tf-keras", "tensorflow-probability>=0.24")), None)
    assert not covers(WITH_COMPANIONS, admission(ask("2.20.0", "tf-keras<2.20")), None)
    assert not covers(PROOF, admission(ask("2.20.0", "tf-keras")), None)
    assert unproven({"tf-keras": "2.20.1", "numpy": "2.2.6"}, WITH_COMPANIONS) == ()


MOVING = replace(
    WITH_COMPANIONS,
    companions=(
        *WITH_COMPANIONS.companions,
        pin_line("tensorflow-datasets", "4.9.9", (HASH,), ("the command line",)),
        pin_line("numpy", "2.1.3", (HASH,), ("tensorflow", "tensorflow-datasets")),
        pin_line("setuptools", "80.9.0", (HASH,), ("tensorboard", "tensorflow")),
        pin_line("toml", "0.10.2", (HASH,), ("setuptools",)),
    ),
)


@pytest.mark.parametrize(
    ("wanted_names", "moved"),
    [
        ((), {"numpy": "2.2.6", "setuptools": "81.0.0"}),
        (("tf-keras", "numpy"), {"numpy": "2.2.6", "setuptools": "81.0.0"}),
        (("tensorflow-datasets",), {"numpy": "2.1.3", "setuptools": "80.9.0", "toml": "0.10.2"}),
        (("tf-keras", "tensorflow-datasets"), {"numpy": "2.1.3", "setuptools": "80.9.0", "toml": "0.10.2"}),
    ],
)
def test_pins_that_a_companion_moves_come_together_and_only_with_it(
    wanted_names: tuple[str, ...], moved: dict[str, str]
) -> None:
    pins = {package.name: package.version for package in proven_solution(MOVING, wanted_names).packages}
    assert {name: pins[name] for name in pins if name in {"numpy", "setuptools", "toml"}} == moved
    assert unproven(pins, MOVING) == ()


def test_moved_pins_are_preferred_for_who_asks_for_the_companion_only() -> None:
    assert dict(with_preferences((), MOVING, ["pandas"]))["numpy"] == "2.2.6"
    preferred = dict(with_preferences((), MOVING, ["tensorflow-datasets", "pandas"]))
    assert (preferred["numpy"], preferred["tf-keras"]) == ("2.1.3", "2.20.1")


def test_a_companion_that_repeats_a_pin_or_another_is_a_problem() -> None:
    again = pin_line("numpy", "2.2.6", (HASH,), ())
    assert list(replace(PROOF, companions=(again,)).sealed().problems()) == [("companions", "repeats a pin")]
    twice = pin_line("tf-keras", "2.20.1", (HASH,), ())
    assert ("companions", "names a package twice") in replace(PROOF, companions=(twice, twice)).sealed().problems()
