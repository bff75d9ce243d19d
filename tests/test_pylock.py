"""A lock as `pylock.toml`: its text, its record, and what other programs make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.pylock import Pylock

from tests.test_lock import a_lock
from tfbootstrap.errors import EngineError, InputError
from tfbootstrap.lock import Lock
from tfbootstrap.pylock import is_pylock_name, read_pylock, write_pylock
from tfbootstrap.resolution import ResolvedFile
from tfbootstrap.toml import parse_toml


def files_of(lock: Lock) -> dict[str, tuple[ResolvedFile, ...]]:
    """Return a wheel for each hash of each pin, and one that the pin leaves out."""
    return {
        pin.name: tuple(
            ResolvedFile(name=name, hash=digest, url=f"https://index.test/files/{name}", size=number or None)
            for number, digest in enumerate((*pin.hashes, "sha256:" + "f" * 64))
            for name in [f"{pin.name}-{pin.version}-{number}-py3-none-any.whl"]
        )
        for pin in lock.pins
    }


def test_a_lock_survives_writing_and_reading() -> None:
    text = write_pylock(a_lock(), files_of(a_lock()))
    assert read_pylock(text, "pylock.toml") == a_lock()
    assert write_pylock(read_pylock(text, "pylock.toml"), files_of(a_lock())) == text


@pytest.mark.parametrize("text", ["\x7f", "\x00", "a\u2028b", "\n[tool]\n", '"', "\\"])
def test_a_lock_of_hostile_texts_survives_too(text: str) -> None:
    pins = tuple(replace(pin, via=(text,)) for pin in a_lock().pins)
    lock = Lock(header=replace(a_lock().header, command=text, rows={text: text}), pins=pins)
    assert read_pylock(write_pylock(lock, files_of(lock)), "pylock.toml") == lock


def test_packaging_reads_the_files_that_fit_and_their_hashes() -> None:
    document = Pylock.from_dict(parse_toml(write_pylock(a_lock(), files_of(a_lock()))))
    assert str(document.requires_python) == "==3.12.*"
    assert [str(marker) for marker in document.environments or ()] == [
        'sys_platform == "linux" and platform_machine == "x86_64"'
    ]
    numpy = document.packages[0]
    assert [(wheel.filename, wheel.size, dict(wheel.hashes)) for wheel in numpy.wheels or ()] == [
        ("numpy-2.1.3-0-py3-none-any.whl", None, {"sha256": "a" * 64}),
        ("numpy-2.1.3-1-py3-none-any.whl", 1, {"sha256": "b" * 64}),
    ]


def test_a_source_distribution_has_its_own_place() -> None:
    (numpy, _) = a_lock().pins
    lock = replace(a_lock(), pins=(replace(numpy, hashes=numpy.hashes[:1]),))
    source = ResolvedFile(name="numpy-2.1.3.tar.gz", hash=numpy.hashes[0], url="https://index.test/numpy-2.1.3.tar.gz")
    text = write_pylock(lock, {"numpy": (source,)})
    assert parse_toml(text)["packages"][0]["sdist"]["name"] == "numpy-2.1.3.tar.gz"
    assert read_pylock(text, "pylock.toml") == lock


def test_a_pin_that_nobody_explains_is_kept_as_it_is() -> None:
    lock = replace(a_lock(), pins=tuple(replace(pin, via=()) for pin in a_lock().pins))
    text = write_pylock(lock, files_of(lock))
    assert "via" not in text
    assert read_pylock(text, "pylock.toml") == lock


def test_windows_has_its_own_name_for_its_processor() -> None:
    header = a_lock().header
    target = replace(header.target, system="windows")
    text = write_pylock(replace(a_lock(), header=replace(header, target=target)), files_of(a_lock()))
    assert parse_toml(text)["environments"] == ["sys_platform == 'win32' and platform_machine == 'AMD64'"]


def test_a_file_without_an_address_can_t_be_written() -> None:
    files = {name: tuple(replace(file, url=None) for file in found) for name, found in files_of(a_lock()).items()}
    with pytest.raises(EngineError, match=r"a pylock file needs the address of numpy-2\.1\.3-0"):
        write_pylock(a_lock(), files)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("pylock.toml", True),
        ("pylock.colab.toml", True),
        ("pylock.colab-2026.07.toml", False),
        ("requirements.txt", False),
        ("pylock..toml", False),
    ],
)
def test_names_have_no_dots(name: str, fits: bool) -> None:
    assert is_pylock_name(name) is fits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = = 1", "pylock.toml:1:5: the lock is no valid TOML"),
        ("lock-version = '1.0'\npackages = []\n", "it has no [tool.tfbootstrap]"),
        ("[tool.tfbootstrap]\nschema = 1\n", "the lock lacks or garbles 'packages'"),
        ("packages = [{name = 'a'}]\n[tool.tfbootstrap]\nschema = 1\n", "the lock lacks or garbles 'version'"),
        ("packages = []\n[tool.tfbootstrap]\nschema = 99\n", "schema 99"),
    ],
)
def test_what_is_no_lock_of_ours_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pylock(text, "pylock.toml")
    assert message in str(caught.value)
    assert caught.value.hint
