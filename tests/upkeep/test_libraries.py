"""What TensorFlow's loader opens, and the wheels that carry it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.gpu_bytes import shared_library
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile, ask_default_index
from tfbootstrap.edges.index_configuration import read_index_configuration
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import InputError, MachineError
from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
from tfbootstrap.matrix.libraries import CarrierRow, LibrariesMatrix
from tfbootstrap.upkeep.libraries import (
    Published,
    carrier_rows,
    collision_rows,
    distributions,
    final_wheels,
    read_matrix,
    read_published,
    releases_to_ask,
)
from tfbootstrap.upkeep.loader import Loaded, ask_linker, loader_functions, parse_answer, read_loader, search_folders

TRY = "_ZN3tsl8internal9DsoLoader22TryDlopenCUDALibrariesEv"
CUDNN = "_ZN3tsl8internal9DsoLoader17GetCudnnDsoHandleEv"
CUPTI = "_ZN3tsl8internal9DsoLoader17GetCuptiDsoHandleEv"
SYMBOLS = [
    TRY,
    CUDNN,
    CUPTI,
    "_ZN15stream_executor8internal9DsoLoader18GetCurandDsoHandleEv",
    "_ZN3tsl8internal15CachedDsoLoader17GetCudnnDsoHandleEv",
    "_ZN3tsl8internal9DsoLoader15GetHipDsoHandleEv",
    "_ZN3tsl8internal9DsoLoader19GetRocblasDsoHandleEv",
    "_ZN3tsl8internal9DsoLoader18GetMiopenDsoHandleEv",
    "malloc",
]

# As the dynamic linker of glibc 2.36 wrote it, calling the loader of TensorFlow 2.20.0; addresses shortened.
ANSWER_CUPTI = """\
      8231:\tfind library=libtensorflow_framework.so.2 [0]; searching
      8231:\tcalling init: /tf/libtensorflow_framework.so.2

@@ from here on
      8231:\tfind library=libcupti.so.12 [0]; searching
      8231:\t search path=/tf/../nvidia/cuda_cupti/lib\t\t(RUNPATH from file /tf/libtensorflow_framework.so.2)
      8231:\tfind library=libcupti.so [0]; searching
      8231:\tfind library=libutil.so.1 [0]; searching
"""
ANSWER_TRY = """\
@@ from here on
      8231:\tfind library=libcudart.so.12 [0]; searching
      8231:\tfind library=libcudnn.so.9 [0]; searching
      8231:\tfind library=libcudnn.so.9 [0]; searching
