"""The tiny TensorFlow world resolves with real uv."""

from __future__ import annotations

import re

import pytest

from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.programs import UV
from tests.support.tiny_tensorflow import fill_with_tensorflow


@pytest.mark.parametrize(
    ("requirement", "python", "expected"),
    [
        ("tensorflow==2.20.*", "3.13", "2.20.0"),
        ("tensorflow", "3.9", "2.20.0"),
        ("tensorflow[and-cuda]<2.20", "3.12", "2.19.1"),
        ("tensorflow[and-cuda]<2.16", "3.10", "2.15.1"),
    ],
)
def test_uv_finds_the_newest_that_has_a_wheel(
    sandbox: Sandbox, loopback_index: LoopbackIndex, requirement: str, python: str, expected: str
) -> None:
    fill_with_tensorflow(loopback_index)
    result = sandbox.run(
        UV, "pip", "compile", "-", "--no-header", "--no-annotate", "--only-binary", ":all:",
        "--python-version", python, "--python-platform", "x86_64-manylinux_2_28",
        "--index-url", loopback_index.simple_url,
        stdin=requirement,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    pins = dict(re.findall(r"^([\w-]+)(?:\[[\w-]+\])?==(\S+)", result.stdout, re.MULTILINE))
    assert pins["tensorflow"] == expected
    assert ("nvidia-cudnn-cu12" in pins) == ("and-cuda" in requirement)
    assert {"numpy", "protobuf", "keras", "six"} <= pins.keys()
