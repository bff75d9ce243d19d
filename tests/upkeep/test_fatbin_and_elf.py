"""Fat binaries and ELF tables, byte by byte."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

import pytest

from tests.support.gpu_bytes import MACHINE, PTX, container, image, shared_library
from tfbootstrap.upkeep.elf import Dynamic, ElfError, exported_symbols, read_dynamic
from tfbootstrap.upkeep.fatbin import FatbinError, Images, read_gpu_code

ALL = container(image(MACHINE, 75), image(MACHINE, 120), image(PTX, 120, (8, 8)))
NEWEST_AS_PTX = container(image(MACHINE, 75), image(PTX, 90, (8, 5)), image(PTX, 120, (8, 5)))
LEFTOVER = container(image(PTX, 90, (8, 3)))


def test_containers_are_counted_by_their_images_wherever_they_lie() -> None:
    library = b"\x7fELF" + b"\0" * 13 + ALL + b"padding" + NEWEST_AS_PTX + NEWEST_AS_PTX + LEFTOVER
    assert read_gpu_code(library) == {
        Images(machine=(), ptx=((90, (8, 3)),)): 1,
        Images(machine=(75,), ptx=((90, (8, 5)), (120, (8, 5)))): 2,
        Images(machine=(75, 120), ptx=((120, (8, 8)),)): 1,
    }


def test_an_image_that_is_there_twice_counts_once() -> None:
    assert read_gpu_code(container(image(MACHINE, 70), image(MACHINE, 70))) == {Images(machine=(70,), ptx=()): 1}


def test_library_is_read_through_a_memory_map(tmp_path: Path) -> None:
    path = tmp_path / "libcudnn_ops.so.9"
    path.write_bytes(b"head" + ALL)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(read_gpu_code(mapped).values()) == 1


@pytest.mark.parametrize(
    "library",
    [
        b"",
        b"no GPU code at all",
        struct.pack("<I", 0xBA55ED50),
        struct.pack("<IHHQ", 0xBA55ED50, 2, 16, 0),
        struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 1 << 40) + b"cut off",
    ],
    ids=["nothing", "text", "four bytes of luck", "another version", "longer than the file"],
)
def test_what_only_looks_like_a_container_is_none(library: bytes) -> None:
    assert read_gpu_code(library) == {}


def test_a_container_is_found_behind_one_that_only_looks_like_it() -> None:
    assert sum(read_gpu_code(struct.pack("<I", 0xBA55ED50) + ALL).values()) == 1


def test_unknown_kind_of_image_is_refused() -> None:
    with pytest.raises(FatbinError, match="the container at byte 3 has an entry of unknown kind 4 at 72"):
        read_gpu_code(b"xyz" + container(image(MACHINE, 70), image(4, 70)))


def test_image_header_that_is_too_short_is_refused() -> None:
    broken = bytearray(image(MACHINE, 70))
    struct.pack_into("<I", broken, 4, 8)
    with pytest.raises(FatbinError, match="has an entry header of 8 bytes"):
        read_gpu_code(container(bytes(broken)))


LIBRARY = shared_library(
    exports=["TF_Version", "_ZN3tsl3fooEv"],
    imports=["malloc"],
    needed=["libc.so.6", "libm.so.6"],
    soname="libtensorflow_framework.so.2",
    runpath=["$ORIGIN/../nvidia/cudnn/lib", "", "$ORIGIN/../nvidia/cudnn/lib", "$ORIGIN/"],
)


def test_exports_are_what_the_library_defines_itself() -> None:
    assert exported_symbols(LIBRARY) == ("TF_Version", "_ZN3tsl3fooEv")


def test_dynamic_section_names_every_folder_once() -> None:
    assert read_dynamic(LIBRARY) == Dynamic(
        soname="libtensorflow_framework.so.2",
        needed=("libc.so.6", "libm.so.6"),
        runpath=("$ORIGIN/../nvidia/cudnn/lib", "$ORIGIN/"),
    )


def test_library_that_says_nothing_about_itself() -> None:
    assert read_dynamic(shared_library()) == Dynamic(soname=None, needed=(), runpath=())


@pytest.mark.parametrize("data", [b"", b"MZ\x90\0", b"\x7fELF\x01\x01" + bytes(60)], ids=["empty", "Windows", "32 bit"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ElfError, match="not a 64-bit little-endian ELF file"):
        exported_symbols(data)


def test_elf_file_without_sections_has_no_exports_and_no_dynamic_section() -> None:
    bare = bytearray(shared_library()[:64])
    struct.pack_into("<H", bare, 60, 0)
    assert exported_symbols(bytes(bare)) == ()
    with pytest.raises(ElfError, match="no dynamic section"):
        read_dynamic(bytes(bare))
