"""Which wheel files fit which target."""

from __future__ import annotations

import pytest

from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.plan.tags import tag_fits, target_tags, wheel_fits


def target(python: str, system: str, machine: str, libc: str | None = None, release: str | None = None) -> Facts:
    return Facts(
        python=PythonFacts(version=f"{python}.0"),
        platform=PlatformFacts(system=system, machine=machine, libc=libc, release=release),
    )


LINUX = target("3.12", "linux", "x86_64", "glibc 2.28")


@pytest.mark.parametrize(
    ("facts", "fitting", "unfitting"),
    [
        (
            LINUX,
            ["cp312-cp312-manylinux_2_28_x86_64", "cp39-abi3-manylinux2014_x86_64", "py3-none-any", "py2.py3-none-any"],
            ["cp312-cp312-manylinux_2_31_x86_64", "cp311-cp311-manylinux2014_x86_64", "cp312-cp312-win_amd64"],
        ),
        (
            target("3.7", "linux", "x86_64", "glibc 2.17"),
            ["cp37-cp37m-manylinux2010_x86_64", "cp37-cp37m-manylinux1_x86_64"],
            ["cp37-cp37-manylinux2014_x86_64", "cp37-cp37m-manylinux_2_27_x86_64"],
        ),
        (
            target("3.12", "linux", "aarch64", "glibc 2.31"),
            ["cp312-cp312-manylinux2014_aarch64", "cp312-cp312-manylinux_2_27_aarch64"],
            ["cp312-cp312-manylinux2014_x86_64"],
        ),
        (
            target("3.12", "linux", "x86_64", "musl 1.2"),
            ["cp312-cp312-musllinux_1_2_x86_64", "cp312-cp312-musllinux_1_1_x86_64"],
            ["cp312-cp312-manylinux2014_x86_64", "cp312-cp312-musllinux_1_3_x86_64"],
        ),
        (
            target("3.12", "linux", "x86_64"),
            ["cp312-cp312-linux_x86_64", "py3-none-any"],
            ["cp312-cp312-manylinux2014_x86_64"],
        ),
        (
            target("3.12", "macos", "arm64", release="macOS 14.5"),
            ["cp312-cp312-macosx_12_0_arm64", "cp312-cp312-macosx_11_0_universal2"],
            ["cp312-cp312-macosx_15_0_arm64", "cp312-cp312-macosx_10_15_x86_64"],
        ),
        (target("3.12", "macos", "arm64"), ["cp312-cp312-macosx_12_0_arm64"], ["cp312-cp312-win_amd64"]),
        (target("3.12", "windows", "x86_64"), ["cp312-cp312-win_amd64"], ["cp312-cp312-win32"]),
        (target("3.12", "freebsd", "x86_64"), ["py3-none-any"], ["cp312-cp312-manylinux2014_x86_64"]),
    ],
    ids=[
        "linux",
        "python-3.7",
        "aarch64",
        "musl",
        "unknown-libc",
        "macos",
        "macos-of-unknown-version",
        "windows",
        "another-system",
    ],
)
def test_tags_fit_exactly_where_they_can_be_installed(facts: Facts, fitting: list[str], unfitting: list[str]) -> None:
    accepted = target_tags(facts)
    assert [tag for tag in fitting if not tag_fits(tag, accepted)] == []
    assert [tag for tag in unfitting if tag_fits(tag, accepted)] == []


def test_a_file_that_is_no_wheel_does_not_fit() -> None:
    assert wheel_fits("six-1.17.0-py2.py3-none-any.whl", target_tags(LINUX))
    assert not wheel_fits("six-1.17.0.tar.gz", target_tags(LINUX))
    assert not wheel_fits("six.whl", target_tags(LINUX))
