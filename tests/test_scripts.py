"""The Dockerfile and the shell script of a lock: what they carry, and that nothing breaks out of its quoting."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bootstraps import TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.golden import Golden
from tests.support.locks import PYTHON, make_lock
from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tests.test_render import a_lock, bootstrap, cell
from tfbootstrap.app.render import script_text
from tfbootstrap.edges.notebooks import NotebookCell, put_cell
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.errors import InputError
from tfbootstrap.lock import Lock, LockGpu, Pin, write_lock
from tfbootstrap.render import SCRIPTS, ScriptKind, render_cell, render_script

SIX = build_wheel(Project(name="six", version="1.17.0", files={"six.py": "x = 1\n"}))
TENSORFLOW = build_wheel(Project(name="tensorflow", version="2.20.0", files={"tensorflow/__init__.py": ""}))

HOSTILE = st.text(min_size=1) | st.sampled_from(
    [
        "$(touch hacked)",
        "`touch hacked`",
        "'; touch hacked; '",
        '"; touch hacked; "',
        "\ntouch hacked\n",
        "\r\nRUN touch hacked\r\n",
        "\nEND_OF_BOOTSTRAP\ntouch hacked\n",
        "END_OF_BOOTSTRAP",
        "escape=`\nRUN touch hacked",
        "x\\",
        "'''\nimport os\n",
        "%%bash\ntouch hacked",
        "{{ 7 }}",
        "https://index.test/simple/?a=1&b=$HOME;touch hacked#'",
        "six @ file:///tmp/$(touch hacked)",
        "\udc80",
    ]
)
"""Requirements, paths, addresses and names as an enemy would write them."""


def hostile_lock(text: str) -> Lock:
    names = ("name", "host", "release", "libc", "tensorflow", "command", "tool", "driver_floor")
    texts: dict[str, Any] = dict.fromkeys((*names, "build_cuda", "build_cudnn"), text)
    gpus = (LockGpu(name=text, compute_capability=text),)
    lock = a_lock(**texts, build_capabilities=(text,), gpus=gpus, breaks=(text,))
    return Lock(header=lock.header, pins=(*lock.pins, Pin(name=text, version=text, hashes=(f"sha256:{text}",))))


def script(lock: Lock, kind: ScriptKind) -> str:
    return render_script(lock, bootstrap(lock), read_template(SCRIPTS[kind]))


def instructions(dockerfile: str) -> Iterator[str]:
    """Yield the instructions of a Dockerfile as Docker reads them, each here-document as a whole."""
    lines = iter(re.split(r"\r?\n", dockerfile))
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        end = re.search(r'<<"(\w+)"', line)
        parts = [line]
        while end and parts[-1] != end[1]:
            parts.append(next(lines))
        yield "\n".join(parts)


@pytest.mark.parametrize("kind", SCRIPTS)
def test_whole_scripts(golden: Golden, kind: ScriptKind) -> None:
    golden.compare(f"{kind}.txt", script(a_lock(), kind))
    golden.compare(f"{kind}-cpu.txt", script(a_lock(cuda_provider="none", gpus=()), kind))


def test_the_dockerfile_holds_the_bootstrap_and_installs_it() -> None:
    lock = a_lock()
    base, image, copy, run = instructions(script(lock, "dockerfile"))
    assert (base, image) == ("ARG BASE=python:3.12-slim", "FROM --platform=linux/amd64 ${BASE}")
    assert copy.partition("\n")[2].rpartition("\n")[0] + "\n" == bootstrap(lock)
    code = json.loads(run.removeprefix("RUN "))[2]
    assert "'/opt/tfbootstrap/bootstrap.py'" in code


def test_what_the_dockerfile_runs_installs(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(SIX, TENSORFLOW)
    made = TinyBootstrap(sandbox, loopback_index)
    lock = make_lock([SIX, TENSORFLOW], cuda_provider="wheels", driver_floor="525.60.13")
    made.write(lock)
    made.make_environment(sys.executable)
    *_, run = instructions(script(lock, "dockerfile"))
    code = json.loads(run.removeprefix("RUN "))[2].replace("/opt/tfbootstrap/bootstrap.py", str(made.script))
    result = sandbox.run(made.python, "-c", code, variables=made.variables)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (made.site_packages / "six.py").exists()


def test_without_a_gpu_the_image_is_verified_while_it_is_built() -> None:
    *_, run = instructions(script(a_lock(cuda_provider="none"), "dockerfile"))
    assert run == 'RUN ["python3", "/opt/tfbootstrap/bootstrap.py"]'


def test_cuda_of_the_system_needs_a_base_that_has_it() -> None:
    base, *_ = instructions(script(a_lock(cuda_provider="system"), "dockerfile"))
    assert base == "ARG BASE"


@given(HOSTILE)
def test_nothing_breaks_out_of_a_dockerfile(text: str) -> None:
    lock = hostile_lock(text)
    written = script(lock, "dockerfile")
    assert written.isascii()
    assert "\r" not in written
    assert not re.match(r"#\s*\w+\s*=", written)  # a first line like this would be a directive
    harmless = list(instructions(script(a_lock(), "dockerfile")))
    found = list(instructions(written))
    assert found[2].partition("\n")[2].rpartition("\n")[0] + "\n" == bootstrap(lock)
    assert [*found[:2], *found[3:]] == [*harmless[:2], *harmless[3:]]


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_nothing_breaks_out_of_a_shell_script(text: str) -> None:
    lock = hostile_lock(text)
    with tempfile.TemporaryDirectory() as name:
        programs, work = Path(name, "programs"), Path(name, "work")
        programs.mkdir()
        work.mkdir()
        for program in ("cat", "mktemp", "rm"):
            (programs / program).symlink_to(str(shutil.which(program)))
        # Says yes to being the right Python, then shows what it would have run.
        stub = '#!/bin/sh\nif [ "$1" != -c ]; then cat "$1"; fi\n'
        (programs / "python3").write_text(stub)
        (programs / "python3").chmod(0o755)
        file = Path(name, "bootstrap.sh")
        file.write_text(script(lock, "shell"), encoding="ascii")
        command = [str(shutil.which("sh")), str(file)]
        result = subprocess.run(command, cwd=work, env={"PATH": str(programs), "TMPDIR": name}, capture_output=True)
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout.decode() == bootstrap(lock)
        assert list(work.iterdir()) == []
        assert {path.name for path in Path(name).iterdir()} == {"programs", "work", "bootstrap.sh"}


@given(HOSTILE)
def test_nothing_breaks_out_of_a_notebook(text: str) -> None:
    others: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["x = 1"]}
    ]
    notebook: dict[str, Any] = {"cells": others, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    source = cell(hostile_lock(text)).rstrip("\n")
    written = put_cell(json.dumps(notebook), NotebookCell(source=source, mark={"target": text}), "train.ipynb")
    first, *rest = json.loads(written)["cells"]
    assert "".join(first["source"]) == source
    assert first["metadata"]["tfbootstrap"] == {"target": text}
    assert rest == others
    assert {key: value for key, value in json.loads(written).items() if key != "cells"} == {
        key: value for key, value in notebook.items() if key != "cells"
    }


@given(HOSTILE.filter(lambda text: not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text, re.ASCII)))
def test_what_can_not_be_quoted_is_refused(text: str) -> None:
    for kind in SCRIPTS:
        with pytest.raises(ValueError, match="no plain word"):
            script(a_lock(python=text), kind)
    with pytest.raises(ValueError, match="no plain word"):
        script(a_lock(machine=text), "dockerfile")


@pytest.mark.parametrize(("kind", "system"), [("dockerfile", "macos"), ("dockerfile", "windows"), ("shell", "windows")])
def test_a_lock_for_another_system_is_refused(kind: ScriptKind, system: str) -> None:
    with pytest.raises(InputError, match=f"not for {system}"):
        script_text(a_lock(system=system), kind)


def test_the_shell_script_installs_and_verifies(sandbox: Sandbox, loopback_index: LoopbackIndex) -> None:
    loopback_index.add(SIX, TENSORFLOW)
    made = TinyBootstrap(sandbox, loopback_index)
    lock = make_lock([SIX, TENSORFLOW])
    made.write(lock)
    made.make_environment(sys.executable)
    file = sandbox.work / "bootstrap.sh"
    file.write_text(render_script(lock, made.script.read_text(), read_template("bootstrap.sh.j2")))
    result = sandbox.run("sh", file, variables={**made.variables, "PYTHON": str(made.python)})
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("TensorFlow 2.20.0 for this-machine: verified\n")
    assert (made.site_packages / "six.py").exists()
    wrong = sandbox.run("sh", file, "--no-such-option", variables={**made.variables, "PYTHON": str(made.python)})
    assert wrong.returncode == 2
    sandbox.assert_nothing_left(expected=["project", "bootstrap.sh"])


def test_the_shell_script_says_which_python_it_needs(sandbox: Sandbox) -> None:
    file = sandbox.work / "bootstrap.sh"
    file.write_text(script(a_lock(python="3.99"), "shell"))
    result = sandbox.run("sh", file)
    assert result.returncode == 2
    assert "error: no Python 3.99 was found" in result.stderr
    assert "hint: install it, or name it: PYTHON=" in result.stderr
    assert PYTHON not in result.stderr


@pytest.mark.parametrize("change", ["\r\n", "\r", "trailing blanks stripped"])
def test_a_cell_survives_pasting(change: str) -> None:
    source = render_cell(a_lock(), read_payload(), read_template("cell.py.j2"))
    stripped = "".join(line.rstrip() + "\n" for line in source.splitlines())
    changed = stripped if change == "trailing blanks stripped" else source.replace("\n", change)
    assert carried_programs(changed) == carried_programs(source)


def carried_programs(source: str) -> list[str]:
    """Return what a cell is and carries, as trees: the cell, its payload, its trial."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    programs = [text for text in texts if isinstance(text, str) and "\nimport " in text]
    assert len(programs) == 2
    whole = ast.parse(source)
    for node in ast.walk(whole):
        if isinstance(node, ast.Constant) and node.value in programs:
            node.value = "a program"
    return [ast.dump(whole), *(ast.dump(ast.parse(program)) for program in programs)]


@pytest.mark.parametrize(("kind", "start"), [("dockerfile", "# A Dockerfile"), ("shell", "#!/bin/sh\n")])
def test_the_command_line_prints_them(sandbox: Sandbox, kind: str, start: str) -> None:
    lock = make_lock([SIX, TENSORFLOW], system="linux")
    (sandbox.work / "requirements.txt").write_text(write_lock(lock))
    result = sandbox.tfbootstrap("cell", "--style", kind)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(start)
    assert '"six==1.17.0"' in result.stdout
    result = sandbox.tfbootstrap("cell", "--style", kind, "--into", "train.ipynb")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"--style {kind} is no cell" in result.stderr
    sandbox.assert_nothing_left(expected=["requirements.txt"])
