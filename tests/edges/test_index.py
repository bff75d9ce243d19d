"""The index client against a real index on this machine: what it reads, how it fails, and that it keeps secrets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.support import loopback_index as faults
from tests.support.loopback_index import LoopbackIndex, Reply, Request
from tests.support.wheel_factory import Project, build_sdist, build_wheel
from tfbootstrap.edges.index import (
    IndexClient,
    IndexFile,
    ask_default_index,
    parse_default_index,
    parse_html_page,
    parse_json_page,
    parse_page,
)
from tfbootstrap.errors import EngineError, ExitCode, PackageIndexError

WHEEL = build_wheel(Project(name="some.project", version="1.0", requires_python=">=3.9", requires=("six>=1.12",)))


class Waits(list[float]):
    """Stands in for time.sleep and remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    loopback_index.add(WHEEL)
    return loopback_index


@pytest.fixture
def client(index: LoopbackIndex, waits: Waits) -> Iterator[IndexClient]:
    with requests.Session() as session:
        yield IndexClient(index.simple_url, session, sleep=waits, timeout=(5, 5))


def failure(client: IndexClient, project: str = "some-project") -> PackageIndexError:
    with pytest.raises(PackageIndexError) as caught:
        client.files(project)
    assert caught.value.exit_code is ExitCode.NETWORK
    assert caught.value.hint
    return caught.value


def expected_file(index: LoopbackIndex, **changes: Any) -> IndexFile:
    known = IndexFile(
        file_name=WHEEL.filename,
        url=f"http://{index.host}/files/{WHEEL.filename}",
        hashes={"sha256": WHEEL.sha256},
        requires_python=">=3.9",
        has_metadata=True,
    )
    return replace(known, **changes)


def test_json_page_is_preferred(index: LoopbackIndex, client: IndexClient) -> None:
    assert client.files("Some.Project") == (expected_file(index, size=len(WHEEL.content)),)
    assert index.requests[0].headers["accept"].startswith(faults.JSON_TYPE)
    assert index.paths() == ["/simple/some-project/"]


def test_html_page_says_the_same(index: LoopbackIndex, client: IndexClient) -> None:
    index.pages = ("html",)
    assert client.files("some-project") == (expected_file(index),)


@pytest.mark.parametrize("page", ["json", "html"])
def test_yanked_files_are_marked(index: LoopbackIndex, client: IndexClient, page: faults.Page) -> None:
    index.pages = (page,)
    index.add(WHEEL, yanked="")
    assert client.files("some-project")[0].yanked


def test_sources_are_listed_without_metadata(index: LoopbackIndex, client: IndexClient) -> None:
    index.add(build_sdist(Project(name="some.project", version="1.0")))
    assert [file.has_metadata for file in client.files("some-project")] == [True, False]


def test_metadata_beside_the_file(index: LoopbackIndex, client: IndexClient) -> None:
    (file,) = client.files("some-project")
    assert client.metadata_beside(file) == WHEEL.metadata


def test_index_that_recovers_is_asked_again_with_growing_pauses(
    index: LoopbackIndex, client: IndexClient, waits: Waits
) -> None:
    index.misbehave(faults.status(503), times=2)
    assert len(client.files("some-project")) == 1
    assert waits == [0.5, 1.0]


def test_connection_that_breaks_once_is_made_again(index: LoopbackIndex, client: IndexClient, waits: Waits) -> None:
    index.misbehave(faults.reset(), times=1)
    assert len(client.files("some-project")) == 1
    assert waits == [0.5]


def test_index_that_is_down_is_given_up(index: LoopbackIndex, client: IndexClient, waits: Waits) -> None:
    index.misbehave(faults.status(503))
    error = failure(client)
    assert error.index == f"http://{index.host}/simple"
    assert error.problem == "/simple/some-project/: HTTP 503"
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("asked", "pause"), [("7", 7.0), ("3600", 20.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.5)])
def test_pause_that_the_index_asks_for_is_kept_within_reason(
    index: LoopbackIndex, client: IndexClient, waits: Waits, asked: str, pause: float
) -> None:
    def busy(_request: Request, _reply: Reply) -> Reply:
        return Reply(429, headers={"Retry-After": asked})

    index.misbehave(busy, times=1)
    client.files("some-project")
    assert waits == [pause]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (faults.status(404), "/simple/some-project/: not found (HTTP 404)"),
        (faults.status(403), "/simple/some-project/: access denied (HTTP 403)"),
        (faults.garbage(), "the page of some-project can't be read: "),
        (faults.truncated(), "the page of some-project can't be read: "),
    ],
    ids=["404", "403", "garbage", "truncated"],
)
def test_wrong_answers_are_not_asked_for_again(
    index: LoopbackIndex, client: IndexClient, waits: Waits, fault: faults.Fault, problem: str
) -> None:
    index.misbehave(fault)
    assert failure(client).problem.startswith(problem)
    assert waits == []


@pytest.mark.parametrize("sent", [0, 10])
def test_connection_that_breaks_is_named(index: LoopbackIndex, client: IndexClient, sent: int) -> None:
    index.misbehave(faults.reset(sent))
    assert failure(client).problem.removeprefix("/simple/some-project/: ") in {
        "no connection",
        "the answer was cut off",
    }


def test_slow_index_is_named(index: LoopbackIndex) -> None:
    index.misbehave(faults.slow(5))
    with requests.Session() as session:
        client = IndexClient(index.simple_url, session, attempts=1, timeout=(5, 0.2))
        assert failure(client).problem == "/simple/some-project/: no answer in time"


def test_nobody_listens() -> None:
    with LoopbackIndex() as gone:
        url = gone.simple_url
    with requests.Session() as session:
        client = IndexClient(url, session, attempts=1)
        assert failure(client).problem == "/simple/some-project/: no connection"


