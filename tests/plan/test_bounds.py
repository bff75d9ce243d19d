"""Every bound of the matrix fires for some request, tightens and never loosens, and is told of in plan and lock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import Location
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.matrix.bounds import TENSORFLOW, Bound, BoundMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.bounds import missing_bounds
from tfbootstrap.plan.decision import chosen_candidate, decide, record_digest
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.plan.records import Admission
from tfbootstrap.request import Request, TensorflowWish, WantedPackage
from tfbootstrap.resolution import ResolvedPackage, Solution
from tfbootstrap.upkeep.lints_dependencies import firing

BOUNDS = load(BoundMatrix)
KNOWLEDGE = Knowledge(tensorflow=load(TensorflowMatrix), bounds=BOUNDS)


def linux(python: str) -> Facts:
    return Facts(
        python=PythonFacts(version=f"{python}.1"),
        platform=PlatformFacts(system="linux", machine="x86_64", libc="glibc 2.35"),
        gpu_status="absent",
    )


def ask(version: str, *packages: str) -> Request:
    return Request(
        tensorflow=(TensorflowWish(specifier=SpecifierSet(f"=={version}"), said_by="--tensorflow"),),
        packages=tuple(WantedPackage(requirement=Requirement(name), location=Location("x")) for name in packages),
    )


def admission_of(version: str, python: str, *packages: str) -> Admission:
    return admit(linux(python), KNOWLEDGE, ask(version, *packages))


def added(version: str, python: str, *packages: str) -> set[str]:
    (candidate,) = admission_of(version, python, *packages).candidates
    return {bound.requirement for bound in candidate.bounds}


@pytest.mark.parametrize("bound", BOUNDS.rows, ids=[bound.id for bound in BOUNDS.rows])
def test_every_bound_reaches_the_resolver_for_some_request(bound: Bound) -> None:
    *_, (row, python) = firing(bound)
    asked = () if bound.needed_by == TENSORFLOW else (bound.needed_by,)
    (metadata,) = resolution_input(admission_of(row.version, python, *asked), KNOWLEDGE).metadata
    assert bound.requirement in metadata.requires


@pytest.mark.parametrize("row", KNOWLEDGE.tensorflow.rows, ids=lambda row: row.version)
def test_published_requirements_are_never_loosened(row: object) -> None:
    assert isinstance(row, type(KNOWLEDGE.tensorflow.rows[0]))
    python = row.pythons[-1]
    for candidate in admission_of(row.version, python).candidates:
        published = row.metadata_for("linux-x86_64", python)
        assert published is not None
        (metadata,) = resolution_input(admission_of(row.version, python), KNOWLEDGE).metadata
        assert metadata.requires[: len(published.requires)] == published.requires
        assert len(metadata.requires) == len(published.requires) + len(candidate.bounds)


@pytest.mark.parametrize(
    ("version", "python", "packages", "expected"),
    [
        ("2.1.2", "3.7", (), {"h5py<3", "protobuf<3.21", "setuptools<82"}),
        ("2.1.4", "3.7", (), {"protobuf<3.21", "setuptools<82"}),
        ("2.7.4", "3.9", (), {"numpy<1.24", "setuptools<82"}),
        ("2.7.0", "3.9", (), {"numpy<1.24", "protobuf<3.21", "setuptools<82"}),
        ("2.6.0", "3.9", (), {"keras<2.7", "protobuf<3.21", "setuptools<82"}),
        ("2.4.4", "3.8", (), {"protobuf<3.21", "setuptools<82"}),
        ("2.4.4", "3.8", ("keras",), {"keras<2.5", "protobuf<3.21", "setuptools<82"}),
        ("2.14.0", "3.11", (), {"numpy<2", "setuptools<82"}),
        ("2.20.0", "3.13", (), {"setuptools<82"}),
        ("2.21.0", "3.13", (), set()),
        ("2.21.0", "3.13", ("tensorflow-hub",), {"setuptools<82"}),
    ],
)
def test_a_release_gets_what_it_lacks_and_no_more(
    version: str, python: str, packages: tuple[str, ...], expected: set[str]
) -> None:
    assert added(version, python, *packages) == expected


def test_a_bound_for_what_nobody_needs_is_left_out() -> None:
    bound = replace(BOUNDS.rows[0], id="x", package="tensorboard", needed_by=TENSORFLOW, tensorflow=">=2", bound="<3")
    matrix = BoundMatrix(rows=(replace(bound, bad="3.0.0"),))
    assert missing_bounds(("numpy>=1",), "2.21.0", linux("3.12"), matrix) == ()
    marked = ('tensorboard>=2; extra == "x"', 'tensorboard>=2; platform_system == "Windows"')
    assert missing_bounds(marked, "2.21.0", linux("3.12"), matrix) == ()
    assert len(missing_bounds(("tensorboard>=2",), "2.21.0", linux("3.12"), matrix)) == 1


def test_a_bound_that_the_metadata_has_is_left_out() -> None:
    matrix = BoundMatrix(rows=(replace(BOUNDS.rows[0], package="numpy", needed_by=TENSORFLOW, bound="<2", bad="2.0"),))
    bound = replace(matrix.rows[0], tensorflow=">=2")
    assert missing_bounds(("numpy<2.0.0",), "2.21.0", linux("3.12"), BoundMatrix(rows=(bound,))) == ()


def test_a_bound_can_be_for_some_pythons() -> None:
    bound = replace(BOUNDS.rows[0], package="numpy", needed_by=TENSORFLOW, tensorflow=">=2", python="<3.10")
    matrix = BoundMatrix(rows=(replace(bound, bound="<2", bad="2.0"),))
    assert missing_bounds(("numpy",), "2.20.0", linux("3.9"), matrix)
    assert not missing_bounds(("numpy",), "2.20.0", linux("3.10"), matrix)


def test_plan_and_lock_name_the_bounds_that_decided() -> None:
    admission = admission_of("2.7.4", "3.9")
    solution = Solution(
        packages=(ResolvedPackage(name="tensorflow", version="2.7.4", via=(), files=()),), engine="uv 0.13.8"
    )
    candidate = chosen_candidate(admission, solution)
    assert candidate is not None
    plan = decide(admission, candidate, solution)
    bound = BOUNDS.row("setuptools-82-tensorboard")
    assert plan.rows["bounds:setuptools-82-tensorboard"] == record_digest(bound)
    assert "setuptools<82: tensorboard fails beyond it (ModuleNotFoundError: No module named 'pkg_resources')" in (
        plan.reasons
    )
