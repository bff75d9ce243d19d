"""What a bootstrap is made of: sources that can be joined into one file, for Python 3.7 and later.

That payload modules import nothing else of the package is judged in `test_layers.py`.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.interpreters import PAYLOAD_PYTHONS
from tests.support.sources import PACKAGE, read_imports, read_modules, write_tree
from tfbootstrap.render import BOOTSTRAP_MODULES, CELL_MODULES, ISOLATED_MODULES, RENEWAL_MODULES, WORKER

PAYLOAD = PACKAGE / "payload"

BUDGETS: Mapping[str, int] = {
    "probe": 13_000,
    "install": 14_000,
    "verify": 14_000,
    "session": 6_500,
    "state": 5_500,
    "rescue": 5_000,
    "isolate": 12_000,
    "worker": 6_500,
}
"""Payload module -> bytes of source, so that a whole cell with a lock of 40 packages stays below 60 kB."""

JOINED = frozenset({*BOOTSTRAP_MODULES, *CELL_MODULES, *RENEWAL_MODULES, *ISOLATED_MODULES, *WORKER})
"""The modules that make up a bootstrap or a cell; the others are programs of their own."""

DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)

IMPORT_ALL = """
import importlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
for path in sorted(root.glob("tfbootstrap/payload/*.py")):
    importlib.import_module("tfbootstrap.payload." + path.stem)
"""


def joining_problems(package: Path) -> Iterator[str]:
    """Yield what would go wrong when payload sources are joined into one file."""
    modules = read_modules(package)
    prefix = "tfbootstrap.payload."
    payload = {
        name: tree for name, tree in modules.items() if name.startswith(prefix) and name.removeprefix(prefix) in JOINED
    }
    owners: dict[str, tuple[str, str]] = {}
    for module, tree in payload.items():
        yield from (f"{module}:{line}: {problem}" for line, problem in _shape_problems(tree))
        for imported in read_imports(tree, modules):
            if imported.module == "__future__":
                yield f"{module}:{imported.line}: a __future__ import can't stand in the middle of a joined file"
            elif imported.module.startswith("tfbootstrap") and (imported.renamed or imported.name in {None, "*"}):
                yield f"{module}:{imported.line}: write `from {imported.module} import <name>`, without `as`"
        for name, meaning in _top_level_names(tree, module):
            first_module, first_meaning = owners.setdefault(name, (module, meaning))
            if meaning != first_meaning:
                yield f"{module}: {name} is also a top-level name of {first_module}"


def _shape_problems(tree: ast.Module) -> Iterator[tuple[int, str]]:
    if ast.get_docstring(tree) is None:
        yield 1, "has no docstring"
    defined = False
    for node in tree.body[1:] if ast.get_docstring(tree) is not None else tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            if defined:
                yield node.lineno, "an import below a definition"
        elif isinstance(node, DEFINITIONS):
            defined = True
        elif not _is_text(node):
            yield node.lineno, "neither an import nor a definition: importing a payload module does nothing else"


def _is_text(node: ast.stmt) -> bool:
    """Say whether a statement is a string: the docstring of the constant above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _top_level_names(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """Yield name, meaning. Two modules may import the same thing under the same name; all else is its module's own."""
    for node in tree.body:
        match node:
            case ast.Import():
                yield from ((alias.asname or alias.name.split(".")[0], f"module {alias.name}") for alias in node.names)
            case ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name, f"{alias.name} of {node.module}"
            case ast.FunctionDef() | ast.ClassDef():
                yield node.name, f"{node.name} of {module}"
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]
                yield from ((name, f"{name} of {module}") for name in names)


def syntax_problems(payload: Path) -> list[str]:
    """Return a line for each module that Python 3.7 can't read."""
    return [problem for path in sorted(payload.glob("*.py")) if (problem := _syntax_problem(path))]


def _syntax_problem(path: Path) -> str | None:
    try:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    except SyntaxError as error:
        return f"{path.name}:{error.lineno}: {error.msg}"
    return None


def size_problems(payload: Path, budgets: Mapping[str, int]) -> Iterator[str]:
    """Yield each module that is larger than its budget."""
    for path in sorted(payload.glob("*.py")):
        size, budget = path.stat().st_size, budgets.get(path.stem)
        if budget is not None and size > budget:
            yield f"{path.name} has {size} bytes, {size - budget} more than its budget"


