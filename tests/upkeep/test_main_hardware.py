"""`python -m tfbootstrap.upkeep` on the hardware files, as a maintainer runs it."""

from __future__ import annotations

from pathlib import Path

from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tests.upkeep.test_cuda import PAGES
from tests.upkeep.test_cudnn import wheel
from tests.upkeep.test_gpu_code import LIBRARY, TAG
from tests.upkeep.test_main import matrix, upkeep

__all__ = ["matrix"]


def added(diff: str) -> list[str]:
    return [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]


def test_gpu_code_of_a_new_release_is_added(sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex) -> None:
    files = {"tensorflow/libtensorflow_cc.so.2": LIBRARY}
    loopback_index.add(build_wheel(Project(name="tensorflow", version="2.99.0", tag=TAG.format(313), files=files)))
    arguments = ("gpu-code", "--only", ">=2.99", "--matrix", matrix, "--index", loopback_index.simple_url)
    result = upkeep(sandbox, *arguments, "--write")
    assert (result.returncode, result.stderr) == (0, f"read tensorflow-2.99.0-{TAG.format(313)}.whl\n")
    assert added(result.stdout)[0] == '  - tensorflow: "2.99.0"'
    assert upkeep(sandbox, *arguments).stdout == ""


def test_newer_cudnn_extends_its_row(sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex) -> None:
    for major in (11, 12, 13):
        loopback_index.add(build_wheel(wheel(f"nvidia-cudnn-cu{major}", "9.1.0.70", (75, 80))))
    loopback_index.add(build_wheel(wheel("nvidia-cudnn-cu12", "9.99.0.1", (75, 80, 90, 100, 120))))
    result = upkeep(sandbox, "cudnn", "--matrix", matrix, "--index", loopback_index.simple_url)
    assert result.returncode == 1
    assert added(result.stdout) == [
        '    last: "9.99.0.1"',
        '    source: "wheel: nvidia_cudnn_cu12-9.99.0.1-py3-none-manylinux_2_27_x86_64.whl"',
    ]


def test_libraries_need_an_index_that_has_them(sandbox: Sandbox, matrix: Path, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(build_wheel(Project(name="tensorflow", version="2.20.0", tag="cp313-cp313-win_amd64")))
    arguments = ("libraries", "--only", "2.20.*", "--matrix", matrix, "--index", loopback_index.simple_url)
    result = upkeep(sandbox, *arguments)
    assert result.returncode == 2
    assert "lists no Linux wheel of tensorflow==2.20.*" in result.stderr


def test_drivers_come_from_saved_pages(sandbox: Sandbox, matrix: Path) -> None:
    notes = sandbox.work / "notes.html"
    page = (PAGES / "cuda-release-notes.html").read_text(encoding="utf-8")
    notes.write_text(page.replace("555.42.02", "555.41.99"), encoding="utf-8")
    pages = ("--release-notes", notes, "--architectures", PAGES / "architecture-matrix.html")
    result = upkeep(sandbox, "cuda", *pages, "--matrix", matrix)
    assert result.returncode == 1
    assert result.stderr.startswith("CUDA 13.4 has no row yet: its PTX ISA and architectures have to be looked up\n")
    changed = [line.strip() for line in added(result.stdout) if "checked" not in line]
    assert changed == ['linux: "555.41.99"']


def test_page_must_be_named_and_readable(sandbox: Sandbox, matrix: Path) -> None:
    unnamed = upkeep(sandbox, "cuda", "--matrix", matrix)
    assert (unnamed.returncode, unnamed.stderr.splitlines()[0]) == (2, "error: no page was named")
    missing = upkeep(sandbox, "cuda", "--release-notes", matrix / "none.html", "--matrix", matrix)
    assert missing.returncode == 2
    assert "none.html: can't be read" in missing.stderr


def test_lint_finds_what_files_say_of_each_other(sandbox: Sandbox, matrix: Path) -> None:
    path = matrix / "gpus.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("generation: Turing", "generation: Volta"), encoding="utf-8"
    )
    result = upkeep(sandbox, "lint", "--matrix", matrix)
    assert result.returncode == 1
    assert {line.partition("[")[0] + line.partition(": ")[2] for line in result.stdout.splitlines()} != set()
    assert all(line.startswith("gpus.yaml: groups[") for line in result.stdout.splitlines())
    assert all(
        line.endswith("generation: 7.5 is Turing [gpus-are-of-their-generation]") for line in result.stdout.splitlines()
    )


def test_lint_names_a_file_that_is_missing(sandbox: Sandbox, matrix: Path) -> None:
    (matrix / "cuda.yaml").unlink()
    result = upkeep(sandbox, "lint", "--matrix", matrix)
    assert result.returncode == 2
    assert "cuda.yaml: there is no such file" in result.stderr
