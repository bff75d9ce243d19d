"""`tfbootstrap doctor` as a user runs it, on tiny environments: broken, told, mended by the printed command, well."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import Sandbox
from tests.support.installed import install
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex
from tests.support.programs import UV
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.errors import ExitCode
from tfbootstrap.lock import write_lock

TENSORFLOW = Project(
    name="tensorflow",
    version="2.20.0",
    requires=("six>=1.12.0", "numpy>=1.26.0"),
    files={"tensorflow/__init__.py": "__version__ = '2.20.0'\n", "tensorflow/core.py": ""},
)
CPU = Project(
    name="tensorflow-cpu", version="2.20.0", files={"tensorflow/__init__.py": "cpu = 1\n", "tensorflow/core.py": ""}
)
SIX = Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"})
OLD_SIX = Project(name="six", version="1.10.0", files={"six.py": "x = 0\n"})
NUMPY = Project(name="numpy", version="2.1.3")


@pytest.fixture(autouse=True)
def disk_is_large_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any disk for large enough: how full that of the host is must not decide."""
    monkeypatch.setattr("tfbootstrap.doctor.environment.LITTLE_SPACE", 0)


@pytest.fixture
def environment(sandbox: Sandbox) -> Path:
    """Return the library folder of an environment in which a tiny TensorFlow is whole; uv made it, it has no pip."""
    sandbox.run(UV, "venv", "--python", sys.executable, ".tf")
    (library,) = (sandbox.work / ".tf").glob("lib/python*/site-packages")
    for project in (TENSORFLOW, SIX, NUMPY):
        install(library, project)
    return library


def doctor(sandbox: Sandbox, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # Without our own PYTHONPATH, in which the environment that is examined would look.
    return sandbox.tfbootstrap(
        "doctor", "--venv", ".tf", *arguments, variables={"PYTHONPATH": None, "PATH": str(UV.parent), **variables}
    )


def examined(sandbox: Sandbox, *arguments: str | Path, **variables: str) -> dict[str, Any]:
    result = doctor(sandbox, "--json", *arguments, **variables)
    assert result.stderr == ""
    document: dict[str, Any] = json.loads(result.stdout)
    assert result.returncode == (ExitCode.DONE if document["ok"] else ExitCode.WANTING)
    return document


def remove(library: Path, project: Project) -> None:
    for path in library.glob(f"{project.name}*"):
        if path.is_dir():
            for file in sorted(path.rglob("*"), reverse=True):
                file.unlink()
            path.rmdir()
        else:
            path.unlink()


def break_requirement(library: Path) -> None:
    remove(library, SIX)
    install(library, OLD_SIX)


def lose_requirement(library: Path) -> None:
    remove(library, SIX)


def lose_record(library: Path) -> None:
    next(library.glob("tensorflow-*.dist-info/RECORD")).unlink()


def lose_file(library: Path) -> None:
    (library / "tensorflow/core.py").unlink()


def install_beside(library: Path) -> None:
    install(library, CPU)


BREAKS = {
    "requirement-broken": break_requirement,
    "requirement-missing": lose_requirement,
    "record-missing": lose_record,
    "files-missing": lose_file,
    "clashing-distributions": install_beside,
}


def test_all_is_well(sandbox: Sandbox, environment: Path) -> None:
    result = doctor(sandbox)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("all is well: nothing is wanting\nlooked at:\n")
    assert "  TensorFlow  2.20.0 (tensorflow)\n" in result.stdout
    assert result.stdout.endswith("not tried: importing TensorFlow and computing with it (--deep)\n")
    assert examined(sandbox)["findings"] == []
    sandbox.assert_nothing_left(expected=[".tf"])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "clashing-distributions" else pytest.mark.slow) for name in BREAKS]
)
def test_the_printed_commands_mend_it(
    sandbox: Sandbox, environment: Path, loopback_index: LoopbackIndex, name: str
) -> None:
    for project in (TENSORFLOW, SIX, NUMPY):
        loopback_index.add(build_wheel(project))
    BREAKS[name](environment)
    (finding,) = examined(sandbox)["findings"]
    assert finding["id"] == name
    variables = {"UV_DEFAULT_INDEX": loopback_index.simple_url, "UV_NO_CACHE": "1", "PYTHONPATH": None}
    for command in finding["commands"]:
        run = sandbox.run(*shlex.split(command), variables=variables)
        assert run.returncode == 0, run.stderr
    assert examined(sandbox)["findings"] == []


def test_words_name_what_is_wrong_and_the_command(sandbox: Sandbox, environment: Path) -> None:
    lose_requirement(environment)
    (sandbox.work / "tensorflow.py").touch()
    result = doctor(sandbox)
    assert result.returncode == ExitCode.WANTING
    assert "1. error: shadowed-module\n" in result.stdout
    assert "2. error: requirement-missing\n   six is missing for tensorflow\n" in result.stdout
    python = sandbox.work.resolve() / ".tf/bin/python"
    assert f"   $ uv pip install --python {python} 'six>=1.12.0'\n" in result.stdout.replace(
        "/.tf/bin/python3", "/.tf/bin/python"
    )
    assert "\n2 errors\nlooked at:\n" in result.stdout