def import_all(package: Path, interpreter: Path, sandbox: Sandbox) -> str:
    """Import every payload module with that interpreter and return what it says: nothing, where all is well."""
    alone = sandbox.root / "alone" / "tfbootstrap"
    shutil.copytree(package / "payload", alone / "payload", ignore=shutil.ignore_patterns("__pycache__"))
    (alone / "__init__.py").touch()
    result = sandbox.run(interpreter, "-I", "-S", "-B", "-W", "error", "-c", IMPORT_ALL, alone.parent)
    return result.stdout + result.stderr


def test_every_joined_module_is_there() -> None:
    assert {path.stem for path in PAYLOAD.glob("*.py")} >= JOINED >= BUDGETS.keys()


def test_sources_can_be_joined() -> None:
    assert list(joining_problems(PACKAGE)) == []


def test_sources_have_python_3_7_syntax() -> None:
    assert syntax_problems(PAYLOAD) == []


def test_sources_keep_their_budgets() -> None:
    assert list(size_problems(PAYLOAD, BUDGETS)) == []


@pytest.mark.parametrize("interpreter", PAYLOAD_PYTHONS, indirect=True)
def test_sources_import_alone_and_in_silence(sandbox: Sandbox, interpreter: Path) -> None:
    assert import_all(PACKAGE, interpreter, sandbox) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import os", "has no docstring"),
        ('"""x"""\nfrom __future__ import annotations', "__future__"),
        ('"""x"""\nX = 1\nimport os', "an import below a definition"),
        ('"""x"""\nprint("hello")', "neither an import nor a definition"),
        ('"""x"""\nfrom tfbootstrap.payload.probe import ask as query', "without `as`"),
        ('"""x"""\nimport tfbootstrap.payload.probe', "without `as`"),
        ('"""x"""\nfrom tfbootstrap.payload import probe', "without `as`"),
        ('"""x"""\ndef ask(): pass', "ask is also a top-level name of tfbootstrap.payload.probe"),
        ('"""x"""\nLIMIT: int = 2', "LIMIT is also a top-level name"),
        ('"""x"""\nfrom posixpath import join', "join is also a top-level name"),
    ],
)
def test_notices_what_can_not_be_joined(tmp_path: Path, text: str, problem: str) -> None:
    probe = '"""Probe."""\nimport os\nfrom os.path import join\nLIMIT = 1\n"""Of what."""\ndef ask():\n    pass\n'
    package = write_tree(tmp_path / "tfbootstrap", {"payload/probe.py": probe, "payload/verify.py": text})
    (found,) = joining_problems(package)
    assert problem in found


def test_leaves_good_modules_alone(tmp_path: Path) -> None:
    probe = '"""Probe."""\nimport os\ndef ask():\n    return os.sep\n'
    verify = '"""Verify."""\nimport os\nfrom tfbootstrap.payload.probe import ask\ndef verify():\n    return ask()\n'
    package = write_tree(tmp_path / "tfbootstrap", {"payload/probe.py": probe, "payload/verify.py": verify})
    assert list(joining_problems(package)) == []


def test_notices_newer_syntax_and_size(tmp_path: Path) -> None:
    payload = write_tree(tmp_path, {"walrus.py": "if (x := 1):\n    pass\n", "fine.py": "x = 1\n"})
    (found,) = syntax_problems(payload)
    assert found.startswith("walrus.py:1:")
    assert list(size_problems(payload, {"fine": 6})) == []
    assert list(size_problems(payload, {"fine": 5})) == ["fine.py has 6 bytes, 1 more than its budget"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(x: int | None): pass", "TypeError"),
        ("import importlib.metadata", "ModuleNotFoundError"),
        ("print('hello')", "hello"),
    ],
)
@pytest.mark.parametrize("interpreter", ["3.7"], indirect=True)
def test_notices_what_python_3_7_lacks(sandbox: Sandbox, interpreter: Path, text: str, problem: str) -> None:
    package = write_tree(sandbox.root / "sample" / "tfbootstrap", {"payload/probe.py": text})
    assert problem in import_all(package, interpreter, sandbox)
