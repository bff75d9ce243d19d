"""What the wheels of other distributions say: joined, compared with `tensorflow`'s, and read from an index."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from packaging.version import Version

from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, ask_default_index
from tfbootstrap.edges.index_configuration import read_index_configuration
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import InputError, PackageIndexError
from tfbootstrap.matrix.distributions import AlikeReleases, DistributionRow, DistributionsMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow, WheelMetadata
from tfbootstrap.upkeep.distributions import join_alike, read_distribution, read_distributions, read_release
from tfbootstrap.upkeep.tensorflow import group_releases, top_folders

WINDOWS = "cp311-cp311-win_amd64"
LINUX = "cp311-cp311-manylinux_2_17_x86_64"
INFO = "tensorflow/python/platform/build_info.py"
CUDA = 'build_info = {"is_cuda_build": True, "cuda_version": "11.2", "cudnn_version": "8"}\n'

TENSORFLOW = TensorflowMatrix(
    rows=(
        TensorflowRow(
            version="2.17.1",
            released="2024-10-24",
            shim_platforms=("windows-x86_64",),
            wheels=(LINUX, WINDOWS),
            metadata=(
                WheelMetadata(
                    platforms=("linux-x86_64",),
                    requires_python=">=3.9",
                    extras=("and-cuda",),
                    requires=("numpy>=1.26.0", 'nvidia-nccl-cu12==2.19.3; extra == "and-cuda"'),
                ),
                WheelMetadata(
                    platforms=("windows-x86_64",), requires_python=">=3.9", requires=("tensorflow-intel==2.17.1",)
                ),
            ),
        ),
    )
)


def project(name: str, version: str, tag: str, **more: object) -> Project:
    plain = Project(name=name, version=version, requires=("numpy>=1.26.0",), requires_python=">=3.9", tag=tag)
    return replace(plain, files={"tensorflow/__init__.py": "", INFO: CUDA}, **more)  # type: ignore[arg-type]  # by name


@pytest.fixture
def client(loopback_index: LoopbackIndex) -> Iterator[IndexClient]:
    with requests.Session() as session:
        yield IndexClient(loopback_index.simple_url, session, sleep=lambda _: None)


def test_neighbours_that_say_the_same_are_joined() -> None:
    one = AlikeReleases(versions=("2.16.1",), wheels=(LINUX,))
    other = replace(one, versions=("2.17.0",), wheels=(WINDOWS,))
    joined = join_alike([one, replace(one, versions=("2.16.2",)), other, replace(one, versions=("2.18.0",))])
    assert [group.versions for group in joined] == [("2.16.1", "2.16.2"), ("2.17.0",), ("2.18.0",)]


def test_what_a_wheel_brings_is_neither_metadata_nor_bundled_libraries() -> None:
    names = ["tensorflow/a.py", "tensorflow_cpu.libs/b.so", "x-1.0.dist-info/RECORD", "x-1.0.data/headers/c.h", "d.py"]
    assert top_folders(names) == ("tensorflow",)
    assert top_folders(["x-0.1.0.data/purelib/tensorflow-plugins/e.dylib"]) == ("tensorflow-plugins",)


def test_stand_in_tells_what_the_shim_does_not(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    cuda = {"and-cuda": ("nvidia-nccl-cu12==2.19.3",)}
    loopback_index.add(build_wheel(project("tensorflow-intel", "2.17.1", WINDOWS, extras=cuda)))
    row = DistributionRow(name="tensorflow-intel", kind="stand-in", role="what tensorflow is on Windows")
    (found,) = read_distribution(client, row, TENSORFLOW)
    own = WheelMetadata(platforms=("windows-x86_64",), requires_python=">=3.9", requires=("numpy>=1.26.0",))
    assert found == AlikeReleases(versions=("2.17.1",), wheels=(WINDOWS,), metadata=(own,))


def test_metadata_like_that_of_tensorflow_is_left_out(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    shim = replace(project("tensorflow-cpu", "2.17.1", WINDOWS), files={}, requires=("tensorflow-intel==2.17.1",))
    loopback_index.add(build_wheel(project("tensorflow-cpu", "2.17.1", LINUX)), build_wheel(shim))
    row = DistributionRow(name="tensorflow-cpu", kind="slim", role="TensorFlow without CUDA")
    (found,) = read_distribution(client, row, TENSORFLOW)
    assert (found.metadata, found.shim_platforms) == ((), ("windows-x86_64",))


def test_builds_for_gpus_tell_their_cuda_and_no_metadata(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    old, new = (project("tensorflow-gpu", version, LINUX) for version in ("2.10.1", "2.11.0"))
    loopback_index.add(build_wheel(old), build_wheel(new), build_wheel(project("tensorflow-gpu", "2.11.0rc1", LINUX)))
    row = DistributionRow(name="tensorflow-gpu", kind="gpu", role="TensorFlow with CUDA")
    (found,) = read_distribution(client, row, TENSORFLOW)
    assert (found.versions, found.cuda, found.metadata) == (("2.10.1", "2.11.0"), "11.2", ())


def test_what_is_typed_by_hand_is_kept_and_the_day_changes_only_with_the_rest(
    client: IndexClient, loopback_index: LoopbackIndex
) -> None:
    loopback_index.add(build_wheel(project("tensorflow-gpu", "2.11.0", LINUX)))
    row = DistributionRow(name="tensorflow-gpu", kind="gpu", role="TensorFlow with CUDA")
    said: list[str] = []
    empty = DistributionsMatrix(read="2026-01-01", rows=(row,))
    read = read_distributions(client, empty, TENSORFLOW, day="2026-11-25", progress=said.append)
    assert (read.read, read.rows[0].role, said) == ("2026-11-25", "TensorFlow with CUDA", ["tensorflow-gpu"])
    assert read_distributions(client, read, TENSORFLOW, day="2026-12-24") == read


def test_nothing_found_is_a_failure(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(project("tensorflow-gpu", "2.11.0rc1", LINUX)))
    row = DistributionRow(name="tensorflow-gpu", kind="gpu", role="TensorFlow with CUDA")
    with pytest.raises(InputError, match="lists no wheel of tensorflow-gpu"):
        read_distribution(client, row, TENSORFLOW)
    with pytest.raises(PackageIndexError):
        read_distribution(client, replace(row, name="tensorflow-gone"), TENSORFLOW)


def test_build_numbers_do_not_hide_a_wheel(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(project("tensorflow-rocm", "2.6.2", LINUX)))
    (file,) = client.files("tensorflow-rocm")
    renamed = replace(file, file_name=file.file_name.replace("-2.6.2-", "-2.6.2-1-"))
    (wheels,) = group_releases([renamed]).values()
    assert [wheel.tag for wheel in wheels] == [LINUX]


@pytest.mark.online
def test_a_random_release_of_each_agrees_with_a_fresh_read_of_its_wheels() -> None:
    seed = int(os.environ.get("TFBOOTSTRAP_SEED", random.randrange(10_000)))
    print(f"TFBOOTSTRAP_SEED={seed}")
    chance = random.Random(seed)
    tensorflow = load(TensorflowMatrix)
    url = read_index_configuration(os.environ, Path.cwd()).default or ask_default_index()
    with requests.Session() as session:
        client = IndexClient(url, session)
        for row in load(DistributionsMatrix).rows:
            known = chance.choice(row.releases)
            version = chance.choice(known.versions)
            wheels = group_releases(client.files(row.name), Version("0"))[Version(version)]
            fresh = read_release(client, row, version, wheels, tensorflow)
            assert replace(fresh, versions=known.versions) == known, row.name
