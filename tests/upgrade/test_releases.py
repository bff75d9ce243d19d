"""What two releases of TensorFlow differ in, by the shipped data."""

from __future__ import annotations

from functools import cache

import pytest

from tfbootstrap.app.knowledge import load_knowledge
from tfbootstrap.edges.resources import load
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts
from tfbootstrap.lock_diff import PlatformChange
from tfbootstrap.matrix.gpus import GpuMatrix
from tfbootstrap.plan.knowledge import Knowledge
from tfbootstrap.upgrade.records import ReleaseChanges
from tfbootstrap.upgrade.releases import release_changes


@cache
def knowledge() -> Knowledge:
    return load_knowledge(parts=frozenset({"hardware"}))


def changes(
    before: str, after: str, *, platform: str = "linux-x86_64", python: str = "3.11", gpu: bool = True
) -> ReleaseChanges:
    system, machine = platform.split("-")
    facts = Facts(
        python=PythonFacts(version=python),
        platform=PlatformFacts(system=system, machine=machine, libc="glibc 2.35" if system == "linux" else None),
    )
    rows = [knowledge().tensorflow.row(version) for version in (before, after)]
    assert rows[0] is not None
    assert rows[1] is not None
    known = {row.compute_capability for row in load(GpuMatrix).rows}
    hardware = knowledge().hardware if gpu else None
    return release_changes(rows[0], rows[1], facts, knowledge().bounds, hardware, known)


def told(found: ReleaseChanges) -> dict[str, tuple[str | None, str | None]]:
    return {one.what: (one.before, one.after) for one in found.platform_changes}


def test_from_2_15_to_2_20() -> None:
    found = changes("2.15.1", "2.20.0")
    assert found == ReleaseChanges(
        platform_changes=(
            PlatformChange(
                what="compute capabilities",
                before="5.0 or newer",
                after="6.0 or newer (5.x dropped; 8.0, 8.6, 8.7, 8.9 as machine code now)",
            ),
            PlatformChange(what="Python of the wheels", before="3.9 to 3.11", after="3.9 to 3.13"),
            PlatformChange(what="NumPy 2", before="not allowed", after="allowed"),
        ),
        capabilities_dropped=("5.0", "5.2", "5.3"),
        capabilities_gained=("8.0", "8.6", "8.7", "8.9"),
        no_longer_required=("tensorflow-estimator", "tensorflow-io-gcs-filesystem"),
    )


def test_from_2_20_to_2_21_tensorboard_and_old_systems_go() -> None:
    found = changes("2.20.0", "2.21.0")
    assert found.no_longer_required == ("tensorboard",)
    assert told(found) == {
        "Python of the wheels": ("3.9 to 3.13", "3.10 to 3.13"),
        "glibc floor": ("2.17", "2.27"),
    }
    assert (found.capabilities_dropped, found.capabilities_gained) == ((), ())


def test_going_back_gains_old_gpus_and_drops_machine_code() -> None:
    found = changes("2.20.0", "2.15.1")
    assert found.capabilities_dropped == ()
    assert told(found)["compute capabilities"] == (
        "6.0 or newer",
        "5.0 or newer (5.0, 5.2, 5.3 as machine code now)",
    )


def test_part_of_a_major_is_named_by_itself() -> None:
    found = changes("2.10.1", "2.15.1", python="3.10")
    assert found.capabilities_dropped == ("3.5", "3.7")
    assert "3.x dropped" in str(told(found)["compute capabilities"][1])


def test_nothing_is_said_of_gpus_where_none_is_used() -> None:
    for found in (changes("2.15.1", "2.20.0", gpu=False), changes("2.15.1", "2.20.0", platform="linux-aarch64")):
        assert "compute capabilities" not in told(found)
        assert found.capabilities_dropped == ()


def test_what_matrix_bounds_forbid_is_not_allowed() -> None:
    # The metadata of 2.11 has no ceiling; it was built for NumPy 1 nevertheless.
    assert told(changes("2.11.1", "2.18.1", python="3.10"))["NumPy 2"] == ("not allowed", "allowed")


def test_macs_have_a_floor_of_their_own() -> None:
    found = told(changes("2.10.1", "2.12.1", platform="macos-x86_64", python="3.10"))
    assert found["macOS floor"] == ("10.14", "10.15")
    assert "glibc floor" not in found


@pytest.mark.parametrize(("before", "after"), [("2.15.1", "2.20.0"), ("2.17.1", "2.18.1")])
def test_shims_require_nothing_of_their_own(before: str, after: str) -> None:
    assert changes(before, after, platform="windows-x86_64").no_longer_required == ()


def test_a_release_without_wheels_for_that_python_is_told_by_those_that_it_has() -> None:
    found = changes("2.15.1", "2.21.0", python="3.13")
    assert told(found)["glibc floor"] == ("2.17", "2.27")
    assert "tensorboard" in found.no_longer_required
