"""`python -m tfbootstrap.upkeep` as a maintainer runs it: a diff, and files that change only with --write."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY, Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tests.upkeep.test_tensorflow import BUILD_INFO_2_20, INFO_FILE, LINUX_TAG, upload_times
from tfbootstrap.upkeep.__main__ import main


@pytest.fixture
def matrix(sandbox: Sandbox) -> Path:
    """Return a copy of the shipped matrix."""
    folder = sandbox.work / "matrix"
    shutil.copytree(REPOSITORY / "compat_matrix", folder)
    return folder


def upkeep(sandbox: Sandbox, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return sandbox.call(main, *arguments, variables=variables)


@pytest.mark.parametrize("command", ["schema", "format", "lint"])
def test_shipped_matrix_needs_nothing(sandbox: Sandbox, matrix: Path, command: str) -> None:
    result = upkeep(sandbox, command, "--matrix", matrix)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_format_shows_what_it_would_change_and_changes_it_on_request(sandbox: Sandbox, matrix: Path) -> None:
    path = matrix / "tensorflow.yaml"
    canonical = path.read_text(encoding="utf-8")
    path.write_text(canonical.replace('cudnn: "7"', "cudnn: '7'", 1), encoding="utf-8")

    shown = upkeep(sandbox, "format", "--matrix", matrix)
    assert shown.returncode == 1
    assert "-    cudnn: '7'\n+    cudnn: \"7\"\n" in shown.stdout
    assert shown.stderr == "nothing was written; --write applies this\n"
    assert path.read_text(encoding="utf-8") != canonical

    written = upkeep(sandbox, "format", "--matrix", matrix, "--write")
    assert (written.returncode, written.stdout) == (0, shown.stdout)
    assert path.read_text(encoding="utf-8") == canonical


def test_schema_that_is_missing_is_proposed_whole(sandbox: Sandbox, matrix: Path) -> None:
    (matrix / "schema" / "tensorflow.json").unlink()
    result = upkeep(sandbox, "schema", "--matrix", matrix)
    assert result.returncode == 1
    assert result.stdout.startswith("--- a/schema/tensorflow.json\n+++ b/schema/tensorflow.json\n@@ -0,0 +1,")


def test_lint_names_file_place_and_check(sandbox: Sandbox, matrix: Path) -> None:
    path = matrix / "tensorflow.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('"2019-10-16"', '"2029-10-16"'), encoding="utf-8")
    result = upkeep(sandbox, "lint", "--matrix", matrix)
    assert result.returncode == 1
    assert result.stdout == (
        "tensorflow.yaml: rows[1].released: 1.15.2 of 2020-01-26 is older than 1.15.0 of 2029-10-16"
        " [patches-follow-each-other]\n"
    )


def test_lint_tells_of_every_file_that_is_wrong(sandbox: Sandbox, matrix: Path) -> None:
    for name in ("bounds.yaml", "gpus.yaml"):
        path = matrix / name
        path.write_text(
            path.read_text(encoding="utf-8").replace("schema: 1\n", "schema: 1\ncolour: red\n"), encoding="utf-8"
        )
    result = upkeep(sandbox, "lint", "--matrix", matrix)
    assert result.returncode == 2
    assert "the matrix has 2 problems" in result.stderr
    assert result.stderr.count("colour: unknown key") == 2


def test_releases_are_read_from_the_configured_index(
    sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex
) -> None:
    wheel = Project(
        name="tensorflow", version="2.99.0", requires=("six",), files={INFO_FILE: BUILD_INFO_2_20}, tag=LINUX_TAG
    )
    loopback_index.add(build_wheel(wheel))
    loopback_index.misbehave(upload_times, path="/simple/*")
    arguments = ("tensorflow", "--only", ">=2.99", "--matrix", matrix)
    result = upkeep(sandbox, *arguments, "--write", UV_DEFAULT_INDEX=loopback_index.simple_url)
    assert (result.returncode, result.stderr) == (0, "read 2.99.0\n")
    added = [line for line in result.stdout.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert added[0] == '+  - version: "2.99.0"'
    assert "".join(line[1:] + "\n" for line in added) in (matrix / "tensorflow.yaml").read_text(encoding="utf-8")

    again = upkeep(sandbox, *arguments, "--index", loopback_index.simple_url)
    assert (again.returncode, again.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("tensorflow", "--only", "newest"), 2, "error: 'newest' is no version specifier"),
        (("format", "--matrix", "missing"), 2, "error: missing is not a folder that can be written"),
        (("format", "--matrix", "."), 2, "error: . holds no data file"),
        (("lint", "--matrix", "."), 2, "error: . holds no data file"),
        (("polish",), 2, "Error: No such command 'polish'."),
    ],
)
def test_bad_input_is_one_message(sandbox: Sandbox, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = upkeep(sandbox, *arguments)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_index_that_is_down_changes_nothing(sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex) -> None:
    before = (matrix / "tensorflow.yaml").read_bytes()
    result = upkeep(sandbox, "tensorflow", "--matrix", matrix, "--write", "--index", loopback_index.simple_url)
    assert result.returncode == 4
    assert "/simple/tensorflow/: not found (HTTP 404)" in result.stderr
    assert "hint: " in result.stderr
    assert (matrix / "tensorflow.yaml").read_bytes() == before
