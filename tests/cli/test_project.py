"""A project with `[tool.tfbootstrap]`: all targets are locked, checked and written together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest

from tests.cli.conftest import User
from tests.support import loopback_index as faults
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.app import scan
from tfbootstrap.app.requests import LockOptions, configured_jobs
from tfbootstrap.lock import Lock, read_lock

pytestmark = pytest.mark.slow

PROJECT = """\
[project]
name = "ours"
dependencies = ["pandas"]

[tool.tfbootstrap]
tensorflow = "2.20"
dependencies = true

[tool.tfbootstrap.targets.cpu]
runtime = "linux-cpu"
python = "3.12"
lock = "locks/cpu.txt"
notebooks = ["train.ipynb"]

[tool.tfbootstrap.targets.mac]
runtime = "macos-arm64"
python = "3.11"
tensorflow = "2.19"
lock = "locks/mac.txt"
"""
LOCKS = ["cpu.bootstrap.py", "cpu.txt", "mac.bootstrap.py", "mac.txt"]


@pytest.fixture
def project(user: User) -> User:
    user.write("pyproject.toml", PROJECT)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])  # type: ignore[no-untyped-call]  # nbformat has no annotations
    user.write("train.ipynb", nbformat.writes(notebook))  # type: ignore[no-untyped-call]  # nbformat has no annotations
    (user.sandbox.work / "locks").mkdir()
    return user


def lock_of(user: User, name: str) -> Lock:
    return read_lock(user.text(name), name)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_arguments_all_targets_are_locked(project: User) -> None:
    result = project.lock()
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (project.sandbox.work / "locks").iterdir()) == LOCKS
    cpu, mac = lock_of(project, "locks/cpu.txt"), lock_of(project, "locks/mac.txt")
    assert (cpu.header.target.name, cpu.header.tensorflow, cpu.header.target.python) == ("cpu", "2.20.0", "3.12")
    assert (mac.header.target.name, mac.header.tensorflow, mac.header.target.system) == ("mac", "2.19.1", "macos")
    assert cpu.header.command == mac.header.command == "tfbootstrap lock"
    pandas = cpu.pin("pandas")
    assert pandas is not None
    assert pandas.via == ("pyproject.toml:3",)
    assert "[cpu] locks/cpu.txt" in result.stderr
    assert "LOCK = " in nbformat.reads(project.text("train.ipynb"), as_version=4).cells[0].source  # type: ignore[no-untyped-call]  # nbformat has no annotations
    project.sandbox.assert_nothing_left(expected=["pyproject.toml", "train.ipynb", "locks"])


def test_a_lock_is_not_the_bootstrap_of_another(project: User) -> None:
    text = PROJECT.replace("locks/cpu.txt", "locks/requirements.txt").replace("locks/mac.txt", "locks/bootstrap.py")
    project.write("pyproject.toml", text)
    result = project.lock()
    assert result.returncode == 2
    assert "locks/bootstrap.py would be the bootstrap of locks/requirements.txt and the lock" in result.stderr
    assert not list((project.sandbox.work / "locks").iterdir())


def test_code_narrows_and_reasons_name_its_lines(project: User) -> None:
    project.write("pyproject.toml", PROJECT.replace('tensorflow = "2.20"', 'sources = ["src"]', 1))
    (project.sandbox.work / "src").mkdir()
    project.write("src/train.py", "import tensorflow as tf\ntf.estimator.Estimator(f)\n")
    result = project.lock("--json")
    assert (result.returncode, "src/train.py:2 uses tf.estimator.Estimator" in result.stderr) == (2, True)

    project.write("src/train.py", "from keras import ops\nops.add(1, 2)\n")
    document = json.loads(project.lock("--json", "--output-file", "locks/cpu.txt").stdout)
    reasons = [reason for target in document["targets"] for reason in target["reasons"]]
    assert "the code needs TensorFlow >=2.16: src/train.py:1 uses keras.ops" in reasons
    assert project.lock("--check", "--output-file", "locks/cpu.txt").returncode == 0


def test_names_that_numpy_2_lacks_bound_numpy(project: User, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("pyproject.toml", PROJECT.replace('tensorflow = "2.20"', 'sources = ["src"]', 1))
    (project.sandbox.work / "src").mkdir()
    project.write("src/train.py", "import keras\nimport numpy as np\nnp.float_(1)\nnp.NaN\n")
    monkeypatch.chdir(project.sandbox.work)
    jobs = configured_jobs(LockOptions())
    assert [[str(one.requirement) for one in job.request.constraints] for job in jobs] == [["numpy<2.0"]] * 2
    assert str(jobs[0].request.constraints[0].location) == "src/train.py:3"


@pytest.mark.parametrize("arguments", [(), ("--check",), ("--check", "--output-file", "locks/cpu.txt")])
def test_code_is_read_once(project: User, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    project.write("src/train.py", "import tensorflow as tf\n")
    project.write("pyproject.toml", PROJECT.replace("dependencies = true", 'dependencies = true\nsources = ["src"]'))
    project.lock()
    scanned: list[Sequence[Path]] = []
    real = scan.scan

    def counted(paths: Sequence[Path], directory: Path | None = None) -> scan.ScanOutcome:
        scanned.append(paths)
        return real(paths, directory)

    monkeypatch.setattr(scan, "scan", counted)
    assert project.lock(*arguments).returncode == 0
    assert scanned == [[Path("src")]]


def test_sources_that_are_not_there_are_named(project: User) -> None:
    project.write("pyproject.toml", PROJECT.replace("dependencies = true", 'dependencies = true\nsources = ["away"]'))
    result = project.lock()
    assert result.returncode == 2
    assert "away: there is no such file or folder" in result.stderr


def test_a_second_run_touches_nothing(project: User) -> None:
    project.lock()
    before = everything(project.sandbox.work)
    result = project.lock()
    assert result.returncode == 0
    assert "wrote" not in result.stderr
    assert everything(project.sandbox.work) == before


def test_json_has_every_target_in_order(project: User) -> None:
    targets = json.loads(project.lock("--json").stdout)["targets"]
    assert [(target["name"], target["lock"]) for target in targets] == [
        ("cpu", "locks/cpu.txt"),
        ("mac", "locks/mac.txt"),
    ]
    assert targets[0]["written"] == ["locks/cpu.txt", "locks/cpu.bootstrap.py", "train.ipynb"]


def test_one_target_that_can_t_be_had_stops_all_and_the_others_are_told(project: User) -> None:
    project.write("pyproject.toml", PROJECT.replace('tensorflow = "2.19"', 'tensorflow = "2.7"'))
    before = everything(project.sandbox.work)
    result = project.lock()
    assert result.returncode == 3
    assert "[mac]" in result.stderr
    assert "TensorFlow 2.7.4 has wheels for" in result.stderr
    assert "TensorFlow 2.20.0, Python 3.12" in result.stderr
    assert "nothing was written" in result.stderr
    assert everything(project.sandbox.work) == before
    first, second = json.loads(project.lock("--json").stdout)["targets"]
    assert first["pins"]
    assert second["rejections"]


def test_an_index_that_fails_for_one_target_leaves_all_as_they_were(project: User) -> None:
    project.lock()
    before = everything(project.sandbox.work)
    project.index.misbehave(faults.status(500), path="/simple/rich/")
    text = PROJECT.replace('runtime = "macos-arm64"', 'runtime = "macos-arm64"\nrequirements = ["mac.in"]')
    project.write("mac.in", "rich\n")
    project.write("pyproject.toml", text.replace("2.20", "2.21"))
    result = project.lock(UV_NO_CACHE="1")
    assert result.returncode == 4, result.stderr
    after = everything(project.sandbox.work)
    assert {name: after[name] for name in before if name != "pyproject.toml"} == {
        name: content for name, content in before.items() if name != "pyproject.toml"
    }


def test_check_looks_at_all_targets_without_asking_anybody(project: User) -> None:
    missing = project.lock("--check")
    assert missing.returncode == 1
    assert "there is no lock yet" in missing.stderr
    project.lock()
    asked = len(project.index.requests)
    fresh = project.lock("--check", "--json")
    assert fresh.returncode == 0, fresh.stderr
    assert [target["fresh"] for target in json.loads(fresh.stdout)["targets"]] == [True, True]
    project.write("pyproject.toml", PROJECT.replace('python = "3.11"', 'python = "3.12"'))
    stale = project.lock("--check", "--json")
    assert stale.returncode == 1
    assert [target["fresh"] for target in json.loads(stale.stdout)["targets"]] == [True, False]
    assert len(project.index.requests) == asked


def test_check_sees_a_notebook_whose_cell_is_of_another_lock(project: User) -> None:
    empty = project.text("train.ipynb")
    project.lock()
    other = project.text("train.ipynb").replace("numpy==", "numqy==")
    for text, reason in ((empty, "has no cell of ours yet"), (other, "was not made from this lock")):
        project.write("train.ipynb", text)
        result = project.lock("--check")
        assert result.returncode == 1
        assert reason in result.stderr


def test_an_output_of_a_target_means_that_target(project: User) -> None:
    result = project.lock("-o", "locks/mac.txt")
    assert result.returncode == 0, result.stderr
    assert lock_of(project, "locks/mac.txt").header.target.name == "mac"
    assert not (project.sandbox.work / "locks/cpu.txt").exists()
    assert project.lock("--check", "-o", "locks/mac.txt").returncode == 0


def test_options_take_the_place_of_the_project(project: User) -> None:
    result = project.lock("--runtime", "linux-cpu", "--python", "3.12", "--tensorflow", "2.19")
    assert result.returncode == 0, result.stderr
    assert lock_of(project, "requirements.txt").pin("pandas") is None


def test_the_platform_of_a_target_wins_over_its_runtime_s(project: User) -> None:
    text = PROJECT.replace('runtime = "macos-arm64"', 'runtime = "linux-cpu"\nplatform = "linux-aarch64"')
    project.write("pyproject.toml", text)
    assert project.lock().returncode == 0
    assert lock_of(project, "locks/mac.txt").header.target.machine == "aarch64"


def test_requirements_for_other_platforms_are_left_out_and_named(project: User) -> None:
    project.index.add(build_wheel(Project(name="winonly", version="1.0")))
    dependencies = "[\"tensorflow==2.19.1; sys_platform == 'darwin'\", \"winonly; sys_platform == 'win32'\"]"
    text = PROJECT.replace('["pandas"]', dependencies)
    project.write("pyproject.toml", text)
    result = project.lock()
    assert result.returncode == 0, result.stderr
    assert "left out winonly" in result.stderr
    assert lock_of(project, "locks/cpu.txt").header.tensorflow == "2.20.0"
    assert lock_of(project, "locks/mac.txt").pin("winonly") is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('lock = "locks/cpu.txt"', 'lock = "nowhere/cpu.txt"', "the folder of nowhere/cpu.txt does not exist"),
        ('"train.ipynb"', '"missing.ipynb"', "missing.ipynb: there is no such notebook"),
        ('runtime = "linux-cpu"', 'runtime = "linux-gpus"', "there is no runtime 'linux-gpus'"),
        ("dependencies = true", 'requirements = ["missing.in"]', "missing.in: there is no such requirements file"),
        ("[project]", "[project", "pyproject.toml:1:9: this is no valid TOML"),
        ('python = "3.12"', "python = 3.12", "targets.cpu.python: must be a string, not 3.12"),
    ],
)
def test_what_is_wrong_with_a_project_is_one_message_and_exit_2(
    project: User, before: str, after: str, message: str
) -> None:
    project.write("pyproject.toml", PROJECT.replace(before, after))
    result = project.lock()
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((project.sandbox.work / "locks").iterdir())
