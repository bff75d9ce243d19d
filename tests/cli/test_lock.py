"""`tfbootstrap lock` as a user runs it, against a small index on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from packaging.pylock import Pylock

from tests.cli.conftest import User
from tests.support import loopback_index as faults
from tests.support.environment import REPOSITORY, Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.machines import MACHINES
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.errors import ExitCode
from tfbootstrap.lock import read_lock
from tfbootstrap.toml import parse_toml

LINUX = ("--runtime", "linux-cpu", "--python", "3.12")


def test_a_lock_and_its_bootstrap_are_written(user: User) -> None:
    result = user.lock("--tensorflow", "2.20", *LINUX)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    lock = read_lock(user.text(), "requirements.txt")
    assert lock.header.tensorflow == "2.20.0"
    assert lock.header.target.python == "3.12"
    assert lock.header.cuda_provider == "none"
    assert lock.header.command == (
        "tfbootstrap lock --tensorflow=2.20 --runtime=linux-cpu --python=3.12 --output-file=requirements.txt"
    )
    assert {"tensorflow", "numpy", "keras"} <= {pin.name for pin in lock.pins}
    assert not any(pin.name.startswith("nvidia") for pin in lock.pins)
    user.sandbox.assert_nothing_left(expected=["requirements.txt", "bootstrap.py"])


def test_every_hash_is_of_a_file_that_fits_the_target(user: User) -> None:
    assert user.lock("--tensorflow", "2.20", *LINUX).returncode == 0
    pin = read_lock(user.text(), "requirements.txt").pin("tensorflow")
    assert pin is not None
    hashes = {
        f"sha256:{file.sha256}": file.filename
        for file in user.index._artefacts.values()
        if file.filename.startswith("tensorflow-")
    }
    assert [
        re.sub(r"^tensorflow-2\.20\.0-(\w+)-.*_(x86_64)\.whl$", r"\1 \2", hashes[digest]) for digest in pin.hashes
    ] == ["cp312 x86_64"]


def test_a_second_run_changes_no_byte_and_touches_no_file(user: User) -> None:
    user.lock("--tensorflow", "2.20", *LINUX)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in user.sandbox.work.iterdir()}
    result = user.lock("--tensorflow", "2.20", *LINUX)
    assert "unchanged requirements.txt" in result.stderr
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in user.sandbox.work.iterdir()} == before


def test_requirements_written_by_hand_are_not_written_over_unasked(user: User) -> None:
    user.write("requirements.txt", "numpy<2.2\n")
    result = user.lock("--tensorflow", "2.20", *LINUX)
    assert result.returncode == 2
    assert "requirements.txt is there, and is no lock of tfbootstrap" in result.stderr
    assert user.lock("--tensorflow", "2.20", "--dry-run", *LINUX).returncode == 0
    assert user.text() == "numpy<2.2\n"
    user.sandbox.assert_nothing_left(expected=["requirements.txt"])
    assert user.lock("--tensorflow", "2.20", "-o", "requirements.txt", *LINUX).returncode == 0
    assert user.lock("--tensorflow", "2.20", *LINUX).returncode == 0


@pytest.mark.parametrize("output", [(), ("-o", "./requirements.txt")])
def test_a_lock_does_not_replace_the_requirements_that_it_is_made_from(user: User, output: tuple[str, ...]) -> None:
    user.write("requirements.txt", "numpy<2.2\n")
    result = user.lock("-r", "requirements.txt", *output, *LINUX)
    assert result.returncode == 2
    assert "requirements.txt is what the lock is made from" in result.stderr
    assert "mv requirements.txt requirements.in" in result.stderr
    assert user.text() == "numpy<2.2\n"


def test_a_bootstrap_py_of_somebody_else_s_is_not_written_over(user: User) -> None:
    user.write("bootstrap.py", "print('mine')\n")
    result = user.lock("--tensorflow", "2.20", *LINUX)
    assert result.returncode == 2
    assert "bootstrap.py is there, and was not made by tfbootstrap" in result.stderr
    assert user.lock("--tensorflow", "2.20", "--no-bootstrap", *LINUX).returncode == 0
    assert user.text("bootstrap.py") == "print('mine')\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with a path")
def test_a_pipe_is_no_place_for_a_lock(user: User) -> None:
    os.mkfifo(user.sandbox.work / "pipe.txt")
    result = user.lock("-o", "pipe.txt", *LINUX)
    assert result.returncode == 2
    assert "pipe.txt is a device or a pipe" in result.stderr


def test_a_name_that_no_file_can_have_is_refused(user: User) -> None:
    result = user.lock("-o", "a" * 300, *LINUX)
    assert result.returncode == 2
    assert "a can't be a file: File name too long" in result.stderr


def test_what_is_prepared_beside_holds_up_no_end(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    # An interrupt within an import leaves its lock taken: who imports the same in another thread waits for ever.
    ended = threading.Event()
    monkeypatch.setattr("tfbootstrap.app.lock._prepare", ended.wait)
    before = set(threading.enumerate())
    try:
        assert user.lock("--tensorflow", "2.20", *LINUX).returncode == 0
        assert [thread.daemon for thread in set(threading.enumerate()) - before] == [True]
    finally:
        ended.set()


def test_pins_tell_who_needs_them(user: User) -> None:
    user.write("requirements.in", "\npandas>=2\n")
    user.lock("-r", "requirements.in", "six", "--tensorflow", "2.20", *LINUX)
    lock = read_lock(user.text(), "requirements.txt")
    via = {pin.name: pin.via for pin in lock.pins}
    assert via["pandas"] == ("requirements.in:2",)
    assert via["tensorflow"] == ("the request",)
    assert "pandas" in via["numpy"]
    assert via["six"][0] == "the command line"


def test_an_existing_lock_keeps_its_pins_until_an_upgrade(user: User) -> None:
    user.lock("--tensorflow", "2.20", "numpy<2.1", *LINUX)
    assert "numpy==2.0.2" in user.text()
    user.lock("--tensorflow", "2.20", *LINUX)
    assert "numpy==2.0.2" in user.text()
    user.lock("--tensorflow", "2.20", "--upgrade", *LINUX)
    assert "numpy==2.3.0" in user.text()


def test_a_kept_tensorflow_is_said_to_be_kept(user: User) -> None:
    user.lock("--tensorflow", "2.19", *LINUX)
    result = user.lock(*LINUX)
    assert "TensorFlow 2.19.1 is kept from the lock that is there (up to 2.21.0 fits this runtime)" in result.stderr
    assert "newest version asked for" in user.lock("--upgrade", *LINUX).stderr


def test_the_lock_s_file_names_its_bootstrap(user: User) -> None:
    (user.sandbox.work / "locks").mkdir()
    user.lock("--tensorflow", "2.20", *LINUX, "-o", "locks/cpu.txt")
    user.lock("--tensorflow", "2.20", *LINUX, "-o", "alone.txt", "--no-bootstrap")
    assert sorted(path.name for path in (user.sandbox.work / "locks").iterdir()) == ["cpu.bootstrap.py", "cpu.txt"]
    user.sandbox.assert_nothing_left(expected=["locks", "alone.txt"])


def test_dry_run_prints_pins_and_writes_nothing(user: User) -> None:
    result = user.lock("--tensorflow", "2.20", "--dry-run", *LINUX)
    assert result.returncode == 0
    assert "tensorflow==2.20.0\n" in result.stdout
    user.sandbox.assert_nothing_left()


def test_json_is_one_document_with_the_promised_keys(user: User) -> None:
    result = user.lock("--tensorflow", "2.20", "--json", *LINUX)
    (target,) = json.loads(result.stdout)["targets"]
    assert target["name"] == "linux-cpu"
    assert target["tensorflow"] == {"version": "2.20.0", "distribution": "tensorflow"}
    assert target["cuda"]["provider"] == "none"
    assert target["python"] == "3.12"
    assert target["pins"]["tensorflow"] == "2.20.0"
    assert target["reasons"]
    assert {"warnings", "breaks", "proven"} <= target.keys()


def test_nothing_that_fits_is_exit_3_with_the_reason_and_ways_out(user: User) -> None:
    result = user.lock("--tensorflow", "2.7", *LINUX)
    assert result.returncode == 3
    assert "TensorFlow 2.7.4 has wheels for Python 3.7 to 3.9 only; this runtime has Python 3.12" in result.stderr
    assert "--python=3.9" in result.stderr
    user.sandbox.assert_nothing_left()
    (target,) = json.loads(user.lock("--tensorflow", "2.7", "--json", *LINUX).stdout)["targets"]
    assert {rejection["rule"] for rejection in target["rejections"]} == {"python"}
    assert target["ways_out"]


def test_python_3_14_never_gets_a_pre_release_unasked(user: User) -> None:
    result = user.lock("--runtime", "linux-cpu", "--python", "3.14")
    assert result.returncode == 3
    assert "2.22.0rc0" in result.stderr


def test_requirements_that_can_t_meet_are_exit_3_with_the_derivation(user: User) -> None:
    result = user.lock("--tensorflow", "2.20", "numpy<1.26", *LINUX)
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    user.sandbox.assert_nothing_left()
    lines = [line.strip() for line in result.stderr.splitlines()]
    assert "numpy<1.26 is asked for by the command line" in lines
    assert "tensorflow==2.20.* is asked for by --tensorflow" in lines
    assert "tensorflow==2.20.0 needs numpy>=1.26.0 (compat_matrix: tensorflow.yaml)" in lines
    assert "the resolver's derivation:" in lines
    assert any(line.startswith("Because tensorflow==2.20.0 depends on numpy") for line in lines)


def test_another_tensorflow_that_would_do_is_offered_where_requirements_can_t_meet(user: User) -> None:
    user.index.add(build_wheel(Project(name="addons", version="1.0", requires=("tensorflow<2.16",))))
    user.write("requirements.in", "addons\n")
    arguments = ("--tensorflow", "2.19", "-r", "requirements.in", "--runtime", "linux-cpu", "--python", "3.11")
    result = user.lock(*arguments)
    assert result.returncode == 3
    assert "addons is asked for by requirements.in:1" in result.stderr
    assert "every version of addons needs tensorflow<2.16" in result.stderr
    assert "another TensorFlow: 2.15 meets all other requirements" in result.stderr
    (target,) = json.loads(user.lock(*arguments, "--json").stdout)["targets"]
    assert {one["rule"] for one in target["rejections"]} == {"requirements"}
    assert target["conflict"]["lines"]
    (way,) = target["ways_out"]
    assert way["command"].startswith("tfbootstrap lock --tensorflow=2.15 --requirement=requirements.in")
    assert user.lock(*way["command"].split()[2:]).returncode == 0


def test_a_bound_whose_removal_helps_is_named(user: User) -> None:
    user.write("requirements.in", "six\npandas>=3\n")
    result = user.lock("-r", "requirements.in", *LINUX)
    assert result.returncode == 3
    assert "the index has pandas==2.3.0 only" in result.stderr
    assert "without the bound of pandas>=3 (requirements.in:2): TensorFlow 2.21.0 can be had then" in result.stderr


def test_an_extra_that_does_not_exist_is_warned_of(user: User) -> None:
    result = user.lock("pandas[nope]", "--tensorflow", "2.20", *LINUX)
    assert result.returncode == 0
    assert "warning: The package `pandas==2.3.0` does not have an extra named `nope`" in result.stderr
    assert result.stderr.count("warning: ") == 1


def test_an_index_without_tensorflow_is_named(user: User, loopback_index: LoopbackIndex) -> None:
    loopback_index.misbehave(faults.status(404), path="/simple/tensorflow/")
    address = loopback_index.simple_url.replace("http://", "http://user:secret-word@")
    result = user.lock("--tensorflow", "2.20", *LINUX, UV_DEFAULT_INDEX=address)
    assert result.returncode == 4
    assert f"package index {loopback_index.simple_url}: it has no tensorflow" in result.stderr
    assert "secret-word" not in result.stderr


def test_a_fresh_lock_is_called_fresh_without_asking_anybody(user: User) -> None:
    user.write("requirements.in", "pandas\n")
    arguments = ("-r", "requirements.in", "--tensorflow", "2.20", *LINUX)
    user.lock(*arguments)
    user.index.misbehave(faults.status(500))
    asked = len(user.index.requests)
    for repeated in (arguments, ()):
        result = user.lock(*repeated, "--check")
        assert result.returncode == 0, result.stderr
        assert "is fresh" in result.stderr
    assert len(user.index.requests) == asked


def test_a_lock_that_was_moved_away_from_its_inputs_says_where_they_are_sought(user: User) -> None:
    user.write("requirements.in", "pandas\n")
    user.lock("-r", "requirements.in", "--tensorflow", "2.20", *LINUX)
    (user.sandbox.work / "requirements.in").unlink()
    result = user.lock("--check")
    assert result.returncode == 2
    assert "requirements.in: there is no such requirements file" in result.stderr
    assert "paths count from the folder in which the lock was made" in result.stderr


def test_other_inputs_make_a_lock_stale(user: User) -> None:
    user.write("requirements.in", "pandas\n")
    user.lock("-r", "requirements.in", "--tensorflow", "2.20", *LINUX)
    user.write("requirements.in", "pandas<3\n")
    result = user.lock("--check", "--json")
    assert result.returncode == 1
    (answer,) = json.loads(result.stdout)["targets"]
    assert not answer["fresh"]
    assert "other inputs" in answer["reasons"][0]


def test_a_changed_row_that_decided_makes_a_gpu_lock_stale_and_another_row_does_not(user: User) -> None:
    matrix = user.sandbox.work / "matrix"
    shutil.copytree(REPOSITORY / "compat_matrix", matrix)
    gpu = ("--runtime", "linux-gpu", "--python", "3.12", "--gpu", "T4", "--driver", "550.54.15")
    result = user.lock("--tensorflow", "2.20", *gpu, "--matrix", str(matrix))
    assert result.returncode == 0, result.stderr
    assert user.lock("--check", "--matrix", str(matrix)).returncode == 0
    code = matrix / "gpu_code.yaml"
    for version, stale in (("2.15", False), ("2.20", True)):
        row = re.compile(rf'(- tensorflow: "{re.escape(version)}\.\d+".*?containers: )\d+', re.DOTALL)
        code.write_text(row.sub(r"\g<1>7", code.read_text(), count=1))
        answer = user.lock("--check", "--json", "--matrix", str(matrix))
        assert answer.returncode == int(stale), answer.stdout
        assert ("the matrix row gpu_code:2.20 has changed" in answer.stdout) == stale


def test_a_bootstrap_of_another_lock_makes_it_stale(user: User) -> None:
    user.lock("--tensorflow", "2.19", *LINUX)
    other = user.text("bootstrap.py")
    user.lock("--tensorflow", "2.20", *LINUX)
    user.write("bootstrap.py", other)
    result = user.lock("--check")
    assert result.returncode == 1
    assert "bootstrap.py" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "files", "message"),
    [
        (("--tensorflow", "2.99"), {}, "no TensorFlow release that the matrix knows"),
        (("--tensorflow", "2.22"), {}, "what satisfies ==2.22.* is a pre-release, or was withdrawn: 2.22.0rc0"),
        (("--tensorflow", "newest"), {}, "is no TensorFlow version"),
        (("six-1.17.0-py3-none-any.whl",), {}, "'six-1.17.0-py3-none-any.whl' is an address or a path"),
        (("numpy>>1",), {}, "'numpy>>1' is no requirement"),
        (("-r", "missing.in"), {}, "missing.in: there is no such requirements file"),
        (("-r", "a.in"), {"a.in": "numpy\nnumpy>>1\n"}, "a.in:2:6: 'numpy>>1' is no requirement"),
        (("-r", "a.in"), {"a.in": "-e .\n"}, "a.in:1: an editable requirement"),
        (("-r", "a.in"), {"a.in": "--index-url https://u:secret@index.test\n"}, "a.in:1: the option --index-url"),
        (("-r", "a.in"), {"a.in": "x @ https://u:secret@index.test/x.whl\n"}, "a.in:1: x is required from an address"),
        (("-r", "a.in"), {"a.in": "git+https://index.test/x\n"}, "a.in:1: "),
        (("-r", "a.in"), {"a.in": "-r b.in\n", "b.in": "-r a.in\n"}, "b.in:1: the files include each other"),
        (
            ("-r", "a.in", "--tensorflow", "2.20"),
            {"a.in": "tensorflow==2.15.1\n"},
            "satisfies all of ==2.20.* (--tensorflow)",
        ),
        (("--runtime", "no-such-runtime"), {}, "there is no runtime 'no-such-runtime'"),
        (("--runtime", "facts.json"), {}, "there is no such facts file"),
        (("--runtime", "facts.json"), {"facts.json": "{"}, "facts.json"),
        (("--runtime", "facts.json"), {"facts.json": '{"schema": 99}'}, "schema"),
        (("--python", "three"), {}, "is no Python version"),
        (("--driver", "newest"), {}, "is no NVIDIA driver version"),
        (("--gpu", "none", "--cuda", "wheels"), {}, "contradict each other"),
        (("--format", "pylock", "-o", "colab.txt"), {}, "can't be called colab.txt"),
        (("--format", "requirements", "-o", "pylock.toml"), {}, "pylock.toml is the name of a pylock file"),
        (("--gpu", "none", "--driver", "535.104.05"), {}, "--gpu none and --driver contradict"),
        (("--check", "--upgrade"), {}, "--check and --upgrade contradict"),
        (("--check", "--cross-check"), {}, "--check and --cross-check contradict"),
        (("--offline", "--cross-check"), {}, "pip-tools can't work without the index"),
        (("-o", "no/such/folder/x.txt"), {}, "the folder of no/such/folder/x.txt does not exist"),
        (("--matrix", "nowhere"), {}, "nowhere"),
    ],
)
def test_bad_input_is_one_message_with_a_hint_and_exit_2(
    user: User, arguments: tuple[str, ...], files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        user.write(name, text)
    defaults = () if {"--runtime", "--python"} & set(arguments) else LINUX
    result = user.lock(*arguments, *defaults)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr
    user.sandbox.assert_nothing_left(expected=list(files))


def test_a_file_that_is_not_utf_8_is_named(user: User) -> None:
    (user.sandbox.work / "a.in").write_bytes(b"numpy # \xff\n")
    result = user.lock("-r", "a.in", *LINUX)
    assert result.returncode == 2
    assert "a.in: this requirements file is not UTF-8" in result.stderr


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.status(500), id="500"),
        pytest.param(faults.garbage(), id="garbage"),
        pytest.param(faults.needs_auth("user", "secret"), id="401"),
        pytest.param(faults.reset(), id="reset"),
    ],
)
def test_a_failing_index_is_exit_4_and_leaves_the_lock_as_it_was(user: User, fault: faults.Fault) -> None:
    user.lock("--tensorflow", "2.20", *LINUX)
    before = user.text()
    user.index.misbehave(fault)
    result = user.lock("--tensorflow", "2.19", *LINUX, UV_NO_CACHE="1")
    assert result.returncode == 4, result.stderr
    assert user.index.host in result.stderr
    assert "hint: " in result.stderr
    assert user.text() == before
    user.sandbox.assert_nothing_left(expected=["requirements.txt", "bootstrap.py"])


def test_no_password_reaches_an_artefact_or_a_message(user: User) -> None:
    address = user.index.simple_url.replace("http://", "http://user:secret-word@")
    result = user.lock("--tensorflow", "2.20", *LINUX, "--json", UV_DEFAULT_INDEX=address)
    assert result.returncode == 0, result.stderr
    for text in (result.stdout, result.stderr, user.text(), user.text("bootstrap.py")):
        assert "secret-word" not in text


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_leaves_everything_as_it_was(user: User) -> None:
    user.lock("--tensorflow", "2.20", *LINUX)
    before = user.text()
    slow = user.index.misbehave(faults.slow(30))
    process = subprocess.Popen(
        [sys.executable, "-m", "tfbootstrap", "lock", "--tensorflow", "2.19", *LINUX],
        cwd=user.sandbox.work,
        env=user.sandbox.environment(**user.variables, UV_NO_CACHE="1"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not slow.hits and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in stderr
    assert user.text() == before
    user.index.behave()
    user.sandbox.assert_nothing_left(expected=["requirements.txt", "bootstrap.py"])


def test_an_index_with_a_name_that_lacks_tensorflow_shows_no_password(sandbox: Sandbox) -> None:
    with LoopbackIndex() as empty:
        address = "corp=" + empty.simple_url.replace("http://", "http://user:secret-word@")
        result = sandbox.tfbootstrap("lock", *LINUX, variables={"UV_DEFAULT_INDEX": address})
        assert result.returncode == 4
        assert f"package index {empty.simple_url}: it has no tensorflow" in result.stderr
    assert "secret-word" not in result.stderr


def test_a_lock_as_pylock_holds_fitting_files_and_no_password(user: User) -> None:
    address = user.index.simple_url.replace("http://", "http://user:secret-word@")
    result = user.lock("--tensorflow", "2.20", *LINUX, "--format", "pylock", UV_DEFAULT_INDEX=address)
    assert result.returncode == 0, result.stderr
    text = user.text("pylock.linux-cpu.toml")
    assert "secret-word" not in text
    document = Pylock.from_dict(parse_toml(text))
    (tensorflow,) = [package for package in document.packages if package.name == "tensorflow"]
    assert [wheel.filename.split("-")[2] for wheel in tensorflow.wheels or ()] == ["cp312"]
    assert all(wheel.url and wheel.url.startswith(f"http://{user.index.host}") for wheel in tensorflow.wheels or ())
    user.sandbox.assert_nothing_left(expected=["pylock.linux-cpu.toml", "pylock.linux-cpu.bootstrap.py"])
    assert user.lock("--check", "-o", "pylock.linux-cpu.toml").returncode == 0
    again = user.lock("--tensorflow", "2.20", *LINUX, "-o", "pylock.linux-cpu.toml", UV_DEFAULT_INDEX=address)
    assert "unchanged pylock.linux-cpu.toml" in again.stderr


def test_what_changes_is_shown_package_by_package(user: User) -> None:
    user.lock("--tensorflow", "2.19", "pandas", "numpy<2", *LINUX)
    result = user.lock("--tensorflow", "2.20", "six", "numpy>=2.1", *LINUX)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stderr.splitlines()]
    assert ["pandas", "removed", "2.3.0"] in lines
    assert ["numpy", "changed", "1.26.4", "->", "2.3.0", "major"] in lines
    assert ["TensorFlow", "2.19.1", "->", "2.20.0"] in lines
    (target,) = json.loads(user.lock("--tensorflow", "2.19", "numpy>=2.1", *LINUX, "--json").stdout)["targets"]
    assert target["changes"]["platform_changes"][0] == {"what": "TensorFlow", "before": "2.20.0", "after": "2.19.1"}


def test_what_no_other_tensorflow_mends_has_a_hint(sandbox: Sandbox) -> None:
    facts = MACHINES / "linux-plain-cpu/facts.json"
    result = sandbox.tfbootstrap("lock", "--tensorflow", "2.20", "--runtime", facts)
    assert result.returncode == ExitCode.UNSATISFIABLE
    assert "\nhint: In a virtual machine: pass the host's processor through" in result.stderr
    document = json.loads(sandbox.tfbootstrap("lock", "--tensorflow", "2.20", "--runtime", facts, "--json").stdout)
    assert document["targets"][0]["hints"][0].startswith("In a virtual machine")


@pytest.mark.parametrize(
    "name",
    ["a\nsix==0.1", "a\u2028six==0.1", "$(touch hacked)", "'; touch hacked; '", os.fsdecode(b"no\xffunicode")],
    ids=["line", "unicode-line", "command", "quotes", "no-unicode"],
)
def test_a_hostile_path_stays_a_path(user: User, name: str) -> None:
    user.write(name, "pandas\n")
    lock = f"{name}.lock"
    assert user.lock("-r", name, "-o", lock, "--runtime", "linux-cpu", "--tensorflow", "2.20").returncode == 0
    pins = [line for line in user.text(lock).splitlines() if not line.lstrip().startswith("#") and "==" in line]
    assert [pin for pin in pins if "pandas==" in pin] == ["pandas==2.3.0 \\"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+ \\", pin) for pin in pins)
    assert read_lock(user.text(lock), lock).pin("six") is not None
    for style in ("readable", "dockerfile", "shell"):
        made = user.sandbox.tfbootstrap("cell", lock, "--style", style)
        assert made.returncode == 0, made.stderr
        assert not re.search("^(touch|six==0)", made.stdout, re.MULTILINE)
    user.sandbox.assert_nothing_left(expected=[name, lock, f"{name}.bootstrap.py"])
