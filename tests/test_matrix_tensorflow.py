"""The rows of tensorflow.yaml and what is derived from them, compared with what is known of the releases."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow, tag_platforms, tag_pythons

MATRIX = load(TensorflowMatrix)


def row(version: str) -> TensorflowRow:
    found = MATRIX.row(version)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("version", "pythons", "cuda", "cudnn", "architectures"),
    [
        ("1.15.0", "2.7 3.5 3.6 3.7", "10.0", "7", "compute_35 compute_37 compute_52 compute_60 compute_61 compute_70"),
        ("1.15.5", "3.6 3.7", None, None, ""),
        ("2.0.0", "2.7 3.5 3.6 3.7", None, None, ""),
        ("2.2.0", "3.5 3.6 3.7 3.8", "10.1", "7", "compute_35 compute_37 compute_52 compute_60 compute_61 compute_70"),
        ("2.3.0", "3.5 3.6 3.7 3.8", "10.1", "7", "sm_35 sm_37 sm_52 sm_60 sm_61 compute_70"),
        ("2.4.0", "3.6 3.7 3.8", "11.0", "8", "sm_35 sm_50 sm_60 sm_70 sm_75 compute_80"),
        ("2.7.0", "3.7 3.8 3.9", "11.2", "8", "sm_35 sm_50 sm_60 sm_70 sm_75 compute_80"),
        ("2.15.1", "3.9 3.10 3.11", "12.2", "8", "sm_50 sm_60 sm_70 sm_75 compute_80"),
        ("2.21.0", "3.10 3.11 3.12 3.13", "12.5.1", "9", "sm_60 sm_70 sm_80 sm_89 compute_90"),
        ("2.22.0rc0", "3.10 3.11 3.12 3.13 3.14", "12.5.1", "9", "sm_60 sm_70 sm_80 sm_89 compute_90"),
    ],
)
def test_known_releases(version: str, pythons: str, cuda: str | None, cudnn: str | None, architectures: str) -> None:
    found = row(version)
    assert found.pythons == tuple(pythons.split())
    assert (found.cuda, found.cudnn) == (cuda, cudnn)
    assert found.compute_capabilities == tuple(architectures.split())


@pytest.mark.parametrize(
    ("version", "platforms", "cuda_platforms", "shim_platforms"),
    [
        ("2.0.0", "linux-x86_64 macos-x86_64 windows-x86_64", "", ""),
        (
            "2.10.1",
            "linux-x86_64 linux-aarch64 macos-x86_64 windows-x86_64",
            "linux-x86_64 windows-x86_64",
            "linux-aarch64",
        ),
        (
            "2.15.0",
            "linux-x86_64 linux-aarch64 macos-x86_64 macos-arm64 windows-x86_64",
            "linux-x86_64",
            "linux-aarch64 macos-arm64 windows-x86_64",
        ),
        ("2.20.0", "linux-x86_64 linux-aarch64 macos-arm64 windows-x86_64", "linux-x86_64", ""),
    ],
)
def test_known_platforms(version: str, platforms: str, cuda_platforms: str, shim_platforms: str) -> None:
    found = row(version)
    assert found.platforms == tuple(platforms.split())
    assert found.cuda_platforms == tuple(cuda_platforms.split())
    assert found.shim_platforms == tuple(shim_platforms.split())


def test_cuda_wheels_of_the_extra() -> None:
    assert row("2.13.0").nvidia == ()
    assert "nvidia-cudnn-cu11==8.7.0.84" in row("2.14.0").nvidia
    assert "nvidia-cudnn-cu12<10.0,>=9.3.0.75" in row("2.20.0").nvidia
    assert "nvidia-cudnn-cu12<10.0,>=9.10.2.21" in row("2.22.0rc0").nvidia


def test_shim_requires_the_distribution_that_it_stands_for() -> None:
    windows = row("2.12.0").metadata_for("windows-x86_64")
    assert windows is not None
    assert 'tensorflow-intel==2.12.0; platform_system == "Windows"' in windows.requires


def test_metadata_is_that_of_platform_and_python() -> None:
    release = row("2.22.0rc0")
    old, new = release.metadata_for("linux-x86_64", "3.13"), release.metadata_for("linux-x86_64", "3.14")
    assert old is not None
    assert new is not None
    assert old.pythons == ("3.10", "3.11", "3.12", "3.13")
    assert new.pythons == ("3.14",)
    assert release.metadata_for("linux-x86_64", "3.9") is None
    assert row("2.20.0").metadata_for("macos-x86_64") is None
    assert row("2.20.0").requires_python == ">=3.9"


def test_rows_are_found_by_version_minor_and_specifier() -> None:
    assert row("2.20").version == "2.20.0"
    assert MATRIX.row("2.99") is None
    assert [found.version for found in MATRIX.of_minor("2.15")][-3:] == ["2.15.0", "2.15.0.post1", "2.15.1"]
    assert MATRIX.minors[:3] == ("1.15", "2.0", "2.1")
    assert [found.version for found in MATRIX.matching(SpecifierSet(">=2.19,<2.21"))] == ["2.19.0", "2.19.1", "2.20.0"]


def test_prereleases_only_on_request() -> None:
    newest = SpecifierSet(">=2.21.0")
    assert "2.22.0rc0" not in [found.version for found in MATRIX.matching(newest)]
    assert "2.22.0rc0" in [found.version for found in MATRIX.matching(newest, prereleases=True)]
    assert "2.22.0rc0" in [found.version for found in MATRIX.matching(SpecifierSet(">=2.22.0rc0"))]


@pytest.mark.parametrize(
    ("tag", "pythons", "platforms"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", ("3.11",), ("linux-x86_64",)),
        ("cp37-cp37m-macosx_10_9_x86_64", ("3.7",), ("macos-x86_64",)),
        ("cp310-cp310-macosx_12_0_arm64", ("3.10",), ("macos-arm64",)),
        ("cp39-cp39-win_amd64", ("3.9",), ("windows-x86_64",)),
        ("cp39-cp39-manylinux2014_aarch64", ("3.9",), ("linux-aarch64",)),
        ("cp310-cp310-macosx_11_0_universal2", ("3.10",), ("macos-x86_64",)),
        ("py3-none-any", (), ()),
    ],
)
def test_tags(tag: str, pythons: tuple[str, ...], platforms: tuple[str, ...]) -> None:
    assert (tag_pythons(tag), tag_platforms(tag)) == (pythons, platforms)
