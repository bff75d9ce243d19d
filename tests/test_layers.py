"""Who may import whom, and which rooms know nothing of the world outside. Judged from the sources, nothing is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.sources import PACKAGE, PURE_ROOMS, read_imports, read_modules, room_of, write_tree

CORE = frozenset({"errors", "facts", "inventory", "matrix", "request", "toml"})
DECISIONS = PURE_ROOMS - CORE

MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "": frozenset(),
    "__main__": frozenset({"cli"}),
    "errors": frozenset(),
    "toml": frozenset(),
    "facts": frozenset({"errors"}),
    "inventory": frozenset(),
    "matrix": frozenset({"errors", "facts"}),
    "request": frozenset({"errors"}),
    "lock": CORE,
    "resolution": CORE | {"lock"},
    "lock_diff": CORE | {"lock"},
    "pylock": CORE | {"lock", "resolution"},
    "configuration": CORE,
    "plan": CORE | {"lock", "resolution"},
    "explain": CORE | {"plan"},
    "render": CORE | {"plan", "lock", "slim"},
    "slim": CORE,
    "diagnose": CORE,
    "doctor": CORE | {"diagnose", "lock", "plan", "render"},
    "scan": frozenset({"errors", "matrix"}),
    "upgrade": CORE | {"explain", "lock", "lock_diff", "plan", "scan"},
    "payload": frozenset(),
    "edges": CORE | {"payload", "resolution"},
    "app": CORE | DECISIONS | {"edges", "payload", ""},
    "cli": CORE | DECISIONS | {"app", ""},
    "upkeep": CORE | {"diagnose", "edges", "lock", "plan", ""},
}
"""Room -> the other rooms that it may import; "" is the package itself (its version). Nobody may import `upkeep`."""

LIBRARIES: Mapping[str, frozenset[str]] = {
    "request": frozenset({"packaging"}),
    "facts": frozenset({"packaging"}),
    "matrix": frozenset({"packaging"}),
    "plan": frozenset({"packaging"}),
    "explain": frozenset({"packaging"}),
    "diagnose": frozenset({"packaging"}),
    "doctor": frozenset({"packaging"}),
    "scan": frozenset({"packaging"}),
    "configuration": frozenset({"packaging"}),
    "lock": frozenset({"packaging", "tomlkit"}),
    "lock_diff": frozenset({"packaging"}),
    "pylock": frozenset({"packaging", "tomlkit"}),
    "toml": frozenset({"tomli", "tomllib", "tomlkit"}),  # tomllib: standard library from Python 3.11 on
    "render": frozenset({"packaging", "jinja2"}),
    "upgrade": frozenset({"packaging"}),
    "edges": frozenset({"packaging", "yaml", "requests", "tomlkit"}),
    "app": frozenset({"packaging"}),
    "cli": frozenset({"click", "rich"}),
    "upkeep": frozenset({"click", "packaging", "rich", "yaml", "requests"}),
}
"""Room -> the libraries that it may import. uv and pip are programs that we run, so they are in no row."""

EXCEPTIONS = frozenset({
    ("tfbootstrap.plan.gpu", "tfbootstrap.payload.judge"),  # pure; a bootstrap judges GPUs by the same rules
    ("tfbootstrap.doctor.drift", "tfbootstrap.payload.judge"),  # the same: whether a lock is for this runtime
    ("tfbootstrap.doctor.trial", "tfbootstrap.payload.judge"),  # only the form of its checks
})  # fmt: skip
"""Module, library: single imports that no room may make in general."""

EDGE_BASE = frozenset(
    f"tfbootstrap.edges.{name}" for name in ("files", "programs", "resources", "index", "index_configuration")
)
"""Edges know nothing of each other, except these that others stand on."""

WORLDLY_MODULES = frozenset({
    "asyncio", "builtins", "ctypes", "fcntl", "ftplib", "getpass", "glob", "http", "importlib", "io", "locale",
    "logging", "mmap", "multiprocessing", "os", "pathlib", "pkgutil", "platform", "pty", "random", "runpy",
    "secrets", "select", "shutil", "signal", "site", "socket", "sqlite3", "ssl", "subprocess", "sys",
    "sysconfig", "tempfile", "threading", "time", "urllib.request", "uuid", "webbrowser", "winreg", "zoneinfo",
})  # fmt: skip
WORLDLY_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "exit", "quit", "breakpoint"})
WORLDLY_ATTRIBUTES = frozenset({"now", "utcnow", "today", "FileSystemLoader", "PackageLoader"})
"""The clock behind `datetime`, and Jinja's loaders that read files."""


def direction_problems(package: Path) -> Iterator[str]:
    """Yield each import that goes against the direction of the layers, or takes a library that another room has."""
    modules = read_modules(package)
    for module, tree in modules.items():
        room = room_of(module)
        if room not in MAY_IMPORT:
            yield f"{module}: unknown room {room!r}: say in MAY_IMPORT what it may import"
            continue
        for imported in read_imports(tree, modules):
            problem = _judge(module, room, imported.module, in_function=not imported.outermost)
            if problem:
                yield f"{module}:{imported.line}: {problem}"


def _judge(module: str, room: str, imported: str, *, in_function: bool) -> str | None:
    if (module, imported) in EXCEPTIONS:
        return None
    top = imported.split(".", maxsplit=1)[0]
    if top == "tfbootstrap":
        return _judge_own(module, room, imported, in_function=in_function)
    if top == "":
        return "relative import"
    if top in sys.stdlib_module_names:
        return None
    if top not in LIBRARIES.get(room, frozenset()):
        return f"{room or 'the package'} does not import {top}"
    return None


