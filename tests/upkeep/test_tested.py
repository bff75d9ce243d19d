"""The page of tested configurations: parsed, compared with the wheels, and kept with its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tfbootstrap.edges.resources import load
from tfbootstrap.errors import InputError, UsageError
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.matrix.tested import OfficialMatrix, OfficialRow, built_cudnn
from tfbootstrap.upkeep.__main__ import main
from tfbootstrap.upkeep.tested import PAGES, official_matrix, parse_page, parse_pythons, read_pages

OFFICIAL = load(OfficialMatrix)
TENSORFLOW = load(TensorflowMatrix)

UNIX = """\
## Tested build configurations

### Linux

#### CPU
<tr><td>tensorflow-2.17.0</td><td>3.9-3.12</td><td>Clang 17.0.6</td><td>Bazel 6.5.0</td></tr>
<tr><td>tensorflow-1.14.0</td><td>2.7, 3.3-3.7</td><td>GCC 4.8</td><td>Bazel 0.24.1</td></tr>

#### GPU
<tr><td>tensorflow-2.17.0</td><td>3.9-3.12</td><td>Clang 17.0.6</td><td>Bazel 6.5.0</td><td>8.9</td><td>12.3</td></tr>

### macOS

#### CPU
<tr><td>tensorflow-2.16.1</td><td>3.9-3.12</td><td>Clang from Xcode 13.6</td><td>Bazel 6.5.0</td></tr>
<tr><td>tensorflow-2.16.1</td><td>3.8-3.12</td><td>Clang from Xcode 13.6</td><td>Bazel 6.5.0</td></tr>
"""
WINDOWS = """\
<tr><td>tensorflow_gpu-2.10.0</td><td>3.7-3.10</td><td>MSVC 2019</td><td>Bazel 5.1.1</td><td>8.1</td><td>11.2</td></tr>
"""
TEXTS = dict(zip(PAGES, (UNIX, WINDOWS), strict=True))


def official(version: str, system: str) -> OfficialRow:
    return next(row for row in OFFICIAL.of_minor(version) if row.system == system)


def test_pages_are_parsed_by_heading_and_both_tables_of_a_release_are_one_row() -> None:
    linux, mac = parse_page(UNIX)
    assert (linux.system, linux.tensorflow, linux.cuda, linux.cudnn) == ("linux", "2.17.0", "12.3", "8.9")
    assert (mac.system, mac.tensorflow, mac.cuda, mac.pythons[0]) == ("macos", "2.16.1", None, "3.9")
    (windows,) = parse_page(WINDOWS, "windows")
    assert (windows.pythons, windows.cuda) == (("3.7", "3.8", "3.9", "3.10"), "11.2")


@pytest.mark.parametrize(
    ("text", "versions"),
    [("3.9-3.12", ("3.9", "3.10", "3.11", "3.12")), ("2.7, 3.5-3.6", ("2.7", "3.5", "3.6")), ("3.5", ("3.5",))],
)
def test_pythons(text: str, versions: tuple[str, ...]) -> None:
    assert parse_pythons(text) == versions


def test_words_are_kept_and_the_day_changes_only_with_the_line() -> None:
    first = official_matrix(TEXTS, commit="a" * 40, checked="2026-11-25", keep=OfficialMatrix())
    assert [(row.system, row.tensorflow) for row in first.rows] == [
        ("linux", "2.17.0"),
        ("macos", "2.16.1"),
        ("windows", "2.10.0"),
    ]
    assert first.rows[2].source == f"tensorflow/docs@{'a' * 40}:site/en/install/source_windows.md"
    worded = OfficialMatrix(rows=(replace(first.rows[0], word="because"), *first.rows[1:]))
    assert official_matrix(TEXTS, commit="b" * 40, checked="2026-12-24", keep=worded) == worded
    changed = {**TEXTS, PAGES[0]: UNIX.replace("12.3", "12.4")}
    row = official_matrix(changed, commit="b" * 40, checked="2026-12-24", keep=worded).rows[0]
    assert (row.cuda, row.word, row.checked, row.source[16:18]) == ("12.4", "because", "2026-12-24", "bb")


def test_page_without_a_line_is_a_failure() -> None:
    with pytest.raises(InputError, match=r"source_windows\.md: has no line of a tested configuration"):
        official_matrix({**TEXTS, PAGES[1]: "moved"}, commit="a" * 40, checked="2026-11-25", keep=OfficialMatrix())


def test_folder_without_the_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no site/en/install/source\.md"):
        read_pages(tmp_path)


def test_command_proposes_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matrix = tmp_path / "matrix"
    matrix.mkdir()
    for name, text in TEXTS.items():
        page = tmp_path / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    command = ["tested", "--from", str(tmp_path), "--commit", "a" * 40, "--matrix", str(matrix)]
    assert main(command) == 1
    assert '+  - tensorflow: "2.17.0"' in capsys.readouterr().out
    assert main([*command, "--write"]) == 0
    assert load(OfficialMatrix, matrix).of_minor("2.17")[0].cuda == "12.3"
    assert main(command) == 0


def test_every_minor_is_on_the_page_for_linux() -> None:
    minors = {row.minor for row in TENSORFLOW.rows if not row.prerelease}
    assert minors == {row.minor for row in OFFICIAL.rows if row.system == "linux"}


def test_differences_are_few_and_have_their_word() -> None:
    differing = [(row.system, row.tensorflow) for row in OFFICIAL.rows if row.word]
    assert differing == [("linux", "1.15.0"), ("linux", "2.0.0"), ("macos", "1.15.0"), ("windows", "2.0.0")]


@pytest.mark.parametrize(
    ("line", "release", "differences"),
    [
        (official("2.18", "linux"), "2.18.1", ()),
        (official("2.6", "linux"), "2.6.5", ("Python 3.7, 3.8, 3.9, on the page 3.6, 3.7, 3.8, 3.9",)),
        (replace(official("2.18", "linux"), cudnn="9.1"), "2.18.1", ("cuDNN 9.3.0, on the page 9.1",)),
        (replace(official("2.17", "linux"), cudnn="8.8"), "2.17.1", ("cuDNN 8.9.7.29, on the page 8.8",)),
        (replace(official("2.17", "linux"), cuda="12.4"), "2.17.1", ("CUDA 12.3, on the page 12.4",)),
        (official("2.0", "windows"), "2.0.0", ("no CUDA, on the page 10",)),
        (replace(official("2.16", "macos"), system="windows"), "1.15.0", ("Python 3.5, 3.6, 3.7, on the page",)),
    ],
)
def test_differences(line: OfficialRow, release: str, differences: tuple[str, ...]) -> None:
    row = TENSORFLOW.row(release)
    assert row is not None
    found = line.differences(row)
    assert len(found) == len(differences)
    assert all(one.startswith(other) for one, other in zip(found, differences, strict=True))


@pytest.mark.parametrize(("release", "cudnn"), [("2.10.1", "8"), ("2.17.1", "8.9.7.29"), ("2.21.0", "9.3.0")])
def test_cudnn_is_as_exact_as_the_wheel_tells(release: str, cudnn: str) -> None:
    row = TENSORFLOW.row(release)
    assert row is not None
    assert built_cudnn(row) == cudnn
