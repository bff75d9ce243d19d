"""What the resolver is asked: exactly the admitted versions, with their CUDA as the plan has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_bounds import KNOWLEDGE, linux
from tests.support.cases import knowledge
from tfbootstrap.facts import DriverFacts, Facts, Gpu
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.plan.problem import resolution_input
from tfbootstrap.request import Request, TensorflowWish, parse_tensorflow
from tfbootstrap.resolution import ResolutionInput


def asked(wish: str, facts: Facts, known: Knowledge, excluded: tuple[str, ...] = ()) -> ResolutionInput:
    wished = TensorflowWish(specifier=parse_tensorflow(wish), said_by="--tensorflow")
    return resolution_input(admit(facts, known, Request(tensorflow=(wished,))), known, excluded=excluded)


@pytest.mark.parametrize(
    ("wish", "excluded", "requirement"),
    [
        ("2.20", (), "tensorflow==2.20.0"),
        (">=2.19,<2.21", (), "tensorflow>=2.19.0,<=2.20.0,!=2.20.0rc0"),
        (">=2.19,<2.21", ("2.19.7", "2.30.0"), "tensorflow>=2.19.0,<=2.20.0,!=2.20.0rc0,!=2.19.7"),
    ],
    ids=["one", "several", "versions-that-no-row-describes"],
)
def test_exactly_the_admitted_versions_are_asked_for(wish: str, excluded: tuple[str, ...], requirement: str) -> None:
    assert asked(wish, linux("3.12"), KNOWLEDGE, excluded).requirements == (requirement,)


def test_the_matrix_s_wheels_stand_in_for_a_missing_or_broken_extra() -> None:
    gpu = replace(
        linux("3.9"),
        gpu_status="present",
        gpus=(Gpu(name="Tesla T4", compute_capability="7.5"),),
        driver=DriverFacts(version="550.54.15"),
    )
    problem = asked("2.15.0", gpu, knowledge())
    assert problem.requirements == ("tensorflow[and-cuda]==2.15.0",)
    (metadata,) = problem.metadata
    of_extra = [line for line in metadata.requires if "and-cuda" in line]
    assert any(line.startswith("nvidia-cudnn-cu12==") for line in of_extra)
    assert not any("tensorrt" in line for line in of_extra)
    assert any(line.startswith("numpy") for line in metadata.requires)
