"""What an upgrade says: to people on a terminal, in a pull request, and to programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.golden import Golden
from tfbootstrap.lock_diff import LockChanges, PackageChange, PinnedPackage, PlatformChange
from tfbootstrap.plan.records import OTHER_TENSORFLOW, Rejection, Rejections, WayOut
from tfbootstrap.scan.findings import Finding
from tfbootstrap.scan.judge import Evidence
from tfbootstrap.scan.pieces import Skipped
from tfbootstrap.upgrade.markdown import upgrade_markdown
from tfbootstrap.upgrade.records import (
    BrokenSymbol,
    CodeFinding,
    CompanionProblem,
    Edit,
    HeldBack,
    ReleaseChanges,
    TargetUpgrade,
    Upgrade,
)
from tfbootstrap.upgrade.report import bound_words, headline, upgrade_text


def broken(line: int, symbol: str, bound: str = "<2.16", *, already: bool = False, **more: str) -> BrokenSymbol:
    evidence = Evidence(file="src/train|`1`.py", cell=None, line=line, symbol=symbol, bound=bound, **more)
    return BrokenSymbol(evidence=evidence, already=already)


LINES = (
    broken(2, "tf.Session", "<2.0", already=True, replacement="tf.compat.v1.Session"),
    broken(5, "tf.estimator.Estimator", note="train a tf.keras.Model instead"),
    broken(9, "tf.keras.new_thing", ">=2.21"),
    broken(11, "tf.keras.wrappers", "!=2.20.*"),
)


def behaviour(line: int, *, breaks: bool, already: bool = False, instead: str | None = None) -> CodeFinding:
    finding = Finding(
        id="numpy-2.0",
        file="src/train.py",
        cell=None,
        line=line,
        symbol="numpy.float_",
        says="gone with NumPy 2",
        package="numpy",
        works="<2.0",
        breaks=breaks,
        instead=instead,
    )
    return CodeFinding(finding=finding, version="2.4.6", already=already)


LAB = TargetUpgrade(
    name="lab",
    lock="requirements/lab.txt",
    before="2.15.1",
    after="2.20.0",
    changes=LockChanges(
        added=(PinnedPackage(name="rich", version="15.0.0"),),
        removed=(PinnedPackage(name="tensorflow-estimator", version="2.15.0"),),
        changed=(
            PackageChange(name="keras", before="2.15.0", after="3.15.1", major=True),
            PackageChange(name="tensorflow", before="2.15.1", after="2.20.0", major=False),
        ),
        other_files=("six",),
        platform_changes=(
            PlatformChange(what="TensorFlow", before="2.15.1", after="2.20.0"),
            PlatformChange(what="Keras major", before="2", after="3"),
            PlatformChange(what="CUDA built with", before="12.2", after="12.5.1"),
            PlatformChange(what="driver floor", before=None, after="525.60.13"),
        ),
    ),
    release=ReleaseChanges(
        platform_changes=(
            PlatformChange(what="compute capabilities", before="5.0 or newer", after="6.0 or newer (5.x dropped)"),
        ),
        capabilities_dropped=("5.0", "5.2"),
        no_longer_required=("tensorflow-estimator", "tensorflow-io-gcs-filesystem"),
    ),
    broken=LINES,
    behaviours=(
        behaviour(20, breaks=True, already=True),
        behaviour(21, breaks=False, instead="look at it"),
        behaviour(22, breaks=True),
    ),
    companions=(CompanionProblem(name="tensorflow-io", version="0.37.1", problem="tensorflow-io has no build for it"),),
    warnings=("the NVIDIA driver is not known",),
    breaks=("thinc 8.3.6 requires numpy<3, and would get 3.0",),
)
CPU = TargetUpgrade(name="cpu", lock="requirements/cpu.txt", before="2.20.0", after="2.20.0", changes=LockChanges())
NEW = TargetUpgrade(name="new", lock="requirements/new.txt", after="2.20.0", broken=LINES)
OLD = TargetUpgrade(
    name="old",
    lock="requirements/old.txt",
    before="2.15.1",
    rejections=Rejections(
        rejections=(
            Rejection(tensorflow="2.20.0", rule="driver", found="driver 470", needed="driver 525 or newer", source="x"),
        ),
        ways_out=(WayOut(text="another TensorFlow: 2.15 fits this runtime", command="", cost=OTHER_TENSORFLOW),),
    ),
    companions=(CompanionProblem(name="tensorflow-io", version=None, problem="no build of tensorflow-io"),),
)
UPGRADE = Upgrade(
    targets=(LAB, CPU, NEW),
    edits=(
        Edit(file="pyproject.toml", line=8, before='tensorflow = "2.15"', after='tensorflow = "2.20"'),
        Edit(file="pyproject.toml", line=None, before=None, after='tensorflow = "2.20"'),
    ),
    held_back=(
        HeldBack(minor="2.22", by="lab", reason="TensorFlow 2.22.0 needs driver 580"),
        HeldBack(minor="2.21", by="code", reason="src/a.py:1 (tf.x) fails since 2.21"),
    ),
    notes=("pyproject.toml:4 requires tensorflow<2.16, which no lock is made for: change it too",),
    files=12,
    skipped=(Skipped(file="src/old.py", reason="line 2 is no Python 3"),),
)


def test_for_a_terminal(golden: Golden) -> None:
    text = upgrade_text(UPGRADE)
    golden.compare("upgrade.txt", text)
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_for_a_pull_request(golden: Golden) -> None:
    golden.compare("upgrade.md", upgrade_markdown(UPGRADE))


def test_for_programs(golden: Golden) -> None:
    golden.compare("upgrade.json", json.dumps(UPGRADE.to_json(), indent=2) + "\n")


def test_one_line_is_told_as_one() -> None:
    one = Upgrade(targets=(replace(CPU, behaviours=(behaviour(3, breaks=True),)),))
    assert "\n1 line of the code fails or does something else with the new versions:\n" in upgrade_text(one)


def test_targets_that_can_t_be_served() -> None:
    unserved = replace(UPGRADE, targets=(LAB, OLD), held_back=(), edits=())
    assert not unserved.served
    assert headline(unserved) == "nothing changes: the TensorFlow that is asked for can't be had for old"
    text = upgrade_text(unserved)
    assert "[old] requirements/old.txt\n  no TensorFlow that was asked for fits old\n" in text
    assert "    TensorFlow 2.20.0 needs driver 525 or newer; this runtime has driver 470\n" in text
    assert "\n  no build of tensorflow-io\n" in text
    markdown = upgrade_markdown(unserved)
    assert "```text\nno TensorFlow that was asked for fits old\n" in markdown
    assert "\n- no build of tensorflow-io\n" in markdown
    document = unserved.to_json()["targets"][1]
    assert document["rejections"][0]["rule"] == "driver"
    assert document["ways_out"][0]["text"] == "another TensorFlow: 2.15 fits this runtime"
    assert document["conflict"] is None


def test_nothing_changes() -> None:
    same = Upgrade(targets=(CPU,))
    assert upgrade_text(same) == (
        "TensorFlow 2.20.0 as before for cpu\n\n[cpu] requirements/cpu.txt\n  packages: none changes\n"
    )
    assert upgrade_markdown(same).endswith("\nNo package changes.\n")


def test_findings_are_what_breaks_now() -> None:
    assert LAB.findings
    assert replace(LAB, companions=(), behaviours=()).findings
    assert replace(LAB, companions=(), broken=()).findings
    harmless = (behaviour(1, breaks=True, already=True), behaviour(2, breaks=False))
    assert not replace(LAB, companions=(), broken=LINES[:1], behaviours=harmless).findings
    assert UPGRADE.findings
    assert not Upgrade(targets=(CPU,)).findings


@pytest.mark.parametrize(
    ("bound", "words"), [("<2.16", "fails since 2.16"), (">=2.4", "needs 2.4"), ("!=2.13.*", "fails with 2.13")]
)
def test_bounds_in_words(bound: str, words: str) -> None:
    assert bound_words(bound) == words


def test_markdown_can_not_be_taken_apart() -> None:
    hostile = "x|y`z`\n# head <b>@all</b> ![a](b)"
    upgrade = Upgrade(targets=(replace(CPU, name=hostile, lock=hostile, warnings=(hostile,)),))
    lines = upgrade_markdown(upgrade).splitlines()
    assert not [line for line in lines if line.startswith("# ") or "<b>" in line or " @all" in line]
