"""Whole bootstraps, run as their users run them. Only TensorFlow itself is a stand-in here."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.bootstraps import TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.interpreters import PAYLOAD_PYTHONS
from tests.support.locks import PYTHON, make_lock
from tests.support.loopback_index import LoopbackIndex, needs_auth, slow, status, wrong_hash
from tests.support.programs import UV
from tests.support.wheel_factory import Artefact, Project, build_wheel

pytestmark = pytest.mark.slow

SIX = build_wheel(Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"}))
OLD_SIX = build_wheel(Project(name="six", version="1.16.0", files={"six.py": "x = 0\n"}))
TENSORFLOW = build_wheel(Project(name="tensorflow", version="2.20.0", files={"tensorflow/__init__.py": ""}))
LOCKED = (SIX, TENSORFLOW)


@pytest.fixture
def bootstrap(sandbox: Sandbox, loopback_index: LoopbackIndex) -> TinyBootstrap:
    """Return a bootstrap of two packages, beside an empty environment."""
    loopback_index.add(OLD_SIX, *LOCKED)
    made = TinyBootstrap(sandbox, loopback_index)
    made.write(make_lock(LOCKED))
    made.make_environment(sys.executable)
    return made


@pytest.fixture
def installed(bootstrap: TinyBootstrap) -> TinyBootstrap:
    """Return the bootstrap after its first run; the index has forgotten that it was asked."""
    assert bootstrap.run().code == 0
    bootstrap.index.requests.clear()
    return bootstrap


def test_the_first_run_installs_and_verifies(bootstrap: TinyBootstrap) -> None:
    run = bootstrap.run()
    assert run.code == 0, run.stderr
    assert run.report["ok"] is True
    assert run.report["installed"] == {"six": "missing", "tensorflow": "missing"}
    assert run.statuses() == {
        "python": "pass", "platform": "pass", "versions": "pass", "ownership": "pass",
        "shadowing": "pass", "import": "pass",
    }  # fmt: skip
    assert all(list(check) == ["expected", "found", "hint", "id", "status"] for check in run.report["checks"])
    assert run.stdout.endswith("TensorFlow 2.20.0 for this-machine: verified\n")
    bootstrap.sandbox.assert_nothing_left(expected=["project"])


def test_the_second_run_installs_nothing_and_asks_nobody(installed: TinyBootstrap) -> None:
    run = installed.run()
    assert (run.code, run.report["installed"]) == (0, {})
    assert "nothing to install" in run.stdout
    assert installed.index.requests == []


def test_only_what_differs_is_installed(installed: TinyBootstrap) -> None:
    installed.write(make_lock([OLD_SIX, TENSORFLOW]))
    run = installed.run()
    assert (run.code, run.report["installed"]) == (0, {"six": "1.17.0 instead of 1.16.0"})
    assert installed.index.paths("/files/*tensorflow*") == []


def test_a_deleted_package_is_repaired(installed: TinyBootstrap) -> None:
    (installed.site_packages / "six.py").unlink()
    run = installed.run()
    assert (run.code, run.report["installed"]) == (0, {"six": "incomplete: 1 files missing, six.py first"})
    assert (installed.site_packages / "six.py").read_text() == "x = 1\n"


def test_verify_only_finds_and_does_not_repair(installed: TinyBootstrap) -> None:
    (installed.site_packages / "six.py").unlink()
    run = installed.run("--verify-only")
    assert (run.code, run.report["ok"], run.statuses()["versions"]) == (1, False, "fail")
    assert "hint (versions): run the bootstrap without --verify-only" in run.stdout
    assert installed.index.requests == []
    assert not (installed.site_packages / "six.py").exists()


def test_one_changed_byte_is_found_by_deep(installed: TinyBootstrap) -> None:
    (installed.site_packages / "six.py").write_text("x = 2\n")
    assert installed.run().code == 0
    run = installed.run("--deep")
    assert (run.code, run.statuses()["record"]) == (1, "fail")
    assert "record" in run.stdout
    assert "six.py" in run.stdout


def test_a_file_beside_the_script_that_hides_tensorflow_is_named(installed: TinyBootstrap) -> None:
    local = installed.script.parent / "tensorflow.py"
    local.touch()
    run = installed.run()
    assert (run.code, run.statuses()["shadowing"]) == (1, "fail")
    assert f"rename {local}" in run.stdout


@pytest.mark.parametrize("where", ["the current folder", "PYTHONPATH"])
def test_a_file_elsewhere_on_the_way_is_named(installed: TinyBootstrap, where: str) -> None:
    folder = installed.sandbox.work if where == "the current folder" else installed.sandbox.root
    (folder / "six.py").touch()
    run = installed.run(variables={"PYTHONPATH": str(installed.sandbox.root) if where == "PYTHONPATH" else None})
    assert run.statuses()["shadowing"] == "fail"
    assert str(folder / "six.py") in run.stdout


def test_another_python_is_an_error_before_any_download(bootstrap: TinyBootstrap) -> None:
    bootstrap.write(make_lock(LOCKED, python="3.99"))
    run = bootstrap.run()
    assert (run.code, run.report["ok"], run.statuses()["python"]) == (2, False, "fail")
    assert f"tfbootstrap lock --python {PYTHON}" in run.stdout
    assert bootstrap.index.requests == []


def test_a_wrong_hash_is_refused_and_reported(bootstrap: TinyBootstrap) -> None:
    other = Artefact(SIX.filename, SIX.content + b"\0", SIX.project, SIX.metadata)
    bootstrap.write(make_lock([other, TENSORFLOW]))
    run = bootstrap.run()
    assert (run.code, run.report["ok"]) == (4, False)
    assert "2 of 2 packages still differ from the lock: six, tensorflow" in run.stderr
    assert "hint: the index has other files than the lock" in run.stderr
    bootstrap.sandbox.assert_nothing_left(expected=["project"])


def test_after_a_failed_run_the_next_goes_on(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(status(404), path="/files/*tensorflow*")
    assert bootstrap.run().code == 4
    bootstrap.index.behave()
    assert bootstrap.run().code == 0


def test_credentials_are_not_shown(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(needs_auth("me", "other"))
    url = f"http://me:hunter2@{bootstrap.index.host}/simple/"
    run = bootstrap.run(variables={"UV_DEFAULT_INDEX": url})
    assert run.code == 4
    assert "hunter2" not in run.stdout + run.stderr + str(run.report)


@pytest.mark.parametrize(
    ("installer", "variables", "agent"),
    [
        ("pip", {"PIP_INDEX_URL": "{index}"}, "pip"),
        (None, {"PIP_INDEX_URL": "{index}", "UV_DEFAULT_INDEX": None}, "pip"),
        (None, {"PIP_INDEX_URL": "http://127.0.0.1:9/"}, "uv"),
    ],
    ids=["asked for pip", "an index configured for pip only", "an index configured for uv, too"],
)
def test_the_installer_is_the_one_that_knows_the_index(
    sandbox: Sandbox,
    loopback_index: LoopbackIndex,
    environment_with_pip: Path,
    installer: str | None,
    variables: dict[str, str | None],
    agent: str,
) -> None:
    loopback_index.add(*LOCKED)
    bootstrap = TinyBootstrap(sandbox, loopback_index)
    bootstrap.write(make_lock(LOCKED))
    bootstrap.copy_environment(environment_with_pip)
    filled = {key: value and value.format(index=loopback_index.simple_url) for key, value in variables.items()}
    run = bootstrap.run(installer=installer, variables=filled)
    assert run.code == 0, run.stdout + run.stderr
    assert {request.headers["user-agent"].split("/")[0] for request in loopback_index.requests} == {agent}
    broken = bootstrap.site_packages / "six.py"
    broken.unlink()
    assert bootstrap.run(installer=installer, variables=filled).code == 0
    assert broken.exists()


def test_without_any_installer_the_error_says_how_to_get_one(bootstrap: TinyBootstrap) -> None:
    run = bootstrap.run(installer="pip")
    assert run.code == 4
    assert "neither uv nor pip" in run.stderr
    assert "-m ensurepip" in run.stderr


@pytest.mark.parametrize("installer", ["uv", "nothing", "/no/such/uv"])
def test_an_installer_that_is_not_there_is_a_usage_error(bootstrap: TinyBootstrap, installer: str) -> None:
    run = bootstrap.run(installer=installer, variables={"PATH": "/nowhere"})
    assert run.code == 2
    assert f"no such installer: {installer}" in run.stderr


@pytest.mark.parametrize("installer", [str(UV), "pip"])
def test_bounds_of_the_image_do_not_reach_the_installer(
    bootstrap: TinyBootstrap, environment_with_pip: Path, installer: str
) -> None:
    bootstrap.copy_environment(environment_with_pip)
    missing = dict.fromkeys(["UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "PIP_CONSTRAINT"], "/no/such/file")
    run = bootstrap.run(installer=installer, variables={**missing, "PIP_INDEX_URL": bootstrap.index.simple_url})
    assert run.code == 0, run.stdout + run.stderr


def test_a_report_that_can_not_be_written_is_one_message(installed: TinyBootstrap) -> None:
    result = installed.sandbox.run(installed.python, installed.script, "--json", "no/such/folder/report.json")
    assert result.returncode == 2
    assert "error: " in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr


def test_venv_makes_an_environment_and_uses_it_again(bootstrap: TinyBootstrap) -> None:
    python = Path(sys.executable)
    first = bootstrap.run("--venv", ".tf", python=python)
    assert first.code == 0, first.stdout + first.stderr
    assert (bootstrap.sandbox.work / ".tf" / "bin" / "python").exists()
    bootstrap.index.requests.clear()
    second = bootstrap.run("--venv", ".tf", "--verify-only", "--deep", python=python)
    assert (second.code, second.report["installed"]) == (0, {})
    assert bootstrap.index.requests == []


def test_venv_refuses_what_is_no_environment(bootstrap: TinyBootstrap) -> None:
    run = bootstrap.run("--venv", "project")
    assert run.code == 2
    assert "no working virtual environment" in run.stderr
    assert [path.name for path in bootstrap.script.parent.iterdir()] == ["bootstrap.py"]


def test_venv_to_verify_must_be_there(bootstrap: TinyBootstrap) -> None:
    run = bootstrap.run("--venv", "nowhere", "--verify-only")
    assert run.code == 2
    assert not (bootstrap.sandbox.work / "nowhere").exists()


def test_venv_needs_the_right_python(bootstrap: TinyBootstrap) -> None:
    bootstrap.write(make_lock(LOCKED, python="3.99"))
    run = bootstrap.run("--venv", ".tf")
    assert run.code == 2
    assert "the lock is for Python 3.99" in run.stderr
    assert not (bootstrap.sandbox.work / ".tf").exists()


def test_an_interruption_leaves_nothing_behind(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(slow(60))
    process = subprocess.Popen(
        [bootstrap.python, bootstrap.script],
        cwd=bootstrap.sandbox.work,
        env=bootstrap.sandbox.environment(UV_DEFAULT_INDEX=bootstrap.index.simple_url, PYTHONPATH=None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    while not bootstrap.index.requests:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; run this again" in output
    assert "Traceback" not in output
    bootstrap.sandbox.assert_nothing_left(expected=["project"])


def test_the_system_s_python_is_not_touched(bootstrap: TinyBootstrap) -> None:
    # What Debian does: a marker in the folder of the standard library.
    marker = "import sys, sysconfig\nsys.base_prefix = sys.prefix\nsysconfig.get_path = lambda _name: sys.argv[-1]\n"
    (bootstrap.sandbox.temporary / "EXTERNALLY-MANAGED").touch()
    code = marker + (
        "from tfbootstrap.payload.install import BootstrapError, install_lock\n"
        f"lock = {{'pins': {{'six==1': ['{SIX.sha256}']}}, 'loader_links': False}}\n"
        "try:\n    install_lock(lock, 'auto', print)\n"
        "except BootstrapError as error:\n    print(error.code, error.hint)\n"
    )
    result = bootstrap.sandbox.run(bootstrap.python, "-c", code, bootstrap.sandbox.temporary)
    hint = "use a virtual environment: run this with --venv .tf, or in a notebook tfbootstrap cell --isolate"
    assert result.stdout == f"2 {hint}\n", result.stderr
    assert bootstrap.index.requests == []


def test_help_documents_the_exit_codes(bootstrap: TinyBootstrap) -> None:
    run = bootstrap.run("--help")
    assert run.code == 0
    assert (
        "exit codes: 0 verified, 1 verification failed, 2 wrong machine or usage, 4 installation failed" in run.stdout
    )


@pytest.mark.parametrize("interpreter", PAYLOAD_PYTHONS, indirect=True)
def test_it_runs_on_every_python(sandbox: Sandbox, loopback_index: LoopbackIndex, interpreter: Path) -> None:
    loopback_index.add(*LOCKED)
    bootstrap = TinyBootstrap(sandbox, loopback_index)
    version = subprocess.check_output([interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    bootstrap.write(make_lock(LOCKED, python=version.decode().strip()))
    bootstrap.make_environment(interpreter)
    run = bootstrap.run("--deep")
    assert run.code == 0, run.stdout + run.stderr
    assert run.stderr == ""


def test_a_page_with_wrong_hashes_is_refused(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(wrong_hash(), path="/simple/*")
    assert bootstrap.run().code == 4
    bootstrap.sandbox.assert_nothing_left(expected=["project"])
