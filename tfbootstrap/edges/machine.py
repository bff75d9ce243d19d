"""Facts of a machine: asked of an interpreter, or read from and written to a facts file.

The payload's probe and survey run in a process of the interpreter that is asked about, for its Python, its packages and
its libraries are the facts; ours may be another.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from tfbootstrap.edges.files import read_text, write_atomically
from tfbootstrap.errors import InputError, Location, MachineError
from tfbootstrap.facts import Facts, facts_from_mapping, facts_to_mapping

TIMEOUT = 120.0
"""Seconds for a whole survey: it waits up to 20 s for each of its programs, and a full Colab image has 700 packages."""

OLDEST_PYTHON = (3, 7)

# Names of the package are made by hand, for the interpreter asked may not have it installed. A program may print while
# Python starts (sitecustomize, .pth files): only what stands between the two cookies is the answer.
_RUNNER = """
import sys
if sys.version_info[:2] < (3, 7):
    sys.exit("Python %d.%d is too old: 3.7 is the oldest that can be asked" % sys.version_info[:2])
if sys.path and sys.path[0] == "":
    del sys.path[0]
import json, types
task = json.load(sys.stdin)
for name in ("tfbootstrap", "tfbootstrap.payload"):
    sys.modules[name] = types.ModuleType(name)
for name, source in task["modules"]:
    module = sys.modules["tfbootstrap.payload." + name] = types.ModuleType("tfbootstrap.payload." + name)
    exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
facts = sys.modules["tfbootstrap.payload.survey"].survey_machine()
# Lone surrogates, from file names and variables that are no UTF-8, can be written nowhere: they become "?".
text = task["cookie"] + json.dumps(facts, ensure_ascii=False) + task["cookie"]
sys.stdout.buffer.write(text.encode("utf-8", "replace"))
"""


def collect_facts(python: Path | None = None, *, timeout: float = TIMEOUT) -> Facts:
    """Ask an interpreter, by default ours, for the facts of this machine.

    Raises MachineError when it can't be run, is older than Python 3.7, dies, or does not answer in `timeout` seconds.
    """
    executable = Path(sys.executable) if python is None else python
    cookie = secrets.token_hex(16)
    task = json.dumps({"cookie": cookie, "modules": [(name, _source(name)) for name in ("probe", "survey")]})
    output = _run(executable, task, timeout)
    parts = output.split(cookie)
    if len(parts) != 3:
        raise MachineError(f"{executable} gave no facts; it printed {output[-200:].strip()!r}", hint=_HINT)
    return facts_from_mapping(json.loads(parts[1]), path=f"the survey by {executable}")


_HINT = "name another interpreter with --python"


def _source(name: str) -> str:
    return resources.files("tfbootstrap.payload").joinpath(f"{name}.py").read_text(encoding="utf-8")


def _run(executable: Path, task: str, timeout: float) -> str:
    command = [str(executable), "-c", _RUNNER]
    try:
        done = subprocess.run(
            command, input=task, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{executable} did not tell its facts within {timeout:g} s", hint=_HINT) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MachineError(f"can't run the interpreter {executable}: {reason}", hint=_HINT) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"it exited with {done.returncode}"])[-1]
        raise MachineError(f"{executable} can't tell its facts: {last}", hint=_HINT)
    return done.stdout


def read_facts(path: Path) -> Facts:
    """Read a facts file; InputError has line and column where it is no JSON, and the key where it is no fact."""
    text = read_text(path, what="facts file", hint=_MAKE)
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        location = Location(str(path), line=error.lineno, column=error.colno)
        raise InputError(location, f"is no facts file: {error.msg.lower()}", hint=_MAKE) from error
    except _DuplicateKeyError as error:
        raise InputError(Location(str(path)), str(error), hint=_MAKE) from error
    except RecursionError as error:
        raise InputError(Location(str(path)), "is nested too deeply", hint=_MAKE) from error
    return facts_from_mapping(document, path=str(path))


_MAKE = "make one on the machine it is about: tfbootstrap detect -o FILE"


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            message = f"has the key {key!r} twice"
            raise _DuplicateKeyError(message)
        mapping[key] = value
    return mapping


def facts_text(facts: Facts) -> str:
    """Return the text of a facts file."""
    return json.dumps(facts_to_mapping(facts), indent=2, ensure_ascii=False) + "\n"


def write_facts(path: Path, facts: Facts) -> bool:
    """Write a facts file; return whether it changed. Raises OutputError."""
    return write_atomically(path, facts_text(facts))
