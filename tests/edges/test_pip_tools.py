"""pip-compile as a program, against a real index on this machine that can misbehave."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import loopback_index as faults
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_sdist, build_wheel
from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.edges.pip_tools import UNNAMED, parse_hashed, resolve_with_pip_tools
from tfbootstrap.errors import EngineConflictError, PackageIndexError, TfbootstrapError, UsageError
from tfbootstrap.resolution import PackageMetadata, ResolutionInput, Solution

pytestmark = pytest.mark.slow

HERE = ResolutionInput(
    requirements=(),
    python=f"{sys.version_info.major}.{sys.version_info.minor}",
    system={"Linux": "linux", "Darwin": "macos", "Windows": "windows"}[platform.system()],
    machine={"AMD64": "x86_64"}.get(platform.machine(), platform.machine()),
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pip's caches and configuration to this test."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_RETRIES", "0")


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    loopback_index.add(
        build_wheel(Project(name="framework", version="1.0", requires=("numbers-library>=1",))),
        build_wheel(Project(name="framework", version="2.0", requires=("numbers-library>=1",))),
        build_wheel(Project(name="framework", version="2.0", requires=("numbers-library>=1",), tag="cp36-none-win32")),
        build_wheel(Project(name="numbers-library", version="1.0")),
        build_wheel(Project(name="numbers-library", version="2.0")),
        build_sdist(Project(name="old-source", version="1.0")),
    )
    return loopback_index


def solve(index: LoopbackIndex, *requirements: str, **more: Any) -> Solution:
    problem = replace(HERE, requirements=requirements, **more)
    return resolve_with_pip_tools(problem, IndexConfiguration(default=index.simple_url))


def pins(solution: Solution) -> dict[str, str]:
    return {package.name: package.version for package in solution.packages}


def test_the_newest_versions_are_found_with_their_reasons_and_files(index: LoopbackIndex) -> None:
    solution = solve(index, "framework")
    assert pins(solution) == {"framework": "2.0", "numbers-library": "2.0"}
    framework, library = solution.packages
    assert library.via == ("framework",)
    assert sorted(file.name for file in framework.files) == [
        "framework-2.0-cp36-none-win32.whl",
        "framework-2.0-py3-none-any.whl",
    ]
    assert all((file.url or "").startswith(f"http://{index.host}/") for file in framework.files)
    assert solution.engine.startswith("pip-tools ")


def test_bounds_of_a_release_bind_once_it_is_chosen(index: LoopbackIndex) -> None:
    tighter = PackageMetadata(
        name="framework",
        version="2.0",
        requires=("numbers-library>=1,<2", "absent; python_version < '3'"),
        requires_python=None,
        extras=(),
    )
    assert pins(solve(index, "framework>=1", metadata=(tighter,))) == {"framework": "2.0", "numbers-library": "1.0"}


def test_an_older_release_is_taken_where_the_newest_can_t_keep_its_bounds(index: LoopbackIndex) -> None:
    impossible = PackageMetadata(
        name="framework", version="2.0", requires=("numbers-library<1",), requires_python=None, extras=()
    )
    assert pins(solve(index, "framework>=1", metadata=(impossible,))) == {"framework": "1.0", "numbers-library": "2.0"}


def test_preferences_and_constraints_are_kept(index: LoopbackIndex) -> None:
    assert pins(solve(index, "framework", preferences=(("framework", "1.0"),)))["framework"] == "1.0"
    assert pins(solve(index, "framework", constraints=("numbers-library<2",)))["numbers-library"] == "1.0"


def test_source_only_packages_are_taken_where_no_wheel_helps(index: LoopbackIndex) -> None:
    (package,) = solve(index, "old-source").packages
    assert [file.name for file in package.files] == ["old_source-1.0.tar.gz"]


def test_files_that_the_index_does_not_name_stay_unnamed(index: LoopbackIndex) -> None:
    index.misbehave(faults.status(404), path="/simple/numbers-library/", times=None)
    folder = IndexConfiguration(default=index.simple_url)
    from tfbootstrap.edges.pip_tools import _Pages

    (file,) = _Pages(folder).named("numbers-library", ("sha256:" + "0" * 64,))
    assert (file.name, file.url) == (UNNAMED, None)


def test_folders_are_not_asked_as_pages_are(index: LoopbackIndex) -> None:
    from tfbootstrap.edges.pip_tools import _Pages

    beside = _Pages(IndexConfiguration(default=index.simple_url, extra=("file:///no/such/folder",)))
    beside.check("framework")
    assert index.paths() == ["/simple/framework/"]
    assert _Pages(IndexConfiguration(no_index=True)).clients == []


def test_a_conflict_names_both_sides(index: LoopbackIndex) -> None:
    with pytest.raises(EngineConflictError) as caught:
        solve(index, "framework", "numbers-library<1")
    assert "there are no versions of numbers-library<1" in caught.value.derivation
    with pytest.raises(EngineConflictError) as caught:
        solve(index, "framework==2.0", "framework<2")
    assert "you require framework<2" in caught.value.derivation


def test_an_unknown_package_is_named(index: LoopbackIndex) -> None:
    with pytest.raises(EngineConflictError) as caught:
        solve(index, "framework", "no-such-package")
    assert "no-such-package was not found in the package registry" in caught.value.derivation


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.status(403), id="403"),
        pytest.param(faults.needs_auth("user", "secret"), id="401"),
        pytest.param(faults.garbage(), id="garbage"),
    ],
)
def test_an_index_that_fails_is_blamed_by_its_address(index: LoopbackIndex, fault: faults.Fault) -> None:
    index.misbehave(fault)
    with pytest.raises(PackageIndexError) as caught:
        solve(index, "framework")
    assert index.host in str(caught.value)
    assert caught.value.hint


def test_a_password_reaches_neither_the_arguments_nor_the_message(index: LoopbackIndex) -> None:
    index.misbehave(faults.needs_auth("somebody", "else"))
    address = index.simple_url.replace("http://", "http://user:secret-word@")
    with pytest.raises(TfbootstrapError) as caught:
        resolve_with_pip_tools(replace(HERE, requirements=("framework",)), IndexConfiguration(default=address))
    assert "secret-word" not in str(caught.value) + str(caught.value.hint)


def test_pip_takes_no_constraint_from_the_environment(index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONSTRAINT", "missing-file.txt")
    assert pins(solve(index, "framework"))["framework"] == "2.0"


@pytest.mark.parametrize("change", [{"python": "3.7"}, {"system": "beos"}, {"machine": "s390x"}, {"offline": True}])
def test_only_the_running_interpreter_and_only_online(index: LoopbackIndex, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        solve(index, "framework", **change)
    assert caught.value.hint


def test_hashed_output_is_parsed() -> None:
    one, two = (f"sha256:{digit * 64}" for digit in "12")
    text = (
        f"a.b==1.0 \\\n    --hash={one} \\\n    --hash={two}\n    # via\n    #   c\n    #   viable\n"
        f"c==2 ; python_version > '3' \\\n    --hash={one}\n    # via -r requirements.in\n"
        "# The following packages are considered to be unsafe in a requirements file:\n"
        f"setuptools==1 \\\n    --hash={two}\n    # via c\n"
    )
    assert parse_hashed(text) == {
        "a-b": ("1.0", (one, two), ("c", "viable")),
        "c": ("2", (one,), ("-r requirements.in",)),
        "setuptools": ("1", (two,), ("c",)),
    }
