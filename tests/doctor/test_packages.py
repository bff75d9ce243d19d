"""What is said of packages that do not go together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.specifiers import SpecifierSet

from tests.doctor.support import (
    HOME,
    PROOFS,
    broken,
    examined,
    healthy_inventory,
    make,
    only,
    proven,
    tables,
    with_gpu,
    with_packages,
)
from tests.support.locks import make_lock
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.doctor.bounds import sort_key, tightest
from tfbootstrap.doctor.examination import examine
from tfbootstrap.doctor.packages import SEEN_ELSEWHERE
from tfbootstrap.facts import Gpu
from tfbootstrap.inventory import SharedFile

PY = "/opt/env/bin/python"
TF215, TF216, TF220, TF221 = (
    f"{version}-linux-cpu" for version in ("2.15.1-cp311", "2.16.2-cp312", "2.20.0-cp312", "2.21.0-cp312")
)


def test_a_requirement_of_tensorflow_that_is_not_met() -> None:
    finding = only(with_packages(proven(TF216), {"numpy": "2.1.3"}))
    assert (finding.id, finding.severity) == ("requirement-broken", "error")
    assert finding.summary == "numpy 2.1.3 does not serve tensorflow"
    assert finding.evidence[0] == "tensorflow 2.16.2 requires numpy<2.0.0,>=1.26.0; numpy 2.1.3 is installed"
    assert finding.commands == (f"{PY} -m pip install 'numpy<2,>=1.26.0'",)


@pytest.mark.parametrize(
    ("specifier", "tightest_one"),
    [
        ("<2,>1.20,>=1.12.0,>=1.26.0", "<2,>=1.26.0"),
        ("<=3,<3,>2,>=2,!=2.5", "!=2.5,<3,>2"),
        ("==2.15.*", "==2.15.*"),
        ("~=1.0,<2", "<2,~=1.0"),
        ("", ""),
    ],
)
def test_bounds_are_told_in_few_words(specifier: str, tightest_one: str) -> None:
    assert tightest(SpecifierSet(specifier)) == SpecifierSet(tightest_one)


def test_a_missing_requirement() -> None:
    finding = only(with_packages(proven(TF220), {"termcolor": None}))
    assert (finding.id, finding.severity) == ("requirement-missing", "error")
    assert finding.commands == (f"{PY} -m pip install 'termcolor>=1.1.0'",)


@pytest.mark.parametrize(
    ("proof", "changes", "evidence"),
    [
        (TF220, {"setuptools": "82.0.0"}, "tensorboard 2.20.0 needs setuptools<82, which its metadata does not say"),
        (TF221, {"setuptools": "82.0.0", "tensorflow-hub": "0.16.1"}, "tensorflow-hub 0.16.1 needs setuptools<82"),
        ("2.9.3-cp310-linux-cpu", {"protobuf": "4.21.0"}, "tensorflow 2.9.3 needs protobuf<3.21"),
        ("2.8.4-cp310-linux-cpu", {"numpy": "1.24.4"}, "tensorflow 2.8.4 needs numpy<1.24"),
        ("2.13.1-cp311-linux-cpu", {"numpy": "2.0.2"}, "tensorflow 2.13.1 needs numpy<2,"),
    ],
)
def test_bounds_that_metadata_lacks(proof: str, changes: dict[str, str], evidence: str) -> None:
    findings = [one for one in examined(with_packages(proven(proof), changes)).findings if one.severity == "error"]
    (finding,) = findings
    assert finding.id == "requirement-broken"
    assert any(line.startswith(evidence) for line in finding.evidence)
    assert finding.symptom


def test_what_tensorflow_does_not_need_is_a_note() -> None:
    facts = with_packages(proven(TF220), {"pandas": ("2.2.0", ["numpy>=99", "tzdata", "not a requirement ?"])})
    finding = only(facts)
    assert (finding.id, finding.severity, finding.commands) == ("requirements-elsewhere", "note", ())
    assert finding.evidence == (
        "pandas 2.2.0 requires numpy>=99; numpy 2.5.5 is installed",
        "pandas 2.2.0 requires tzdata; it is not installed",
    )


def test_a_long_list_is_cut() -> None:
    facts = with_packages(proven(TF220), {"pandas": ("2.2.0", [f"missing-{number}" for number in range(20)])})
    assert only(facts).evidence[-1] == "and 8 more"


def test_versions_that_are_none_are_left_alone() -> None:
    facts = with_packages(proven(TF220), {"numpy": "unknown", "tensorflow-text": "local-build", "pip": "main"})
    assert examined(facts).findings == ()


def test_markers_decide_what_is_required() -> None:
    facts = with_packages(proven(TF220), {"x": ("1", ["missing; python_version < '3.0'", "other; extra == 'all'"])})
    assert examined(facts).findings == ()


def test_a_companion_of_another_minor() -> None:
    facts = with_packages(proven(TF220), {"tensorflow-text": ("2.19.0", ["tensorflow<2.20,>=2.19.0"])})
    finding = only(facts)
    assert (finding.id, finding.severity) == ("companion-of-another-tensorflow", "error")
    assert finding.evidence == ("tensorflow-text 2.19.0 requires TensorFlow <2.20,>=2.19.0",)
    assert finding.commands == (f"{PY} -m pip install 'tensorflow-text<=2.20.1,>=2.20.0'",)


def test_a_companion_without_a_fitting_version() -> None:
    finding = next(
        one
        for one in examined(with_packages(proven(TF220), {"tensorflow-addons": "0.23.0"})).findings
        if one.id == "companion-of-another-tensorflow"
    )
    assert finding.commands == ()
    assert "no tensorflow-addons that we know of" in finding.advice[0]
    assert any("has ended" in line for line in finding.advice)


def test_a_companion_that_goes_with_it() -> None:
    facts = with_packages(proven(TF220), {"tensorflow-text": ("2.20.1", ["tensorflow<2.21,>=2.20.0"])})
    assert examined(facts).findings == ()


def test_keras_3_beside_a_tensorflow_for_keras_2() -> None:
    finding = only(with_packages(proven(TF215), {"keras": "3.5.0"}))
    assert (finding.id, finding.severity, finding.diagnosis) == ("keras-major", "error", "keras-import")
    assert finding.commands == (f"{PY} -m pip install 'keras==2.15.*'",)


def test_keras_2_beside_a_tensorflow_for_keras_3() -> None:
    finding = only(with_packages(proven(TF220), {"keras": "2.15.0"}))
    assert (finding.id, finding.commands) == ("keras-major", (f"{PY} -m pip install 'keras>=3'",))


def test_the_switch_to_keras_2_without_tf_keras() -> None:
    facts = replace(proven(TF220), environment={"TF_USE_LEGACY_KERAS": "1"})
    finding = only(facts)
    assert (finding.id, finding.severity) == ("legacy-keras-missing", "error")
    assert finding.commands == (f"{PY} -m pip install 'tf-keras~=2.20.0'",)
    assert examined(with_packages(facts, {"tf-keras": "2.20.1"})).findings == ()


def test_a_switch_that_this_tensorflow_does_not_know() -> None:
    facts = replace(proven("2.14.1-cp311-linux-cpu"), environment={"TF_USE_LEGACY_KERAS": "true"})
    assert (only(facts).id, only(facts).severity) == ("legacy-keras-switch-unused", "note")


def test_packages_that_want_keras_2() -> None:
    facts = with_packages(proven(TF220), {"tensorflow-hub": "0.16.1"})
    finding = only(facts)
    assert (finding.id, finding.severity) == ("legacy-keras-wanted", "note")
    assert finding.commands == (f"{PY} -m pip install 'tf-keras~=2.20.0'", "export TF_USE_LEGACY_KERAS=1")
    switched = replace(with_packages(facts, {"tf-keras": "2.20.1"}), environment={"TF_USE_LEGACY_KERAS": "1"})
    assert examined(switched).findings == ()


def test_a_backend_that_is_not_there() -> None:
    facts = replace(proven(TF220), environment={"KERAS_BACKEND": "jax"})
    assert (only(facts).id, only(facts).severity) == ("keras-backend-missing", "error")
    assert examined(with_packages(facts, {"jax": "0.7.0"})).findings == ()
    assert examined(replace(facts, environment={"KERAS_BACKEND": "tensorflow"})).findings == ()


def test_a_combination_that_is_known_bad() -> None:
    v100 = Gpu(name="Tesla V100-SXM2-16GB", compute_capability="7.0")
    facts = with_packages(with_gpu(TF220, v100), {"nvidia-cudnn-cu12": "9.12.0.46"})
    finding = next(one for one in examined(facts).findings if one.id == "known-bad")
    assert (finding.severity, "cudnn-9.11-old-gpu" in finding.summary) == ("error", True)
    assert finding.commands == (f"{PY} -m pip install 'nvidia-cudnn-cu12<9.11'",)


def test_rows_that_other_checks_judge_exist() -> None:
    assert {row.id for row in tables().known_bad.rows} >= SEEN_ELSEWHERE


def test_clashing_distributions() -> None:
    facts = with_packages(proven(TF220), {"tensorflow-cpu": "2.20.0"})
    init = "tensorflow/__init__.py"
    shared = SharedFile(folder=HOME, path=init, owners=("tensorflow", "tensorflow-cpu"), intact=("tensorflow-cpu",))
    inventory = healthy_inventory(facts, rivals=(("tensorflow", "tensorflow-cpu"),), shared=(shared,))
    finding = only(facts, inventory)
    assert (finding.id, finding.severity) == ("clashing-distributions", "error")
    assert finding.evidence == (
        "tensorflow 2.20.0",
        "tensorflow-cpu 2.20.0",
        f"{init} belongs to tensorflow and tensorflow-cpu; what lies there is that of tensorflow-cpu",
    )
    assert finding.commands == (
        f"{PY} -m pip uninstall --yes tensorflow-cpu",
        f"{PY} -m pip install --force-reinstall --no-deps tensorflow==2.20.0",
    )


def test_what_others_require_is_kept() -> None:
    facts = with_packages(
        proven(TF220),
        {"tensorflow-cpu": "2.20.0", "tensorflow": None, "tf-nightly-cpu": "2.21.0", "x": ("1", ["tf_nightly.cpu"])},
    )
    inventory = healthy_inventory(facts, rivals=(("tensorflow-cpu", "tf-nightly-cpu"),))
    finding = next(one for one in examined(facts, inventory).findings if one.id == "clashing-distributions")
    assert finding.commands[0] == f"{PY} -m pip uninstall --yes tensorflow-cpu"


def test_a_shim_and_what_it_brings_are_no_clash() -> None:
    facts = with_packages(proven(TF215), {"tensorflow-intel": "2.15.1"})
    facts = with_packages(facts, {"tensorflow": ("2.15.1", ["tensorflow-intel==2.15.1"])})
    inventory = healthy_inventory(facts, rivals=(("tensorflow", "tensorflow-intel"),))
    assert examined(facts, inventory).findings == ()


CU12, CU13 = "nvidia-nccl-cu12", "nvidia-nccl-cu13"


def collision(path: str, intact: str, owners: tuple[str, ...] = (CU12, CU13)) -> SharedFile:
    return SharedFile(folder=HOME, path=path, owners=owners, intact=(intact,))


def test_files_of_two_cuda_majors() -> None:
    facts = with_packages(proven(TF220), {CU12: "2.21.5", CU13: "2.32.3"})
    inventory = healthy_inventory(facts, shared=(collision("nvidia/nccl/lib/libnccl.so.2", CU13),))
    finding = only(facts, inventory)
    assert (finding.id, finding.severity) == ("file-collision", "warning")
    assert "what lies there is that of nvidia-nccl-cu13" in finding.evidence[2]
    assert finding.evidence[3].startswith("known of these two: wheel: nvidia_nccl_cu12")
    assert finding.commands == (
        f"{PY} -m pip uninstall --yes {CU13}",
        f"{PY} -m pip install --force-reinstall --no-deps {CU12}==2.21.5",
    )
    assert only(facts, replace(inventory, shared=(collision("nvidia/nccl/lib/libnccl.so.2", CU12),))).severity == "note"


def test_what_others_need_is_not_uninstalled() -> None:
    facts = with_packages(proven(TF220), {CU12: "2.21.5", CU13: "2.32.3", "torch": ("2.12.0", [CU13])})
    inventory = healthy_inventory(facts, shared=(collision("nvidia/nccl/lib/libnccl.so.2", CU13),))
    finding = next(one for one in examined(facts, inventory).findings if one.id == "file-collision")
    assert finding.commands == (f"{PY} -m pip install --force-reinstall --no-deps {CU12}==2.21.5",)
    assert finding.advice[0].startswith(f"torch need {CU13}: give them an environment of their own")


def test_a_library_that_registering_a_gpu_needs() -> None:
    names = ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
    facts = with_packages(with_gpu(TF220), dict.fromkeys(names, "9.12.0.46"))
    shared = (collision("nvidia/cudnn/lib/libcudnn.so.9", names[1], names),)
    finding = next(
        one for one in examined(facts, healthy_inventory(facts, shared=shared)).findings if one.id == "file-collision"
    )
    assert finding.severity == "error"


def test_files_of_two_of_tensorflows_own_requirements() -> None:
    facts = proven(TF220)
    files = tuple(collision(f"six{number}.py", "absl-py", ("absl-py", "six")) for number in range(6))
    finding = only(facts, healthy_inventory(facts, shared=files))
    assert (finding.severity, finding.evidence[-1]) == ("error", "and 2 more files")


def test_files_of_strangers_are_their_own_business() -> None:
    facts = with_packages(proven(TF220), {"a": "1", "b": "1"})
    assert examined(facts, healthy_inventory(facts, shared=(collision("x.py", "a", ("a", "b")),))).findings == ()


def test_a_missing_record() -> None:
    facts = proven(TF220)
    finding = only(facts, broken(facts, "absl-py", record=False))
    assert (finding.id, finding.severity, finding.diagnosis) == ("record-missing", "warning", "pip-no-record")
    assert finding.evidence == (f"{HOME}/absl-py-2.5.1.dist-info/RECORD is missing",)
    assert finding.commands == (f"{PY} -m pip install --ignore-installed --no-deps absl-py==2.5.1",)


@pytest.mark.parametrize("installer", ["debian", "conda"])
def test_who_keeps_the_list_elsewhere_misses_none(installer: str) -> None:
    facts = proven(TF220)
    assert examined(facts, broken(facts, "absl-py", record=False, installer=installer)).findings == ()
    assert examined(facts, broken(facts, "absl-py", record=False, editable=True)).findings == ()


def test_missing_files() -> None:
    facts = proven(TF220)
    inventory = broken(
        facts, "tensorflow", files=100, missing=("tensorflow/a.py", "tensorflow/b.py"), missing_count=9, vital=True
    )
    finding = only(facts, inventory)
    assert (finding.id, finding.severity) == ("files-missing", "error")
    assert finding.evidence == (
        "tensorflow 2.20.0: 9 of 100 files are missing: tensorflow/a.py, tensorflow/b.py and 7 more",
    )
    assert finding.commands == (f"{PY} -m pip install --force-reinstall --no-deps tensorflow==2.20.0",)


def test_a_slimmed_image_is_whole() -> None:
    facts = proven(TF220)
    assert (
        examined(facts, broken(facts, "tensorflow", missing=("tensorflow/include/x.h",), missing_count=99)).findings
        == ()
    )
    assert examined(facts, broken(facts, "six", record=False, folder="/usr/lib/python3/dist-packages")).findings == ()


def test_incomplete_packages_that_nobody_needs_here() -> None:
    facts = with_packages(proven(TF220), {"pandas": "2.2.0"})
    finding = only(facts, broken(facts, "pandas", record=False))
    assert (finding.id, finding.severity) == ("incomplete-elsewhere", "note")


def test_an_installation_that_was_killed() -> None:
    facts = proven(TF220)
    inventory = healthy_inventory(facts)
    (numpy,) = inventory.of("numpy")
    twice = replace(
        inventory, installed=(*inventory.installed, replace(numpy, version="2.4.0", info="numpy-2.4.0.dist-info"))
    )
    finding = only(facts, twice)
    assert (finding.id, finding.severity) == ("installed-twice", "error")
    assert finding.commands == (
        f"rm -rf {HOME}/numpy-2.5.5.dist-info",
        f"rm -rf {HOME}/numpy-2.4.0.dist-info",
        f"{PY} -m pip install --ignore-installed --no-deps numpy==2.5.5",
    )


def test_of_two_the_one_that_fits_is_kept() -> None:
    facts = with_packages(proven(TF216), {"numpy": "1.26.4"})
    inventory = healthy_inventory(facts)
    (numpy,) = inventory.of("numpy")
    newer = replace(numpy, version="2.1.3", info="numpy-2.1.3.dist-info")
    finding = only(facts, replace(inventory, installed=(newer, *inventory.installed)))
    assert finding.commands[-1].endswith(" numpy==1.26.4")
    assert sort_key("odd") < sort_key("0.0.1")


def test_a_lock_that_is_not_what_is_installed() -> None:
    wheels = [build_wheel(Project(name=name, version="1.17.0")) for name in ("six", "gone")]
    lock = make_lock(wheels)
    facts = with_packages(proven(TF220), {"six": "1.16.0"})
    found = examine(replace(make(facts, lock=lock), venv=".tf")).findings
    drift = next(one for one in found if one.id == "lock-drift")
    assert drift.severity == "error"
    assert drift.evidence == ("six 1.16.0 instead of 1.17.0", "gone 1.17.0 is missing")
    assert drift.commands == ("tfbootstrap install requirements.txt --venv .tf",)


def test_a_machine_that_the_lock_is_not_for() -> None:
    lock = make_lock([])
    facts = with_packages(proven("2.20.0-cp39-linux-cpu"), {})
    ids = {one.id: one.severity for one in examined(facts, lock=lock).findings}
    assert ids["lock-python"] == "error"


@pytest.mark.parametrize("name", [name for name in PROOFS if name.startswith("2.20.0")])
def test_order_is_severity_first(name: str) -> None:
    facts = with_packages(proven(name), {"pandas": ("2", ["missing"]), "numpy": "1.0", "setuptools": "99"})
    severities = [one.severity for one in examined(facts, broken(facts, "six", record=False)).findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert set(severities) == {"error", "warning", "note"}
