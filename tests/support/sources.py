"""Source trees as data: what the guard tests ask about modules, without importing any."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import REPOSITORY

PACKAGE = REPOSITORY / "tfbootstrap"
"""The package that is tested."""

PURE_ROOMS = frozenset({
    "errors", "facts", "matrix", "request", "toml", "plan", "explain", "lock", "lock_diff", "pylock", "configuration",
    "resolution", "render", "scan", "slim", "diagnose", "doctor", "inventory", "upgrade",
})  # fmt: skip
"""The rooms that know nothing of the world outside: what they need to know arrives as arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One imported module: `name` is what is taken from it, None for all; `outermost` means outside any function."""

    module: str
    name: str | None
    renamed: bool
    outermost: bool
    line: int


def room_of(module: str) -> str:
    """Return the room of a module: `tfbootstrap.lock` is `lock`, `tfbootstrap.edges.index` belongs to `edges`."""
    return module.partition(".")[2].split(".")[0]


def read_modules(package: Path) -> dict[str, ast.Module]:
    """Return dotted name -> syntax tree for every module of a package."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return modules


def read_imports(tree: ast.Module, modules: Mapping[str, ast.Module]) -> Iterator[Import]:
    """Yield what a module imports; `from package import module` counts as that module."""
    nested = {id(node) for outer in ast.walk(tree) if _is_function(outer) for node in ast.walk(outer)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                module, name = _what(node, alias, modules)
                renamed, outermost = alias.asname is not None, id(node) not in nested
                yield Import(module=module, name=name, renamed=renamed, outermost=outermost, line=node.lineno)


def _what(
    node: ast.Import | ast.ImportFrom, alias: ast.alias, modules: Mapping[str, ast.Module]
) -> tuple[str, str | None]:
    if isinstance(node, ast.Import):
        return alias.name, None
    origin = "." * node.level + (node.module or "")
    whole = f"{origin}.{alias.name}"
    return (whole, None) if whole in modules else (origin, alias.name)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, for guards to look at, and return the folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def repository_files() -> list[Path]:
    """Return what belongs to the repository, relative to its root.

    That is git's view, without what it ignores, and without virtual environments that somebody made in the checkout.
    """
    # In a container the checkout may belong to another user; git reads it only when told that this is meant.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True)
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    environments = {path.parent for path in paths if path.name == "pyvenv.cfg"}
    return [
        path
        for path in paths
        if (REPOSITORY / path).is_file() and environments.isdisjoint({path.parent, *path.parents})
    ]
