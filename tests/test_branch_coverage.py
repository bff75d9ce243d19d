"""The judgement of coverage reports."""

from __future__ import annotations

import pytest

from tests.support.branch_coverage import judge


def report(**branches: tuple[int, int]) -> dict[str, object]:
    files = {
        f"tfbootstrap/{name.replace('__', '/')}.py": {"summary": {"covered_branches": taken, "num_branches": total}}
        for name, (taken, total) in branches.items()
    }
    return {"files": files}


@pytest.mark.parametrize(
    ("branches", "fine"),
    [
        ({"lock": (95, 100)}, True),
        ({"lock": (94, 100)}, False),
        ({"lock": (100, 100), "plan__admission": (90, 100)}, True),
        ({"lock": (100, 100), "plan__admission": (80, 100)}, False),
        ({"lock": (95, 100), "edges__files": (0, 100), "locksmith": (0, 100)}, True),
        ({"edges__files": (100, 100)}, False),
    ],
    ids=["kept", "missed", "kept-in-sum", "missed-in-sum", "other-rooms-do-not-count", "nothing-measured"],
)
def test_judges_the_pure_rooms(branches: dict[str, tuple[int, int]], *, fine: bool) -> None:
    assert judge(report(**branches))[0] is fine
