"""The index of the tests, tried with real uv, real pip and plain requests."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import requests

from tests.support.environment import Sandbox
from tests.support.loopback_index import (
    HTML_TYPE,
    JSON_TYPE,
    Fault,
    LoopbackIndex,
    Page,
    garbage,
    needs_auth,
    reset,
    slow,
    status,
    truncated,
    wrong_hash,
)
from tests.support.programs import PIP, UV
from tests.support.wheel_factory import Project, build_sdist, build_wheel

LEAF = Project(name="tiny-leaf", version="1.5", requires_python=">=3.7")
ROOT = Project(
    name="Tiny.Root",
    version="2.0",
    requires=("tiny-leaf>=1",),
    extras={"more": ("tiny-more; python_version >= '3.7'",)},
    entry_points={"console_scripts": {"tiny": "tiny_root:main"}},
)
MORE = Project(name="tiny-more", version="0.1")


def fill(index: LoopbackIndex) -> None:
    index.add(build_wheel(LEAF), build_sdist(LEAF), build_wheel(ROOT), build_wheel(MORE))


def compile_with_uv(sandbox: Sandbox, index: LoopbackIndex, requirement: str, **variables: str) -> tuple[int, str]:
    result = sandbox.run(
        UV, "pip", "compile", "-", "--generate-hashes", "--no-header", "--no-annotate", "--index-url", index.simple_url,
        variables={"UV_HTTP_TIMEOUT": "3", **variables},
        stdin=requirement,
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("pages", [("json",), ("html",), ("json", "html")], ids=["json", "html", "both"])
@pytest.mark.parametrize(("metadata", "ranges"), [(True, True), (False, True), (False, False)])
def test_uv_locks_with_every_way_of_serving(
    sandbox: Sandbox, pages: tuple[Page, ...], *, metadata: bool, ranges: bool
) -> None:
    with LoopbackIndex(pages=pages, metadata=metadata, ranges=ranges) as index:
        fill(index)
        code, output = compile_with_uv(sandbox, index, "tiny-root[more]")
    assert code == 0, output
    assert re.findall(r"^[\w.-]+==\S+", output, re.MULTILINE) == ["tiny-leaf==1.5", "tiny-more==0.1", "tiny-root==2.0"]
    assert build_sdist(LEAF).sha256 in output
    assert build_wheel(LEAF).sha256 in output
    assert bool(index.paths("/files/*.metadata")) == metadata


def test_uv_and_pip_install_from_it(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    environment = sandbox.root / "venv"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    made = sandbox.run(UV, "venv", "--python", sys.executable, environment)
    assert made.returncode == 0, made.stderr
    with_uv = sandbox.run(
        UV, "pip", "install", "--python", python, "--index-url", loopback_index.simple_url, "--no-binary", "tiny-leaf",
        "tiny-root",
    )  # fmt: skip
    assert with_uv.returncode == 0, with_uv.stderr
    with_pip = sandbox.run(
        *PIP, "--python", python, "install", "--index-url", loopback_index.simple_url, "--no-cache-dir",
        "--force-reinstall", "tiny-root[more]",
    )  # fmt: skip
    assert with_pip.returncode == 0, with_pip.stderr
    imported = sandbox.run(python, "-c", "import tiny_root, tiny_leaf, tiny_more; print(tiny_leaf.__version__)")
    assert imported.stdout.strip() == "1.5", imported.stderr


def test_negotiates_the_page_format(loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    page = loopback_index.simple_url + "tiny-leaf/"
    as_json = requests.get(page, headers={"Accept": f"{JSON_TYPE}, text/html;q=0.1"}, timeout=5)
    as_html = requests.get(page, headers={"Accept": "text/html"}, timeout=5)
    assert (as_json.headers["Content-Type"], as_html.headers["Content-Type"]) == (JSON_TYPE, HTML_TYPE)
    assert [file["requires-python"] for file in as_json.json()["files"]] == [">=3.7", ">=3.7"]
    assert 'data-requires-python="&gt;=3.7"' in as_html.text


@pytest.mark.parametrize(
    ("asked", "code", "expected"),
    [("bytes=0-3", 206, slice(0, 4)), ("bytes=-5", 206, slice(-5, None)), ("bytes=10-", 206, slice(10, None))],
)
def test_serves_ranges(loopback_index: LoopbackIndex, asked: str, code: int, expected: slice) -> None:
    wheel = build_wheel(LEAF)
    loopback_index.add(wheel)
    address = f"http://{loopback_index.host}/files/{wheel.filename}"
    reply = requests.get(address, headers={"Range": asked}, timeout=5)
    assert (reply.status_code, reply.content) == (code, wheel.content[expected])
    past_the_end = requests.get(address, headers={"Range": "bytes=9999999-"}, timeout=5)
    assert past_the_end.status_code == 416


def test_yanked_files_are_not_chosen(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    loopback_index.add(build_wheel(Project(name="tiny-leaf", version="1.6")), yanked="broken")
    code, output = compile_with_uv(sandbox, loopback_index, "tiny-leaf")
    assert (code, "tiny-leaf==1.5" in output) == (0, True)


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        (status(500), "/simple/tiny-leaf/"),
        (status(404), "/simple/tiny-leaf/"),
        (garbage(), "/simple/tiny-leaf/"),
        (reset(), "*"),
        (reset(after_bytes=20), "/simple/tiny-leaf/"),
        (slow(20), "/simple/tiny-leaf/"),
        (needs_auth("me", "secret"), "*"),
    ],
    ids=["500", "404", "garbage", "reset", "reset-in-body", "slow", "auth"],
)
def test_uv_fails_on_a_misbehaving_index(
    sandbox: Sandbox, loopback_index: LoopbackIndex, fault: Fault, path: str
) -> None:
    fill(loopback_index)
    misbehaviour = loopback_index.misbehave(fault, path=path)
    code, output = compile_with_uv(sandbox, loopback_index, "tiny-leaf", UV_HTTP_TIMEOUT="1", UV_HTTP_RETRIES="0")
    assert code != 0, output
    assert misbehaviour.hits >= 1


@pytest.mark.parametrize("fault", [truncated(), reset(after_bytes=30)], ids=["truncated", "reset"])
def test_a_damaged_wheel_is_not_installed(sandbox: Sandbox, loopback_index: LoopbackIndex, fault: Fault) -> None:
    fill(loopback_index)
    loopback_index.misbehave(fault, path="/files/*.whl")
    assert not install_into(sandbox, sandbox.work / "target", loopback_index, "tiny-leaf")


def test_a_wrong_hash_in_the_page_is_noticed(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    loopback_index.misbehave(wrong_hash(), path="/simple/*")
    assert not install_into(sandbox, sandbox.work / "target", loopback_index, "tiny-leaf")


def install_into(sandbox: Sandbox, target: Path, index: LoopbackIndex, requirement: str) -> bool:
    result = sandbox.run(
        *PIP, "install", "--retries", "0", "--no-cache-dir", "--only-binary", ":all:", "--target", target,
        "--index-url", index.simple_url, requirement,
    )  # fmt: skip
    return result.returncode == 0


def test_a_bounded_misbehaviour_ends(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    misbehaviour = loopback_index.misbehave(status(503), path="/simple/tiny-leaf/", times=1)
    code, output = compile_with_uv(sandbox, loopback_index, "tiny-leaf", UV_HTTP_RETRIES="3")
    assert (code, misbehaviour.hits) == (0, 1), output
    assert len(loopback_index.paths("/simple/tiny-leaf/")) == 2


def test_credentials_open_it(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    fill(loopback_index)
    loopback_index.misbehave(needs_auth("me", "secret"))
    with_credentials = loopback_index.simple_url.replace("//", "//me:secret@")
    result = sandbox.run(UV, "pip", "compile", "-", stdin="tiny-root", variables={"UV_DEFAULT_INDEX": with_credentials})
    assert result.returncode == 0, result.stderr


def test_building_again_gives_the_same_bytes() -> None:
    assert build_wheel(ROOT) == build_wheel(ROOT)
    assert build_sdist(ROOT) == build_sdist(ROOT)
