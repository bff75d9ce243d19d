"""A requirement of TensorFlow gets another specifier; everything around it stays."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from tfbootstrap.errors import InputError, Location
from tfbootstrap.request import WantedPackage, parse_requirement, parse_requirements
from tfbootstrap.upgrade.edits import is_tensorflow, with_requirement

NEW = SpecifierSet("==2.20.*")


def wanted_in(text: str) -> WantedPackage:
    wanted, _ = parse_requirements(text, "requirements.in")
    return next(one for one in wanted if is_tensorflow(one))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tensorflow==2.15.1\n", "tensorflow==2.20.*\n"),
        ("six\ntensorflow >=2.15,<2.16   # why\nnumpy\n", "six\ntensorflow ==2.20.*   # why\nnumpy\n"),
        ("tensorflow[and-cuda] ~= 2.15.0\r\nsix\r\n", "tensorflow[and-cuda] ==2.20.*\r\nsix\r\n"),
        (
            "  TensorFlow-CPU (>=2.15, <2.16) ; sys_platform == 'linux'  # c",
            "  TensorFlow-CPU ==2.20.* ; sys_platform == 'linux'  # c",
        ),
        ("tensorflow==2.15.1;python_version<'3.12'", "tensorflow==2.20.*;python_version<'3.12'"),
        (
            "tensorflow==2.15.1 \\\n  ; sys_platform == 'linux'\n",
            "tensorflow==2.20.* \\\n  ; sys_platform == 'linux'\n",
        ),
        ("# tensorflow==1\ntensorflow==2.15.1", "# tensorflow==1\ntensorflow==2.20.*"),
    ],
)
def test_only_the_specifier_changes(before: str, after: str) -> None:
    changed = with_requirement(before, wanted_in(before), NEW)
    assert changed == after
    assert wanted_in(changed).requirement.specifier == NEW


def test_a_dependency_in_toml_is_changed_in_its_quotes() -> None:
    line = 'dependencies = ["six", "tensorflow[and-cuda]>=2.15; python_version < \\"3.13\\"", \'x\'] # tf'
    wanted = parse_requirement("tensorflow[and-cuda]>=2.15; python_version < '3.13'", Location("pyproject.toml", 1))
    assert with_requirement(line, wanted, NEW) == line.replace(">=2.15", "==2.20.*")


@pytest.mark.parametrize(
    "text",
    [
        "tensorflow \\\n  ==2.15.1\n",
        "tensorflow==2.15.1 --hash=sha256:00\n",
        "tensorflow==2.15.1  # not tensorflow==2.14\n",
    ],
)
def test_what_can_not_be_edited_safely_is_named_with_what_to_write(text: str) -> None:
    wanted = WantedPackage(
        requirement=parse_requirement("tensorflow==2.15.1", Location("x")).requirement,
        location=Location("requirements.in", 1),
    )
    with pytest.raises(InputError, match=r"^requirements.in:1: this line requires tensorflow==2.15.1") as caught:
        with_requirement(text, wanted, NEW)
    assert caught.value.hint == "write it yourself, then run this again: tensorflow==2.20.*"


def test_a_line_that_is_not_there_is_told() -> None:
    wanted = parse_requirement("tensorflow==2.15.1", Location("requirements.in", 7))
    with pytest.raises(InputError, match="can't be edited safely"):
        with_requirement("six\n", wanted, NEW)
