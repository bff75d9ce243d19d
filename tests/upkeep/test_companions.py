"""What wheels say of TensorFlow: from requirement lines, and from an index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.errors import InputError, PackageIndexError
from tfbootstrap.matrix.companions import CompanionRow, CompanionsMatrix, CudaTie, WheelTie
from tfbootstrap.upkeep.companions import (
    cuda_ties,
    join_cuda,
    join_neighbours,
    parse_check,
    read_companion,
    read_companions,
    stable_versions,
    wheel_tie,
)


@pytest.mark.parametrize(
    ("requires", "tensorflow", "extra", "also"),
    [
        (["tensorflow<2.21,>=2.20.0"], "<2.21,>=2.20.0", None, ()),
        (["tensorflow"], None, None, ()),
        (['tensorflow>=2.16; extra == "tf"', 'tensorflow>=1; extra == "docs"'], ">=2.16", "tf", ()),
        (
            ['tensorflow>=2.9; sys_platform != "darwin"', 'tensorflow-macos>=2.9; sys_platform == "darwin"'],
            ">=2.9",
            None,
            (),
        ),
        (["tf_keras~=2.19", "tensorflow==2.19.0", "numpy"], "==2.19.0", None, ("tf-keras~=2.19",)),
        (
            ['tensorflow-text; platform_system != "Windows"', "keras>=3.5"],
            None,
            None,
            ("keras>=3.5", "tensorflow-text"),
        ),
    ],
)
def test_requirements_tell_the_tie(
    requires: list[str], tensorflow: str | None, extra: str | None, also: tuple[str, ...]
) -> None:
    assert wheel_tie("1.0", requires) == WheelTie(versions="==1.0", tensorflow=tensorflow, extra=extra, also=also)


def test_neighbours_that_say_the_same_are_joined() -> None:
    ties = [
        wheel_tie(version, [f"tensorflow>={floor}"])
        for version, floor in (("1.0", 2), ("1.1", 2), ("1.2", 3), ("1.3", 2))
    ]
    assert [(tie.versions, tie.tensorflow) for tie in join_neighbours(ties)] == [
        (">=1.0,<=1.1", ">=2"),
        ("==1.2", ">=3"),
        ("==1.3", ">=2"),
    ]


@pytest.mark.parametrize(
    ("requires", "extras", "ties"),
    [
        (
            ["nvidia-cublas-cu12==12.8.4.1", "nvidia-cudnn-cu12==9.10.2.21"],
            [],
            [(None, "12", "nvidia-cudnn-cu12==9.10.2.21")],
        ),
        (
            ["cuda-toolkit[cublas]==13.0.2", "nvidia-cudnn-cu13==9.19.0.56"],
            [],
            [(None, "13", "nvidia-cudnn-cu13==9.19.0.56")],
        ),
        (
            ['jax-cuda12-plugin[with-cuda]==0.7.2; extra == "cuda12"'],
            ["cuda12", "cuda", "ci"],
            [("cuda12", "12", None)],
        ),
        (
            ['nvidia-cudnn-cu12<10.0,>=9.8; sys_platform == "linux" and extra == "with_cuda"'],
            ["with_cuda"],
            [("with-cuda", "12", "nvidia-cudnn-cu12<10.0,>=9.8")],
        ),
        (['nvidia-cudnn-cu12==9; platform_system == "Windows"'], [], []),
    ],
)
def test_cuda_that_comes_along_is_seen(
    requires: list[str], extras: list[str], ties: list[tuple[str | None, str, str | None]]
) -> None:
    assert [(tie.extra, tie.cuda, tie.cudnn) for tie in cuda_ties("1.0", requires, extras)] == ties


def test_cuda_is_joined_extra_by_extra() -> None:
    ties = [CudaTie(versions=f"==1.{minor}", extra=extra, cuda="12") for minor in (0, 1) for extra in ("a", "b")]
    assert [(tie.extra, tie.versions) for tie in join_cuda(ties)] == [("a", ">=1.0,<=1.1"), ("b", ">=1.0,<=1.1")]


def test_the_check_at_import_is_found() -> None:
    assert parse_check("def _check():\n  required_tensorflow_version = '2.18'\n") == "2.18"
    assert parse_check("required_tensorflow_version = None\n") is None


def test_old_yanked_and_unfinished_versions_are_left_out() -> None:
    def file(name: str, *, uploaded: str | None = "2026-01-01T00:00:00Z", yanked: bool = False) -> IndexFile:
        return IndexFile(file_name=name, url=name, uploaded=uploaded, yanked=yanked)

    files = [
        file("x-0.1-py3-none-any.whl", uploaded="2019-01-01T00:00:00Z"),
        file("x-0.10-py3-none-any.whl"),
        file("x-0.9-py3-none-any.whl", uploaded=None),
        file("x-0.11rc1-py3-none-any.whl"),
        file("x-0.12-py3-none-any.whl", yanked=True),
        file("x-0.13.tar.gz"),
    ]
    assert stable_versions(files) == ("0.9", "0.10")


def test_a_package_is_read_from_its_wheels() -> None:
    with LoopbackIndex() as index:
        for version, floor in (("1.0", "2.15"), ("1.1", "2.15"), ("1.2", "2.16")):
            index.add(build_wheel(Project(name="tf-thing", version=version, requires=(f"tensorflow>={floor}", "six"))))
        index.add(build_wheel(Project(name="free", version="1.0", requires=("six",))))
        client = IndexClient(index.simple_url)
        read = read_companion(client, "tf-thing")
        assert [(tie.versions, tie.tensorflow) for tie in read.wheels] == [
            (">=1.0,<=1.1", ">=2.15"),
            ("==1.2", ">=2.16"),
        ]
        assert read_companion(client, "free").wheels == ()
        with pytest.raises(PackageIndexError):
            read_companion(client, "not-there")

        row = CompanionRow(name="tf-thing", role="x", note="Typed by hand.")
        matrix = CompanionsMatrix(read="2026-01-01", keras=(), rows=(row,))
        new = read_companions(client, matrix, day="2026-11-21")
        assert new == replace(matrix, read="2026-11-21", rows=(replace(row, wheels=read.wheels),))
        assert read_companions(client, new, day="2026-12-01") == new


def test_a_package_without_wheels_is_an_error() -> None:
    with LoopbackIndex() as index:
        index.add(build_wheel(Project(name="tf-thing", version="1.0rc1")))
        with pytest.raises(InputError, match="lists no wheel of tf-thing"):
            read_companion(IndexClient(index.simple_url), "tf-thing")
