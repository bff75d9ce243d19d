"""Reads package indexes: project pages (PEP 691 JSON, PEP 503 HTML), metadata (PEP 658), parts of files.

Transport is a `requests.Session` that the caller may give; parsing is pure and callable without a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import requests
from packaging.utils import canonicalize_name

from tfbootstrap.errors import EngineError, PackageIndexError
from tfbootstrap.request import without_credentials

ACCEPT: Final = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
"""JSON where the index has it, HTML from every other."""

_RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 20.0
"""Seconds; an index that asks for more patience than this is down, as far as a person at a terminal goes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """One file of a project as its index lists it."""

    file_name: str
    url: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Algorithm -> hexadecimal digest."""
    requires_python: str | None = None
    yanked: bool = False
    uploaded: str | None = None
    """ISO 8601, where the index tells."""
    size: int | None = None
    has_metadata: bool = False
    """The index serves the file's METADATA beside it (PEP 658)."""


# --- the default index -------------------------------------------------------------------------------------------


def ask_default_index() -> str:
    """Ask uv which index it takes where none is configured; its help text names it.

    Raises EngineError if uv can't be asked, or does not say.
    """
    # The address is the index's to change, so this project does not write it down.
    command = [sys.executable, "-m", "uv", "help", "--no-pager", "pip", "compile"]
    hint = "set UV_DEFAULT_INDEX to the address of the index"
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"uv can't be asked for its default index: {error}", hint=hint) from None
    if found := parse_default_index(answer.stdout):
        return found
    raise EngineError("uv does not say what its default index is", hint=hint)


def parse_default_index(help_text: str) -> str | None:
    """Find the default index in uv's help: `The default package index (by default: <https://index.test/simple>)`."""
    found = re.search(r"default\s+package\s+index\s+\(by\s+default:\s+<?(https?://[^\s>)]+)", help_text)
    return found[1] if found else None


# --- pages -------------------------------------------------------------------------------------------------------


def parse_page(content_type: str, content: bytes, url: str) -> tuple[IndexFile, ...]:
    """Read a project page of any known type; `url` is where it came from. Raises ValueError saying what is wrong."""
    if content_type.partition(";")[0].strip().lower().endswith("json"):
        return parse_json_page(json.loads(content), url)
    return parse_html_page(content.decode("utf-8", errors="replace"), url)