def test_credentials_go_to_the_index_and_into_no_message(index: LoopbackIndex, waits: Waits) -> None:
    index.misbehave(faults.needs_auth("me", "s3cret/"))
    with requests.Session() as session:
        client = IndexClient(f"http://me:s3cret%2F@{index.host}/simple", session, sleep=waits)
        (file,) = client.files("some-project")
        # The page names the file's address without the password; the same host gets it again.
        assert client.metadata_beside(file) == WHEEL.metadata
        index.misbehave(faults.status(500), path="/simple/*")
        error = failure(client)
    assert "s3cret" not in f"{error}{error.hint}{client.name}"
    assert error.index == f"http://{index.host}/simple"


def test_wrong_credentials(index: LoopbackIndex, client: IndexClient) -> None:
    index.misbehave(faults.needs_auth("me", "s3cret"))
    error = failure(client)
    assert error.problem == "/simple/some-project/: access denied (HTTP 401)"
    assert error.hint == "check the credentials of this index"


def test_other_hosts_never_get_the_credentials(index: LoopbackIndex) -> None:
    with LoopbackIndex() as other, requests.Session() as session:
        other.add(WHEEL)
        client = IndexClient(f"http://me:s3cret@{index.host}/simple", session)
        client.get(f"http://{other.host}/files/{WHEEL.filename}")
        assert "authorization" not in other.requests[0].headers


# --- pages -------------------------------------------------------------------------------------------------------

PAGE = "https://index.test/simple/six/"


def test_json_page_with_everything() -> None:
    entry = {
        "filename": "six-1.17.0-py2.py3-none-any.whl",
        "url": "../../files/six-1.17.0-py2.py3-none-any.whl#fragment",
        "hashes": {"sha256": "00"},
        "requires-python": ">=2.7",
        "yanked": "broken",
        "upload-time": "2024-12-04T17:35:26.475Z",
        "size": 11050,
        "core-metadata": {"sha256": "11"},
    }
    assert parse_json_page({"meta": {"api-version": "1.1"}, "files": [entry]}, PAGE) == (
        IndexFile(
            file_name="six-1.17.0-py2.py3-none-any.whl",
            url="https://index.test/files/six-1.17.0-py2.py3-none-any.whl",
            hashes={"sha256": "00"},
            requires_python=">=2.7",
            yanked=True,
            uploaded="2024-12-04T17:35:26.475Z",
            size=11050,
            has_metadata=True,
        ),
    )


@pytest.mark.parametrize(
    ("entry", "has_metadata"),
    [({"core-metadata": False}, False), ({"dist-info-metadata": True}, True), ({"data-x": 1}, False)],
)
def test_json_page_old_and_new_names_of_metadata(entry: dict[str, object], has_metadata: bool) -> None:
    data = {"files": [{"filename": "a-1.tar.gz", "url": "a-1.tar.gz", "yanked": False, **entry}]}
    (file,) = parse_json_page(data, PAGE)
    assert (file.has_metadata, file.yanked) == (has_metadata, False)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "the JSON page has no list of files"),
        ({"meta": {"api-version": "1.0"}}, "the JSON page has no list of files"),
        ({"meta": {"api-version": "2.0"}, "files": []}, "the page is of API version 2.0; we read version 1"),
        ({"files": [{"url": "x"}]}, "the JSON page has a file without 'filename'"),
    ],
    ids=["list", "no-files", "version-2", "no-name"],
)
def test_json_page_that_can_not_be_read(data: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_json_page(data, PAGE)


def test_html_page_with_everything() -> None:
    text = """<!DOCTYPE html><html><head><base href="https://files.test/root/"></head><body>
    <a href="six-1.17.0%2Blocal-py3-none-any.whl#sha256=00" data-requires-python="&gt;=2.7" data-yanked=""
       data-upload-time="2024-12-04T17:35:26Z" data-core-metadata="sha256=11">six</a>
    <a href="../six-1.0.tar.gz" data-core-metadata="false">six</a><a name="nothing">no link</a><a href="/">up</a>"""
    assert parse_html_page(text, PAGE) == (
        IndexFile(
            file_name="six-1.17.0+local-py3-none-any.whl",
            url="https://files.test/root/six-1.17.0%2Blocal-py3-none-any.whl",
            hashes={"sha256": "00"},
            requires_python=">=2.7",
            yanked=True,
            uploaded="2024-12-04T17:35:26Z",
            has_metadata=True,
        ),
        IndexFile(file_name="six-1.0.tar.gz", url="https://files.test/six-1.0.tar.gz"),
    )


def test_page_of_no_files_is_empty_and_plain_text_is_no_page() -> None:
    assert parse_page("text/html; charset=utf-8", b"<html><body></body></html>", PAGE) == ()
    with pytest.raises(ValueError, match="neither JSON nor an HTML page"):
        parse_page("text/plain", b"welcome to the proxy", PAGE)


# --- the default index -------------------------------------------------------------------------------------------


def test_default_index_in_the_help_text_of_uv() -> None:
    text = "      --default-index <DEFAULT_INDEX>\n          The default package index (by\n          default: <{}>).\n"
    assert parse_default_index(text.format("https://index.test/simple")) == "https://index.test/simple"
    assert parse_default_index(text) is None


def test_installed_uv_names_its_default_index() -> None:
    assert ask_default_index().startswith("https://")


def test_uv_that_is_missing_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(EngineError) as caught:
        ask_default_index()
    assert caught.value.hint == "set UV_DEFAULT_INDEX to the address of the index"


def test_uv_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = subprocess.CompletedProcess([], 0, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: silent)
    with pytest.raises(EngineError, match="does not say"):
        ask_default_index()
