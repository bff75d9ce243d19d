"""What goes wrong on real machines, injected for real. After each the next run repairs, and no report lies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.bootstraps import TinyBootstrap
from tests.support.environment import Sandbox, assert_holds_only
from tests.support.filesystems import SmallDisk
from tests.support.locks import make_lock
from tests.support.loopback_index import Fault, LoopbackIndex, reset, slow, status
from tests.support.programs import UV
from tests.support.wheel_factory import Artefact, Project, build_wheel

pytestmark = pytest.mark.slow

NOISE = random.Random(7).randbytes(6_000_000)
SIX = build_wheel(Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"}))
OLD_SIX = build_wheel(Project(name="six", version="1.16.0", files={"six.py": "x = 0\n", "six_old.py": ""}))
MANY = {f"tensorflow/part{number}.py": f"x = {number}\n" for number in range(200)}
TENSORFLOW = build_wheel(Project(name="tensorflow", version="2.20.0", files={"tensorflow/__init__.py": "", **MANY}))
RIVAL = build_wheel(
    Project(name="tensorflow-cpu", version="2.19.0", files={"tensorflow/__init__.py": "1", "tensorflow/own.py": ""})
)
LOCKED = (SIX, TENSORFLOW)
INSTALLERS = {str(UV): {"UV_HTTP_RETRIES": "0"}, "pip": {"PIP_RETRIES": "0"}}
"""Installer -> what keeps it from trying again by itself: how often it does is not ours."""


@pytest.fixture
def bootstrap(sandbox: Sandbox, loopback_index: LoopbackIndex) -> TinyBootstrap:
    """Return a bootstrap of two packages, beside an empty environment."""
    return make_bootstrap(TinyBootstrap(sandbox, loopback_index))


def make_bootstrap(bootstrap: TinyBootstrap, *artefacts: Artefact) -> TinyBootstrap:
    bootstrap.index.add(OLD_SIX, RIVAL, *LOCKED, *artefacts)
    bootstrap.write(make_lock([*LOCKED, *artefacts]))
    bootstrap.make_environment(sys.executable)
    return bootstrap


def install(bootstrap: TinyBootstrap, *requirements: str) -> None:
    """Install something as its user would have done before."""
    command: list[str | Path] = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        bootstrap.python,
        *requirements,
    ]
    subprocess.run(command, check=True, env=bootstrap.sandbox.environment(**bootstrap.variables))


def assert_whole(bootstrap: TinyBootstrap) -> None:
    """Fail unless the files are those of the wheels and no other is left."""
    assert (bootstrap.site_packages / "six.py").read_text() == "x = 1\n"
    names = {path.name for path in (bootstrap.site_packages / "tensorflow").glob("*.py")}
    assert names == {"__init__.py", *(name.partition("/")[2] for name in MANY)}


def assert_repaired(bootstrap: TinyBootstrap) -> None:
    """Fail unless the next run makes all well and the one after that has nothing to do."""
    run = bootstrap.run("--deep")
    assert run.code == 0, run.stdout + run.stderr
    assert_whole(bootstrap)
    assert bootstrap.run().report["installed"] == {}
    assert_holds_only(bootstrap.sandbox.work, ["project"])
    # A uv that fails may leave its own.
    assert [path.name for path in bootstrap.sandbox.temporary.iterdir() if not path.name.startswith(".tmp")] == []


@pytest.mark.parametrize(
    ("fault", "installer", "told"),
    [
        (reset(), str(UV), True),
        (reset(after_bytes=200), str(UV), False),  # uv itself asks for the rest
        (status(503), str(UV), True),
        (status(503), "pip", True),
    ],
    ids=["refused", "cut", "503", "503 with pip"],
)
def test_what_passes_is_waited_for(bootstrap: TinyBootstrap, fault: Fault, installer: str, told: bool) -> None:
    if installer == "pip":
        subprocess.run([bootstrap.python, "-m", "ensurepip"], check=True, capture_output=True)
    trouble = bootstrap.index.misbehave(fault, path="/files/*.whl", times=2)
    variables = {**INSTALLERS[installer], "PIP_INDEX_URL": bootstrap.index.simple_url}
    run = bootstrap.run(installer=installer, variables=variables)
    assert run.code == 0, run.stdout + run.stderr
    assert trouble.hits == 2
    assert ("the index or the network failed; trying again in 0.1 seconds" in run.stdout) == told
    assert_whole(bootstrap)


@pytest.mark.parametrize("fault", [reset(after_bytes=200), status(503)], ids=["cut", "503"])
def test_what_stays_is_reported_and_the_next_run_goes_on(bootstrap: TinyBootstrap, fault: Fault) -> None:
    bootstrap.index.misbehave(fault, path="/files/*tensorflow*")
    run = bootstrap.run(variables=INSTALLERS[str(UV)])
    assert (run.code, run.report["ok"]) == (4, False)
    assert run.stdout.count("trying again") == 3
    assert "hint: check network, package index" in run.stderr
    assert bootstrap.run("--verify-only").report["ok"] is False
    bootstrap.index.behave()
    assert_repaired(bootstrap)


def test_what_does_not_pass_is_not_tried_again(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(status(403), path="/files/*")
    run = bootstrap.run()
    assert run.code == 4
    assert "trying again" not in run.stdout


def test_a_full_disk(sandbox: Sandbox, loopback_index: LoopbackIndex, small_disk: SmallDisk) -> None:
    large = build_wheel(Project(name="large", version="1", files={"large.bin": NOISE}))
    bootstrap = make_bootstrap(TinyBootstrap(sandbox, loopback_index, small_disk.path / "venv"), large)
    run = bootstrap.run()
    assert (run.code, run.report["ok"]) == (4, False)
    assert "hint: free some space" in run.stderr
    run = bootstrap.run("--verify-only")
    assert (run.code, run.statuses()["versions"]) == (1, "fail")
    small_disk.grow_to("64m")
    assert_repaired(bootstrap)


def test_not_a_single_byte_left(sandbox: Sandbox, loopback_index: LoopbackIndex, small_disk: SmallDisk) -> None:
    bootstrap = make_bootstrap(TinyBootstrap(sandbox, loopback_index, small_disk.path / "venv"))
    filler = small_disk.path / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    run = bootstrap.run()
    assert (run.code, run.report["ok"]) == (4, False)
    assert "hint: free some space" in run.stderr
    filler.unlink()
    assert_repaired(bootstrap)


def test_read_only(sandbox: Sandbox, loopback_index: LoopbackIndex, small_disk: SmallDisk) -> None:
    small_disk.grow_to("64m")
    bootstrap = make_bootstrap(TinyBootstrap(sandbox, loopback_index, small_disk.path / "venv"))
    small_disk.set_writable(False)
    run = bootstrap.run()
    assert (run.code, run.report["ok"]) == (4, False)
    assert "Read-only file system" in run.stderr
    assert "hint: use another environment: --venv .tf, or in a notebook tfbootstrap cell --isolate" in run.stderr
    assert loopback_index.requests == []
    small_disk.set_writable(True)
    assert_repaired(bootstrap)
    small_disk.set_writable(False)
    assert bootstrap.run().code == 0


@pytest.mark.parametrize("moment", [0.2, 0.5, 0.8])
def test_killed_at_any_moment(bootstrap: TinyBootstrap, moment: float) -> None:
    assert bootstrap.run().code == 0
    install(bootstrap, "six==1.16.0", "tensorflow-cpu")
    started = time.monotonic()
    assert bootstrap.run().code == 0
    whole = time.monotonic() - started
    install(bootstrap, "six==1.16.0", "tensorflow-cpu")
    process = bootstrap.start()
    time.sleep(moment * whole)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if process.returncode == -signal.SIGKILL:
        assert not bootstrap.report.exists()
    if bootstrap.run("--verify-only", "--deep").report["ok"]:
        assert_whole(bootstrap)
    for left in bootstrap.sandbox.temporary.iterdir():
        subprocess.run(["rm", "-r", left], check=True)  # what is killed can't clean up
    assert_repaired(bootstrap)


@pytest.mark.parametrize("gone", [("METADATA",), ("RECORD",), ("METADATA", "RECORD")])
def test_half_a_description_left_by_what_was_killed(bootstrap: TinyBootstrap, gone: tuple[str, ...]) -> None:
    assert bootstrap.run().code == 0
    for name in gone:
        (bootstrap.site_packages / "six-1.17.0.dist-info" / name).unlink()
    (bootstrap.site_packages / "six.py").write_text("")
    assert bootstrap.run("--verify-only").report["ok"] is False
    assert_repaired(bootstrap)


def test_two_descriptions_left_by_what_was_killed(bootstrap: TinyBootstrap) -> None:
    install(bootstrap, "six==1.16.0")
    kept = bootstrap.site_packages / "six-1.16.0.dist-info"
    kept.rename(bootstrap.site_packages / "kept")
    assert bootstrap.run().code == 0
    (bootstrap.site_packages / "kept").rename(kept)
    run = bootstrap.run("--verify-only")
    assert "installed twice" in run.stdout
    assert_repaired(bootstrap)


def test_what_a_killed_pip_has_put_aside_does_not_count(bootstrap: TinyBootstrap) -> None:
    install(bootstrap, "six==1.16.0")
    info = bootstrap.site_packages / "six-1.16.0.dist-info"
    info.rename(info.with_name("~ix-1.16.0.dist-info"))
    assert_repaired(bootstrap)


def test_a_former_report_does_not_outlive_a_killed_run(bootstrap: TinyBootstrap) -> None:
    assert bootstrap.run().report["ok"] is True
    (bootstrap.site_packages / "six.py").unlink()
    bootstrap.index.misbehave(slow(60))
    process = bootstrap.start()
    wait_for_a_request(bootstrap)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not bootstrap.report.exists()


def wait_for_a_request(bootstrap: TinyBootstrap) -> None:
    asked = len(bootstrap.index.requests)
    deadline = time.monotonic() + 30
    while len(bootstrap.index.requests) == asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_at_once(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(slow(1), path="/files/*.whl")
    processes = [bootstrap.start(), bootstrap.start()]
    outputs = sorted(process.communicate(timeout=60)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sorted(bootstrap.index.paths("/files/*.whl")) == [f"/files/{wheel.filename}" for wheel in LOCKED]
    assert "another bootstrap changes this environment: waiting for it" in outputs[0]
    assert "nothing to install" in outputs[0]
    assert_whole(bootstrap)


def test_an_installer_that_outlives_its_bootstrap_is_waited_for(bootstrap: TinyBootstrap) -> None:
    bootstrap.index.misbehave(slow(3), path="/files/*.whl", times=1)
    process = bootstrap.start()
    wait_for_a_request(bootstrap)
    os.kill(process.pid, signal.SIGKILL)
    run = bootstrap.run()
    process.communicate()
    assert run.code == 0, run.stdout + run.stderr
    assert "waiting for it" in run.stdout
    assert_whole(bootstrap)


def test_a_lock_that_was_left_does_not_hold_up(bootstrap: TinyBootstrap) -> None:
    lock = bootstrap.site_packages / ".tfbootstrap.lock"
    lock.write_text("1\n")
    run = bootstrap.run()
    assert run.code == 0
    assert "waiting" not in run.stdout


def test_a_clock_that_jumps(bootstrap: TinyBootstrap) -> None:
    jumps = "import itertools, time\nhours = itertools.cycle([0, 9000, -9000])\nnow = time.time\n"
    jumps += "time.time = lambda: now() + 3600 * next(hours)\n"
    (bootstrap.site_packages / "sitecustomize.py").write_text(jumps)
    lock = bootstrap.site_packages / ".tfbootstrap.lock"
    lock.touch()
    os.utime(lock, (time.time() + 10**8, time.time() + 10**8))
    bootstrap.index.misbehave(status(503), path="/files/*", times=1)
    run = bootstrap.run(variables=INSTALLERS[str(UV)])
    assert run.code == 0, run.stdout + run.stderr
    assert_repaired(bootstrap)


def test_nvidia_smi_that_hangs(bootstrap: TinyBootstrap) -> None:
    bootstrap.write(make_lock(LOCKED, cuda_provider="wheels", driver_floor="525.60.13"))
    programs = bootstrap.sandbox.root / "programs"
    programs.mkdir()
    smi = programs / "nvidia-smi"
    smi.write_text("#!/bin/sh\ntrap '' TERM INT\nsleep 600\n")
    smi.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    started = time.monotonic()
    run = bootstrap.run(variables={"PATH": path})
    assert time.monotonic() - started < 60
    assert run.statuses()["hardware"] == "warn"
    assert "could not ask: nvidia-smi did not answer within 2 s" in run.stdout


def test_a_rival_of_tensorflow_is_removed_and_tensorflow_made_whole(bootstrap: TinyBootstrap) -> None:
    assert bootstrap.run().code == 0
    install(bootstrap, "tensorflow-cpu")
    assert bootstrap.run("--verify-only").statuses()["ownership"] == "fail"
    run = bootstrap.run()
    assert run.code == 0, run.stdout + run.stderr
    assert "removing tensorflow-cpu 2.19.0: it brings the same modules as the lock" in run.stdout
    assert list(run.report["installed"]) == ["tensorflow"]
    assert not list(bootstrap.site_packages.glob("tensorflow_cpu*"))
    assert_repaired(bootstrap)


def test_a_rival_alone_makes_room(bootstrap: TinyBootstrap) -> None:
    install(bootstrap, "tensorflow-cpu")
    assert_repaired(bootstrap)


def test_killed_between_removing_and_installing(bootstrap: TinyBootstrap) -> None:
    assert bootstrap.run().code == 0
    install(bootstrap, "tensorflow-cpu")
    bootstrap.index.misbehave(slow(60))
    process = bootstrap.start()
    wait_for_a_request(bootstrap)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    bootstrap.index.behave()
    assert not (bootstrap.site_packages / "tensorflow" / "__init__.py").exists()
    assert bootstrap.run("--verify-only").report["ok"] is False
    for left in bootstrap.sandbox.temporary.iterdir():
        subprocess.run(["rm", "-r", left], check=True)
    assert_repaired(bootstrap)


def test_what_others_have_overwritten_is_repaired(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    def nccl(major: int, content: str) -> Artefact:
        files = {"nvidia/nccl/lib/libnccl.so.2": content}
        return build_wheel(Project(name=f"nvidia-nccl-cu{major}", version="2.27.3", files=files))

    bootstrap = make_bootstrap(TinyBootstrap(sandbox, loopback_index), nccl(12, "12"))
    loopback_index.add(nccl(13, "13"))
    assert bootstrap.run().code == 0
    install(bootstrap, "nvidia-nccl-cu13")
    assert bootstrap.run("--verify-only").statuses()["ownership"] == "fail"
    run = bootstrap.run()
    assert run.code == 0, run.stdout + run.stderr
    reason = "overwritten by nvidia-nccl-cu13: nvidia/nccl/lib/libnccl.so.2"
    assert run.report["installed"] == {"nvidia-nccl-cu12": reason}
    assert run.statuses()["ownership"] == "warn"
    assert (bootstrap.site_packages / "nvidia/nccl/lib/libnccl.so.2").read_text() == "12"


@pytest.mark.parametrize("artefact", [OLD_SIX, RIVAL], ids=["another version", "a rival"])
def test_what_hides_the_lock_is_named_before_anything_is_changed(bootstrap: TinyBootstrap, artefact: Artefact) -> None:
    assert bootstrap.run().code == 0
    bootstrap.index.requests.clear()
    elsewhere = bootstrap.sandbox.root / "elsewhere"
    name = artefact.project.name
    install(bootstrap, "--target", str(elsewhere), f"{name}=={artefact.project.version}")
    bootstrap.index.requests.clear()
    run = bootstrap.run(variables={"PYTHONPATH": str(elsewhere)})
    assert (run.code, run.report["ok"]) == (4, False)
    assert f"{name} {artefact.project.version} in {elsewhere}" in run.stderr
    assert "unset PYTHONPATH" in run.stderr
    assert bootstrap.index.requests == []


def test_a_record_that_points_elsewhere_removes_nothing_there(bootstrap: TinyBootstrap, tmp_path: Path) -> None:
    install(bootstrap, "tensorflow-cpu")
    precious = tmp_path / "precious"
    precious.touch()
    (record,) = bootstrap.site_packages.glob("tensorflow_cpu*/RECORD")
    record.write_text(record.read_text() + f"{os.path.relpath(precious, bootstrap.site_packages)},,\n{precious},,\n")
    assert bootstrap.run().code == 0
    assert precious.exists()
