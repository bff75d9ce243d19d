"""`tfbootstrap install` and `tfbootstrap verify` as their users run them; there is no TensorFlow here to pass."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.environment import Sandbox
from tests.support.installed import install
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex
from tests.support.programs import UV
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.lock import write_lock

BROKEN = "raise AttributeError('_ARRAY_API not found')\n"
SIX = build_wheel(Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"}))


@pytest.fixture
def index(sandbox: Sandbox, loopback_index: LoopbackIndex) -> LoopbackIndex:
    """Return an index, beside a lock for it."""
    loopback_index.add(SIX)
    (sandbox.work / "requirements.txt").write_text(write_lock(make_lock([SIX])))
    return loopback_index


def test_installs_into_an_environment_and_tells_what_fails(sandbox: Sandbox, index: LoopbackIndex) -> None:
    variables = {"UV_DEFAULT_INDEX": index.simple_url, "UV_NO_CACHE": "1"}
    sandbox.run(
        UV, "venv", "--python", sys.executable, ".tf"
    )  # tests/test_bootstrap.py has it made by the bootstrap, which takes its time
    run = sandbox.tfbootstrap("install", "--venv", ".tf", variables=variables)
    assert run.returncode == 1
    assert "installed 1 packages" in run.stdout
    assert "fail  ModuleNotFoundError: No module named 'numpy'" in run.stdout
    assert list((sandbox.work / ".tf").glob("lib/python*/site-packages/six.py"))
    sandbox.assert_nothing_left(expected=["requirements.txt", ".tf"])
    verified = sandbox.tfbootstrap("verify", "--venv", ".tf", "--deep", "--json")
    assert verified.returncode == 1
    report = json.loads(verified.stdout)
    assert {check["id"]: check["status"] for check in report["checks"]} == {
        "python": "pass", "platform": "pass", "versions": "pass", "record": "pass", "ownership": "pass",
        "shadowing": "pass", "import": "fail",
    }  # fmt: skip
    assert report["ok"] is False
    assert "versions" in verified.stderr


def test_verify_installs_nothing(sandbox: Sandbox, index: LoopbackIndex) -> None:
    result = sandbox.tfbootstrap("verify", variables={"UV_DEFAULT_INDEX": index.simple_url})
    assert result.returncode == 1
    assert "versions" in result.stdout
    assert index.requests == []
    sandbox.assert_nothing_left(expected=["requirements.txt"])


def test_what_stops_the_bootstrap_is_in_the_report(sandbox: Sandbox, index: LoopbackIndex) -> None:
    result = sandbox.tfbootstrap("verify", "--venv", "nowhere", "--json")
    assert result.returncode == 2
    (check,) = json.loads(result.stdout)["checks"]
    assert (check["status"], "nowhere" in check["found"]) == ("fail", True)


def test_a_failed_check_is_told_with_its_class(sandbox: Sandbox) -> None:
    broken = build_wheel(Project(name="numpy", version="2.0.2", files={"numpy/__init__.py": BROKEN}))
    sandbox.run(UV, "venv", "--python", sys.executable, ".tf")
    (library,) = (sandbox.work / ".tf").glob("lib/python*/site-packages")
    install(library, broken.project)
    (sandbox.work / "requirements.txt").write_text(write_lock(make_lock([broken])))
    result = sandbox.tfbootstrap("verify", "--venv", ".tf")
    assert result.returncode == 1
    assert "import: NumPy 2 is installed, and a module was compiled for NumPy 1" in result.stderr
    assert "(numpy2-abi)\n  -> pip install 'numpy<2'" in result.stderr
    report = json.loads(sandbox.tfbootstrap("verify", "--venv", ".tf", "--json").stdout)
    assert [check["class"] for check in report["checks"] if check["status"] == "fail"] == ["numpy2-abi"]


@pytest.mark.parametrize("command", ["install", "verify"])
def test_a_missing_lock_is_one_message(sandbox: Sandbox, command: str) -> None:
    result = sandbox.tfbootstrap(command, "nothing.txt")
    assert (result.returncode, result.stdout) == (2, "")
    assert "nothing.txt: there is no such lock" in result.stderr
    assert "tfbootstrap lock" in result.stderr