"""
ANSWERS = {
    TRY: ANSWER_TRY,
    CUDNN: "@@ from here on\n 8231:\tfind library=libcudnn.so.9 [0]; searching\n",
    CUPTI: ANSWER_CUPTI,
}


def test_loader_functions_are_told_from_those_that_cache_and_those_of_rocm() -> None:
    assert loader_functions(SYMBOLS) == {
        "TryDlopenCUDALibraries": TRY,
        "GetCudnnDsoHandle": CUDNN,
        "GetCuptiDsoHandle": CUPTI,
        "GetCurandDsoHandle": SYMBOLS[3],
    }


def test_answer_begins_where_the_function_is_called() -> None:
    assert parse_answer(ANSWER_CUPTI) == ("libcupti.so.12", "libcupti.so", "libutil.so.1")
    assert parse_answer("find library=libc.so.6 [0]; searching") == ()


def test_search_folders_are_below_site_packages() -> None:
    runpath = [
        "$ORIGIN/",
        "$ORIGIN/../../nvidia/cudnn/lib",
        "$ORIGIN/../tensorrt/",
        "$ORIGIN/../nvidia/cudnn/lib",
        "/usr/lib",
    ]
    assert search_folders(runpath) == ("nvidia/cudnn/lib", "tensorrt")


def framework(tmp_path: Path, *exports: str) -> Path:
    path = tmp_path / "libtensorflow_framework.so.2"
    path.write_bytes(shared_library(exports=exports, runpath=["$ORIGIN/../nvidia/cudnn/lib"]))
    return path


def answer(_library: Path, symbol: str) -> str:
    return ANSWERS[symbol]


def test_loader_is_asked_function_by_function(tmp_path: Path) -> None:
    loaded = read_loader(framework(tmp_path, TRY, CUDNN, CUPTI), answer)
    assert loaded == Loaded(
        needed=("libcudart.so.12", "libcudnn.so.9"), optional=("libcupti.so.12",), searches=("nvidia/cudnn/lib",)
    )


def test_library_without_the_deciding_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="exports no TryDlopenCUDALibraries; has TensorFlow changed its loader"):
        read_loader(framework(tmp_path, CUDNN), answer)


def test_loader_that_opens_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="opened nothing"):
        read_loader(framework(tmp_path, TRY), lambda _library, _symbol: "@@ from here on\n")


def test_library_that_this_machine_can_not_load_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"of libtensorflow_framework\.so\.2 can't be called here") as caught:
        read_loader(framework(tmp_path, TRY), ask_linker)
    assert caught.value.hint == "this needs Linux on x86_64"


def test_a_function_of_a_real_library_is_called_while_the_linker_writes() -> None:
    # On the one library that is everywhere.
    written = ask_linker(Path("libc.so.6"), "getpid")
    assert "calling init:" in written
    assert parse_answer(written) == ()


def published(distribution: str, cuda: str, paths: dict[str, list[str]]) -> Published:
    return Published(
        distribution=distribution,
        cuda=cuda,
        paths={Version(version): frozenset(names) for version, names in paths.items()},
        file_names={Version(version): f"{distribution}-{version}.whl" for version in paths},
    )


CUDNN_12 = published(
    "nvidia-cudnn-cu12",
    "12",
    {
        "8.9": ["nvidia/cudnn/lib/libcudnn.so.8", "nvidia/cudnn/include/cudnn.h"],
        "9.0": ["nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cudnn/include/cudnn.h"],
        "9.1": ["nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cudnn/include/cudnn.h"],
    },
)
CUDNN_13 = published("nvidia-cudnn-cu13", "13", {"9.12": ["nvidia/cudnn/lib/libcudnn.so.9"]})
NVCC_11 = published("nvidia-cuda-nvcc-cu11", "11", {"11.8": ["nvidia/cuda_nvcc/bin/ptxas", "nvidia/__init__.py"]})
NVCC_12 = published("nvidia-cuda-nvcc-cu12", "12", {"12.9": ["nvidia/cuda_nvcc/bin/ptxas", "nvidia/__init__.py"]})


def test_carriers_have_the_versions_that_carry_a_library() -> None:
    rows = carrier_rows([CUDNN_13, CUDNN_12], ["libcudnn.so.9", "libcudnn.so.8", "libcublas.so.12"])
    assert [(row.soname, row.distribution, row.first, row.last) for row in rows] == [
        ("libcudnn.so.8", "nvidia-cudnn-cu12", "8.9", "8.9"),
        ("libcudnn.so.9", "nvidia-cudnn-cu12", "9.0", "9.1"),
        ("libcudnn.so.9", "nvidia-cudnn-cu13", "9.12", "9.12"),
    ]
    assert (rows[1].folder, rows[1].source) == ("nvidia/cudnn/lib", "wheel: nvidia-cudnn-cu12-9.1.whl")


def test_library_that_comes_and_goes_is_refused() -> None:
    path = "nvidia/nccl/lib/libnccl.so.2"
    gap = published("nvidia-nccl-cu12", "12", {"2.1": [path], "2.2": [], "2.3": [path]})
    with pytest.raises(
        InputError, match=r"nvidia-nccl-cu12: carries .*libnccl\.so\.2 in some versions from 2\.1 to 2\.3"
    ):
        carrier_rows([gap], ["libnccl.so.2"])


def test_collisions_are_of_libraries_and_programs_in_the_newest_wheels() -> None:
    rows = collision_rows([NVCC_12, CUDNN_13, NVCC_11, CUDNN_12])
    assert [(row.distributions, row.files) for row in rows] == [
        (("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12"), ("nvidia/cuda_nvcc/bin/ptxas",)),
        (("nvidia-cudnn-cu12", "nvidia-cudnn-cu13"), ("nvidia/cudnn/lib/libcudnn.so.9",)),
    ]


def test_distributions_are_named_as_nvidia_names_them() -> None:
    names = dict(distributions())
    assert names["nvidia-cublas-cu12"] == "12"
    assert names["nvidia-cublas"] == names["nvidia-nccl-cu13"] == "13"
    assert not {"nvidia-cublas-cu13", "nvidia-nccl", "nvidia-nvjitlink-cu11"} & names.keys()


def files(*names: str) -> list[IndexFile]:
    return [IndexFile(file_name=name, url=f"https://index.test/{name}") for name in names]


def test_final_wheels_are_for_linux_and_in_order() -> None:
    found = final_wheels(
        files(
            "nvidia_nccl_cu12-2.10-py3-none-manylinux2014_x86_64.whl",
            "nvidia_nccl_cu12-2.9-py3-none-manylinux2014_x86_64.whl",
            "nvidia_nccl_cu12-2.11-py3-none-manylinux2014_aarch64.whl",
            "nvidia_nccl_cu12-2.12rc1-py3-none-manylinux2014_x86_64.whl",
            "nvidia_nccl_cu12-2.9.tar.gz",
        )
    )
    assert [str(version) for version in found] == ["2.9", "2.10"]


def test_every_release_since_the_extra_is_asked_and_the_newest_of_each_minor_before() -> None:
    tag = "cp311-cp311-manylinux_2_17_x86_64"
    versions = ["2.12.0", "2.12.1", "2.14.0", "2.14.1", "2.15.0rc0", "2.15.0", "2.22.0rc0"]
    found = releases_to_ask(files(*(f"tensorflow-{version}-{tag}.whl" for version in versions)))
    assert [str(version) for version in found] == ["2.12.1", "2.14.0", "2.14.1", "2.15.0", "2.22.0rc0"]


@pytest.fixture
def client(loopback_index: LoopbackIndex) -> Iterator[IndexClient]:
    for distribution, _ in distributions():
        folder = distribution.split("-cu1")[0].removeprefix("nvidia-").replace("-", "_")
        project = Project(
            name=distribution,
            version="12.1",
            tag="py3-none-manylinux1_x86_64",
            files={f"nvidia/{folder}/lib/lib{folder}.so.9": b""},
        )
        loopback_index.add(build_wheel(project))
    with requests.Session() as session:
        yield IndexClient(loopback_index.simple_url, session, sleep=lambda _: None)


def test_distribution_without_wheels_is_a_failure(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(Project(name="nvidia-nothing", version="1.0", tag="py3-none-win_amd64")))
    with pytest.raises(InputError, match="lists no Linux wheel of nvidia-nothing"):
        read_published(client, "nvidia-nothing", "12")


def test_releases_that_nobody_published_are_a_failure(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(Project(name="tensorflow", version="2.20.0", tag="cp313-cp313-win_amd64")))
    with pytest.raises(InputError, match=r"lists no Linux wheel of tensorflow==2\.20\.\*"):
        read_matrix(client, LibrariesMatrix(), only=SpecifierSet("==2.20.*"))


def test_wheel_without_the_framework_is_a_failure(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(
        build_wheel(Project(name="tensorflow", version="2.20.0", tag="cp313-cp313-manylinux_2_17_x86_64"))
    )
    with pytest.raises(InputError, match=r"holds no libtensorflow_framework\.so\.2"):
        read_matrix(client, LibrariesMatrix())


def test_matrix_is_read_from_an_index(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    content = shared_library(exports=[TRY, CUDNN, CUPTI], runpath=["$ORIGIN/../nvidia/cudnn/lib"])
    for version in ("2.19.0", "2.20.0"):
        project = Project(
            name="tensorflow",
            version=version,
            tag="cp313-cp313-manylinux_2_17_x86_64",
            files={"tensorflow/libtensorflow_framework.so.2": content},
        )
        loopback_index.add(build_wheel(project))
    said: list[str] = []
    # The wheel's library is ours: no linker could load it, so the linker's answers are given.
    first = read_matrix(client, LibrariesMatrix(), progress=said.append, ask=answer)
    assert [row.tensorflow for row in first.loaded] == ["2.19.0", "2.20.0"]
    assert first.loaded[1].source == "wheel: tensorflow-2.20.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    assert {row.distribution for row in first.carriers} == {f"nvidia-cudnn-cu{major}" for major in (11, 12, 13)}
    assert said[0] == "asked tensorflow-2.19.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    assert said[-1] == "read nvidia-nvshmem-cu13"

    kept = replace(first.loaded[0], optional=("libkept.so.1",))
    second = read_matrix(client, replace(first, loaded=(kept,)), only=SpecifierSet("==2.20.*"), ask=answer)
    assert second.loaded == (kept, first.loaded[1])


@pytest.mark.online
def test_every_pin_is_on_the_index_for_linux() -> None:
    pins = {pin for row in load(CudaWheelsMatrix).pin_sets for pin in row.pins}
    url = read_index_configuration(os.environ, Path.cwd()).default or ask_default_index()
    with requests.Session() as session:
        client = IndexClient(url, session)
        missing = [pin for pin in sorted(pins) if not _is_published(client, Requirement(pin))]
    assert missing == []


def _is_published(client: IndexClient, pin: Requirement) -> bool:
    return any(version in pin.specifier for version in final_wheels(client.files(pin.name)))


@pytest.mark.online
def test_an_old_loader_still_says_what_the_matrix_has() -> None:
    url = read_index_configuration(os.environ, Path.cwd()).default or ask_default_index()
    shipped = load(LibrariesMatrix)
    with requests.Session() as session:
        fresh = read_matrix(IndexClient(url, session), shipped, only=SpecifierSet("==2.3.*"))
    assert fresh.loaded == shipped.loaded
    newer = {(row.soname, row.distribution): row for row in fresh.carriers}
    assert [row for row in shipped.carriers if not _still_carried(row, newer)] == []


def _still_carried(row: CarrierRow, newer: dict[tuple[str, str], CarrierRow]) -> bool:
    now = newer[row.soname, row.distribution]
    return now.first == row.first and Version(now.last) >= Version(row.last)
