"""Commands of ways out: none that would contradict a file."""

from __future__ import annotations

import pytest

from tfbootstrap.plan.ways_out import other_command, with_tensorflow
from tfbootstrap.request import Request, TensorflowWish, parse_tensorflow


@pytest.mark.parametrize(
    ("said_by", "command"),
    [
        ("--tensorflow", "tfbootstrap lock --tensorflow=2.20 --requirement=requirements.in"),
        ("the command line", "tfbootstrap lock --tensorflow=2.20 --requirement=requirements.in"),
        ("requirements.in:2", ""),
    ],
)
def test_where_a_file_says_which_tensorflow_there_is_no_command(said_by: str, command: str) -> None:
    wish = TensorflowWish(specifier=parse_tensorflow("1.15"), said_by=said_by)
    asked = Request(tensorflow=(wish,), files=("requirements.in",))
    assert other_command(asked, with_tensorflow(asked, "2.20")) == command


def test_another_tensorflow_keeps_the_extras_that_a_requirement_named() -> None:
    asked = Request(arguments=("tensorflow[and-cuda]==2.19.1", "numpy"), wants_cuda_extra=True)
    assert with_tensorflow(asked, "2.14").arguments == ("numpy", "tensorflow[and-cuda]")
