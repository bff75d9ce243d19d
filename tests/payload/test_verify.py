"""The checks of an environment, and what is said when the trial process dies."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import REPOSITORY
from tests.support.installed import install
from tests.support.wheel_factory import Project
from tfbootstrap.edges.resources import load_file
from tfbootstrap.matrix.diagnoses import DiagnosesFile
from tfbootstrap.payload import deep, verify
from tfbootstrap.payload.deep import check_records
from tfbootstrap.payload.distributions import Installed
from tfbootstrap.payload.hints import KNOWN
from tfbootstrap.payload.verify import (
    check_ownership,
    check_shadowing,
    check_versions,
    count_visible_gpus,
    run_in_fresh_process,
)

SIX = Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"})
OTHER = Project(name="other", version="1", files={"other.py": "y = 1\n"})


def summary(checks: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(check["id"], check["status"]) for check in checks]


def test_versions(tmp_path: Path) -> None:
    six = install(tmp_path, SIX)
    assert check_versions({"six": "1.17.0"}, [six])["status"] == "pass"
    failed = check_versions({"six": "1.16.0"}, [six])
    assert (failed["status"], failed["found"]) == ("fail", "six: 1.17.0 instead of 1.16.0")
    assert failed["hint"]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Installed]:
    """Let two distributions be all that is installed."""
    both = [install(tmp_path, SIX), install(tmp_path, OTHER)]
    monkeypatch.setattr(deep, "installed_distributions", lambda: both)
    return both


def test_good_records_pass(found: list[Installed]) -> None:
    assert summary(check_records({"six": "1.17.0"})) == [("record", "pass")]


def test_one_changed_byte_is_found_when_deep(found: list[Installed], tmp_path: Path) -> None:
    (tmp_path / "six.py").write_text("x = 2\n")
    (failed,) = check_records({"six": "1.17.0"})
    assert (failed["status"], failed["found"]) == ("fail", "six.py")
    (warned,) = check_records({"other": "1"})
    assert warned["status"] == "warn"
    (tmp_path / "six.py").unlink()
    assert summary(check_records({"six": "1.17.0"})) == [("record", "fail")]


def test_a_missing_record_fails_for_the_lock_and_warns_for_others(found: list[Installed], tmp_path: Path) -> None:
    for distribution in found:
        (tmp_path / distribution.info / "RECORD").unlink()
    checks = check_records({"six": "1.17.0"})
    assert summary(checks) == [("record", "fail"), ("record", "warn")]
    assert checks[0]["found"] == "six-1.17.0.dist-info/RECORD is missing"


def test_two_owners_of_one_file_fail_for_the_lock_and_warn_for_others(tmp_path: Path) -> None:
    plain = install(tmp_path, Project(name="tensorflow", version="2", files={"tensorflow/x.py": "2\n"}))
    intel = install(tmp_path, Project(name="tensorflow-intel", version="2", files={"tensorflow/x.py": "1\n"}))
    (failed,) = check_ownership({"tensorflow": "2"}, [intel, plain])
    assert (failed["status"], failed["found"]) == ("fail", "tensorflow and tensorflow-intel (tensorflow/x.py)")
    (warned,) = check_ownership({"six": "1"}, [intel, plain])
    assert warned["status"] == "warn"


def test_only_the_other_owner_is_broken_where_the_lock_s_file_is_there(tmp_path: Path) -> None:
    other = install(tmp_path, Project(name="nvidia-nccl-cu13", version="2", files={"nvidia/nccl.so": "13\n"}))
    own = install(tmp_path, Project(name="nvidia-nccl-cu12", version="2", files={"nvidia/nccl.so": "12\n"}))
    assert summary(check_ownership({"nvidia-nccl-cu12": "2"}, [own, other])) == [("ownership", "warn")]
    assert summary(check_ownership({"nvidia-nccl-cu13": "2"}, [own, other])) == [("ownership", "fail")]
    assert summary(check_ownership({"nvidia-nccl-cu12": "2", "nvidia-nccl-cu13": "2"}, [own, other])) == [
        ("ownership", "fail")
    ]


def test_equal_files_and_launchers_may_have_two_owners(tmp_path: Path) -> None:
    equal = {"nvidia/__init__.py": ""}
    found = [
        install(tmp_path, Project(name="one", version="1", files={**equal, "../bin/tool": "1"})),
        install(tmp_path, Project(name="two", version="1", files={**equal, "../bin/tool": "2"})),
    ]
    assert summary(check_ownership({"one": "1"}, found)) == [("ownership", "pass")]


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    files = {f"x/{number}.py": "1" for number in range(7)}
    found = [
        install(tmp_path, Project(name="one", version="1", files=files)),
        install(tmp_path, Project(name="two", version="1", files=dict.fromkeys(files, "2"))),
    ]
    assert check_ownership({"one": "1"}, found)[0]["found"].endswith("and 2 more")


def test_a_local_file_that_hides_a_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras").mkdir()
    assert check_shadowing(["tensorflow", "keras"], [str(tmp_path)])["status"] == "pass"
    (tmp_path / "keras" / "__init__.py").touch()
    (tmp_path / "tensorflow.py").touch()
    check = check_shadowing(["tensorflow", "keras"], [str(tmp_path), f"{tmp_path}/"])
    assert check["status"] == "fail"
    assert check["found"].split(", ") == [str(tmp_path / "tensorflow.py"), str(tmp_path / "keras" / "__init__.py")]
    assert str(tmp_path / "tensorflow.py") in check["hint"]


LOCK: dict[str, Any] = {"tensorflow": "2.20.0", "pins": {"six==1": "0"}}
HEAD = "import json, os, sys\nreport = open(sys.argv[1], 'a', buffering=1)\n"
BEGINS = HEAD + 'report.write(\'{"begins": "fit"}\\n\')\n'


def test_the_trial_gets_the_lock_and_an_empty_folder_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", "kept")
    trial = HEAD + (
        "found = [json.loads(sys.argv[2])['tensorflow'], sorted(os.listdir()), sys.path[0] == os.getcwd(),"
        " sorted(os.environ)]\n"
        "report.write(json.dumps({'id': 'x', 'status': 'pass', 'found': found}) + '\\n')\n"
    )
    (check,) = run_in_fresh_process(LOCK, trial)
    found: Any = check["found"]
    version, files, first, names = found
    assert (version, files, first) == ("2.20.0", ["report.jsonl", "tfbootstrap_trial.py"], True)
    plain = subprocess.check_output([sys.executable, "-c", "import os; print(sorted(os.environ))"], encoding="utf-8")
    assert names == ast.literal_eval(plain)


@pytest.mark.parametrize(
    ("end", "found", "hint"),
    [
        ("os.kill(os.getpid(), 4)", "signal 4", "AVX"),
        ("os.kill(os.getpid(), 9)", "signal 9", "memory"),
        ("os.kill(os.getpid(), 11)", "signal 11", "last lines"),
        ("print('bad https://me:secret@index.test'); os._exit(3)", "ended with 3", "last lines"),
    ],
)
def test_a_trial_that_dies_fails_the_check_that_it_was_in(end: str, found: str, hint: str) -> None:
    (check,) = run_in_fresh_process(
        LOCK, f"{BEGINS}sys.stdout.flush()\n{end.replace('; os', '; sys.stdout.flush(); os')}"
    )
    assert (check["id"], check["status"]) == ("fit", "fail")
    assert found in check["found"]
    assert hint in check["hint"]
    assert "secret" not in str(check)


NO_GPU = "E0000 failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected"


@pytest.mark.parametrize(
    ("name", "found", "printed", "hint"),
    [
        ("gpu", "none", NO_GPU, "See whether nvidia-smi lists the GPU"),
        ("fit", "wrong", NO_GPU, "its own"),
        ("fit", "InternalError: CUDNN_STATUS_NOT_INITIALIZED", "", "TF_FORCE_GPU_ALLOW_GROWTH=true"),
        ("gpu", "none", "", "its own"),
    ],
)
def test_what_is_known_of_an_error_is_the_hint(name: str, found: str, printed: str, hint: str) -> None:
    check = {"id": name, "status": "fail", "found": found, "expected": "", "hint": "its own"}
    trial = HEAD + f"report.write({json.dumps(check)!r} + '\\n')\nprint({printed!r}, file=sys.stderr)\n"
    (result,) = run_in_fresh_process(LOCK, trial)
    assert hint in result["hint"]


def test_known_errors_are_those_of_the_diagnoses() -> None:
    folder = REPOSITORY / "compat_matrix" / "diagnoses"
    rows = [row for file in folder.glob("*.yaml") for row in load_file(DiagnosesFile, file).rows]
    steps = {sign.phrase: {step.text for step in row.fix} for row in rows for sign in row.signs if not sign.patterns}
    assert all(step in steps[words] for words, step in KNOWN.items())


def test_a_trial_that_dies_at_once_fails_the_import() -> None:
    assert summary(run_in_fresh_process(LOCK, "import nothing_of_the_kind")) == [("import", "fail")]


def test_a_trial_that_dies_at_its_end_fails() -> None:
    trial = BEGINS + 'report.write(\'{"id": "fit", "status": "pass"}\\n\')\nos._exit(1)\n'
    assert summary(run_in_fresh_process(LOCK, trial)) == [("fit", "pass"), ("exit", "fail")]


def test_a_trial_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "TRIAL_LIMIT", 3)  # a busy machine takes its time to start a Python
    (check,) = run_in_fresh_process(LOCK, BEGINS + "import time\ntime.sleep(60)\n")
    assert (check["id"], check["status"]) == ("fit", "fail")
    assert "no answer" in check["found"]


@pytest.mark.parametrize(
    ("shown", "count"), [(None, 2), ("0", 1), ("", 0), ("-1", 0), ("0,1", 2), ("0,1,2", 2), ("GPU-1a2b", 1)]
)
def test_hidden_gpus_are_not_expected(shown: str | None, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert count_visible_gpus({"gpus": [{}, {}]}) == count
