"""Reading the GPU code of TensorFlow's wheels: which wheels, what rows, and all of it against an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.gpu_bytes import MACHINE, PTX, container, image, shared_library
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.errors import InputError
from tfbootstrap.matrix.gpu_code import CodeGroup, GpuCodeMatrix, GpuCodeRow, LibraryCode
from tfbootstrap.upkeep.fatbin import Images
from tfbootstrap.upkeep.gpu_code import linux_wheels, newest_wheels, read_matrix, to_row

TAG = "cp{0}-cp{0}-manylinux_2_17_x86_64.manylinux2014_x86_64"
LIBRARY = shared_library(
    content=container(image(MACHINE, 80), image(PTX, 90, (8, 5)))
    + container(image(MACHINE, 80), image(MACHINE, 90), image(PTX, 90, (8, 3)))
)
ROW = GpuCodeRow(
    tensorflow="2.20.0",
    source=f"wheel: tensorflow-2.20.0-{TAG.format(313)}.whl",
    libraries=(
        LibraryCode(
            library="libtensorflow_cc.so.2",
            code=(
                CodeGroup(containers=1, machine=("8.0",), ptx=("9.0",), isa="8.5"),
                CodeGroup(containers=1, machine=("8.0", "9.0"), ptx=("9.0",), isa="8.3"),
            ),
        ),
    ),
)


def listed(*names: str) -> list[IndexFile]:
    return [IndexFile(file_name=name, url=f"https://index.test/{name}") for name in names]


def test_newest_release_of_each_minor_in_its_newest_python() -> None:
    files = listed(
        "tensorflow-2.1.4-cp37-cp37m-manylinux2010_x86_64.whl",
        "tensorflow-2.0.4-cp37-cp37m-manylinux2010_x86_64.whl",
        f"tensorflow-2.16.1-{TAG.format(312)}.whl",
        f"tensorflow-2.16.2-{TAG.format(39)}.whl",
        f"tensorflow-2.16.2-{TAG.format(312)}.whl",
        f"tensorflow-2.16.3rc0-{TAG.format(312)}.whl",
        "tensorflow-2.16.2-cp312-cp312-win_amd64.whl",
        "tensorflow-2.17.0.dev20240101-cp312-cp312-manylinux_2_17_x86_64.whl",
        f"tensorflow-2.22.0rc0-{TAG.format(314)}.whl",
        "tensorflow-2.22.0.tar.gz",
    )
    newest = newest_wheels(files)
    assert [str(version) for version in newest] == ["2.1.4", "2.16.2", "2.22.0rc0"]
    assert newest[Version("2.16.2")].file_name == f"tensorflow-2.16.2-{TAG.format(312)}.whl"
    assert [str(version) for version in linux_wheels(files)] == ["2.1.4", "2.16.1", "2.16.2", "2.16.3rc0", "2.22.0rc0"]


def test_yanked_wheels_are_left_out() -> None:
    files = [replace(file, yanked=True) for file in listed(f"tensorflow-2.16.1-{TAG.format(312)}.whl")]
    assert newest_wheels(files) == {}


def test_row_names_libraries_without_their_folders_and_drops_those_without_code() -> None:
    images = {Images(machine=(35, 120), ptx=((80, (7, 1)),)): 3}
    row = to_row(
        Version("2.14.1"), "tensorflow-2.14.1-x.whl", {"tensorflow/libb.so": images, "a/liba.so": images, "c.so": {}}
    )
    assert [library.library for library in row.libraries] == ["liba.so", "libb.so"]
    assert row.libraries[0].code == (CodeGroup(containers=3, machine=("3.5", "12.0"), ptx=("8.0",), isa="7.1"),)


def test_container_with_two_isa_versions_is_refused() -> None:
    images = {Images(machine=(80,), ptx=((80, (7, 1)), (90, (8, 0)))): 1}
    with pytest.raises(InputError, match="PTX of several ISA versions"):
        to_row(Version("2.14.1"), "x.whl", {"liba.so": images})


@pytest.fixture
def client(loopback_index: LoopbackIndex) -> Iterator[IndexClient]:
    files = {
        "tensorflow/libtensorflow_cc.so.2": LIBRARY,
        "tensorflow/libtensorflow_framework.so.2": shared_library(),
        "tensorflow/empty.so": b"",
        "tensorflow/__init__.py": b"",
    }
    for version in ("2.19.0", "2.20.0"):
        loopback_index.add(build_wheel(Project(name="tensorflow", version=version, tag=TAG.format(313), files=files)))
    with requests.Session() as session:
        yield IndexClient(loopback_index.simple_url, session, sleep=lambda _: None)


def test_matrix_is_read_from_an_index(client: IndexClient) -> None:
    said: list[str] = []
    matrix = read_matrix(client, progress=said.append)
    assert [row.tensorflow for row in matrix.rows] == ["2.19.0", "2.20.0"]
    assert matrix.rows[1] == ROW
    assert said == [f"read tensorflow-{version}-{TAG.format(313)}.whl" for version in ("2.19.0", "2.20.0")]


def test_some_releases_are_read_and_the_others_kept(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    kept = replace(ROW, tensorflow="2.19.1")
    matrix = read_matrix(client, only=SpecifierSet("==2.20.*"), keep=GpuCodeMatrix(rows=(kept,)))
    assert matrix.rows == (kept, ROW)
    assert not loopback_index.paths("/files/tensorflow-2.19*")


def test_nothing_to_read_is_a_failure(client: IndexClient) -> None:
    with pytest.raises(InputError, match=r"lists no Linux wheel of tensorflow>=3"):
        read_matrix(client, only=SpecifierSet(">=3"))


def test_wheel_without_gpu_code_is_a_failure(client: IndexClient, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(Project(name="tensorflow", version="2.21.0", tag=TAG.format(313))))
    with pytest.raises(InputError, match=r"tensorflow-2\.21\.0-.*: holds no GPU code"):
        read_matrix(client)
