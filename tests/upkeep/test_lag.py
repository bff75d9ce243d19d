"""Proven pins that newer releases have overtaken are named, with the days between them."""

from __future__ import annotations

from datetime import date

from packaging.version import Version

from tests.plan.test_proven import PROOF
from tfbootstrap.edges.index import IndexFile
from tfbootstrap.upkeep.lag import Lag, find_lags, releases_of

RELEASES = {
    "numpy": {Version("2.2.6"): date(2025, 5, 17), Version("2.5.0"): date(2026, 6, 1)},
    "setuptools": {Version("81.0.0"): date(2026, 2, 6), Version("82.0.0"): date(2026, 2, 8)},
    "tensorflow": {Version("2.20.0"): date(2025, 8, 13), Version("2.21.0"): date(2026, 3, 6)},
}
NUMPY = Lag(package="numpy", proven="2.2.6", newest="2.5.0", days=380, cells=("2.20.0-cp312-linux-cpu",))


def test_a_pin_lags_by_the_days_between_the_releases() -> None:
    assert list(find_lags([PROOF], RELEASES, days=90)) == [NUMPY]
    assert list(find_lags([PROOF], RELEASES, days=380)) == []
    assert [one.package for one in find_lags([PROOF], RELEASES, days=1)] == ["numpy", "setuptools"]


def test_what_the_index_does_not_tell_is_left_out() -> None:
    assert list(find_lags([PROOF], {"numpy": {Version("2.5.0"): date(2026, 6, 1)}}, days=0)) == []


def file(name: str, uploaded: str | None, *, yanked: bool = False) -> IndexFile:
    return IndexFile(file_name=name, url=f"https://index.test/{name}", uploaded=uploaded, yanked=yanked)


def test_releases_are_read_from_file_names_and_days() -> None:
    files = [
        file("numpy-2.5.0-cp312-cp312-manylinux_2_28_x86_64.whl", "2026-06-02T10:00:00Z"),
        file("numpy-2.5.0.tar.gz", "2026-06-01T10:00:00Z"),
        file("numpy-2.6.0rc1.tar.gz", "2026-09-01T10:00:00Z"),
        file("numpy-2.5.1.tar.gz", "2026-07-01T10:00:00Z", yanked=True),
        file("numpy-2.5.2.tar.gz", None),
        file("numpy-2.5.0.exe", "2026-05-01T10:00:00Z"),
    ]
    assert releases_of(files) == {Version("2.5.0"): date(2026, 6, 1)}
