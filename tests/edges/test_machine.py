"""Asking interpreters for facts, and facts files on disk."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.interpreters import PAYLOAD_PYTHONS
from tfbootstrap.edges.machine import collect_facts, facts_text, read_facts, write_facts
from tfbootstrap.errors import InputError, MachineError
from tfbootstrap.facts import Facts, PlatformFacts, PythonFacts

FACTS = Facts(
    python=PythonFacts(version="3.12.1"), platform=PlatformFacts(system="linux", machine="x86_64", release="Zürich 1")
)


def make_interpreter(folder: Path, script: str) -> Path:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("interpreter", PAYLOAD_PYTHONS, indirect=True)
def test_every_python_can_be_asked(interpreter: Path) -> None:
    facts = collect_facts(interpreter)
    assert facts.python.executable == str(interpreter)
    assert facts.python.minor == interpreter_version(interpreter)
    assert facts.platform.system in {"linux", "macos", "windows"}
    assert all(distribution.version for distribution in facts.distributions.values())


def interpreter_version(interpreter: Path) -> str:
    import subprocess

    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([interpreter, "-c", code], capture_output=True, encoding="utf-8").stdout.strip()


def test_our_own_python_lists_what_is_installed_here() -> None:
    from importlib.metadata import distribution

    found = collect_facts().distributions
    assert found["click"].version == distribution("click").version
    assert list(found["pytest"].requires) == (distribution("pytest").requires or [])


def test_modules_beside_the_user_and_chatter_at_start_do_no_harm(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatty = sandbox.root / "chatty"
    chatty.mkdir()
    (chatty / "sitecustomize.py").write_text("print('hello from sitecustomize')\n")
    for name in ("json", "platform", "types", "subprocess"):
        (sandbox.work / f"{name}.py").write_text("raise SystemExit('the file beside the user was imported')\n")
    monkeypatch.chdir(sandbox.work)
    monkeypatch.setenv("PYTHONPATH", str(chatty))
    facts = collect_facts()
    assert facts.python.executable == sys.executable
    assert facts.environment["PYTHONPATH"] == str(chatty)


def test_variables_that_are_no_text_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--dump=\udcff/ö")
    facts = collect_facts()
    assert facts.environment["XLA_FLAGS"] == "--dump=?/ö"
    assert write_facts(tmp_path / "facts.json", facts)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'Segmentation fault' >&2; exit 139", "can't tell its facts: Segmentation fault"),
        ("exit 4", "can't tell its facts: it exited with 4"),
        ("echo hello; exit 0", "gave no facts; it printed 'hello'"),
        ("cat >/dev/null; exec sleep 60", "did not tell its facts within 0.5 s"),
    ],
    ids=["dies", "dies silently", "is no Python", "hangs"],
)
def test_a_broken_interpreter_is_named(tmp_path: Path, script: str, message: str) -> None:
    program = make_interpreter(tmp_path, script)
    began = time.monotonic()
    with pytest.raises(MachineError) as caught:
        collect_facts(program, timeout=0.5 if "sleep" in script else 30)
    assert str(caught.value) == f"{program} {message}"
    assert caught.value.hint is not None
    assert time.monotonic() - began < 20


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"can't run the interpreter .*no such file or directory"):
        collect_facts(tmp_path / "python")


def test_a_facts_file_is_written_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"
    assert write_facts(path, FACTS)
    assert read_facts(path) == FACTS
    assert not write_facts(path, FACTS)
    assert path.read_text(encoding="utf-8") == facts_text(FACTS)
    assert "Zürich" in facts_text(FACTS)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"
    path.write_text(facts_text(FACTS), encoding="utf-8-sig")
    assert read_facts(path) == FACTS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1:1: is no facts file: expecting value"),
        (b'{"schema": 1,\n "python"}', ":2:10: is no facts file: expecting ':' delimiter"),
        (b"\xff\xfe{", ": this facts file is not UTF-8 (byte 0)"),
        (b'{"schema": 1, "schema": 2}', ": has the key 'schema' twice"),
        (b"[" * 100_000, ": is nested too deeply"),
        (b"[]", ": must be a mapping, not a list ([])"),
        (b'{"schema": 9}', ": schema: is 9, newer than 1, which this version reads"),
    ],
    ids=["empty", "cut off", "UTF-16", "key twice", "deep", "no mapping", "newer"],
)
def test_a_file_that_is_no_facts_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "lab.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_facts(path)
    assert str(caught.value) == f"{path}{message}"
    assert caught.value.hint is not None or message.endswith("([])")


def test_a_facts_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_facts(tmp_path / "lab.json")
    assert "there is no such facts file" in str(caught.value)
    assert caught.value.hint == "make one on the machine it is about: tfbootstrap detect -o FILE"


def test_the_text_is_json_with_stable_order() -> None:
    assert list(json.loads(facts_text(FACTS)))[:4] == ["schema", "python", "platform", "gpu_status"]
