"""Facts of a machine: asked of an interpreter, or read from and written to a facts file.

The payload's probe and survey run in a process of the interpreter that is asked about, for its Python, its packages and
its libraries are the facts; ours may be another.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tfbootstrap.edges.files import read_text, write_atomically
from tfbootstrap.errors import InputError, Location, MachineError
from tfbootstrap.facts import Facts, facts_from_mapping, facts_to_mapping
from tfbootstrap.inventory import Inventory, inventory_from_mapping
from tfbootstrap.payload.judge import Check

TIMEOUT = 120.0
"""Seconds for a whole survey: it waits up to 20 s for each of its programs, and a full Colab image has 700 packages."""

TRIAL_TIMEOUT = 1000.0
"""Seconds for a trial of TensorFlow, which ends itself earlier."""

OLDEST_PYTHON = (3, 7)

_Call = tuple[str, str, tuple[Any, ...]]
"""Payload module, function, arguments."""

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
answers = []
for name, function, arguments in task["ask"]:
    answers.append(getattr(sys.modules["tfbootstrap.payload." + name], function)(*arguments))
# Lone surrogates, from file names and variables that are no UTF-8, can be written nowhere: they become "?".
text = task["cookie"] + json.dumps(answers, ensure_ascii=False) + task["cookie"]
sys.stdout.buffer.write(text.encode("utf-8", "replace"))
"""


def collect_facts(python: Path | None = None, *, timeout: float = TIMEOUT) -> Facts:
    """Ask an interpreter, by default ours, for the facts of this machine.

    Raises MachineError when it can't be run, is older than Python 3.7, dies, or does not answer in `timeout` seconds.
    """
    (facts,) = _ask(python, ("probe", "survey"), [("survey", "survey_machine", ())], timeout)
    return facts_from_mapping(facts, path=f"the survey by {python or sys.executable}")


def collect_inventory(python: Path | None = None, *, timeout: float = TIMEOUT) -> tuple[Facts, Inventory]:
    """Ask an interpreter for the facts of this machine, and for what is installed in its environment.

    Raises MachineError as `collect_facts` does.
    """
    modules = ("probe", "survey", *_DISTRIBUTIONS, "inventory")
    asked = [("survey", "survey_machine", ()), ("inventory", "take_inventory", ())]
    facts, inventory = _ask(python, modules, asked, timeout)
    path = f"the survey by {python or sys.executable}"
    return facts_from_mapping(facts, path=path), inventory_from_mapping(inventory)


def try_tensorflow(
    python: Path | None, trial: str, lock: Mapping[str, Any], *, timeout: float = TRIAL_TIMEOUT
) -> list[Check]:
    """Run a bootstrap's trial (its program) in a fresh process of an interpreter, and return its checks.

    `lock` is what the trial needs of one: what was expected. Raises MachineError as `collect_facts` does.
    """
    modules = ("judge", *_DISTRIBUTIONS, "links", "install", "hints", "verify")
    (checks,) = _ask(python, modules, [("verify", "run_in_fresh_process", (dict(lock), trial))], timeout)
    return list(checks)


_DISTRIBUTIONS = ("hashes", "distributions", "clashes")
"""The payload's modules that read what is installed, each after those that it needs."""


def _ask(python: Path | None, modules: Sequence[str], ask: Sequence[_Call], timeout: float) -> list[Any]:
    executable = Path(sys.executable) if python is None else python
    cookie = secrets.token_hex(16)
    task = json.dumps({"cookie": cookie, "modules": [(name, _source(name)) for name in modules], "ask": ask})
    parts = _run(executable, task, timeout).split(cookie)
    if len(parts) != 3:
        raise MachineError(f"{executable} gave no facts; it printed {''.join(parts)[-200:].strip()!r}", hint=_HINT)
    answers: list[Any] = json.loads(parts[1])
    return answers


def find_interpreter(folder: Path) -> Path:
    """Return the interpreter of a virtual environment's (or conda environment's) folder.

    Raises InputError where the folder has none.
    """
    names = ("Scripts/python.exe", "python.exe", "bin/python", "bin/python3")
    found = next((folder / name for name in names if (folder / name).exists()), None)
    if found is None:
        problem = "is no environment: it has no bin/python" if folder.is_dir() else "there is no such folder"
        raise InputError(
            Location(str(folder)), problem, hint="name the folder that holds bin/ and lib/ of an environment"
        )
    return found


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
