"""uv as a program, against a real index on this machine that can misbehave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import loopback_index as faults
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_sdist, build_wheel
from tfbootstrap.edges.engines import _failure, parse_compiled, parse_pylock, python_platform, resolve
from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.errors import EngineConflictError, EngineError, PackageIndexError, TfbootstrapError
from tfbootstrap.resolution import PackageMetadata, ResolutionInput, Solution

LINUX = ResolutionInput(requirements=(), python="3.12", system="linux", machine="x86_64", libc="glibc 2.28")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep uv's cache and its view of the environment to this test."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    fits = "cp312-cp312-manylinux_2_17_x86_64"
    loopback_index.add(
        build_wheel(Project(name="framework", version="1.0", requires=("numbers-library>=1",), tag=fits)),
        build_wheel(
            Project(name="framework", version="1.0", requires=("numbers-library>=1",), tag="cp312-cp312-win_amd64")
        ),
        build_wheel(Project(name="framework", version="2.0", requires=("numbers-library>=1",), tag=fits)),
        build_wheel(Project(name="numbers-library", version="1.0")),
        build_wheel(Project(name="numbers-library", version="2.0")),
        build_sdist(Project(name="numbers-library", version="2.0")),
        build_sdist(Project(name="old-source", version="1.0")),
    )
    return loopback_index


def solve(index: LoopbackIndex, *requirements: str, **more: Any) -> Solution:
    problem = replace(LINUX, requirements=requirements, **more)
    return resolve(problem, IndexConfiguration(default=index.simple_url))


def pins(solution: Solution) -> dict[str, str]:
    return {package.name: package.version for package in solution.packages}


def test_the_newest_versions_are_found_with_their_reasons_and_fitting_files(index: LoopbackIndex) -> None:
    solution = solve(index, "framework")
    assert pins(solution) == {"framework": "2.0", "numbers-library": "2.0"}
    library = solution.packages[1]
    assert library.via == ("framework",)
    assert [file.name for file in library.files] == ["numbers_library-2.0-py3-none-any.whl"]
    assert all(file.hash.startswith("sha256:") for file in library.files)
    assert solution.engine.startswith("uv ")


def test_only_files_of_the_target_are_named(index: LoopbackIndex) -> None:
    (framework, _) = solve(index, "framework==1.0").packages
    assert [file.name for file in framework.files] == ["framework-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"]


def test_metadata_of_ours_replaces_the_published_one(index: LoopbackIndex) -> None:
    tighter = PackageMetadata(
        name="framework", version="2.0", requires=("numbers-library>=1,<2",), requires_python=">=3.9", extras=()
    )
    assert pins(solve(index, "framework==2.0", metadata=(tighter,))) == {"framework": "2.0", "numbers-library": "1.0"}


def test_preferences_are_kept_where_they_fit(index: LoopbackIndex) -> None:
    kept = (("numbers-library", "1.0"), ("framework", "1.0"))
    assert pins(solve(index, "framework>=2", preferences=kept)) == {"framework": "2.0", "numbers-library": "1.0"}


def test_constraints_bind_without_requiring(index: LoopbackIndex) -> None:
    solution = solve(index, "framework", constraints=("numbers-library<2", "absent-package==1"))
    assert pins(solution) == {"framework": "2.0", "numbers-library": "1.0"}


def test_source_only_packages_are_taken_where_no_wheel_helps(index: LoopbackIndex) -> None:
    solution = solve(index, "old-source")
    assert [file.name for file in solution.packages[0].files] == ["old_source-1.0.tar.gz"]


def test_a_conflict_is_told_with_its_derivation(index: LoopbackIndex) -> None:
    with pytest.raises(EngineConflictError) as caught:
        solve(index, "framework", "numbers-library<1")
    assert "numbers-library<1" in caught.value.derivation
    assert caught.value.exit_code == 3


def test_an_unknown_package_is_a_conflict_that_names_it(index: LoopbackIndex) -> None:
    with pytest.raises(EngineConflictError) as caught:
        solve(index, "no-such-package")
    assert "no-such-package" in caught.value.derivation


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.status(500), id="500"),
        pytest.param(faults.status(503), id="503"),
        pytest.param(faults.needs_auth("user", "secret"), id="401"),
        pytest.param(faults.garbage(), id="garbage"),
        pytest.param(faults.truncated(), id="truncated"),
        pytest.param(faults.reset(), id="reset"),
    ],
)
def test_an_index_that_fails_is_blamed_by_its_address(index: LoopbackIndex, fault: faults.Fault) -> None:
    index.misbehave(fault)
    with pytest.raises(TfbootstrapError) as caught:
        solve(index, "framework")
    assert isinstance(caught.value, PackageIndexError), caught.value
    assert index.host in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 4


def test_an_index_that_is_down_is_blamed_and_its_password_is_not_shown() -> None:
    problem = replace(LINUX, requirements=("framework",))
    indexes = IndexConfiguration(default="http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(PackageIndexError, match=r"127\.0\.0\.1:9") as caught:
        resolve(problem, indexes)
    assert "secret" not in str(caught.value)


def test_an_index_that_forbids_is_told_from_a_lack_of_rights_on_the_disk(index: LoopbackIndex) -> None:
    index.misbehave(faults.status(403))
    with pytest.raises(PackageIndexError, match="credentials"):
        solve(index, "framework")
    denied = _failure("error: failed to create `/cache/40/x`: permission denied (os error 13)", IndexConfiguration())
    assert isinstance(denied, EngineError), denied


def test_where_no_index_is_wanted_files_come_from_links_only(index: LoopbackIndex) -> None:
    problem = replace(LINUX, requirements=("framework",))
    with pytest.raises(EngineConflictError, match="not found in the provided package locations"):
        resolve(problem, IndexConfiguration(no_index=True))
    page = IndexConfiguration(no_index=True, find_links=(f"{index.simple_url}framework/",))
    with pytest.raises(EngineConflictError, match="numbers-library was not found"):
        resolve(problem, page)
    assert set(index.paths("/simple/*")) == {"/simple/framework/"}


def test_a_folder_of_links_that_is_missing_is_named(tmp_path: Path) -> None:
    for folder in ("wheels", f"{'long' * 20}/wheels"):  # uv breaks long lines before the folder's name
        missing = (tmp_path / folder).as_uri()
        with pytest.raises(PackageIndexError, match="wheels"):
            resolve(
                replace(LINUX, requirements=("framework",)), IndexConfiguration(no_index=True, find_links=(missing,))
            )


def test_offline_without_a_cache_says_so(index: LoopbackIndex) -> None:
    with pytest.raises(TfbootstrapError) as caught:
        solve(index, "framework", offline=True)
    assert "offline" in str(caught.value) + str(caught.value.hint)
    assert caught.value.exit_code == 4


def test_uv_takes_no_constraint_from_the_environment(index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CONSTRAINT", "missing-file.txt")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    assert pins(solve(index, "framework"))["framework"] == "2.0"


@pytest.mark.parametrize(
    ("system", "machine", "libc", "name"),
    [
        ("linux", "x86_64", "glibc 2.35", "x86_64-manylinux_2_35"),
        ("linux", "x86_64", "glibc 2.17", "x86_64-manylinux_2_17"),
        ("linux", "x86_64", "glibc 2.27", "x86_64-manylinux_2_28"),
        ("linux", "x86_64", "glibc 2.30", "x86_64-manylinux_2_28"),
        ("linux", "x86_64", "glibc 2.99", "x86_64-manylinux_2_40"),
        ("linux", "aarch64", "glibc 2.31", "aarch64-manylinux_2_31"),
        ("linux", "x86_64", "musl 1.2", "x86_64-unknown-linux-musl"),
        ("macos", "arm64", None, "aarch64-apple-darwin"),
        ("macos", "x86_64", None, "x86_64-apple-darwin"),
        ("windows", "x86_64", None, "x86_64-pc-windows-msvc"),
    ],
)
def test_every_platform_has_uv_s_name(system: str, machine: str, libc: str | None, name: str) -> None:
    problem = ResolutionInput(requirements=(), python="3.12", system=system, machine=machine, libc=libc)
    assert python_platform(problem) == name


def test_compiled_output_is_parsed_with_reasons() -> None:
    text = (
        "absl-py==2.3.1\n    # via\n    #   keras\n    #   tensorflow\n"
        "keras==3.12.0 ; python_version >= '3.9'\n    # via tensorflow\n"
    )
    assert parse_compiled(text) == [
        ("absl-py", "2.3.1", ("keras", "tensorflow")),
        ("keras", "3.12.0", ("tensorflow",)),
    ]


def test_a_pylock_is_parsed_into_file_names_and_hashes() -> None:
    text = """
lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "a"
version = "1"
sdist = { url = "https://index.test/a-1.tar.gz", hashes = { sha256 = "00" } }
wheels = [
    { url = "https://index.test/x/a-1%2Bcpu-py3-none-any.whl#egg", hashes = { sha256 = "11" } },
    { path = "b.whl", hashes = {} },
]
"""
    assert [(file.name, file.hash) for file in parse_pylock(text)["a"]] == [
        ("a-1+cpu-py3-none-any.whl", "sha256:11"),
        ("a-1.tar.gz", "sha256:00"),
    ]
