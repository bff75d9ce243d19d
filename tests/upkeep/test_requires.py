"""What installed packages require: pure parts, and a whole read from an index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.resources import load
from tfbootstrap.edges.runtimes import load_requirements, load_runtime
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.requires import RequiresMatrix
from tfbootstrap.matrix.runtimes import RuntimeProfile
from tfbootstrap.upkeep.requires import (
    choose_wheel,
    join_answers,
    listed_packages,
    read_requires,
    relevant_requirements,
    without_cuda,
)

INSTALLED = frozenset({"numpy", "keras", "torch"})


def profile(name: str, python: str, *packages: str) -> RuntimeProfile:
    return RuntimeProfile(
        name=name,
        title=name,
        host="colab",
        python=python,
        system="linux",
        machine="x86_64",
        libc="glibc 2.35",
        gpu="offered",
        published="2026-07-14",
        source="a/b#1",
        checked="2026-11-21",
        packages=packages,
    )


def test_every_listed_version_is_named_with_the_pythons_that_have_it() -> None:
    old, new = profile("old", "3.11.13", "numpy==2.0.2"), profile("new", "3.13.15", "NumPy==2.0.2", "keras==3.8.0")
    assert listed_packages([old, new]) == {
        ("keras", "3.8.0"): frozenset({"3.13"}),
        ("numpy", "2.0.2"): frozenset({"3.11", "3.13"}),
    }


@pytest.mark.parametrize(
    ("requirement", "kept"),
    [
        ("NumPy>=1.26", ["numpy>=1.26"]),
        ("numpy", []),
        ("scipy>=1", []),
        ('numpy>=1; extra == "tests"', []),
        ('numpy>=1; sys_platform == "darwin"', []),
        ('numpy>=1; platform_machine == "x86_64" and python_version >= "3.9"', ["numpy>=1"]),
        ('numpy>=2; python_version >= "3.13"', ['numpy>=2; python_version >= "3.13"']),
    ],
)
def test_only_what_can_be_broken_is_kept(requirement: str, kept: list[str]) -> None:
    assert list(relevant_requirements([requirement], ["3.11", "3.13"], INSTALLED)) == kept


def test_a_build_of_another_index_keeps_what_is_not_cuda() -> None:
    requires = ("numpy>=1", "nvidia-cudnn-cu12==9.10.2.21", "cuda-toolkit==13.0.2", "triton==3.6.0", "cudatastic>=1")
    assert without_cuda(requires) == ("numpy>=1", "cudatastic>=1")


def test_the_wheel_for_linux_speaks_first() -> None:
    names = ("x-1.0-py3-none-any.whl", "x-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", "x-1.0-cp312-cp312-win_amd64.whl")
    files = [IndexFile(file_name=name, url=name) for name in (*names, "x-2.0-py3-none-any.whl", "x-1.0.tar.gz")]
    assert [choose_wheel(files[start:], "1.0") for start in (0, 2, 3)] == [files[1], files[2], None]
    assert choose_wheel([files[2], files[0]], "1.0") == files[0]


def test_versions_that_require_the_same_share_a_line_and_are_found_again() -> None:
    answers: dict[str, dict[str, tuple[str, ...] | None]] = {
        "keras": {"3.8.0": ("numpy>=1",), "3.10.0": ("numpy>=1",), "3.13.2": ("numpy>=2",)},
        "gym": {"0.25.2": None},
        "torch": {"2.11.0+cu128": ("numpy>=1",)},
    }
    matrix = join_answers(answers, checked="2026-11-21")
    assert matrix.lines == (
        "keras 3.8.0 3.10.0",
        "  numpy>=1",
        "keras 3.13.2",
        "  numpy>=2",
        "torch 2.11.0+cu128",
        "  numpy>=1",
    )
    assert (matrix.unread, matrix.partly) == (("gym==0.25.2",), ("torch==2.11.0+cu128",))
    assert matrix.of({"keras": "3.10.0", "gym": "0.25.2"}) == {"keras": ("numpy>=1",)}
    assert matrix.of({"keras": "3.9.0"}) == {}
    assert list(matrix.problems()) == []


def test_nothing_found_is_an_error() -> None:
    with pytest.raises(InputError, match="not one requirement was found"):
        join_answers({"gym": {"0.25.2": None}}, checked="2026-11-21")
    with pytest.raises(InputError, match="no profile lists a package"):
        read_requires(IndexClient("https://index.test/simple"), [], checked="2026-11-21")


def test_what_an_index_says_is_read_and_what_it_lacks_is_named() -> None:
    with LoopbackIndex() as index:
        index.add(build_wheel(Project(name="keras", version="3.8.0", requires=("numpy>=1.26", "rich"))))
        index.add(build_wheel(Project(name="numpy", version="2.0.2")))
        client = IndexClient(index.simple_url)
        listed = [profile("one", "3.12.13", "keras==3.8.0", "numpy==2.0.2", "gym==0.25.2")]
        matrix = read_requires(client, listed, checked="2026-11-21")
        assert matrix == RequiresMatrix(
            checked="2026-11-21", unread=("gym==0.25.2",), lines=("keras 3.8.0", "  numpy>=1.26")
        )
        before = replace(matrix, checked="2026-08-01")
        assert read_requires(client, listed, checked="2026-11-21", keep=before) == before


def test_the_image_of_a_profile_has_its_requirements() -> None:
    runtime = load_runtime("colab-2026.07")
    requirements = load_requirements(runtime.profile, "gpu")
    assert requirements["tf-keras"] == ("tensorflow<2.21,>=2.20",)
    assert "numpy>=1.26.0" in requirements["tensorflow"]
    assert load_requirements(load_runtime("linux-cpu").profile, "cpu") == {}


def test_every_listed_package_is_read_or_named_as_unread() -> None:
    matrix = load(RequiresMatrix)
    unread = {*matrix.unread}
    profile = load_runtime("colab-2026.07").profile
    read = matrix.of(profile.pins("gpu"))
    lost = {f"{name}=={version}" for name, version in profile.pins("gpu").items()} & unread
    assert len(lost) < 35
    assert len(read) > 330
    assert not {pin.partition("==")[0] for pin in lost} & set(read)
