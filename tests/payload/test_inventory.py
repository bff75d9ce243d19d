"""How what is installed lies on the disk, read from real folders."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.installed import install
from tests.support.wheel_factory import Project
from tfbootstrap.inventory import inventory_from_mapping
from tfbootstrap.payload import inventory
from tfbootstrap.payload.inventory import (
    describe,
    find_devices,
    find_leftovers,
    find_libraries,
    find_local,
    find_rivals,
    find_shared,
    find_space,
    is_code,
    local_places,
    parse_cache,
    take_inventory,
)
from tfbootstrap.payload.probe import MachineIO

SIX = Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"})
CACHE = """\
234 libs found in cache `/etc/ld.so.cache'
\tlibcudart.so.12 (libc6,x86-64) => /usr/local/cuda/lib64/libcudart.so.12
\tlibcublas.so.12 (libc6,x86-64) => /usr/local/cuda/lib64/libcublas.so.12
\tlibcuda.so.1 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcuda.so.1
\tlibz.so.1 (libc6,x86-64) => /elsewhere/libz.so.1
"""


class Folders(MachineIO):
    """A machine whose folders are real and whose loader's cache and variable are given."""

    def __init__(self, path: str = "", cache: str | None = "") -> None:
        self.path = path
        self.cache = cache

    def getenv(self, name: str) -> str | None:
        return self.path if name == "LD_LIBRARY_PATH" else None

    def which(self, program: str) -> str | None:
        return None

    def run(self, command: Sequence[str], timeout: float) -> tuple[int, str, str]:
        assert command == ["/sbin/ldconfig", "-p"]
        if self.cache is None:
            raise subprocess.TimeoutExpired(list(command), timeout)
        return 0, self.cache, ""


def test_this_environment_is_described() -> None:
    taken = inventory_from_mapping(take_inventory())
    (own,) = taken.of("pytest")
    assert (own.version, own.record, own.missing_count) == (pytest.__version__, True, 0)
    assert own.files > 10
    assert taken.home in {one.folder for one in taken.installed}
    assert taken.disk[0].free_mib > 0
    assert taken.here == os.getcwd()  # noqa: PTH109 - the same words as the payload's


def test_a_distribution_is_described(tmp_path: Path) -> None:
    found = install(tmp_path, SIX)
    info = tmp_path / found.info
    (info / "INSTALLER").write_text("uv\n")
    (info / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {"editable": true}}')
    row = describe(found)
    assert (row["installer"], row["editable"], row["record"], row["files"], row["modules"]) == (
        "uv",
        True,
        True,
        4,
        ["six"],
    )
    assert row["missing"] == []


def test_what_is_missing_is_counted(tmp_path: Path) -> None:
    files = {"tensorflow/a.h": ""} | {f"tensorflow/{number}.py": "" for number in range(9)} | {"tensorflow/x.pyc": ""}
    found = install(tmp_path, Project(name="tensorflow", version="2.20.0", files=files))
    for path in (tmp_path / "tensorflow").iterdir():
        path.unlink()
    row = describe(found)
    assert (len(row["missing"]), row["missing_count"], row["editable"], row["vital"]) == (5, 10, False, True)
    assert all(path.endswith(".py") for path in row["missing"]), "what programs load comes first"
    (tmp_path / found.info / "RECORD").unlink()
    (tmp_path / found.info / "direct_url.json").write_text("nothing")
    assert (describe(found)["record"], describe(found)["missing_count"]) == (False, 0)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tensorflow/__init__.py", True),
        ("nvidia/cudnn/lib/libcudnn.so.9", True),
        ("numpy/_core/_multiarray.cpython-312-x86_64-linux-gnu.so", True),
        ("numpy/tests/test_x.py", False),
        ("tensorflow/include/x.h", False),
        ("numpy-2.dist-info/LICENSE", False),
    ],
)
def test_what_programs_load(path: str, code: bool) -> None:
    assert is_code(path) == code


def test_rivals_and_shared_files(tmp_path: Path) -> None:
    names = ("tensorflow", "tensorflow-cpu", "keras", "keras-nightly", "six")
    found = [
        install(tmp_path, Project(name=name, version="1", files={"tensorflow/__init__.py": name, "same.py": ""}))
        for name in names
    ]
    assert find_rivals(found) == [["tensorflow", "tensorflow-cpu"], ["keras", "keras-nightly"]]
    (shared,) = find_shared(found)
    assert (shared["path"], shared["owners"], shared["intact"]) == ("tensorflow/__init__.py", sorted(names), ["six"])


def test_local_files_that_come_first(tmp_path: Path) -> None:
    library, here = tmp_path / "library", tmp_path / "here"
    library.mkdir()
    here.mkdir()
    found = [describe(install(library, SIX)), describe(install(library, Project(name="keras", version="3")))]
    (here / "six.py").touch()
    (here / "keras").mkdir()
    (here / "random.py").touch()
    (here / "test.py").touch()
    (here / "other.py").touch()
    places = local_places(str(here), os.pathsep.join([str(library), "", str(tmp_path / "nowhere")]))
    rows = list(find_local(found, places))
    assert [row["module"] for row in rows if not row["standard"]] == ["six"], (
        "a folder without __init__.py hides nothing"
    )
    (here / "keras/__init__.py").touch()
    assert [row["module"] for row in find_local(found, places) if not row["standard"]] == ["keras", "six"]
    assert {row["why"] for row in rows} == {"the current folder"}
    assert all(row["module"] == "random" for row in rows if row["standard"])


def test_leftovers(tmp_path: Path) -> None:
    found = [describe(install(tmp_path, Project(name="keras", version="3", files={"keras/__init__.py": ""})))]
    for name in ("tensorflow", "~umpy", "unrelated"):
        (tmp_path / name).mkdir()
    assert sorted(find_leftovers(found, [str(tmp_path)])) == [str(tmp_path / "tensorflow"), str(tmp_path / "~umpy")]


def test_the_loaders_cache() -> None:
    assert parse_cache(CACHE) == ["/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu"]
    assert parse_cache("") == []


def test_libraries_are_listed_in_the_order_of_the_search(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("first", "site/nvidia/cudnn/lib", "site/tensorflow", "cached")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["first"] / "libcudnn.so.9.8.0").touch()
    (folders["first"] / "libcudnn.so.9").symlink_to("libcudnn.so.9.8.0")
    (folders["site/nvidia/cudnn/lib"] / "libcudnn.so.9").touch()
    (folders["site/tensorflow"] / "libcudart.so.12").symlink_to("gone")
    (folders["site/tensorflow"] / "libcublas.so.12").touch()
    (folders["cached"] / "libcuda.so.1").touch()
    (folders["cached"] / "libz.so.1").touch()
    cache = f"\tlibcuda.so.1 (libc6,x86-64) => {folders['cached']}/libcuda.so.1\n"
    io = Folders(path=f"{folders['first']}::{tmp_path}/nowhere", cache=cache)
    rows = [row for row in find_libraries(io, [str(tmp_path / "site")]) if str(tmp_path) in row["path"]]
    assert [(row["origin"], row["below"]) for row in rows] == [
        ("LD_LIBRARY_PATH", ""), ("tensorflow", "tensorflow"), ("wheel", "nvidia/cudnn/lib"), ("cache", ""),
    ]  # fmt: skip
    assert rows[0]["names"] == {"libcudnn.so.9": "libcudnn.so.9.8.0", "libcudnn.so.9.8.0": "libcudnn.so.9.8.0"}
    assert rows[1]["names"] == {"libcublas.so.12": "libcublas.so.12"}, "a link that leads nowhere is none"
    assert rows[3]["names"] == {"libcuda.so.1": "libcuda.so.1"}


def test_a_loader_that_does_not_answer_has_no_cache(tmp_path: Path) -> None:
    assert [row for row in find_libraries(Folders(cache=None), [str(tmp_path)]) if row["origin"] == "cache"] == []


def test_device_nodes() -> None:
    class Devices(MachineIO):
        def listdir(self, path: str) -> list[str]:
            return ["dxg", "null", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidiactl"] if path == "/dev" else []

    rows = list(find_devices(Devices(), lambda path, _: path != "/dev/nvidia0"))
    assert {row["name"]: row["usable"] for row in rows} == {
        "dxg": True, "nvidia-uvm": True, "nvidia0": False, "nvidiactl": True,
    }  # fmt: skip


def test_space_is_told_once_for_each_place(tmp_path: Path) -> None:
    (row,) = find_space([str(tmp_path), str(tmp_path), str(tmp_path / "nowhere")])
    assert row["free_mib"] > 0


def test_the_users_own_folder_counts_where_python_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    path = sysconfig.get_path("purelib", "posix_user")
    assert inventory.user_site([os.path.realpath(path)]) == path
    assert inventory.user_site(["/elsewhere"]) is None


def test_a_python_of_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", "/usr")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert inventory.is_managed()
    monkeypatch.setattr(sys, "prefix", "/venv")
    assert not inventory.is_managed()
