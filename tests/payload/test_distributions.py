"""What is installed, read from files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.installed import install
from tests.support.wheel_factory import Project
from tfbootstrap.payload.distributions import (
    find_differences,
    installed_distributions,
    library_folders,
    module_names,
    read_record,
)

SIX = Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"})
PROTOBUF = Project(name="protobuf", version="5.29.5", files={"google/protobuf/__init__.py": "", "google/_upb/x.so": ""})


def test_finds_what_this_interpreter_has() -> None:
    names = {distribution.name: distribution.version for distribution in installed_distributions()}
    assert names["pytest"] == pytest.__version__


def test_folders_are_those_of_a_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path, "/only/in/this/process"])
    folders = library_folders()
    assert folders[0] == str(tmp_path.resolve())
    assert "/only/in/this/process" not in folders
    assert len(folders) == len(set(folders))


def test_names_are_normalised_and_leftovers_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, Project(name="Keras_Preprocessing", version="1.1.2"))
    (tmp_path / "leftover-1.0.dist-info").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    here = [found for found in installed_distributions() if found.folder == str(tmp_path.resolve())]
    assert [(found.name, found.version) for found in here] == [("keras-preprocessing", "1.1.2")]


def test_modules_are_read_from_the_records(tmp_path: Path) -> None:
    project = Project(
        name="mixed",
        version="1",
        files={
            "six.py": "",
            "google/protobuf/x.py": "",
            "tests/test_x.py": "",
            "README": "",
            "../../bin/x": "",
            "a-b/c.py": "",
        },
    )
    assert module_names([install(tmp_path, project)]) == ["google", "six"]


def test_a_whole_installation_has_no_differences(tmp_path: Path) -> None:
    found = [install(tmp_path, SIX), install(tmp_path, PROTOBUF)]
    assert find_differences({"six": "1.17.0", "protobuf": "5.29.5"}, found) == {}


def test_differences_say_what_is_wrong(tmp_path: Path) -> None:
    six, protobuf = install(tmp_path, SIX), install(tmp_path, PROTOBUF)
    numpy = [install(tmp_path, Project(name="numpy", version=version)) for version in ("1.26.4", "2.0.2")]
    (tmp_path / "google/protobuf/__init__.py").unlink()
    (tmp_path / "google/_upb/x.so").unlink()
    pins = {"absl-py": "2.1.0", "six": "1.16.0", "protobuf": "5.29.5", "numpy": "2.0.2"}
    assert find_differences(pins, [six, protobuf, *numpy]) == {
        "absl-py": "missing",
        "six": "1.17.0 instead of 1.16.0",
        "protobuf": "incomplete: 2 files missing, google/protobuf/__init__.py first",
        "numpy": "installed twice: 1.26.4, 2.0.2",
    }


def test_without_its_record_a_distribution_is_incomplete(tmp_path: Path) -> None:
    six = install(tmp_path, SIX)
    (tmp_path / six.info / "RECORD").unlink()
    assert read_record(six) is None
    assert find_differences({"six": "1.17.0"}, [six]) == {
        "six": "incomplete: 1 files missing, six-1.17.0.dist-info/RECORD first"
    }


def test_compiled_files_may_be_missing(tmp_path: Path) -> None:
    six = install(tmp_path, SIX)
    with (tmp_path / six.info / "RECORD").open("a") as record:
        record.write("__pycache__/six.cpython-311.pyc,,\n")
    assert find_differences({"six": "1.17.0"}, [six]) == {}


def test_the_first_folder_wins(tmp_path: Path) -> None:
    first, second = install(tmp_path / "user", SIX), install(tmp_path / "system", Project(name="six", version="1.16.0"))
    assert find_differences({"six": "1.17.0"}, [first, second]) == {}
    assert find_differences({"six": "1.17.0"}, [second, first]) == {"six": "1.16.0 instead of 1.17.0"}
