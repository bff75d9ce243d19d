"""What lines of code say beside TensorFlow's names, compared with the versions of a lock. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.specifiers import SpecifierSet

from tfbootstrap.scan.findings import TENSORFLOW, Finding
from tfbootstrap.upgrade.records import CodeFinding


def changed_behaviours(
    findings: Iterable[Finding], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[CodeFinding, ...]:
    """Return the lines that do not go with a version of the new lock (package -> version).

    What surely fails with a TensorFlow is among the lines that lack something in it, so it is left out here.
    """
    return tuple(
        CodeFinding(
            finding=one,
            version=after[one.package],
            already=one.package in before and not _goes_with(one, before[one.package]),
        )
        for one in findings
        if one.package in after and not (one.package == TENSORFLOW and one.breaks)
        if not _goes_with(one, after[one.package])
    )


def _goes_with(finding: Finding, version: str) -> bool:
    return finding.works is None or SpecifierSet(finding.works).contains(version, prereleases=True)
