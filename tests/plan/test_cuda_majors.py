"""Wheels of two CUDA majors: which collide, and who brings them."""

from __future__ import annotations

import pytest

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import Location
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.plan.cuda_majors import bringers, collisions, cuda_majors, exclusions, other_majors
from tfbootstrap.request import parse_requirement
from tfbootstrap.resolution import ResolvedPackage, Solution

LIBRARIES = load(LibrariesMatrix)
BOTH = {"nvidia-cudnn-cu12": "9.10.2.21", "nvidia-cudnn-cu13": "9.19.0.56", "numpy": "2.0.2"}


def package(name: str, *via: str) -> ResolvedPackage:
    return ResolvedPackage(name=name, version="1.0", via=via, files=())


@pytest.mark.parametrize(
    ("pins", "pairs"),
    [
        (BOTH, [("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")]),
        ({"nvidia-cudnn-cu12": "9.10.2.21"}, []),
        ({"nvidia-cudnn-cu12": "9.10.2.21", "nvidia-cublas": "13.1.0.3"}, []),
    ],
    ids=["two-majors", "one-major", "other-folders"],
)
def test_colliding_pairs(pins: dict[str, str], pairs: list[tuple[str, str]]) -> None:
    assert [row.distributions for row in collisions(pins, LIBRARIES)] == pairs


def test_what_the_image_holds_and_keeps_collides_with_nothing() -> None:
    assert not collisions(BOTH, LIBRARIES, held=BOTH)
    assert collisions(BOTH, LIBRARIES, held={**BOTH, "nvidia-cudnn-cu13": "9.12.0.46"})


def test_the_other_major_is_left_out() -> None:
    rows = collisions(BOTH, LIBRARIES)
    assert other_majors(rows, "12") == ("nvidia-cudnn-cu13",)
    assert other_majors(rows, "13") == ("nvidia-cudnn-cu12",)
    assert exclusions(["nvidia-cudnn-cu13"]) == ("nvidia-cudnn-cu13<0",)


def test_majors_are_read_from_names() -> None:
    assert cuda_majors(["nvidia-cudnn-cu12", "nvidia-nccl-cu13", "torch", "jax-cuda12-plugin"]) == {"12", "13"}


def test_who_was_asked_for_is_named_for_what_it_brings() -> None:
    solution = Solution(
        packages=(
            package("nvidia-cudnn-cu13", "torch"),
            package("torch", "torchvision", "accelerate"),
            package("torchvision"),
            package("accelerate"),
        ),
        engine="uv",
    )
    wanted = tuple(parse_requirement(name, Location("the command line")) for name in ("torchvision", "accelerate"))
    assert bringers(solution, ["nvidia-cudnn-cu13"], wanted) == ("accelerate 1.0", "torchvision 1.0")
    assert bringers(solution, ["nvidia-cudnn-cu13"], ()) == ("nvidia-cudnn-cu13",)
