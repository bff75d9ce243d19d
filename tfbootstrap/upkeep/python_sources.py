"""Modules of a wheel as trees, and what their names mean there, without running any of it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

Definition = ast.FunctionDef | ast.ClassDef

_PACKAGES: Final = ("tensorflow_core", "tensorflow")
"""TensorFlow's own name, and the folder that its wheels have its files in (1.15 and 2.0: the first)."""
_DEEPEST: Final = 12
"""Names are followed through so many others."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A function or class, and the module that defines it."""

    module: str
    node: Definition


@dataclass(slots=True)
class _Scope:
    """What a module's names mean; a name that could mean several things means nothing."""

    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    imports: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    """Name -> (module, name within it; None: the module itself)."""
    aliases: dict[str, list[ast.expr]] = field(default_factory=dict)

    def add(self, module: str, statements: Iterable[ast.stmt]) -> None:
        """Take in what statements bind."""
        for statement in _reached(statements):
            match statement:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    self.definitions.setdefault(name, []).append(statement)
                case ast.Import(names=names):
                    for alias in names:
                        bound = alias.asname or alias.name.partition(".")[0]
                        self.imports.setdefault(bound, []).append((alias.name if alias.asname else bound, None))
                case ast.ImportFrom(names=names):
                    origin = _origin(module, statement)
                    for alias in names:
                        self.imports.setdefault(alias.asname or alias.name, []).append((origin, alias.name))
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Name):
                            self.aliases.setdefault(target.id, []).append(value)


def _reached(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        if isinstance(statement, ast.If):
            if "TYPE_CHECKING" in ast.unparse(statement.test):
                continue
            if _is_for_tensorflow(statement.test):
                yield from _reached(statement.body)
            else:
                yield from _reached([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _reached([*statement.body, *statement.orelse])
        else:
            yield statement


def _is_for_tensorflow(test: ast.expr) -> bool:
    """Say whether a condition is true with Keras 3 on TensorFlow: `backend.backend() == "tensorflow"`."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "tensorflow"
    )


def _origin(module: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    above = module.split(".")[: -statement.level]
    return ".".join([*above, *([statement.module] if statement.module else [])])


class PythonSources:
    """The modules of one wheel; each is read when it is first asked for, once."""

    def __init__(self, members: Iterable[str], read: Callable[[str], str]) -> None:
        self._members = frozenset(members)
        self._read = read
        self._scopes: dict[str, _Scope] = {}
        self._trees: dict[str, ast.Module | None] = {}

    def path(self, module: str) -> str | None:
        """Return the member that holds a module, None where the wheel has none."""
        place = module.replace(".", "/")
        first, _, rest = place.partition("/")
        for package in _PACKAGES if first == "tensorflow" else (first,):
            base = f"{package}/{rest}" if rest else package
            for path in (f"{base}.py", f"{base}/__init__.py"):
                if path in self._members:
                    return path
        return None

    def find(self, module: str, dotted: str, depth: int = _DEEPEST) -> Defined | None:
        """Return the function or class that a dotted name means in a module; None where that is not certain."""
        name, _, rest = dotted.partition(".")
        if not depth or self.path(module) is None:
            return None
        scope = self._scope(module)
        meanings = [*scope.definitions.get(name, ()), *scope.imports.get(name, ()), *scope.aliases.get(name, ())]
        if len(meanings) != 1:
            below = f"{module}.{name}"
            return self.find(below, rest, depth - 1) if not meanings and rest and self.path(below) else None
        (meaning,) = meanings
        if isinstance(meaning, ast.FunctionDef | ast.ClassDef):
            return None if rest else Defined(module, meaning)
        if isinstance(meaning, ast.expr):
            return self._find_expression(module, meaning, rest, depth - 1)
        origin, original = meaning
        return self._find_imported(origin, original, rest, depth - 1)

    def _find_imported(self, origin: str, name: str | None, rest: str, depth: int) -> Defined | None:
        below = origin if name is None else f"{origin}.{name}"
        if (name is None or self.path(below)) and rest:
            while self.path(f"{below}.{rest.partition('.')[0]}") and "." in rest:
                step, _, rest = rest.partition(".")
                below = f"{below}.{step}"
            return self.find(below, rest, depth)
        return self.find(origin, f"{name}.{rest}" if rest else name, depth) if name else None

    def _find_expression(self, module: str, value: ast.expr, rest: str, depth: int) -> Defined | None:
        match value:
            case ast.Call(func=ast.Call(), args=[wrapped], keywords=[]):
                # `tf_export("a.b")(function)` is that function.
                return self._find_expression(module, wrapped, rest, depth)
            case ast.Name() | ast.Attribute():
                dotted = ast.unparse(value)
                return self.find(module, f"{dotted}.{rest}" if rest else dotted, depth)
        return None

    def _scope(self, module: str) -> _Scope:
        if module not in self._scopes:
            path = self.path(module)
            scope = _Scope()
            if path is not None and (tree := self.tree(path)) is not None:
                # In a package's own file relative imports start from the package.
                inside = f"{module}.__init__" if path.endswith("/__init__.py") else module
                scope.add(inside, tree.body)
            self._scopes[module] = scope
        return self._scopes[module]

    def tree(self, path: str) -> ast.Module | None:
        """Return a member parsed, None where it is no Python."""
        if path not in self._trees:
            try:
                with warnings.catch_warnings():
                    # Invalid escapes in old releases are not ours to report.
                    warnings.simplefilter("ignore")
                    self._trees[path] = ast.parse(self._read(path))
            except (SyntaxError, ValueError):
                self._trees[path] = None
        return self._trees[path]
