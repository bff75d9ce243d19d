"""What lines of code say beside TensorFlow's names, compared with the versions of a lock."""

from __future__ import annotations

from tfbootstrap.scan.findings import Finding
from tfbootstrap.upgrade.behaviours import changed_behaviours


def finding(package: str, works: str | None, *, breaks: bool = False) -> Finding:
    return Finding(
        id="x", file="a.py", cell=None, line=1, symbol="x", says="x", package=package, works=works, breaks=breaks
    )


def found(one: Finding, before: dict[str, str], after: dict[str, str]) -> list[tuple[str, bool]]:
    return [(each.version, each.already) for each in changed_behaviours([one], before, after)]


def test_a_version_that_a_line_does_not_go_with() -> None:
    numpy = finding("numpy", "<2.0", breaks=True)
    assert found(numpy, {"numpy": "1.26.4"}, {"numpy": "2.4.6"}) == [("2.4.6", False)]
    assert found(numpy, {"numpy": "2.0.0"}, {"numpy": "2.4.6"}) == [("2.4.6", True)]
    assert found(numpy, {}, {"numpy": "2.4.6"}) == [("2.4.6", False)]
    assert found(numpy, {}, {"numpy": "1.26.4"}) == []
    assert found(numpy, {}, {}) == []


def test_what_surely_fails_with_a_tensorflow_is_told_elsewhere() -> None:
    after = {"tensorflow": "2.20.0"}
    assert found(finding("tensorflow", "<2.16", breaks=True), {}, after) == []
    assert found(finding("tensorflow", "<2.16"), {}, after) == [("2.20.0", False)]
    assert found(finding("tensorflow", None), {}, after) == []
