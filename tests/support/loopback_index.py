"""A package index on 127.0.0.1 that speaks what real ones speak (PEP 503, 658, 691, ranges) and fails on request.

    with LoopbackIndex() as index:
        index.add(build_wheel(Project(name="six", version="1.16.0")))
        index.misbehave(status(503), path="/simple/six/", times=2)
        ...  # uv or pip with index.simple_url
        assert index.paths() == [...]

A misbehaviour is a function (request, reply) -> reply, so a new one is a few lines.
"""

from __future__ import annotations

import base64
import html
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal
from urllib.parse import unquote, urlsplit

from tests.support.wheel_factory import Artefact, normalised

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html"
Page = Literal["json", "html"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out. `sent_bytes` is where the connection is reset; None sends everything."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    sent_bytes: int | None = None


Fault = Callable[[Request, Reply], Reply]


def status(code: int) -> Fault:
    """Answer with that status and nothing useful."""
    return lambda _request, _reply: Reply(code, f"status {code}\n".encode(), {"Content-Type": "text/plain"})


def slow(seconds: float) -> Fault:
    """Answer late."""
    return lambda _request, reply: replace(reply, delay_seconds=seconds)


def garbage() -> Fault:
    """Answer 200 with bytes that are no page, no wheel and no metadata, under the right content type."""
    return lambda _request, reply: replace(reply, status=200, body=b"\x00\xff<<<garbage>>>{\x80" * 8)


def truncated() -> Fault:
    """Serve the first half only, as if that were all: a file that was cut when it was uploaded."""
    return lambda _request, reply: replace(reply, body=reply.body[: len(reply.body) // 2])


def reset(after_bytes: int = 0) -> Fault:
    """Reset the connection after so many bytes of the body; after 0 not even the headers are sent."""
    return lambda _request, reply: replace(reply, sent_bytes=after_bytes)


def wrong_hash() -> Fault:
    """Name hashes in the page that no file has."""
    return lambda _request, reply: replace(reply, body=re.sub(rb"\b[0-9a-f]{64}\b", b"0" * 64, reply.body))


def needs_auth(user: str, password: str) -> Fault:
    """Answer 401 unless the request carries these credentials."""
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    challenge = {"WWW-Authenticate": 'Basic realm="loopback"', "Content-Type": "text/plain"}

    def fault(request: Request, reply: Reply) -> Reply:
        if request.headers.get("authorization") == expected:
            return reply
        return Reply(401, b"who are you?\n", challenge)

    return fault


@dataclass(slots=True)
class Misbehaviour:
    """One thing that goes wrong: at paths that match, at most `times` times. `hits` says how often it did."""

    fault: Fault
    path: str
    times: int | None
    hits: int = 0

    def change(self, request: Request, reply: Reply) -> Reply:
        """Return the reply that goes out instead."""
        if not fnmatchcase(request.path, self.path) or (self.times is not None and self.hits >= self.times):
            return reply
        changed = self.fault(request, reply)
        self.hits += changed is not reply
        return changed


class LoopbackIndex:
    """The index: add files, let it misbehave, look at what was asked. A context manager."""

    def __init__(self, *, pages: Iterable[Page] = ("json", "html"), metadata: bool = True, ranges: bool = True) -> None:
        self.pages = tuple(pages)
        """The page formats it can serve."""
        self.metadata = metadata
        """Whether pages offer the METADATA of wheels apart (PEP 658)."""
        self.ranges = ranges
        """Whether `Range` requests are honoured."""
        self.requests: list[Request] = []
        self.misbehaviours: list[Misbehaviour] = []
        self._artefacts: dict[str, Artefact] = {}
        self._yanked: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> LoopbackIndex:  # noqa: PYI034 - `typing.Self` is newer than Python 3.10
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.disconnect()
        self._server.server_close()
        self._thread.join()
        if kind is None and self._server.failures:
            raise self._server.failures[0]

    @property
    def host(self) -> str:
        """Host and port, as they stand in an address."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def simple_url(self) -> str:
        """The address for `--index-url`."""
        return f"http://{self.host}/simple/"

    def add(self, *artefacts: Artefact, yanked: str | None = None) -> None:
        """Serve these files too; `yanked` is the reason for which they were withdrawn."""
        for artefact in artefacts:
            self._artefacts[artefact.filename] = artefact
            if yanked is not None:
                self._yanked[artefact.filename] = yanked

    def misbehave(self, fault: Fault, *, path: str = "*", times: int | None = None) -> Misbehaviour:
        """Let something go wrong at the paths that match this shell pattern; None for `times` means always."""
        misbehaviour = Misbehaviour(fault, path, times)
        self.misbehaviours.append(misbehaviour)
        return misbehaviour

    def behave(self) -> None:
        """Forget all misbehaviours."""
        self.misbehaviours.clear()

    def paths(self, pattern: str = "*") -> list[str]:
        """Return the paths that were asked for and match, in order."""
        return [request.path for request in self.requests if fnmatchcase(request.path, pattern)]

    def reply(self, request: Request) -> Reply:
        """Record a request and return what goes out for it."""
        reply = self._honest_reply(request)
        with self._lock:
            self.requests.append(request)
            for misbehaviour in self.misbehaviours:
                reply = misbehaviour.change(request, reply)
        if reply.delay_seconds:
            self._stopping.wait(reply.delay_seconds)
        return reply

    def _honest_reply(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["simple"]:
                return self._page(request, self._root_json, self._root_html)
            case ["simple", name] if not request.path.endswith("/"):
                return Reply(301, headers={"Location": f"/simple/{name}/"})
            case ["simple", name] if files := self._files_of(name):
                return self._page(request, lambda: self._project_json(name, files), lambda: self._project_html(files))
            case ["files", filename]:
                return self._file(request, filename)
        return Reply(404, b"not found\n", {"Content-Type": "text/plain"})

    def _files_of(self, name: str) -> list[Artefact]:
        return [artefact for artefact in self._artefacts.values() if normalised(artefact.project.name) == name]

    def _page(self, request: Request, as_json: Callable[[], object], as_html: Callable[[], str]) -> Reply:
        accepted = request.headers.get("accept", "*/*")
        if "json" in self.pages and (JSON_TYPE in accepted or "html" not in self.pages):
            return Reply(200, json.dumps(as_json()).encode(), {"Content-Type": JSON_TYPE})
        return Reply(200, as_html().encode(), {"Content-Type": HTML_TYPE})

    def _root_json(self) -> object:
        return {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in self._names()]}

    def _root_html(self) -> str:
        return _html_page(f'<a href="/simple/{name}/">{name}</a>' for name in self._names())

    def _names(self) -> list[str]:
        return sorted({normalised(artefact.project.name) for artefact in self._artefacts.values()})

    def _project_json(self, name: str, files: list[Artefact]) -> object:
        versions = sorted({artefact.project.version for artefact in files})
        entries = [self._file_json(artefact) for artefact in files]
        return {"meta": {"api-version": "1.1"}, "name": name, "versions": versions, "files": entries}

    def _file_json(self, artefact: Artefact) -> object:
        entry: dict[str, object] = {
            "filename": artefact.filename,
            "url": f"/files/{artefact.filename}",
            "hashes": {"sha256": artefact.sha256},
            "size": len(artefact.content),
        }
        if artefact.project.requires_python is not None:
            entry["requires-python"] = artefact.project.requires_python
        if self._offers_metadata(artefact):
            entry["core-metadata"] = True
        if artefact.filename in self._yanked:
            entry["yanked"] = self._yanked[artefact.filename]
        return entry

    def _project_html(self, files: list[Artefact]) -> str:
        return _html_page(self._file_html(artefact) for artefact in files)

    def _file_html(self, artefact: Artefact) -> str:
        attributes = {"href": f"/files/{artefact.filename}#sha256={artefact.sha256}"}
        if artefact.project.requires_python is not None:
            attributes["data-requires-python"] = artefact.project.requires_python
        if self._offers_metadata(artefact):
            attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = "true"
        if artefact.filename in self._yanked:
            attributes["data-yanked"] = self._yanked[artefact.filename]
        written = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        return f"<a {written}>{artefact.filename}</a>"

    def _offers_metadata(self, artefact: Artefact) -> bool:
        return self.metadata and artefact.filename.endswith(".whl")

    def _file(self, request: Request, filename: str) -> Reply:
        wheel = self._artefacts.get(filename.removesuffix(".metadata"))
        if wheel is None:
            return Reply(404, b"not found\n", {"Content-Type": "text/plain"})
        if filename == wheel.filename:
            return self._ranged(request, wheel.content)
        if self._offers_metadata(wheel):
            return Reply(200, wheel.metadata.encode(), {"Content-Type": "text/plain; charset=UTF-8"})
        return Reply(404, b"no metadata here\n", {"Content-Type": "text/plain"})

    def _ranged(self, request: Request, content: bytes) -> Reply:
        headers = {"Content-Type": "application/octet-stream"}
        if not self.ranges:
            return Reply(200, content, headers)
        headers["Accept-Ranges"] = "bytes"
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if asked is None or asked.groups() == ("", ""):
            return Reply(200, content, headers)
        first, last = _byte_range(asked[1], asked[2], len(content))
        if first > last:
            return Reply(416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Reply(206, content[first : last + 1], headers)


def _byte_range(first: str, last: str, size: int) -> tuple[int, int]:
    """Return first and last offset of a `Range`; `-500` means the last 500 bytes."""
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last) if last else size - 1, size - 1)


def _html_page(links: Iterable[str]) -> str:
    return "<!DOCTYPE html>\n<html><body>\n" + "<br>\n".join(links) + "\n</body></html>\n"


class _Server(ThreadingHTTPServer):
    """Keeps its connections and its own failures, so that stopping leaves neither a thread nor a silent bug."""

    daemon_threads = False

    def __init__(self, index: LoopbackIndex) -> None:
        self.index = index
        self.failures: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.discard(request)
        super().shutdown_request(request)

    def disconnect(self) -> None:
        """Wake the threads that wait for a next request on a connection that a client keeps open."""
        for connection in list(self._connections):
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    """Wire only: what to answer is decided by the index."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.index.reply(Request(self.command, path, headers))
        if reply.sent_bytes == 0:
            self._reset()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(reply.body[: reply.sent_bytes])
        if reply.sent_bytes is not None:
            self._reset()

    do_HEAD = do_GET  # noqa: N815 - the parent looks for this name

    def _reset(self) -> None:
        """Close without the polite goodbye: lingering for zero seconds sends RST."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # shutdown() would say goodbye after all, and the parent class calls it: only close() resets.
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing: `LoopbackIndex.requests` has it all."""
