"""`tfbootstrap upgrade` as a user types it: another TensorFlow for a whole project, or for one lock."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import User
from tests.cli.test_project import everything, lock_of
from tests.support.environment import Sandbox
from tests.support.killing import Died
from tests.support.loopback_index import LoopbackIndex
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.app import upgrade as app_upgrade
from tfbootstrap.app.lock import lock_jobs
from tfbootstrap.edges import file_sets

pytestmark = pytest.mark.slow

PROJECT = """\
# our models
[project]
name = "ours"
dependencies = ["six"]  # more to come

[tool.tfbootstrap]
tensorflow = "2.15"   # until the models are moved
dependencies = true
sources = ["src"]

[tool.tfbootstrap.targets.lab]
runtime = "linux-gpu"
gpu = "A100"
driver = "535.104.05"
python = "3.11"
lock = "locks/lab.txt"

[tool.tfbootstrap.targets.mac]
runtime = "macos-arm64"
python = "3.11"
tensorflow = '2.15'
lock = "locks/mac.txt"
notebooks = ["train.ipynb"]
"""
NOTEBOOK = """\
{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
"""
BREAKING = "import tensorflow as tf\ntf.data.AUTOTUNE\ntf.estimator.Estimator(f)\ntf.keras.optimizers.legacy.Adam()\n"
FITTING = "import tensorflow as tf\ntf.data.AUTOTUNE\n"


@pytest.fixture
def project(user: User) -> User:
    return fill(user)


def fill(user: User) -> User:
    user.write("pyproject.toml", PROJECT)
    user.write("train.ipynb", NOTEBOOK)
    user.write("src/train.py", FITTING)
    (user.sandbox.work / "locks").mkdir()
    return user


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the project and its locks, to be copied: making them takes a second."""
    with LoopbackIndex() as index:
        fill_with_tensorflow(index)
        user = fill(User(Sandbox.below(tmp_path_factory.mktemp("locked") / "sandbox"), index))
        result = user.lock()
    assert result.returncode == 0, result.stderr
    return user.sandbox.work


@pytest.fixture
def locked(user: User, template: Path) -> User:
    shutil.copytree(template, user.sandbox.work, dirs_exist_ok=True)
    return user


def upgrade(user: User, *arguments: str) -> subprocess.CompletedProcess[str]:
    return user.sandbox.tfbootstrap("upgrade", *arguments, variables=user.variables)


def report(user: User, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = upgrade(user, *arguments, "--json")
    assert result.returncode == code, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_everything_that_says_which_tensorflow_changes_together(locked: User) -> None:
    document = report(locked, "--tensorflow", "2.20")
    assert locked.text("pyproject.toml") == PROJECT.replace('"2.15"', '"2.20"').replace("'2.15'", "'2.20'")
    assert [(edit["line"], edit["after"]) for edit in document["edits"]] == [
        (7, 'tensorflow = "2.20"'),
        (21, 'tensorflow = "2.20"'),
    ]
    assert {lock_of(locked, f"locks/{name}.txt").header.tensorflow for name in ("lab", "mac")} == {"2.20.0"}
    assert set(document["written"]) == {
        *(f"locks/{name}{end}" for name in ("lab", "mac") for end in (".txt", ".bootstrap.py")),
        "train.ipynb",
        "pyproject.toml",
    }
    assert locked.lock("--check").returncode == 0
    locked.sandbox.assert_nothing_left(expected=["pyproject.toml", "train.ipynb", "src", "locks"])


def test_the_report_has_the_keys_that_tools_rely_on(locked: User) -> None:
    locked.write("src/train.py", BREAKING)
    lab, mac = report(locked, "--tensorflow", "2.20", "--dry-run", code=1)["targets"]
    assert lab["tensorflow"] == {"before": "2.15.1", "after": "2.20.0"}
    assert {"name": "keras", "before": "2.15.0", "after": "3.13.2", "major": True} in lab["changed"]
    assert "tensorflow-estimator" in [one["name"] for one in lab["removed"]]
    assert [one["name"] for one in lab["added"]] == ["requests"]
    changes = {one["what"]: (one["before"], one["after"]) for one in lab["platform_changes"]}
    assert changes["Keras major"] == ("2", "3")
    assert changes["CUDA built with"] == ("12.2", "12.5.1")
    assert changes["cuDNN built with"] == ("8", "9.3.0")
    assert changes["NumPy 2"] == ("not allowed", "allowed")
    assert "5.x dropped" in changes["compute capabilities"][1]
    assert lab["compute_capabilities"]["dropped"] == ["5.0", "5.2", "5.3"]
    assert lab["no_longer_required"] == ["tensorflow-estimator", "tensorflow-io-gcs-filesystem"]
    assert [(one["line"], one["symbol"], one["already"]) for one in lab["broken_symbols"]] == [
        (3, "tf.estimator.Estimator", False),
        (4, "tf.keras.optimizers.legacy.Adam", False),
    ]
    assert not {one["what"] for one in mac["platform_changes"]} & {"CUDA built with", "compute capabilities"}


def test_a_dry_run_writes_nothing(locked: User) -> None:
    before = everything(locked.sandbox.work)
    result = upgrade(locked, "--tensorflow", "2.20", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("TensorFlow 2.15.1 -> 2.20.0 for lab, mac\n")
    assert result.stderr.endswith("nothing was written\n")
    assert everything(locked.sandbox.work) == before
    markdown = upgrade(locked, "--tensorflow", "2.20", "--dry-run", "--format", "markdown").stdout
    assert markdown.startswith("## TensorFlow 2.15.1 → 2.20.0 for lab, mac\n")
    assert everything(locked.sandbox.work) == before


def test_code_that_breaks_is_named_and_the_locks_wait_for_it(locked: User) -> None:
    locked.write("src/train.py", BREAKING)
    result = upgrade(locked, "--tensorflow", "2.20")
    assert result.returncode == 1
    assert "src/train.py:3  tf.estimator.Estimator" in result.stdout
    assert "wrote pyproject.toml" in result.stderr
    stale = locked.lock("--check")
    assert stale.returncode == 1
    assert "the code needs TensorFlow <2.16: src/train.py:3 uses tf.estimator.Estimator" in stale.stderr
    assert "the lock has 2.20.0" in stale.stderr
    locked.write("src/train.py", FITTING)
    assert locked.lock("--check").returncode == 0


def test_code_beside_the_project_is_looked_through_and_narrows_nothing(locked: User) -> None:
    locked.write("tools/old.py", BREAKING)
    locked.write("src/broken.py", "import tensorflow\nprint 'x'\n")
    result = upgrade(locked, "--source", "tools")
    assert result.returncode == 0, result.stderr
    assert "passed over: src/broken.py: line 2 is no Python 3" in result.stderr
    document = report(locked, "--tensorflow", "2.20", "--source", "tools", "--dry-run", code=1)
    assert {one["file"] for one in document["targets"][0]["broken_symbols"]} == {"tools/old.py"}
    assert upgrade(locked, "--source", "away").returncode == 2


def test_without_another_specifier_the_newest_that_is_asked_for_is_taken(project: User) -> None:
    project.write("pyproject.toml", PROJECT.replace('"2.15"', '"2.19.0"').replace("'2.15'", "'2.19.0'"))
    assert project.lock().returncode == 0
    wide = PROJECT.replace('"2.15"', '">=2.19"').replace("'2.15'", "'~=2.19.0'")
    project.write("pyproject.toml", wide)
    assert project.lock().returncode == 0
    assert lock_of(project, "locks/lab.txt").header.tensorflow == "2.19.0"  # what is there is kept
    kept = lock_of(project, "locks/mac.txt").pin("six")
    document = report(project)
    assert [one["tensorflow"]["after"] for one in document["targets"]] == ["2.20.0", "2.19.1"]
    assert document["edits"] == []
    assert project.text("pyproject.toml") == wide
    assert lock_of(project, "locks/mac.txt").pin("six") == kept
    assert report(project)["written"] == []


CPU = """\
[tool.tfbootstrap]
tensorflow = "2.20"

[tool.tfbootstrap.targets.cpu]
runtime = "linux-cpu"
python = "3.12"
"""


def test_pins_stay_where_tensorflow_does_and_follow_what_was_proven_where_it_moves(user: User) -> None:
    user.write("limits.txt", "numpy<2.1\n")
    user.write("pyproject.toml", CPU.replace('"2.20"', '"2.20"\nconstraints = ["limits.txt"]'))
    assert user.lock().returncode == 0
    user.write("pyproject.toml", CPU)
    assert report(user)["targets"][0]["changed"] == []
    numpy = lock_of(user, "requirements-cpu.txt").pin("numpy")
    assert numpy is not None
    assert numpy.version == "2.0.2"
    changed = report(user, "--tensorflow", "2.19")["targets"][0]["changed"]
    assert {"name": "numpy", "before": "2.0.2", "after": "2.1.3", "major": False} in changed


def test_from_one_proof_to_the_next_no_index_is_asked(user: User) -> None:
    user.write("pyproject.toml", CPU)
    user.variables = {"UV_NO_CACHE": "1", "UV_OFFLINE": "1"}
    assert user.lock("--offline").returncode == 0
    document = report(user, "--tensorflow", "2.19")
    assert document["targets"][0]["tensorflow"] == {"before": "2.20.0", "after": "2.19.1"}
    assert lock_of(user, "requirements-cpu.txt").header.proven
    assert lock_of(user, "requirements-cpu.txt").header.unproven == ()


def test_a_pylock_stays_one(project: User) -> None:
    assert project.lock("--format", "pylock").returncode == 0
    written = report(project, "--tensorflow", "2.20")["written"]
    assert sorted(name for name in written if "lab" in name) == [
        "locks/pylock.lab.bootstrap.py",
        "locks/pylock.lab.toml",
    ]


def test_the_code_narrows_what_is_asked_for_already(project: User) -> None:
    project.write("pyproject.toml", PROJECT.replace('"2.15"', '">=2.15"').replace("'2.15'", "'>=2.15'"))
    project.write("src/train.py", BREAKING)
    document = report(project)
    assert [one["tensorflow"]["after"] for one in document["targets"]] == ["2.15.1", "2.15.1"]
    # A range that leaves room for the code is narrowed too; one that does not breaks it.
    assert report(project, "--tensorflow", ">=2.15,<2.21")["targets"][0]["tensorflow"]["after"] == "2.15.1"


@pytest.mark.parametrize("place", ["requirements.in", "included.in", "pyproject.toml"])
def test_a_requirement_that_pins_changes_where_it_stands(user: User, place: str) -> None:
    (user.sandbox.work / "locks").mkdir()
    project = (
        '[project]\nname = "ours"\ndependencies = [\n    DEPENDENCY\n    "six",\n]\n\n[tool.tfbootstrap]\nREQUIRED\n\n'
        '[tool.tfbootstrap.targets.mac]\nruntime = "macos-arm64"\npython = "3.11"\nlock = "locks/mac.txt"\n'
    )
    pin = "tensorflow >=2.15,<2.16  # moved later\nsix\n"
    if place == "pyproject.toml":
        text = project.replace("DEPENDENCY", "'tensorflow ~= 2.15.0', # why").replace("REQUIRED", "dependencies = true")
        user.write(place, text)
    else:
        text = project.replace("DEPENDENCY\n    ", "").replace("REQUIRED", 'requirements = ["requirements.in"]')
        user.write("pyproject.toml", text)
        user.write("requirements.in", pin if place == "requirements.in" else "-r included.in\n")
        user.write("included.in", pin)
    assert user.lock().returncode == 0
    document = report(user, "--tensorflow", "2.20")
    (edit,) = document["edits"]
    assert (edit["file"], edit["line"]) == (place, 4 if place == "pyproject.toml" else 1)
    assert lock_of(user, "locks/mac.txt").header.tensorflow == "2.20.0"
    if place == "pyproject.toml":
        assert user.text(place) == text.replace("~= 2.15.0", "==2.20.*")
    else:
        assert user.text(place) == pin.replace(">=2.15,<2.16", "==2.20.*")
        assert user.text("pyproject.toml") == text
    assert user.lock("--check").returncode == 0
    again = report(user, "--tensorflow", "2.20")
    assert (again["edits"], again["written"]) == ([], [])


def test_where_nothing_pins_the_table_says_it(project: User) -> None:
    text = PROJECT.replace('tensorflow = "2.15"   # until the models are moved\n', "").replace(
        "tensorflow = '2.15'\n", ""
    )
    project.write("pyproject.toml", text.replace('["six"]', '["six", "tensorflow>=2.4"]'))
    document = report(project, "--tensorflow", "2.19")
    assert document["edits"] == [{"file": "pyproject.toml", "line": 7, "before": None, "after": 'tensorflow = "2.19"'}]
    assert '[tool.tfbootstrap]\ntensorflow = "2.19"\n' in project.text("pyproject.toml")
    assert '"tensorflow>=2.4"' in project.text("pyproject.toml")
    assert project.lock("--check").returncode == 0


def test_what_the_project_requires_beside_its_locks_is_noted(locked: User) -> None:
    text = PROJECT.replace('["six"]', '["six", "tensorflow<2.16", "x @ https://index.test/x.zip"]').replace(
        "dependencies = true\n", ""
    )
    locked.write("pyproject.toml", text)
    result = upgrade(locked, "--tensorflow", "2.20", "--dry-run")
    assert (
        "\n  note: pyproject.toml:4 requires tensorflow<2.16, which no lock is made for: change it too\n"
        in result.stdout
    )
    assert "no code was looked through" not in result.stderr
    locked.write("pyproject.toml", text.replace('sources = ["src"]\n', ""))
    assert "no code was looked through" in upgrade(locked, "--tensorflow", "2.20", "--dry-run").stderr


@pytest.mark.parametrize(
    ("name", "text", "key", "message"),
    [
        ("limits.txt", "tensorflow<2.19\n", "constraints", "limits.txt:1: the constraint tensorflow<2.19 keeps"),
        ("in.txt", "six\n-c limits.txt\n", "requirements", "limits.txt:1: the constraint tensorflow<2.16 keeps"),
        ("../up.txt", "tensorflow==2.15.1\n", "requirements", "../up.txt:1: tensorflow==2.15.1 is required by a file"),
        ("a.txt", "tensorflow \\\n==2.15.1\n", "requirements", "a.txt:1: this line requires tensorflow==2.15.1"),
    ],
)
def test_lines_that_are_not_ours_to_change_are_named(
    locked: User, name: str, text: str, key: str, message: str
) -> None:
    locked.write("limits.txt", "tensorflow<2.16\n")
    locked.write(name, text)
    locked.write("pyproject.toml", PROJECT.replace("dependencies = true", f'{key} = ["{name}"]'))
    before = everything(locked.sandbox.work)
    result = upgrade(locked, "--tensorflow", "2.20")
    assert result.returncode == 2
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert everything(locked.sandbox.work) == before


def test_one_target_that_can_t_be_served_stops_all(locked: User) -> None:
    text = PROJECT.replace('gpu = "A100"', 'gpu = "GTX 980"')
    locked.write("pyproject.toml", text)
    locked.lock()
    before = everything(locked.sandbox.work)
    result = upgrade(locked, "--tensorflow", "2.20")
    assert result.returncode == 3
    assert "can't be had for lab" in result.stdout
    assert "has no code for NVIDIA GeForce GTX 980 (compute capability 5.2)" in result.stdout
    assert "[mac] locks/mac.txt\n  TensorFlow " in result.stdout
    assert result.stderr.endswith("nothing was written\n")
    assert everything(locked.sandbox.work) == before
    lab, mac = report(locked, "--tensorflow", "2.20", code=3)["targets"]
    assert lab["rejections"][0]["rule"] == "compute-capability"
    assert mac["changed"]


def test_companions_without_a_build_are_named(locked: User) -> None:
    for version, tensorflow in (("2.15.0", ">=2.15,<2.16"), ("0.1", "")):
        requires = (f"tensorflow{tensorflow}",) if tensorflow else ()
        locked.index.add(build_wheel(Project(name="tensorflow-text", version=version, requires=requires)))
    locked.index.add(build_wheel(Project(name="tensorflow-addons", version="0.23.0")))
    wanted = '["six", "tensorflow-text>=2", "tensorflow-addons"]'
    locked.write("pyproject.toml", PROJECT.replace('["six"]', wanted))
    assert locked.lock().returncode == 0
    lab = report(locked, "--tensorflow", "2.20", code=3)["targets"][0]
    assert "tensorflow-text" in str(lab["conflict"])
    assert [one["name"] for one in lab["companions"]] == ["tensorflow-addons"]

    locked.write("pyproject.toml", PROJECT.replace('["six"]', '["tensorflow-addons"]'))
    assert locked.lock().returncode == 0
    lab = report(locked, "--tensorflow", "2.20", "--dry-run", code=1)["targets"][0]
    (companion,) = lab["companions"]
    assert "TensorFlow <2.16" in companion["problem"]


def test_the_newest_that_code_and_targets_allow(locked: User) -> None:
    document = report(locked, "--to", "newest-that-fits", "--dry-run")
    assert [one["tensorflow"]["after"] for one in document["targets"]] == ["2.20.0", "2.20.0"]
    assert document["edits"][0]["after"] == 'tensorflow = "2.20"'
    (held,) = document["held_back"]
    assert (held["minor"], held["by"]) == ("2.21", "lab")
    assert "the index has nvidia-cudnn-cu12<=9.3.0.75 only" in held["reason"]
    assert "pyproject.toml" not in held["reason"]


def test_code_holds_back(locked: User) -> None:
    locked.write("src/train.py", BREAKING)
    document = report(locked, "--to", "newest-that-fits")
    reason = "src/train.py:3 (tf.estimator.Estimator) fails since 2.16"
    assert {(one["by"], one["reason"]) for one in document["held_back"]} == {("code", reason)}
    assert [one["minor"] for one in document["held_back"]] == ["2.21", "2.20", "2.19", "2.18", "2.17", "2.16"]
    assert {one["tensorflow"]["after"] for one in document["targets"]} == {"2.15.1"}
    assert document["written"] == []
    assert f"  2.16 to 2.21  code  {reason}\n" in upgrade(locked, "--to", "newest-that-fits").stdout


def test_constraints_and_gpus_hold_back(locked: User) -> None:
    locked.write("limits.txt", "tensorflow<2.20\n")
    text = PROJECT.replace('"A100"', '"GTX 980"').replace("sources", 'constraints = ["limits.txt"]\nsources')
    locked.write("pyproject.toml", text)
    document = report(locked, "--to", "newest-that-fits", "--dry-run", "--source", "src")
    assert [(one["minor"], one["by"]) for one in document["held_back"]] == [
        ("2.21", "constraint"),
        ("2.20", "constraint"),
        *((minor, "lab") for minor in ("2.19", "2.18", "2.17", "2.16")),
    ]
    assert {one["tensorflow"]["after"] for one in document["targets"]} == {"2.15.1"}


def test_a_newer_one_that_does_not_resolve_is_held_back(locked: User) -> None:
    locked.index.add(build_wheel(Project(name="picky", version="1.0", requires=("tensorflow<2.20",))))
    locked.write("pyproject.toml", PROJECT.replace('["six"]', '["picky"]'))
    document = report(locked, "--to", "newest-that-fits", "--dry-run")
    assert [(one["minor"], one["by"]) for one in document["held_back"]] == [("2.21", "lab"), ("2.20", "lab")]
    assert "picky" in document["held_back"][1]["reason"]
    assert {one["tensorflow"]["after"] for one in document["targets"]} == {"2.19.1"}


def test_where_no_version_fits_every_reason_is_told(locked: User) -> None:
    locked.write("src/train.py", BREAKING + "from keras import ops\nops.add(1, 2)\n")
    result = upgrade(locked, "--to", "newest-that-fits")
    assert result.returncode == 3
    assert "no TensorFlow fits the code and every target" in result.stderr
    assert "2.15 (code): src/train.py:5 (keras.ops) needs 2.16" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tensorflow", "2.20", "--to", "newest-that-fits"), "--tensorflow and --to contradict each other"),
        (("--tensorflow", "2.99"), "no TensorFlow release that the matrix knows"),
        (("--tensorflow", "new"), "is no TensorFlow version"),
        (("--output-file", "locks/lab.txt"), "locks/lab.txt belongs to a target"),
        (("--output-file", "other.txt"), "other.txt"),
    ],
)
def test_what_can_not_be_meant_is_exit_2(locked: User, arguments: tuple[str, ...], message: str) -> None:
    before = everything(locked.sandbox.work)
    result = upgrade(locked, *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert everything(locked.sandbox.work) == before


def test_one_lock_without_a_project(user: User) -> None:
    user.write("requirements.in", "six\ntensorflow~=2.15.0 # moved later\n")
    made = ("--runtime", "macos-arm64", "--python", "3.11", "-r", "requirements.in", "-o", "mac.txt", "--no-bootstrap")
    assert user.lock(*made).returncode == 0
    user.write("tools/old.py", BREAKING)
    document = report(user, "-o", "mac.txt", "--tensorflow", "2.20", "--source", "tools", code=1)
    assert document["written"] == ["mac.txt", "requirements.in"]
    assert user.text("requirements.in") == "six\ntensorflow==2.20.* # moved later\n"
    assert lock_of(user, "mac.txt").header.tensorflow == "2.20.0"
    assert user.lock("--check", "--no-bootstrap", "-o", "mac.txt").returncode == 0


def test_a_requirement_that_leaves_it_open_is_joined_by_the_option(user: User) -> None:
    user.write("requirements.in", "tensorflow>=2.4\n")
    for more in (("tensorflow>=2.4",), ("-r", "requirements.in")):
        assert user.lock("--runtime", "macos-arm64", "--python", "3.11", *more).returncode == 0
        report(user, "--tensorflow", "2.19")
        header = lock_of(user, "requirements.txt").header
        assert (header.tensorflow, "--tensorflow=2.19" in header.command) == ("2.19.1", True)


def test_one_lock_that_options_made(user: User) -> None:
    made = ("--runtime", "linux-cpu", "--python", "3.11", "tensorflow[and-cuda]==2.19.0", "--gpu", "none")
    assert user.lock(*made).returncode == 0
    document = report(user)
    assert document["targets"][0]["tensorflow"] == {"before": "2.19.0", "after": "2.19.0"}
    assert report(user, "--tensorflow", ">=2.19,<2.21")["targets"][0]["tensorflow"]["after"] == "2.20.0"
    header = lock_of(user, "requirements.txt").header
    assert "'tensorflow[and-cuda]<2.21,>=2.19'" in header.command
    assert "--tensorflow" not in header.command
    assert user.lock("--check").returncode == 0
    assert user.lock("--tensorflow", "2.19", "--runtime", "linux-cpu", "--python", "3.11").returncode == 0
    report(user, "--to", "newest-that-fits")
    header = lock_of(user, "requirements.txt").header
    assert (header.tensorflow, "--tensorflow=2.21" in header.command) == ("2.21.0", True)


def test_without_a_project_and_a_lock_the_next_command_is_named(user: User) -> None:
    result = upgrade(user)
    assert result.returncode == 2
    assert "there is neither a [tool.tfbootstrap] in pyproject.toml nor a lock requirements.txt" in result.stderr
    assert "tfbootstrap init" in result.stderr


def test_a_lock_of_a_project_that_is_not_here_is_refused(locked: User) -> None:
    locked.write("pyproject.toml", "")
    result = upgrade(locked, "-o", "locks/lab.txt")
    assert result.returncode == 2
    assert "locks/lab.txt was made for a project" in result.stderr
    lock = locked.text("locks/lab.txt").replace('"tfbootstrap lock"', '"tfbootstrap lock \'x"')
    locked.write("locks/lab.txt", lock)
    result = upgrade(locked, "-o", "locks/lab.txt")
    assert result.returncode == 2
    assert "the header names a command that can't be read" in result.stderr


def test_a_file_that_changes_meanwhile_is_not_written_over(locked: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lock_jobs

    def slowly(*arguments: Any) -> Any:
        locked.write("pyproject.toml", PROJECT + "# mine\n")
        return real(*arguments)

    monkeypatch.setattr(app_upgrade, "lock_jobs", slowly)
    locks = {name: content for name, content in everything(locked.sandbox.work).items() if name != "pyproject.toml"}
    result = upgrade(locked, "--tensorflow", "2.20")
    assert result.returncode == 2
    assert "pyproject.toml was changed while the locks were being made" in result.stderr
    after = everything(locked.sandbox.work)
    assert after.pop("pyproject.toml") == (PROJECT + "# mine\n").encode()
    assert after == locks


def test_the_next_command_finishes_what_a_killed_one_left(locked: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.replace

    def dying(self: Path, target: Any) -> Path:
        if Path(target).name == "train.ipynb":
            raise Died
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        patch.setattr(file_sets._Set, "_put_back", lambda self: None)
        with pytest.raises(Died):
            upgrade(locked, "--tensorflow", "2.20")
    assert lock_of(locked, "locks/lab.txt").header.tensorflow == "2.20.0"
    assert locked.text("pyproject.toml") == PROJECT
    result = locked.lock("--check")
    assert "finished what a killed command left half written: locks/lab.txt" in result.stderr
    assert result.returncode == 0
    assert 'tensorflow = "2.20"' in locked.text("pyproject.toml")
    locked.sandbox.assert_nothing_left(expected=["pyproject.toml", "train.ipynb", "src", "locks"])
