"""The smallest change of a provisioned image, with real uv on a small index."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.support.loopback_index import LoopbackIndex
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.app.overlay import preferred_order, resolve_overlay
from tfbootstrap.edges.engines import resolve
from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import EngineConflictError, Location
from tfbootstrap.facts import Distribution, Facts, HostFacts, PlatformFacts, PythonFacts
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.overlay import breaks, changes
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.plan.records import Candidate
from tfbootstrap.request import Request, TensorflowWish, parse_requirement, parse_tensorflow
from tfbootstrap.resolution import ResolutionInput, Solution

KNOWLEDGE = Knowledge(tensorflow=load(TensorflowMatrix))

IMAGE = {
    "tensorflow": Distribution(version="2.20.0"),
    "protobuf": Distribution(version="5.29.5"),
    "numpy": Distribution(version="2.0.2"),
    "keras": Distribution(version="3.10.0"),
    "grpcio-status": Distribution(version="1.71.2", requires=("protobuf<6,>=5.26",)),
    "gentle": Distribution(version="1.0", requires=("protobuf<7", "numpy<2.2")),
    "tensorflow-text": Distribution(version="2.20.1", requires=('tensorflow<2.21,>=2.20; python_version > "3"',)),
    "torch": Distribution(version="2.11.0+cu128", requires=("numpy",)),
    "broken-before": Distribution(version="1.0", requires=("numpy<1",)),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    fill_with_tensorflow(loopback_index)
    loopback_index.add(
        build_wheel(Project(name="modern", version="1.0", requires=("numpy>=2.1",))),
        build_wheel(Project(name="impossible", version="1.0", requires=("numpy<1",))),
    )
    return loopback_index


def image(**more: Distribution) -> Facts:
    return Facts(
        python=PythonFacts(version="3.12.11"),
        platform=PlatformFacts(system="linux", machine="x86_64", libc="glibc 2.35"),
        gpu_status="absent",
        host=HostFacts(kind="colab", release="2026.07"),
        distributions={**IMAGE, **more},
    )


def overlay(index: LoopbackIndex, facts: Facts, wish: str | None, *packages: str) -> tuple[Candidate, Solution, int]:
    request = Request(
        tensorflow=(TensorflowWish(specifier=parse_tensorflow(wish), said_by="--tensorflow"),) if wish else (),
        packages=tuple(parse_requirement(text, Location("the command line")) for text in packages),
    )
    asked: list[ResolutionInput] = []

    def solve(problem: ResolutionInput) -> Solution:
        asked.append(problem)
        return resolve(problem, IndexConfiguration(default=index.simple_url))

    admission = admit(facts, KNOWLEDGE, request)
    candidate, solution = resolve_overlay(admission, lambda narrowed: resolution_input(narrowed, KNOWLEDGE), solve)
    return candidate, solution, len(asked)


def pins(solution: Solution) -> dict[str, str]:
    return {package.name: package.version for package in solution.packages}


def test_the_image_s_own_tensorflow_changes_nothing(index: LoopbackIndex) -> None:
    candidate, solution, steps = overlay(index, image(), None)
    assert candidate.row.version == "2.20.0"
    assert changes(image(), pins(solution)) == ()
    assert breaks(image(), pins(solution)) == ()
    assert steps == 1


def test_a_newer_tensorflow_moves_only_what_it_must_and_no_further_than_neighbours_bear(index: LoopbackIndex) -> None:
    candidate, solution, _ = overlay(index, image(), "2.21")
    assert candidate.row.version == "2.21.0"
    found = pins(solution)
    assert found["protobuf"] == "6.31.1"  # 7.36.2 would break `gentle` too
    assert found["numpy"] == "2.0.2"
    assert "protobuf 5.29.5 -> 6.31.1" in changes(image(), found)
    assert "numpy" not in " ".join(changes(image(), found))
    assert [str(item) for item in breaks(image(), found)] == [
        "grpcio-status 1.71.2 requires protobuf<6,>=5.26, and would get 6.31.1",
        'tensorflow-text 2.20.1 requires tensorflow<2.21,>=2.20; python_version > "3", and would get 2.21.0',
    ]


def test_a_conflict_that_only_the_resolver_finds_relaxes_what_it_names(index: LoopbackIndex) -> None:
    _, solution, steps = overlay(index, image(), None, "modern")
    found = pins(solution)
    assert found["tensorflow"] == "2.20.0"
    assert found["numpy"] == "2.1.3"  # `gentle` bears less than 2.2
    assert changes(image(), found) == ("numpy 2.0.2 -> 2.1.3",)
    assert breaks(image(), found) == ()
    assert steps > 1


def test_what_no_release_of_the_image_helps_stays_a_conflict(index: LoopbackIndex) -> None:
    with pytest.raises(EngineConflictError, match="impossible"):
        overlay(index, image(), ">=2.20", "impossible")


def test_the_order_is_the_image_s_own_then_the_newest() -> None:
    wish = TensorflowWish(specifier=SpecifierSet(">=2.19,<2.22"), said_by="--tensorflow")
    admission = admit(image(), KNOWLEDGE, Request(tensorflow=(wish,)))
    versions = [candidate.row.version for candidate in preferred_order(admission)]
    assert versions == ["2.20.0", "2.21.0", "2.19.1", "2.19.0"]


def test_a_local_build_of_the_same_version_is_no_change() -> None:
    assert changes(image(), {"torch": "2.11.0"}) == ()
    assert changes(image(), {"torch": "2.12.0"}) == ("torch 2.11.0+cu128 -> 2.12.0",)
