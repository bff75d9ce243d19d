"""Read what a shared library exports, needs and searches: the few ELF tables that matter here. Pure.

Only 64-bit little-endian files, which is what TensorFlow and NVIDIA ship for x86_64 and aarch64.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

from tfbootstrap.errors import TfbootstrapError

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_DYNAMIC = struct.Struct("<qQ")
_DYNAMIC_TABLE, _DYNAMIC_SYMBOLS = 6, 11
"""Section types SHT_DYNAMIC and SHT_DYNSYM."""
_NEEDED, _SONAME, _RUNPATH = 1, 14, 29
"""Dynamic tags; DT_RPATH (15) is what RUNPATH replaced and no wheel here uses it."""

Library = bytes | mmap.mmap


class ElfError(TfbootstrapError):
    """The file is no ELF file, or of a kind that we don't read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dynamic:
    """What a shared library tells the dynamic linker: its own name, the libraries it needs, where it searches."""

    soname: str | None
    needed: tuple[str, ...]
    runpath: tuple[str, ...]


def read_dynamic(library: Library) -> Dynamic:
    """Read the dynamic section; every directory of the search path once, in order.

    Raises:
        ElfError: not a 64-bit little-endian ELF file with a dynamic section.
    """
    for kind, offset, size, link in _sections(library):
        if kind == _DYNAMIC_TABLE:
            names = _sections(library)[link][1]
            pairs = [_DYNAMIC.unpack(library[at : at + 16]) for at in range(offset, offset + size, 16)]
            text: dict[int, list[str]] = {_NEEDED: [], _SONAME: [], _RUNPATH: []}
            for tag, value in pairs:
                if tag in text:
                    text[tag].append(_string(library, names + value))
            runpath = dict.fromkeys(":".join(text[_RUNPATH]).split(":"))
            return Dynamic(
                soname=text[_SONAME][0] if text[_SONAME] else None,
                needed=tuple(text[_NEEDED]),
                runpath=tuple(directory for directory in runpath if directory),
            )
    raise ElfError("the library has no dynamic section")


def exported_symbols(library: Library) -> tuple[str, ...]:
    """Return the names that the library defines for others, in file order.

    Raises:
        ElfError: not a 64-bit little-endian ELF file.
    """
    sections = _sections(library)
    for kind, offset, size, link in sections:
        if kind == _DYNAMIC_SYMBOLS:
            names = sections[link][1]
            symbols = _SYMBOL.iter_unpack(library[offset : offset + size])
            return tuple(_string(library, names + name) for name, _, _, section, _, _ in symbols if section)
    return ()


def _sections(library: Library) -> list[tuple[int, int, int, int]]:
    """Type, file offset, size and linked section of every section."""
    if library[:6] != b"\x7fELF\x02\x01":
        raise ElfError("not a 64-bit little-endian ELF file")
    header = _HEADER.unpack(library[: _HEADER.size])
    table, size, count = header[6], header[11], header[12]
    found = []
    for index in range(count):
        at = table + index * size
        _, kind, _, _, offset, length, link, *_ = _SECTION.unpack(library[at : at + _SECTION.size])
        found.append((kind, offset, length, link))
    return found


def _string(library: Library, at: int) -> str:
    return library[at : library.find(b"\0", at)].decode()