def _judge_own(module: str, room: str, imported: str, *, in_function: bool) -> str | None:
    target = room_of(imported)
    if module == "tfbootstrap.cli.main" and target and not in_function:
        return f"imports {imported} before a subcommand runs; import it where it is used"
    if room == target == "edges" and imported not in EDGE_BASE:
        return f"an edge knows no other edge than those in EDGE_BASE, not {imported}"
    if target != room and target not in MAY_IMPORT[room]:
        return f"{room or 'the package'} does not import {target or 'the package'}"
    return None


def purity_problems(package: Path) -> Iterator[str]:
    """Yield each place where a pure room reaches for files, processes, the clock, the environment or the terminal."""
    modules = read_modules(package)
    for module, tree in modules.items():
        if room_of(module) not in PURE_ROOMS:
            continue
        for imported in read_imports(tree, modules):
            names = {imported.module, imported.module.split(".")[0], f"{imported.module}.{imported.name}"}
            if names & WORLDLY_MODULES and not (names == {"sys", "sys.None"} and _asks_only_the_version(tree)):
                yield f"{module}:{imported.line}: a pure room does not import {imported.module}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in WORLDLY_CALLS:
                yield f"{module}:{node.lineno}: a pure room does not use {node.id}"
            elif isinstance(node, ast.Attribute) and node.attr in WORLDLY_ATTRIBUTES:
                yield f"{module}:{node.lineno}: a pure room does not use .{node.attr}"


def _asks_only_the_version(tree: ast.Module) -> bool:
    """Say whether `sys` serves only to choose by `sys.version_info`, which type checkers follow."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "sys"]
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "version_info"]
    return len(used) == len([node for node in asked if isinstance(node.value, ast.Name) and node.value.id == "sys"])


def test_imports_go_one_way() -> None:
    assert list(direction_problems(PACKAGE)) == []


def test_pure_rooms_are_pure() -> None:
    assert list(purity_problems(PACKAGE)) == []


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("errors.py", "from tfbootstrap.facts import Facts", "errors does not import facts"),
        ("plan.py", "def f():\n    from tfbootstrap.edges import index", "plan does not import edges"),
        ("plan/cuda.py", "import tfbootstrap.app.lock", "plan does not import app"),
        ("lock.py", "import requests", "lock does not import requests"),
        ("edges/engines.py", "import uv", "edges does not import uv"),
        ("edges/index.py", "from tfbootstrap.edges.engines import run", "an edge knows no other edge"),
        ("edges/index.py", "from tfbootstrap.plan import Plan", "edges does not import plan"),
        ("app/lock.py", "from tfbootstrap.upkeep import tensorflow", "app does not import upkeep"),
        ("cli/lock.py", "from tfbootstrap.edges import files", "cli does not import edges"),
        ("cli/main.py", "from tfbootstrap.app.lock import lock", "before a subcommand runs"),
        ("payload/probe.py", "from tfbootstrap.errors import InputError", "payload does not import errors"),
        ("payload/probe.py", "import packaging", "payload does not import packaging"),
        ("app/lock.py", "from . import cell", "relative import"),
        ("attic.py", "", "unknown room 'attic'"),
    ],
)
def test_notices_an_import_against_the_direction(tmp_path: Path, path: str, text: str, problem: str) -> None:
    empty = {"edges/engines.py": "", "edges/index.py": "", "edges/files.py": "", "upkeep/tensorflow.py": ""}
    package = write_tree(tmp_path / "tfbootstrap", {**empty, path: text})
    (found,) = direction_problems(package)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import subprocess", "subprocess"),
        ("def f():\n    import urllib.request", "urllib.request"),
        ("from urllib import request", "urllib"),
        ("from os import environ", "os"),
        ("import os.path", "os.path"),
        ("import sys\nif sys.version_info >= (3, 11):\n    HERE = sys.argv", "sys"),
        ("from pathlib import Path", "pathlib"),
        ("def f(path):\n    return open(path)", "open"),
        ("show = print", "print"),
        ("import datetime\nNOW = datetime.datetime.now()", ".now"),
    ],
)
def test_notices_a_worldly_pure_room(tmp_path: Path, text: str, problem: str) -> None:
    for room in ("plan.py", "matrix/rows.py", "lock.py"):
        package = write_tree(tmp_path / room / "tfbootstrap", {room: text})
        (found,) = purity_problems(package)
        assert problem in found


PURE_SAMPLE = """
import re
import sys
from urllib.parse import urlsplit
from tfbootstrap.errors import UsageError
NEW = sys.version_info >= (3, 11)
"""


def test_leaves_worldly_rooms_and_pure_code_alone(tmp_path: Path) -> None:
    package = write_tree(
        tmp_path / "tfbootstrap",
        {
            "edges/files.py": "import os\n",
            "edges/index.py": "import requests\nfrom tfbootstrap.edges.files import write\n",
            "plan.py": PURE_SAMPLE,
            "errors.py": "",
            "cli/main.py": "def main():\n    from tfbootstrap.errors import ExitCode\n",
        },
    )
    assert list(direction_problems(package)) == []
    assert list(purity_problems(package)) == []
