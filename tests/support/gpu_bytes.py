"""The bytes of shared libraries and of CUDA fat binaries, as small as our readers accept them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

PTX, MACHINE = 1, 2


def image(kind: int, architecture: int, isa: tuple[int, int] = (1, 7), payload: bytes = b"x" * 8) -> bytes:
    """Return one entry of a container: PTX or machine code for an architecture (75 for compute capability 7.5)."""
    major, minor = isa
    header = struct.pack("<HHIQIIHHI", kind, 0x101, 64, len(payload), 0, 0, minor, major, architecture)
    return header.ljust(64, b"\0") + payload


def container(*images: bytes) -> bytes:
    """Return a fat binary container."""
    body = b"".join(images)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def shared_library(
    *,
    exports: Sequence[str] = (),
    imports: Sequence[str] = (),
    needed: Sequence[str] = (),
    soname: str | None = None,
    runpath: Sequence[str] = (),
    content: bytes = b"",
) -> bytes:
    """Return a 64-bit little-endian ELF file with a symbol table, a dynamic section, and any bytes behind them."""
    strings = _Strings()
    symbols = struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, section in [*((name, 7) for name in exports), *((name, 0) for name in imports)]:
        symbols += struct.pack("<IBBHQQ", strings.add(name), 0x12, 0, section, 0x1000, 16)
    tags = [(1, name) for name in needed]
    tags += [(14, soname)] if soname else []
    tags += [(29, ":".join(runpath))] if runpath else []
    dynamic = b"".join(struct.pack("<qQ", tag, strings.add(text)) for tag, text in tags) + struct.pack("<qQ", 0, 0)
    bodies = [(0, b"", 0), (3, strings.data, 0), (11, symbols, 1), (6, dynamic, 1)]
    table, placed = b"", b""
    start = 64 + 64 * len(bodies)
    for kind, body, link in bodies:
        table += struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, start + len(placed), len(body), link, 0, 0, 0)
        placed += body
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, len(bodies), 1
    )
    return header + table + placed + content


class _Strings:
    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at
