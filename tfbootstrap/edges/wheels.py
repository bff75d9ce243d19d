"""Reads single members of remote wheels by HTTP range requests: METADATA and build_info without a 600 MB download."""

from __future__ import annotations

import errno
import io
import re
import shutil
import zipfile
import zlib
from typing import IO, Final

from tfbootstrap.edges.index import IndexClient, IndexFile

_TAIL: Final = 1 << 16
"""Bytes of the first request, from the file's end: holds the end record and, for small wheels, the whole directory."""
_STRETCH: Final = 8 << 20
"""Bytes that large members are fetched in."""
_WHOLE_FILE_LIMIT: Final = 64 << 20
"""Bytes; a server without range support gives us smaller files whole."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
_HINT: Final = "the file on the index may be damaged; try another index, or report it to the index"


class RemoteFile(io.RawIOBase):
    """A file on a server, read-only and seekable; reads become range requests.

    Raises PackageIndexError where the server fails, or serves no parts of a file that is too large to fetch whole.
    """

    def __init__(self, client: IndexClient, url: str, *, whole_at_most: int = _WHOLE_FILE_LIMIT) -> None:
        super().__init__()
        self._client = client
        self._url = url
        self._position = 0
        self._start, self._held, self.size = self._fetch_tail(whole_at_most)

    def _fetch_tail(self, whole_at_most: int) -> tuple[int, bytes, int]:
        response = self._client.get(self._url, _range(f"-{_TAIL}"), at_most=whole_at_most)
        if response.status_code == 200:
            return 0, response.content, len(response.content)
        start, size = self._answered(response.headers.get("Content-Range"), response.content)
        return start, response.content, size

    def _answered(self, content_range: str | None, content: bytes) -> tuple[int, int]:
        match = _CONTENT_RANGE.match(content_range or "")
        if match is None or int(match[2]) - int(match[1]) + 1 != len(content):
            raise self._client.error(f"{self._url.rpartition('/')[2]}: wrong answer to a range request", _HINT)
        return int(match[1]), int(match[3])

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position from the file's start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; no request is made."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            # What a file on disk raises, too; zipfile relies on it when it looks for what tiny archives don't have.
            raise OSError(errno.EINVAL, f"can't seek to {base + offset}")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read from the position, by one request unless the bytes are held already."""
        end = self.size if size is None or size < 0 else min(self._position + size, self.size)
        if end <= self._position:
            return b""
        if not self._start <= self._position <= end <= self._start + len(self._held):
            self._hold(self._position, end)
        first = self._position - self._start
        data = self._held[first : first + end - self._position]
        self._position = end
        return data

    def _hold(self, start: int, end: int) -> None:
        # Members are read as a small header, then data: a whole stretch at once saves the second request.
        end = min(max(end, start + _TAIL), self.size)
        response = self._client.get(self._url, _range(f"{start}-{end - 1}"), at_most=0)
        answered, size = self._answered(response.headers.get("Content-Range"), response.content)
        if (answered, size) != (start, self.size):
            raise self._client.error(f"{self._url.rpartition('/')[2]}: changed while it was read", _HINT)
        self._start, self._held = start, response.content


def _range(wanted: str) -> dict[str, str]:
    # Without `identity` a server may compress the part that it sends.
    return {"Range": f"bytes={wanted}", "Accept-Encoding": "identity"}


class RemoteWheel:
    """A wheel on an index whose members can be read one by one."""

    def __init__(self, client: IndexClient, file: IndexFile) -> None:
        self._client = client
        self.file = file
        try:
            self._archive = zipfile.ZipFile(RemoteFile(client, file.url))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._damaged(error) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of all members."""
        return tuple(self._archive.namelist())

    def text(self, name: str) -> str:
        """Return a member as text. Raises KeyError if there is none, PackageIndexError if it is damaged."""
        try:
            return self._archive.read(name).decode("utf-8")
        except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, EOFError, NotImplementedError) as error:
            raise self._damaged(error) from None

    def copy(self, name: str, target: IO[bytes]) -> None:
        """Write a member to a local file, 8 MiB at a time, and leave that file's position at its end.

        Raises KeyError if there is none, PackageIndexError if it is damaged.
        """
        try:
            with self._archive.open(name) as member:
                shutil.copyfileobj(member, target, _STRETCH)
            target.flush()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._damaged(error) from None

    def metadata(self) -> str:
        """Return the text of METADATA."""
        for name in self.names:
            if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
                return self.text(name)
        raise self._damaged("it has no METADATA")

    def _damaged(self, reason: object) -> Exception:
        return self._client.error(f"{self.file.file_name} is no readable wheel: {reason}", _HINT)


def read_metadata(client: IndexClient, file: IndexFile) -> str:
    """Return a wheel's METADATA: from beside the file where the index offers that, else from inside it."""
    return client.metadata_beside(file) if file.has_metadata else RemoteWheel(client, file).metadata()
