"""Reading cuDNN's wheels: what one serves, where a run of versions changes, and all of it against an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import requests
from packaging.version import Version

from tests.support.gpu_bytes import MACHINE, PTX, container, image
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.cudnn import CudnnMatrix, CudnnRow, CudnnSupportRow
from tfbootstrap.upkeep.cudnn import CudnnCode, cudnn_code, find_runs, read_matrix
from tfbootstrap.upkeep.fatbin import Images

OLD = Images(machine=(60, 70, 80), ptx=((120, (8, 8)),))
NEW = Images(machine=(75, 80), ptx=((120, (8, 8)),))
TUNED = Images(machine=(90,), ptx=())


def test_operations_library_tells_and_the_most_common_container_of_it() -> None:
    libraries = {
        "nvidia/cudnn/lib/libcudnn_ops.so.9": {OLD: 22, TUNED: 2},
        "nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9": {TUNED: 500},
    }
    code = cudnn_code(libraries, "x.whl")
    assert code == CudnnCode(machine=("6.0", "7.0", "8.0"), ptx=("12.0",), file_name="x.whl")
    assert {"6.1", "7.5", "8.9", "12.0"} <= code.serves()
    assert not {"5.2", "9.0"} & code.serves()


def test_libraries_that_serve_other_gpus_are_refused() -> None:
    libraries = {"libcudnn_ops_infer.so.8": {OLD: 1}, "libcudnn_adv_train.so.8": {NEW: 1}}
    with pytest.raises(InputError, match=r"libcudnn_adv_train\.so\.8 serves other GPUs than libcudnn_ops"):
        cudnn_code(libraries, "x.whl")


def test_wheel_without_operations_library_is_refused() -> None:
    with pytest.raises(InputError, match=r"x\.whl: holds no libcudnn_ops with GPU code"):
        cudnn_code({"libcudnn_cnn.so.9": {OLD: 1}}, "x.whl")


def test_only_the_ends_of_runs_are_read() -> None:
    versions = [Version(f"9.{minor}") for minor in range(40)]
    read: list[Version] = []

    def code(version: Version) -> CudnnCode:
        read.append(version)
        return CudnnCode(machine=("6.0",) if version < Version("9.11") else ("7.5",), ptx=(), file_name=str(version))

    runs = find_runs(versions, code)
    assert [(str(first), str(last), found.machine) for first, last, found in runs] == [
        ("9.0", "9.10", ("6.0",)),
        ("9.11", "9.39", ("7.5",)),
    ]
    assert len(read) == len(set(read)) <= 12


def test_one_version_is_a_run() -> None:
    only = CudnnCode(machine=("7.5",), ptx=())
    assert find_runs([Version("9.1")], lambda _: only) == [(Version("9.1"), Version("9.1"), only)]


def wheel(name: str, version: str, architectures: tuple[int, ...]) -> Project:
    images = [image(MACHINE, one) for one in architectures] + [image(PTX, 120, (8, 8))]
    files: Mapping[str, bytes] = {"nvidia/cudnn/lib/libcudnn_ops.so.9": container(*images)}
    return Project(name=name, version=version, tag="py3-none-manylinux_2_27_x86_64", files=files)


@pytest.fixture
def client(loopback_index: LoopbackIndex) -> Iterator[IndexClient]:
    for version in ("9.9", "9.10"):
        loopback_index.add(build_wheel(wheel("nvidia-cudnn-cu12", version, (60, 70, 80))))
    for version in ("9.11", "9.12", "9.13", "9.14.dev1"):
        loopback_index.add(build_wheel(wheel("nvidia-cudnn-cu12", version, (75, 80))))
    loopback_index.add(build_wheel(wheel("nvidia-cudnn-cu11", "9.10", (50, 60))))
    loopback_index.add(build_wheel(wheel("nvidia-cudnn-cu13", "9.12", (75, 80))))
    with requests.Session() as session:
        yield IndexClient(loopback_index.simple_url, session, sleep=lambda _: None)


def rows(matrix: CudnnMatrix) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(row.distribution, row.first, row.last, row.machine) for row in matrix.rows]


EVERYTHING = [
    ("nvidia-cudnn-cu11", "9.10", "9.10", ("5.0", "6.0")),
    ("nvidia-cudnn-cu12", "9.9", "9.10", ("6.0", "7.0", "8.0")),
    ("nvidia-cudnn-cu12", "9.11", "9.13", ("7.5", "8.0")),
    ("nvidia-cudnn-cu13", "9.12", "9.12", ("7.5", "8.0")),
]


def test_everything_is_read_where_nothing_is_known(client: IndexClient) -> None:
    said: list[str] = []
    support = CudnnSupportRow(
        versions=">=9", cuda="12", linux="525.60.13", source="https://docs.test/cudnn", checked="2026-11-21"
    )
    matrix = read_matrix(client, CudnnMatrix(support=(support,)), said.append)
    assert rows(matrix) == EVERYTHING
    assert matrix.support == (support,)
    assert matrix.rows[2].source == "wheel: nvidia_cudnn_cu12-9.13-py3-none-manylinux_2_27_x86_64.whl"
    assert "read nvidia_cudnn_cu12-9.11-py3-none-manylinux_2_27_x86_64.whl" in said


def test_newer_versions_extend_the_last_row_or_begin_one(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    known = [
        CudnnRow(
            distribution=distribution,
            first=first,
            last=last,
            cuda=distribution[-2:],
            machine=machine,
            ptx=("12.0",),
            source="wheel: known",
        )
        for distribution, first, last, machine in [
            EVERYTHING[0],
            EVERYTHING[1],
            (*EVERYTHING[2][:2], "9.11", ("7.5", "8.0")),
            EVERYTHING[3],
        ]
    ]
    matrix = read_matrix(client, CudnnMatrix(rows=tuple(known)))
    assert rows(matrix) == EVERYTHING
    assert not loopback_index.paths("/files/*cu11*")
    assert matrix.rows[0].source == "wheel: known"


def test_index_without_wheels_is_a_failure(loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(Project(name="nvidia-cudnn-cu11", version="9.1", tag="py3-none-win_amd64")))
    with requests.Session() as session, pytest.raises(InputError, match="lists no Linux wheel of nvidia-cudnn-cu11"):
        read_matrix(IndexClient(loopback_index.simple_url, session), CudnnMatrix())
