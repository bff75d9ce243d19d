"""From a solution to a plan and a lock: which hashes enter, and what is said of the choice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_bounds import KNOWLEDGE, linux
from tfbootstrap.errors import EngineError
from tfbootstrap.facts import Distribution, Gpu, HostFacts
from tfbootstrap.lock import Lock
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.decision import chosen_candidate, decide, make_lock
from tfbootstrap.plan.records import Plan
from tfbootstrap.request import Request, TensorflowWish, parse_tensorflow
from tfbootstrap.resolution import ResolvedFile, ResolvedPackage, Solution

WHEEL = "tensorflow-{}-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


def package(name: str, version: str, *files: str, via: tuple[str, ...] = ()) -> ResolvedPackage:
    resolved = tuple(ResolvedFile(name=file, hash=f"sha256:{number}" * 8) for number, file in enumerate(files))
    return ResolvedPackage(name=name, version=version, via=via, files=resolved)


def solution(version: str, *others: ResolvedPackage) -> Solution:
    return Solution(packages=(package("tensorflow", version, WHEEL.format(version)), *others), engine="uv 0")


def plan(wish: str, found: Solution) -> Plan:
    wished = TensorflowWish(specifier=parse_tensorflow(wish), said_by="--tensorflow")
    admission = admit(linux("3.12"), KNOWLEDGE, Request(tensorflow=(wished,)))
    candidate = chosen_candidate(admission, found)
    assert candidate is not None
    return decide(admission, candidate, found)


def lock(found: Solution) -> Lock:
    decided = plan("2.20", found)
    return make_lock(decided, found, name="x", command="tfbootstrap lock", inputs="0", tool="0", matrix="0")


@pytest.mark.parametrize(
    ("wish", "version", "reason"),
    [
        ("2.20.0", "2.20.0", "the only version asked for that fits"),
        (">=2.19", "2.21.0", "the newest version asked for that fits"),
        (">=2.19", "2.19.1", "the newest that the other requirements allow (of up to 2.21.0)"),
    ],
)
def test_a_plan_says_why_this_version(wish: str, version: str, reason: str) -> None:
    assert reason in plan(wish, solution(version)).reasons[0]


@pytest.mark.parametrize(("python", "warned"), [("3.6", True), ("3.7", False)])
def test_a_python_too_old_for_the_bootstrap_is_told(python: str, warned: bool) -> None:
    admission = admit(linux(python), KNOWLEDGE, Request())
    candidate = admission.candidates[0]
    decided = decide(admission, candidate, solution(candidate.row.version))
    assert any("bootstrap and cell need Python 3.7" in warning for warning in decided.warnings) == warned


def test_gpus_that_are_hidden_are_told() -> None:
    gpu = Gpu(name="Tesla T4", compute_capability="7.5", source="nvidia-smi")
    facts = replace(
        linux("3.12"), gpu_status="present", gpus=(gpu,), environment={"CUDA_VISIBLE_DEVICES": "-1"}, unknown={}
    )
    told = {}
    for cuda in ("auto", "none"):
        admission = admit(facts, KNOWLEDGE, Request(cuda=cuda))
        candidate = admission.candidates[0]
        told[cuda] = decide(admission, candidate, solution(candidate.row.version)).warnings
    assert "CUDA_VISIBLE_DEVICES='-1' hides every GPU of that runtime (Tesla T4): the CPU is planned" in told["auto"][0]
    assert told["none"] == ()


def test_a_version_without_a_row_is_no_candidate() -> None:
    admission = admit(linux("3.12"), KNOWLEDGE, Request())
    assert chosen_candidate(admission, solution("2.99.0")) is None
    assert chosen_candidate(admission, Solution(packages=(), engine="uv 0")) is None


def test_wheels_that_fit_win_over_sources_and_what_does_not_fit_stays_out() -> None:
    files = ("numpy-2.0.tar.gz", "numpy-2.0-cp312-cp312-win_amd64.whl", "numpy-2.0-py3-none-any.whl")
    pin = lock(solution("2.20.0", package("numpy", "2.0", *files))).pin("numpy")
    assert pin is not None
    assert pin.hashes == ("sha256:2" * 8,)


def test_a_source_serves_where_no_wheel_fits() -> None:
    files = ("numpy-2.0-cp312-cp312-win_amd64.whl", "numpy-2.0.tar.gz")
    pin = lock(solution("2.20.0", package("numpy", "2.0", *files, via=("-r /tmp/x.in", "keras")))).pin("numpy")
    assert pin is not None
    assert (pin.hashes, pin.via) == (("sha256:1" * 8,), ("keras",))


@pytest.mark.parametrize(
    ("files", "offered"),
    [
        (("numpy-2.0-cp312-cp312-win_amd64.whl",), "numpy-2.0-cp312-cp312-win_amd64.whl"),
        ((), "no file with a sha256 hash"),
    ],
)
def test_what_can_t_be_installed_there_is_no_lock(files: tuple[str, ...], offered: str) -> None:
    with pytest.raises(EngineError, match=r"numpy 2\.0 has nothing that this target can install") as caught:
        lock(solution("2.20.0", package("numpy", "2.0", *files)))
    assert str(caught.value).endswith(f"the index offers {offered}")


def test_what_is_kept_is_said_to_be_kept() -> None:
    found = solution("2.19.1")
    wished = Request(tensorflow=(TensorflowWish(specifier=parse_tensorflow(">=2.19"), said_by="--tensorflow"),))
    image = replace(
        linux("3.12"), host=HostFacts(kind="colab"), distributions={"tensorflow": Distribution(version="2.19.1")}
    )
    for facts, kept, reason in (
        (linux("3.12"), "2.19.1", "is kept from the lock that is there (up to 2.21.0 fits this runtime)"),
        (linux("3.12"), "2.19.0", "is the newest that the other requirements allow"),
        (image, None, "is the image's own (up to 2.21.0 fits this runtime)"),
    ):
        admission = admit(facts, KNOWLEDGE, wished)
        candidate = chosen_candidate(admission, found)
        assert candidate is not None
        assert reason in decide(admission, candidate, found, kept=kept).reasons[0]