def parse_json_page(data: Any, url: str) -> tuple[IndexFile, ...]:
    """Read a project page in JSON (PEP 691, 700, 714). Raises ValueError saying what is wrong."""
    if not isinstance(data, dict) or not isinstance(data.get("files"), list):
        raise ValueError("the JSON page has no list of files")  # noqa: TRY004 - it is the content that is wrong
    version = str(data.get("meta", {}).get("api-version", "1.0"))
    if version.partition(".")[0] != "1":
        raise ValueError(f"the page is of API version {version}; we read version 1")
    try:
        return tuple(_json_file(item, url) for item in data["files"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the JSON page has a file without {error}") from None


def _json_file(item: Mapping[str, Any], url: str) -> IndexFile:
    metadata = item.get("core-metadata", item.get("dist-info-metadata"))
    return IndexFile(
        file_name=item["filename"],
        url=urldefrag(urljoin(url, item["url"])).url,
        hashes=dict(item.get("hashes", {})),
        requires_python=item.get("requires-python") or None,
        # An empty reason yanks as well (PEP 592); only `false` and no key do not.
        yanked=item.get("yanked", False) is not False,
        uploaded=item.get("upload-time"),
        size=item.get("size"),
        has_metadata=bool(metadata),
    )


def parse_html_page(text: str, url: str) -> tuple[IndexFile, ...]:
    """Read a project page in HTML (PEP 503, 592, 658). Raises ValueError if it is no such page."""
    parser = _Page(url)
    parser.feed(text)
    parser.close()
    if not parser.files and "<html" not in text.lower() and "<!doctype" not in text.lower():
        raise ValueError("the answer is neither JSON nor an HTML page")
    return tuple(parser.files)


class _Page(HTMLParser):
    """Collects the links of a page."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.files: list[IndexFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take `<base href>` and every `<a href>` that names a file."""
        attributes = dict(attrs)
        href = attributes.get("href")
        if not href:
            return
        if tag == "base":
            self.base = urljoin(self.base, href)
        elif tag == "a":
            address, fragment = urldefrag(urljoin(self.base, href))
            if name := unquote(urlsplit(address).path.rpartition("/")[2]):
                self.files.append(_html_file(name, address, fragment, attributes))


def _html_file(name: str, address: str, fragment: str, attributes: Mapping[str, str | None]) -> IndexFile:
    algorithm, separator, digest = fragment.partition("=")
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    return IndexFile(
        file_name=name,
        url=address,
        hashes={algorithm: digest} if separator and digest else {},
        requires_python=attributes.get("data-requires-python") or None,
        yanked="data-yanked" in attributes,
        uploaded=attributes.get("data-upload-time"),
        has_metadata=metadata not in (None, "false"),
    )


# --- transport ---------------------------------------------------------------------------------------------------


class IndexClient:
    """One package index; `timeout` in seconds (connect, between bytes), `attempts` per request.

    `sleep` is what waits between attempts.
    """

    def __init__(
        self,
        url: str,
        session: requests.Session | None = None,
        *,
        timeout: tuple[float, float] = (10.0, 30.0),
        attempts: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.name = without_credentials(self.url)
        self.session = session or requests.Session()
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of a project, in the index's order.

        Raises PackageIndexError if the project is not there, or the index does not answer as it should.
        """
        response = self.get(f"{self.url}/{canonicalize_name(project)}/", {"Accept": ACCEPT})
        try:
            return parse_page(response.headers.get("Content-Type", ""), response.content, response.url)
        except ValueError as error:
            raise self.error(f"the page of {project} can't be read: {error}", _CHECK_ADDRESS) from None

    def metadata_beside(self, file: IndexFile) -> str:
        """Return the METADATA that the index serves beside a file (PEP 658)."""
        return self.get(f"{file.url}.metadata").content.decode("utf-8")

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, at_most: int | None = None
    ) -> requests.Response:
        """Fetch an address whole, with retries; `at_most` bounds the bytes of the body.

        Raises PackageIndexError on every answer but 200 and 206.
        """
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                response = self._once(url, headers or {}, at_most)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if last or isinstance(error, requests.exceptions.SSLError):
                    raise self.error(f"{_where(url)}: {_reason(error)}", _CHECK_NETWORK) from None
                self._sleep(_pause(attempt, None))
                continue
            except requests.RequestException as error:
                raise self.error(f"{_where(url)}: {_reason(error)}", _CHECK_ADDRESS) from None
            if response.status_code in (200, 206):
                return response
            if last or response.status_code not in _RETRIED:
                raise self._refused(url, response.status_code)
            self._sleep(_pause(attempt, response.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")

    def error(self, problem: str, hint: str) -> PackageIndexError:
        """Make the error that names this index."""
        return PackageIndexError(self.name, problem, hint=hint)

    def _once(self, url: str, headers: Mapping[str, str], at_most: int | None) -> requests.Response:
        with self.session.get(
            url, headers=dict(headers), timeout=self._timeout, stream=True, auth=self._credentials(url)
        ) as response:
            expected = response.headers.get("Content-Length")
            if at_most is not None and (expected is None or int(expected) > at_most) and response.status_code == 200:
                raise self.error(
                    f"{_where(url)}: does not serve parts of files, and the whole file is too large for this",
                    "use an index that supports range requests or serves metadata beside its files (PEP 658)",
                )
            content = response.content
            if "Content-Encoding" not in response.headers and expected is not None and len(content) != int(expected):
                raise requests.ConnectionError(f"the answer was cut off after {len(content)} of {expected} bytes")
            return response

    def _credentials(self, url: str) -> tuple[str, str] | None:
        # A link of the page names the index's host without its password; another host never gets it.
        mine, theirs = urlsplit(self.url), urlsplit(url)
        if mine.username is None or (mine.scheme, mine.hostname, mine.port) != (
            theirs.scheme,
            theirs.hostname,
            theirs.port,
        ):
            return None
        return unquote(mine.username), unquote(mine.password or "")

    def _refused(self, url: str, status: int) -> PackageIndexError:
        match status:
            case 401 | 403:
                return self.error(
                    f"{_where(url)}: access denied (HTTP {status})", "check the credentials of this index"
                )
            case 404:
                return PackageIndexError(
                    self.name, f"{_where(url)}: not found (HTTP 404)", hint=_CHECK_ADDRESS, status=404
                )
            case _:
                return self.error(f"{_where(url)}: HTTP {status}", _CHECK_NETWORK)


_CHECK_ADDRESS: Final = "check the address of the index (UV_DEFAULT_INDEX, PIP_INDEX_URL, uv.toml, pip.conf)"
_CHECK_NETWORK: Final = "try again later; behind a proxy set HTTPS_PROXY, or set UV_DEFAULT_INDEX to a mirror"


def _where(url: str) -> str:
    return urlsplit(url).path or "/"


def _pause(attempt: int, retry_after: str | None) -> float:
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.5 * 2.0 ** (attempt - 1)
    return min(asked, _LONGEST_WAIT)


def _reason(error: requests.RequestException) -> str:
    """Say why a request failed in a few words; requests' own text repeats the whole address, password and all."""
    match error:
        case requests.exceptions.ConnectTimeout() | requests.exceptions.ReadTimeout():
            return "no answer in time"
        case requests.exceptions.SSLError():
            return "the TLS certificate is not trusted"
        case requests.exceptions.ProxyError():
            return "the proxy refused the connection"
        case requests.exceptions.ChunkedEncodingError():
            return "the answer was cut off"
        case requests.ConnectionError() if str(error).startswith("the answer was cut off"):
            return str(error)
        case requests.ConnectionError():
            return "no connection"
        case requests.exceptions.TooManyRedirects():
            return "redirected in circles"
        case _:
            return type(error).__name__
