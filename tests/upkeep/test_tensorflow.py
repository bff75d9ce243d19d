"""Reading TensorFlow releases from wheels: the parsers on what real wheels hold, then all of it against an index."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from packaging.version import Version

from tests.support.loopback_index import LoopbackIndex, Reply, Request
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile, ask_default_index
from tfbootstrap.edges.index_configuration import read_index_configuration
from tfbootstrap.edges.resources import load
from tfbootstrap.errors import InputError, PackageIndexError, UsageError
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow, WheelMetadata
from tfbootstrap.upkeep.tensorflow import (
    PROJECT,
    BuildInfo,
    ParsedMetadata,
    WheelContents,
    group_releases,
    merge_metadata,
    parse_build_info,
    parse_cuda_config,
    parse_cudnn_version,
    parse_metadata,
    parse_only,
    read_contents,
    read_matrix,
    read_release,
)

# What wheels hold, without their licence texts.
BUILD_INFO_1_15_5 = "is_rocm_build = False\nis_cuda_build = False\n"
BUILD_INFO_2_2 = """\
from __future__ import absolute_import
is_rocm_build = False
is_cuda_build = True
cuda_version_number = '10'
cudnn_version_number = '7'
"""
BUILD_INFO_2_3 = (
    "build_info = {'cuda_version': '10.1', 'cudnn_version': '7', 'cuda_compute_capabilities': ['sm_35', 'compute_70'],"
    " 'cpu_compiler': '/usr/bin/gcc-5', 'is_rocm_build': False, 'is_cuda_build': True}\n"
)
BUILD_INFO_2_20 = """\
import collections
build_info = collections.OrderedDict([('cpu_compiler', 'clang'), ('cuda_compute_capabilities', ['sm_60', 'compute_90']),
 ('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True), ('is_tensorrt_build', False)])
"""
BUILD_INFO_2_22 = "import collections\nbuild_info = collections.OrderedDict([('is_cuda_build', True)])\n"
CUDA_CONFIG_2_2 = """\
#define TF_CUDA_CAPABILITIES CudaVersion("3.5"), CudaVersion("6.1"), CudaVersion("7.0")

#define TF_CUDA_VERSION "10.1"
#define TF_CUDA_LIB_VERSION "10"
#define TF_CUDNN_VERSION "7"
"""
CUDA_CONFIG_2_22 = """\
#define TF_CUDA_VERSION "12.5.1"
#define TF_CUDART_VERSION "12"
#define TF_CUDNN_VERSION "9"
#define TF_CUDA_TOOLKIT_PATH ""
#define TF_CUDA_COMPUTE_CAPABILITIES 60, 70, 90
"""
CUDNN_HEADER = "#define CUDNN_MAJOR 9\n#define CUDNN_MINOR 3\n#define CUDNN_PATCHLEVEL 0\n"

LINUX_TAG = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BUILD_INFO_1_15_5, BuildInfo()),
        (BUILD_INFO_2_2, BuildInfo(is_cuda=True)),
        (
            BUILD_INFO_2_3,
            BuildInfo(is_cuda=True, cuda="10.1", cudnn="7", compute_capabilities=("sm_35", "compute_70")),
        ),
        (
            BUILD_INFO_2_20,
            BuildInfo(is_cuda=True, cuda="12.5.1", cudnn="9", compute_capabilities=("sm_60", "compute_90")),
        ),
        (BUILD_INFO_2_22, BuildInfo(is_cuda=True)),
        ("import os\nbuild_info = os.environ\nx, y = 1, 2\n", BuildInfo()),
    ],
    ids=["1.15.5", "2.2", "2.3", "2.20", "2.22", "code"],
)
def test_build_info_is_read_and_not_run(text: str, expected: BuildInfo) -> None:
    assert parse_build_info(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            CUDA_CONFIG_2_2,
            BuildInfo(
                is_cuda=True, cuda="10.1", cudnn="7", compute_capabilities=("compute_35", "compute_61", "compute_70")
            ),
        ),
        (
            CUDA_CONFIG_2_22,
            BuildInfo(is_cuda=True, cuda="12.5.1", cudnn="9", compute_capabilities=("sm_60", "sm_70", "compute_90")),
        ),
        ("", BuildInfo(is_cuda=True)),
    ],
    ids=["2.2", "2.22", "empty"],
)
def test_cuda_config(text: str, expected: BuildInfo) -> None:
    assert parse_cuda_config(text) == expected


def test_cudnn_version() -> None:
    assert parse_cudnn_version(CUDNN_HEADER) == "9.3.0"
    assert parse_cudnn_version("#define CUDNN_MAJOR 9\n") is None


CUDNN_FILE = "tensorflow/include/external/cuda_cudnn/include/cudnn_version_v9.h"
CONFIG_FILE = "tensorflow/include/external/local_config_cuda/cuda/cuda/cuda_config.h"
INFO_FILE = "tensorflow/python/platform/build_info.py"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, WheelContents(is_shim=True)),
        ({INFO_FILE: BUILD_INFO_1_15_5, CONFIG_FILE: CUDA_CONFIG_2_2}, WheelContents()),
        ({INFO_FILE: BUILD_INFO_2_20}, WheelContents(info=parse_build_info(BUILD_INFO_2_20))),
        (
            {INFO_FILE: BUILD_INFO_2_20, CONFIG_FILE: CUDA_CONFIG_2_22, CUDNN_FILE: CUDNN_HEADER},
            WheelContents(info=parse_build_info(BUILD_INFO_2_20), cudnn_headers="9.3.0"),
        ),
        (
            {INFO_FILE.replace("flow/", "flow_core/"): BUILD_INFO_2_2, CONFIG_FILE: CUDA_CONFIG_2_2},
            WheelContents(info=parse_cuda_config(CUDA_CONFIG_2_2), read_from="cuda_config.h"),
        ),
        ({INFO_FILE: BUILD_INFO_2_22}, WheelContents(info=BuildInfo(is_cuda=True))),
    ],
    ids=["shim", "processors", "plain", "with-headers", "silent-build-info", "nothing-to-ask"],
)
def test_contents_of_a_wheel(members: dict[str, str], expected: WheelContents) -> None:
    assert read_contents(members, members.__getitem__) == expected


def test_metadata_in_old_and_new_spelling_is_the_same() -> None:
    old = "Requires-Dist: numpy (<2.0,>=1.16.0)\nRequires-Dist: enum34 (>=1.1) ; python_version < '3.4'\n"
    new = 'Requires-Dist: numpy<2.0,>=1.16.0\nRequires-Dist: enum34>=1.1;python_version<"3.4"\n'
    expected = ParsedMetadata(
        requires_python=None, extras=(), requires=("numpy<2.0,>=1.16.0", 'enum34>=1.1; python_version < "3.4"')
    )
    assert parse_metadata(old) == parse_metadata(new) == expected


def test_metadata_with_extras() -> None:
    headers = 'Requires-Python: >=3.9\nProvides-Extra: and-cuda\nRequires-Dist: nccl ~=2.0 ; extra == "and-cuda"\n'
    text = f"{headers}\nRequires-Dist: in-the-description\n"
    assert parse_metadata(text) == ParsedMetadata(
        requires_python=">=3.9", extras=("and-cuda",), requires=('nccl~=2.0; extra == "and-cuda"',)
    )


def test_files_are_sorted_into_releases() -> None:
    names = [
        "tensorflow-2.20.0-cp311-cp311-win_amd64.whl",
        "tensorflow-2.20.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tensorflow-2.20.0-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tensorflow-2.4.0rc0-cp38-cp38-manylinux2010_x86_64.whl",
        "tensorflow-1.14.0-cp37-cp37m-manylinux1_x86_64.whl",
        "tensorflow-2.21.0.dev20250101-cp311-cp311-win_amd64.whl",
        "tensorflow-2.20.0.tar.gz",
        "tensorflow-2.20.0-py3-none-any.whl",
    ]
    releases = group_releases(IndexFile(file_name=name, url="") for name in names)
    assert {str(version): [wheel.tag for wheel in wheels] for version, wheels in releases.items()} == {
        "2.4.0rc0": ["cp38-cp38-manylinux2010_x86_64"],
        "2.20.0": [
            "cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "cp311-cp311-win_amd64",
        ],
    }


def test_metadata_is_told_once_and_pythons_only_where_they_differ() -> None:
    plain = ParsedMetadata(requires_python=">=3.9", extras=(), requires=("numpy",))
    newer = replace(plain, requires=("numpy>=2",))
    shim = replace(plain, requires=("tensorflow-intel",))
    assert merge_metadata(
        {
            ("linux-x86_64", "3.9"): plain,
            ("linux-x86_64", "3.14"): newer,
            ("linux-x86_64", "3.10"): plain,
            ("macos-arm64", "3.9"): plain,
            ("windows-x86_64", "3.9"): shim,
        }
    ) == (
        WheelMetadata(
            platforms=("linux-x86_64",), pythons=("3.9", "3.10"), requires_python=">=3.9", requires=("numpy",)
        ),
        WheelMetadata(platforms=("linux-x86_64",), pythons=("3.14",), requires_python=">=3.9", requires=("numpy>=2",)),
        WheelMetadata(platforms=("macos-arm64",), requires_python=">=3.9", requires=("numpy",)),
        WheelMetadata(platforms=("windows-x86_64",), requires_python=">=3.9", requires=("tensorflow-intel",)),
    )


@pytest.mark.parametrize(("text", "specifier"), [("2.20.*", "==2.20.*"), ("2.20.0", "==2.20.0"), (">=2.18", ">=2.18")])
def test_only(text: str, specifier: str) -> None:
    assert str(parse_only(text)) == specifier


def test_only_that_is_no_specifier() -> None:
    with pytest.raises(UsageError, match="'newest' is no version specifier"):
        parse_only("newest")


# --- against an index --------------------------------------------------------------------------------------------


def upload_times(_request: Request, reply: Reply) -> Reply:
    page = json.loads(reply.body)
    for number, entry in enumerate(page["files"], 1):
        entry["upload-time"] = f"2025-08-{number:02}T16:51:55Z"
    return replace(reply, body=json.dumps(page).encode())


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    linux = {INFO_FILE: BUILD_INFO_2_20, CONFIG_FILE: CUDA_CONFIG_2_22, CUDNN_FILE: CUDNN_HEADER}
    project = Project(
        name=PROJECT,
        version="2.20.0",
        requires=("numpy>=1.26.0",),
        extras={"and-cuda": ("nvidia-cudnn-cu12<10.0,>=9.3.0.75",)},
        requires_python=">=3.9",
        files=linux,
        tag=LINUX_TAG,
    )
    shim = replace(project, tag="cp311-cp311-win_amd64", files={}, requires=("tensorflow-intel==2.20.0",), extras={})
    older = replace(project, version="2.19.0", files={INFO_FILE: BUILD_INFO_1_15_5})
    loopback_index.add(build_wheel(project), build_wheel(shim), build_wheel(older))
    loopback_index.misbehave(upload_times, path=f"/simple/{PROJECT}/")
    return loopback_index


@pytest.fixture
def client(index: LoopbackIndex) -> Iterator[IndexClient]:
    with requests.Session() as session:
        yield IndexClient(index.simple_url, session, sleep=lambda _: None)


ROW_2_20 = TensorflowRow(
    version="2.20.0",
    released="2025-08-01",
    cuda="12.5.1",
    cudnn="9",
    cudnn_headers="9.3.0",
    compute_capabilities=("sm_60", "compute_90"),
    cuda_platforms=("linux-x86_64",),
    shim_platforms=("windows-x86_64",),
    wheels=(LINUX_TAG, "cp311-cp311-win_amd64"),
    metadata=(
        WheelMetadata(
            platforms=("linux-x86_64",),
            requires_python=">=3.9",
            extras=("and-cuda",),
            requires=("numpy>=1.26.0", 'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"'),
        ),
        WheelMetadata(platforms=("windows-x86_64",), requires_python=">=3.9", requires=("tensorflow-intel==2.20.0",)),
    ),
)


@pytest.mark.parametrize("metadata_beside", [True, False], ids=["metadata-beside", "metadata-inside"])
def test_matrix_is_read_from_an_index(client: IndexClient, index: LoopbackIndex, metadata_beside: bool) -> None:
    index.metadata = metadata_beside
    said: list[str] = []
    matrix = read_matrix(client, progress=said.append)
    assert [row.version for row in matrix.rows] == ["2.19.0", "2.20.0"]
    assert matrix.rows[1] == ROW_2_20
    assert sorted(said) == ["read 2.19.0", "read 2.20.0"]


def test_some_releases_are_read_and_the_others_kept(client: IndexClient, index: LoopbackIndex) -> None:
    kept = replace(ROW_2_20, version="2.19.0", released="2020-01-01")
    matrix = read_matrix(client, only=parse_only("2.20.*"), keep=TensorflowMatrix(rows=(kept, ROW_2_20)))
    assert matrix.rows == (kept, ROW_2_20)
    assert not index.paths("/files/tensorflow-2.19*")


def test_nothing_found_is_a_failure(client: IndexClient) -> None:
    with pytest.raises(InputError, match=r"lists no wheel of tensorflow==3\.\* from 1\.15 on"):
        read_matrix(client, only=parse_only("3.*"))


def test_release_is_yanked_when_all_its_files_are(client: IndexClient, index: LoopbackIndex) -> None:
    wheels = group_releases(client.files(PROJECT))[Version("2.20.0")]
    yanked = [replace(wheel, file=replace(wheel.file, yanked=True)) for wheel in wheels]
    assert read_release(client, Version("2.20.0"), yanked).yanked
    assert not read_release(client, Version("2.20.0"), [yanked[0], wheels[1]]).yanked


def test_index_that_tells_no_dates_is_named(client: IndexClient, index: LoopbackIndex) -> None:
    index.behave()
    with pytest.raises(PackageIndexError, match="does not tell when files were uploaded"):
        read_matrix(client)


def test_index_that_fails_half_way_gives_no_matrix(client: IndexClient, index: LoopbackIndex) -> None:
    index.misbehave(lambda _request, _reply: Reply(500), path="/files/tensorflow-2.19*")
    with pytest.raises(PackageIndexError, match="HTTP 500"):
        read_matrix(client)


@pytest.mark.online
def test_five_random_rows_agree_with_a_fresh_read_of_their_wheels() -> None:
    seed = int(os.environ.get("TFBOOTSTRAP_SEED", random.randrange(10_000)))
    print(f"TFBOOTSTRAP_SEED={seed}")
    matrix = load(TensorflowMatrix)
    chosen = random.Random(seed).sample(matrix.rows, 5)
    url = read_index_configuration(os.environ, Path.cwd()).default or ask_default_index()
    with requests.Session() as session:
        client = IndexClient(url, session)
        releases = group_releases(client.files(PROJECT))
        fresh = [read_release(client, Version(row.version), releases[Version(row.version)]) for row in chosen]
    assert fresh == chosen
