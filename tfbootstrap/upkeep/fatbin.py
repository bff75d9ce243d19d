"""Read which GPU code a shared library holds: CUDA fat binaries, byte by byte. Pure: bytes in, records out.

nvcc and clang put device code into the ELF section `.nv_fatbin`: a run of *containers*, one per translation unit, each
a 16-byte header (magic 0xBA55ED50, version, header size, size of what follows) and then *entries*. An entry is one
image for one architecture: machine code (kind 2, an ELF "cubin") or PTX text (kind 1), mostly compressed. Its header
carries, besides kind and size, the architecture (75 for compute capability 7.5) and a two-number code version, which
for PTX is the PTX ISA version: what decides the oldest driver that can compile it. NVIDIA documents none of this: it
was read off the bytes.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from dataclasses import dataclass

from tfbootstrap.errors import TfbootstrapError

_CONTAINER = struct.Struct("<IHHQ")
"""Magic, version, size of this header, size of the entries that follow."""
_ENTRY = struct.Struct("<HHIQIIHHI")
"""Kind, version, size of this header and of the payload, compressed size, unused, minor and major of the code version,
architecture."""
_MAGIC = 0xBA55ED50
_MAGIC_BYTES = struct.pack("<I", _MAGIC)
_PTX, _MACHINE = 1, 2

Library = bytes | mmap.mmap


class FatbinError(TfbootstrapError):
    """A library's GPU code is laid out in a way that we can't read."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Images:
    """The images of one container: architectures of its machine code, and (architecture, PTX ISA version) of its PTX.

    Architectures are numbers, 75 for compute capability 7.5; ISA versions are (major, minor).
    """

    machine: tuple[int, ...]
    ptx: tuple[tuple[int, tuple[int, int]], ...]


def read_gpu_code(library: Library) -> dict[Images, int]:
    """Count the containers of a shared library, given as bytes or as a memory map, by the images they hold.

    The whole file is searched: nvcc and clang put their containers into the section `.nv_fatbin`, TensorFlow's kernel
    generator puts its own (most of them) into ordinary read-only data. A library without GPU code gives an empty
    mapping.

    Raises:
        FatbinError: a container is laid out in a way that we don't know.
    """
    found: Counter[Images] = Counter()
    position = library.find(_MAGIC_BYTES)
    while position >= 0:
        end = position + len(_MAGIC_BYTES)
        entries = _entries_at(library, position)
        if entries is not None:
            found[_images(entries, position)] += 1
            end = position + _CONTAINER.size + len(entries)
        position = library.find(_MAGIC_BYTES, end)
    return dict(sorted(found.items()))


def _entries_at(library: Library, position: int) -> bytes | None:
    """Return the entries of the container at a position; None where the four bytes only look like one."""
    if position + _CONTAINER.size > len(library):
        return None
    _, version, header_size, size = _CONTAINER.unpack(library[position : position + _CONTAINER.size])
    start = position + header_size
    if version != 1 or header_size != _CONTAINER.size or start + size > len(library):
        return None
    return bytes(library[start : start + size])


def _images(entries: bytes, container: int) -> Images:
    machine: set[int] = set()
    ptx: set[tuple[int, tuple[int, int]]] = set()
    position = 0
    while position + _ENTRY.size <= len(entries):
        kind, _, header_size, size, _, _, minor, major, architecture = _ENTRY.unpack_from(entries, position)
        if kind == _MACHINE:
            machine.add(architecture)
        elif kind == _PTX:
            ptx.add((architecture, (major, minor)))
        else:
            raise FatbinError(f"the container at byte {container} has an entry of unknown kind {kind} at {position}")
        if header_size < _ENTRY.size:
            raise FatbinError(f"the container at byte {container} has an entry header of {header_size} bytes")
        position += header_size + size
    return Images(machine=tuple(sorted(machine)), ptx=tuple(sorted(ptx)))
