"""A piece of Python -> the dotted names of TensorFlow and Keras that it uses, through whatever names it gives them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tfbootstrap.scan.guards import asks, forgives, is_skipped_by_version, leaves, suppresses
from tfbootstrap.scan.pieces import Piece

_ROOTS = {"tensorflow": "tf", "keras": "keras"}
_AMBIGUOUS = ""
"""Stands for what a name means that means several things."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A name that code uses unguarded; `arguments` are the keywords of the call, where it is one."""

    file: str
    cell: int | None
    line: int
    symbol: str
    arguments: tuple[str, ...] = ()


def find_uses(pieces: Iterable[Piece]) -> list[Use]:
    """Return the uses of one file, pieces in order: what a notebook's cell imports the later ones know."""
    names: dict[str, str] = {}
    found: list[Use] = []
    for piece in pieces:
        reader = _Reader(piece, names)
        reader.block(piece.tree.body)
        found += reader.uses
    return found


@dataclass(slots=True)
class _Reader:
    """Walks one piece. `names` is what its names mean: dotted names of TensorFlow and Keras."""

    piece: Piece
    names: dict[str, str]
    uses: list[Use] = field(default_factory=list)
    guards: int = 0

    def block(self, body: Sequence[ast.stmt]) -> None:
        entered = 0
        for statement in body:
            self.statement(statement)
            if isinstance(statement, ast.If) and asks(statement.test) and leaves(statement.body):
                # What follows runs with the other versions only.
                self.guards += 1
                entered += 1
        self.guards -= entered

    def guarded(self, body: Sequence[ast.stmt]) -> None:
        self.guards += 1
        self.block(body)
        self.guards -= 1

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imports(node)
            case ast.Try() if forgives(node.handlers):
                for body in (node.body, *(handler.body for handler in node.handlers), node.orelse):
                    self.guarded(body)
                self.block(node.finalbody)
            case ast.If() if asks(node.test):
                self.guarded(node.body)
                self.guarded(node.orelse)
            case ast.With() | ast.AsyncWith() if suppresses(node):
                self.guarded(node.body)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.definition(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.expression(value)
                self.assigned(name, value)
            case _:
                self.children(node)

    def children(self, node: ast.AST) -> None:
        """Walk a statement's parts in order, blocks as blocks."""
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self.block(value)
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.expr):
                    self.expression(child)
                elif isinstance(child, ast.AST):
                    self.children(child)

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.expression(decorator)
        outer = self.names
        self.names = dict(outer)
        if isinstance(node, ast.ClassDef):
            for base in [*node.bases, *(keyword.value for keyword in node.keywords)]:
                self.expression(base)
        else:
            self.children(node.args)
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    self.names.pop(argument.arg, None)
        (self.guarded if is_skipped_by_version(node) else self.block)(node.body)
        self.names = outer

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if dotted := _rooted(alias.name):
                    self.use(dotted, node)
                    self.bind(
                        alias.asname or alias.name.split(".")[0], dotted if alias.asname else dotted.split(".")[0]
                    )
        elif node.level == 0 and (module := _rooted(node.module or "")):
            for alias in node.names:
                dotted = module if alias.name == "*" else f"{module}.{alias.name}"
                self.use(dotted, node)
                if alias.name != "*":
                    self.bind(alias.asname or alias.name, dotted)

    def bind(self, name: str, dotted: str) -> None:
        optional = self.guards and dotted not in _ROOTS.values()
        known = self.names.get(name)
        # Bound behind a guard, it is there with some versions only; bound twice, it could be either.
        self.names[name] = _AMBIGUOUS if optional or known not in (None, dotted) else dotted

    def assigned(self, name: str, value: ast.expr) -> None:
        dotted = self.dotted(value)
        if dotted:
            self.bind(name, dotted)
        elif name in self.names and not (isinstance(value, ast.Constant) and value.value is None):
            del self.names[name]

    def expression(self, node: ast.AST) -> None:
        match node:
            case ast.Attribute() | ast.Name():
                if dotted := self.dotted(node):
                    self.use(dotted, node)
                elif isinstance(node, ast.Attribute):
                    self.expression(node.value)
            case ast.Call():
                self.call(node)
            case ast.IfExp() if asks(node.test):
                self.guards += 1
                for part in (node.body, node.orelse):
                    self.expression(part)
                self.guards -= 1
            case ast.BoolOp() if asks(node.values[0]):
                self.guards += 1
                for part in node.values[1:]:
                    self.expression(part)
                self.guards -= 1
            case _:
                for child in ast.iter_child_nodes(node):
                    self.expression(child)

    def call(self, node: ast.Call) -> None:
        keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
        match node:
            case ast.Call(func=ast.Name(id="hasattr")):
                return
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name))]):
                if dotted := self.dotted(owner):
                    self.use(f"{dotted}.{name}", node)
                    return
            case ast.Call(func=ast.Name(id="getattr"), args=[_, _, *_]):
                return
        if dotted := self.dotted(node.func):
            self.use(dotted, node.func, keywords)
        else:
            self.expression(node.func)
        for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self.expression(part)

    def dotted(self, node: ast.AST) -> str | None:
        """Return the dotted name of TensorFlow or Keras that an expression is, None where it is none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or not self.names.get(node.id):
            return None
        return ".".join([self.names[node.id], *reversed(parts)])

    def use(self, dotted: str, node: ast.stmt | ast.expr, arguments: tuple[str, ...] = ()) -> None:
        if not self.guards:
            place = self.piece
            self.uses.append(
                Use(file=place.file, cell=place.cell, line=node.lineno, symbol=dotted, arguments=arguments)
            )


def _rooted(module: str) -> str | None:
    root, _, rest = module.partition(".")
    if root not in _ROOTS:
        return None
    return f"{_ROOTS[root]}.{rest}" if rest else _ROOTS[root]


def symbols_of(uses: Iterable[Use]) -> Iterator[str]:
    """Yield each name once, in order."""
    return iter(dict.fromkeys(use.symbol for use in uses))
