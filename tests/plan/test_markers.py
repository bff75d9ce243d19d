"""What of a request is meant for a runtime."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_admission import facts
from tfbootstrap.errors import Location
from tfbootstrap.facts import Facts
from tfbootstrap.plan.markers import meant_for
from tfbootstrap.request import Request, parse_requirement, split_tensorflow


def wanted(*lines: str) -> Request:
    packages = tuple(parse_requirement(line, Location("a.in", number)) for number, line in enumerate(lines, 1))
    wishes, extras, rest = split_tensorflow(None, packages)
    return Request(tensorflow=wishes, wants_cuda_extra="and-cuda" in extras, packages=rest)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (facts(), ["a", "c"]),
        (facts(system="macos", machine="arm64", libc=None), ["b", "c"]),
        (facts(system="windows", libc=None), ["c", "d"]),
    ],
)
def test_markers_are_those_of_the_runtime(where: Facts, left: list[str]) -> None:
    request = wanted(
        "a; sys_platform == 'linux'",
        "b; platform_system == 'Darwin' and platform_machine == 'arm64'",
        "c; python_version >= '3.12'",
        "d; os_name == 'nt' and platform_machine == 'AMD64'",
    )
    meant, words = meant_for(replace(request, constraints=request.packages), where)
    assert [one.name for one in meant.packages] == left == [one.name for one in meant.constraints]
    assert len(words) == 2
    assert all("it is for other runtimes" in word for word in words)


def test_a_wish_for_another_runtime_is_left_out() -> None:
    request = wanted("tensorflow==2.19.*; sys_platform == 'darwin'", "tensorflow>=2.20; sys_platform == 'linux'")
    meant, words = meant_for(request, facts())
    assert [str(wish.specifier) for wish in meant.tensorflow] == [">=2.20"]
    assert words == ("left out tensorflow==2.19.* (a.in:1): it is for other runtimes",)
    assert request.digest() != meant.digest()