def test_names_of_strangers_do_not_steer_the_terminal(sandbox: Sandbox, environment: Path) -> None:
    odd = environment / "odd-1.dist-info"
    odd.mkdir()
    (odd / "METADATA").write_text("Name: \x1b[31modd\nVersion: 1\nRequires-Dist: gone\n\n")
    result = doctor(sandbox)
    assert "requires gone" in result.stdout
    assert "\x1b" not in result.stdout


def test_drift_from_a_lock(sandbox: Sandbox, environment: Path) -> None:
    (sandbox.work / "my lock.txt").write_text(write_lock(make_lock([build_wheel(OLD_SIX)])))
    (finding,) = examined(sandbox, "my lock.txt")["findings"]
    assert (finding["id"], finding["evidence"]) == ("lock-drift", ["six 1.17.0 instead of 1.10.0"])
    assert finding["commands"] == ["tfbootstrap install 'my lock.txt' --venv .tf"]


@pytest.mark.parametrize("name", ["report.json", "report.md"])
def test_a_report_for_a_bug(sandbox: Sandbox, environment: Path, name: str) -> None:
    lose_requirement(environment)
    result = doctor(sandbox, "--report", name, UV_INDEX="https://me:hunter2@index.test/simple")
    assert (result.returncode, result.stderr) == (ExitCode.WANTING, f"wrote {name}\n")
    text = (sandbox.work / name).read_text(encoding="utf-8")
    assert "requirement-missing" in text
    assert "hunter2" not in text


def test_trying_tensorflow(sandbox: Sandbox, environment: Path) -> None:
    (environment / "numpy/__init__.py").write_text("raise AttributeError('_ARRAY_API not found')\n")
    document = examined(sandbox, "--deep")
    trial = document["findings"][0]
    assert (trial["id"], trial["class"]) == ("trial-import", "numpy2-abi")
    assert trial["evidence"][0] == "AttributeError: _ARRAY_API not found"


SMI = """\
#!/bin/sh
case "$1" in
    --query-gpu=*) echo "Tesla T4, 7.5, 15360, 550.54.15, GPU-11111111-2222-3333-4444-555555555555" ;;
    *) echo "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |" ;;
esac
"""
NEEDED = (
    *("libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcufft.so.11", "libcusolver.so.11"),
    *("libcusparse.so.12", "libcudnn.so.9", "libcuda.so.1"),
)


def test_a_gpu_and_its_libraries(sandbox: Sandbox, environment: Path) -> None:
    program, libraries = sandbox.work / "bin/nvidia-smi", sandbox.work / "cuda"
    program.parent.mkdir()
    program.write_text(SMI)
    program.chmod(0o755)
    libraries.mkdir()
    (libraries / "libcuda.so.1").touch()
    variables = {"PATH": f"{program.parent}:{UV.parent}:/usr/bin:/bin", "LD_LIBRARY_PATH": str(libraries)}
    findings = examined(sandbox, **variables)["findings"]
    assert findings[0]["id"] == "library-missing"
    for finding in findings:  # a host may have a CUDA of another version
        assert finding["link"] in {"library-missing", "library-version"}
        assert (finding["class"], finding["severity"]) == ("missing-cuda-lib", "error")
        assert finding["commands"][0].endswith(" 'tensorflow[and-cuda]==2.20.0'")
    for name in NEEDED:
        (libraries / name).touch()
    document = examined(sandbox, **variables)
    assert document["findings"] == []
    assert document["looked_at"]["CUDA libraries"] == "7 of 7 found where TensorFlow looks"
    wheel = environment / "nvidia/cudnn/lib"
    wheel.mkdir(parents=True)
    (wheel / "libcudnn.so.9").touch()
    (hides,) = examined(sandbox, **variables)["findings"]
    assert (hides["id"], hides["commands"]) == ("ld-library-path-hides-wheels", ["unset LD_LIBRARY_PATH"])


def test_an_environment_without_tensorflow(sandbox: Sandbox) -> None:
    sandbox.run(UV, "venv", "--python", sys.executable, ".tf")
    document = examined(sandbox, "--deep")
    (finding,) = document["findings"]
    assert (finding["id"], document["tensorflow"]) == ("tensorflow-missing", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--venv", "nowhere"], "error: nowhere: there is no such folder\n\nhint: name the folder"),
        (["--venv", "."], "error: .: is no environment: it has no bin/python\n"),
        (["missing.txt"], "error: missing.txt: there is no such lock\n"),
        (["--report", "report.pdf"], "error: a report is JSON or Markdown, and 'report.pdf' says neither\n"),
    ],
)
def test_wrong_input_is_one_message(sandbox: Sandbox, arguments: list[str], message: str) -> None:
    result = sandbox.tfbootstrap("doctor", *arguments)
    assert (result.returncode, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr.startswith(message)
    sandbox.assert_nothing_left()


def test_an_interpreter_that_does_not_run(sandbox: Sandbox) -> None:
    (sandbox.work / "bin").mkdir()
    (sandbox.work / "bin/python").write_text("#!/bin/sh\nexit 3\n")
    (sandbox.work / "bin/python").chmod(0o755)
    result = sandbox.tfbootstrap("doctor", "--venv", ".")
    assert (result.returncode, result.stdout) == (ExitCode.WANTING, "")
    assert "can't tell its facts: it exited with 3" in result.stderr
