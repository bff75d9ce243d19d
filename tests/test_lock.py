"""The lock's text and its record."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbootstrap.errors import InputError
from tfbootstrap.lock import Lock, LockGpu, LockHeader, LockTarget, Pin, read_lock, write_lock

HASHES = tuple(f"sha256:{digit * 64}" for digit in "ab")


def a_lock() -> Lock:
    header = LockHeader(
        command="tfbootstrap lock --tensorflow=2.20 --output-file=requirements.txt",
        tool="0.1.0",
        matrix="0123",
        inputs="sha256:" + "0" * 64,
        rows={"tensorflow:2.20.0": "ab"},
        target=LockTarget(name="linux-gpu", python="3.12", system="linux", machine="x86_64", libc="glibc 2.28"),
        tensorflow="2.20.0",
        distribution="tensorflow",
        keras=3,
        cuda_provider="wheels",
        build_cuda="12.5.1",
        build_cudnn="9",
        build_capabilities=("sm_60", "compute_90"),
        driver_floor="525.60.13",
        gpus=(LockGpu(name='Tesla "T4"', compute_capability="7.5"),),
        loader_links=True,
        proven="2026-11-21",
        breaks=('tf-keras 2.20.0 requires tensorflow<2.21; python_version > "3", and would get 2.21.0',),
    )
    pins = (
        Pin(name="numpy", version="2.1.3", hashes=HASHES, via=("keras", "tensorflow")),
        Pin(name="tensorflow", version="2.20.0", hashes=HASHES[:1], via=("the request",)),
    )
    return Lock(header=header, pins=pins)


def test_a_lock_survives_writing_and_reading_byte_for_byte() -> None:
    text = write_lock(a_lock())
    assert read_lock(text, "requirements.txt") == a_lock()
    assert write_lock(read_lock(text, "requirements.txt")) == text


def test_a_lock_of_the_least_content_survives_too() -> None:
    full = a_lock()
    least = LockHeader(
        command="tfbootstrap lock",
        tool="0.1.0",
        matrix="0",
        inputs="sha256:0",
        target=LockTarget(name="windows", python="3.12", system="windows", machine="x86_64"),
        tensorflow="2.20.0",
        distribution="tensorflow",
        cuda_provider="none",
    )
    lock = dataclasses.replace(full, header=least, pins=())
    assert read_lock(write_lock(lock), "x") == lock


def test_pins_are_sorted_and_tell_why_they_are_there() -> None:
    lock = dataclasses.replace(a_lock(), pins=tuple(reversed(a_lock().pins)))
    assert write_lock(lock) == write_lock(a_lock())
    assert (
        f"numpy==2.1.3 \\\n    --hash={HASHES[0]} \\\n    --hash={HASHES[1]}\n    # via keras, tensorflow\n"
    ) in write_lock(lock)


def test_a_pin_that_nobody_explains_is_kept_as_it_is() -> None:
    lock = dataclasses.replace(a_lock(), pins=tuple(dataclasses.replace(pin, via=()) for pin in a_lock().pins))
    assert "# via" not in write_lock(lock)
    assert read_lock(write_lock(lock), "x") == lock


def test_a_pin_is_found_by_name() -> None:
    assert a_lock().pin("numpy") == a_lock().pins[0]
    assert a_lock().pin("pandas") is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("# /// tfbootstrap\n", ""), "this is no lock of tfbootstrap"),
        (("# ///\n\n", ""), "this is no lock of tfbootstrap"),
        (("# schema = 1", "# schema = 2"), "the lock has schema 2"),
        (("# schema = 1\n", ""), "the lock has schema None"),
        (('# inputs = "', '# outputs = "'), "lacks or garbles 'inputs'"),
        (("# [target]", "# target = 3\n# [targets]"), "lacks or garbles"),
        (("# [target]", "# [target"), "no valid TOML"),
        ((f" \\\n    --hash={HASHES[0]}\n    # via the request", ""), "tensorflow==2.20.0 has no hash"),
        (("numpy==2.1.3", "numpy>=2.1.3"), "neither a pin nor a hash"),
        (("--hash=sha256:a", "--hash=md5:a"), "neither a pin nor a hash"),
    ],
)
def test_what_is_no_lock_is_refused_with_file_and_hint(change: tuple[str, str], problem: str) -> None:
    text = write_lock(a_lock())
    assert change[0] in text
    with pytest.raises(InputError, match=problem) as caught:
        read_lock(text.replace(change[0], change[1], 1), "locks/gpu.txt")
    assert str(caught.value).startswith("locks/gpu.txt")
    assert caught.value.hint


HOSTILE = st.text(min_size=1) | st.sampled_from(
    [
        "a\nevil==1",
        "a\r\n--index-url=https://index.test",
        "a\u2028evil==1",
        "a\x85b",
        "\n# ///\n",
        "\x0c",
        "\x00",
        '"',
        "\\",
    ]
)


@given(HOSTILE)
def test_no_text_breaks_out_of_its_comment(text: str) -> None:
    full = a_lock()
    target = dataclasses.replace(full.header.target, name=text, host=text, release=text)
    header = dataclasses.replace(
        full.header, command=text, tool=text, breaks=(text,), rows={text: text}, target=target, build_cuda=text
    )
    pins = tuple(dataclasses.replace(pin, via=(text, "tensorflow")) for pin in full.pins)
    written = write_lock(Lock(header=header, pins=pins))
    # pip takes for a line what Python's splitlines does.
    assert requirements(written) == requirements(write_lock(full))
    assert read_lock(written, "requirements.txt").header == header
    assert write_lock(read_lock(written, "requirements.txt")) == written


def requirements(lock: str) -> list[str]:
    """Return what an installer reads."""
    return [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]


def test_what_is_no_unicode_is_written_as_a_question_mark() -> None:
    # How Python hands over a file name that is no UTF-8.
    lock = dataclasses.replace(a_lock(), header=dataclasses.replace(a_lock().header, command="lock -r a\udc80b"))
    assert read_lock(write_lock(lock).encode().decode(), "requirements.txt").header.command == "lock -r a?b"
