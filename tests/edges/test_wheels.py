"""Members of wheels on an index, read by parts of the file."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from tests.support import loopback_index as faults
from tests.support.loopback_index import LoopbackIndex, Reply, Request
from tests.support.wheel_factory import Artefact, Project, build_wheel
from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteFile, RemoteWheel
from tfbootstrap.errors import PackageIndexError

NOISE = random.Random(0).randbytes(400_000)
"""What can't be compressed: the wheel is larger than what one request fetches."""

WHEEL = build_wheel(
    Project(
        name="large",
        version="1.0",
        files={"large/__init__.py": "", "large/noise.bin": NOISE, "large/build_info.py": "cuda = '12.5'\n"},
    )
)


@pytest.fixture
def index(loopback_index: LoopbackIndex) -> LoopbackIndex:
    loopback_index.add(WHEEL)
    return loopback_index


@pytest.fixture
def client(index: LoopbackIndex) -> Iterator[IndexClient]:
    with requests.Session() as session:
        yield IndexClient(index.simple_url, session, sleep=lambda _: None)


def remote(client: IndexClient, index: LoopbackIndex, artefact: Artefact = WHEEL) -> RemoteWheel:
    return RemoteWheel(client, file_of(index, artefact))


def file_of(index: LoopbackIndex, artefact: Artefact = WHEEL) -> IndexFile:
    return IndexFile(file_name=artefact.filename, url=f"http://{index.host}/files/{artefact.filename}")


def problem(client: IndexClient, index: LoopbackIndex) -> str:
    with pytest.raises(PackageIndexError) as caught:
        remote(client, index).metadata()
    assert caught.value.hint
    return caught.value.problem


def test_members_are_read_without_fetching_the_file(client: IndexClient, index: LoopbackIndex) -> None:
    wheel = remote(client, index)
    assert "large/build_info.py" in wheel.names
    assert wheel.metadata() == WHEEL.metadata
    assert wheel.text("large/build_info.py") == "cuda = '12.5'\n"
    assert len(index.requests) <= 2
    assert all("range" in request.headers for request in index.requests)


def test_small_wheel_takes_one_request(client: IndexClient, index: LoopbackIndex) -> None:
    small = build_wheel(Project(name="small", version="1.0"))
    index.add(small)
    assert remote(client, index, small).metadata() == small.metadata
    assert len(index.requests) == 1


def test_member_that_is_not_there(client: IndexClient, index: LoopbackIndex) -> None:
    wheel = remote(client, index)
    with pytest.raises(KeyError):
        wheel.text("large/missing.py")


def test_remote_file_reads_like_a_file(client: IndexClient, index: LoopbackIndex) -> None:
    file = RemoteFile(client, file_of(index).url)
    assert (file.readable(), file.seekable(), file.size) == (True, True, len(WHEEL.content))
    file.seek(10)
    assert file.read(20) == WHEEL.content[10:30]
    assert file.tell() == 30
    assert file.seek(-5, io.SEEK_END) == len(WHEEL.content) - 5
    assert file.read() == WHEEL.content[-5:]
    assert file.read() == b""
    file.seek(-5, io.SEEK_CUR)
    assert file.read(100) == WHEEL.content[-5:]
    with pytest.raises(OSError, match="can't seek to -1"):
        file.seek(-1)


def test_server_without_ranges_gives_small_files_whole(client: IndexClient, index: LoopbackIndex) -> None:
    index.ranges = False
    wheel = remote(client, index)
    assert wheel.metadata() == WHEEL.metadata
    assert wheel.text("large/build_info.py") == "cuda = '12.5'\n"
    assert len(index.requests) == 1


def test_server_without_ranges_is_not_asked_for_large_files(client: IndexClient, index: LoopbackIndex) -> None:
    index.ranges = False
    with pytest.raises(PackageIndexError) as caught:
        RemoteFile(client, file_of(index).url, whole_at_most=1000)
    assert caught.value.problem.endswith("does not serve parts of files, and the whole file is too large for this")
    assert "PEP 658" in (caught.value.hint or "")


def test_truncated_wheel(client: IndexClient, index: LoopbackIndex) -> None:
    index.ranges = False
    index.misbehave(faults.truncated(), path="/files/*")
    assert problem(client, index).startswith(f"{WHEEL.filename} is no readable wheel: ")


def test_garbage_for_a_wheel(client: IndexClient, index: LoopbackIndex) -> None:
    index.misbehave(faults.garbage(), path="/files/*")
    assert WHEEL.filename in problem(client, index)


def test_archive_that_is_no_wheel(client: IndexClient, index: LoopbackIndex) -> None:
    empty = replace(WHEEL, content=b"PK\x05\x06" + bytes(18))
    index.add(empty)
    assert problem(client, index) == f"{WHEEL.filename} is no readable wheel: it has no METADATA"


def test_member_with_a_wrong_checksum(client: IndexClient, index: LoopbackIndex) -> None:
    position = (
        WHEEL.content.index(b"cuda = ") if b"cuda = " in WHEEL.content else WHEEL.content.index(b"build_info") + 20
    )
    content = bytearray(WHEEL.content)
    content[position] ^= 0xFF
    index.add(replace(WHEEL, content=bytes(content)))
    wheel = remote(client, index)
    with pytest.raises(PackageIndexError, match="is no readable wheel"):
        wheel.text("large/build_info.py")


@pytest.mark.parametrize("header", ["", "bytes 0-5/10", "nonsense"])
def test_answer_that_is_not_the_part_asked_for(client: IndexClient, index: LoopbackIndex, header: str) -> None:
    def wrong(_request: Request, reply: Reply) -> Reply:
        return replace(reply, headers={**reply.headers, "Content-Range": header})

    index.misbehave(wrong, path="/files/*")
    assert problem(client, index) == f"{WHEEL.filename}: wrong answer to a range request"


def test_file_that_changes_while_it_is_read(client: IndexClient, index: LoopbackIndex) -> None:
    file = RemoteFile(client, file_of(index).url)
    index.add(replace(WHEEL, content=WHEEL.content + b"more"))
    file.seek(0)
    with pytest.raises(PackageIndexError, match="changed while it was read"):
        file.read(10)
