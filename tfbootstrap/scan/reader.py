"""A file's pieces of Python -> what they use, through whatever names they give it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tfbootstrap.scan.guards import asks, chooses_imports, forgives, is_skipped_by_version, leaves, suppresses
from tfbootstrap.scan.pieces import Piece
from tfbootstrap.scan.uses import OWN_ROOTS, UNKNOWN, Interest, Reading, Use

_AMBIGUOUS: Final = ""
"""Stands for what a name means that means several things."""
_NUMPY: Final = "numpy"

Exports = Mapping[str, Mapping[str, str]]
"""Project module as an import spells it (`.compat`, `package.compat`) -> its names -> what they are."""


def find_uses(pieces: Iterable[Piece], interest: Interest | None = None, exports: Exports | None = None) -> Reading:
    """Return what one file uses, pieces in order: what a notebook's cell imports the later ones know."""
    names: dict[str, str] = {}
    found: list[Use] = []
    for piece in pieces:
        reader = _Reader(piece, names, interest or Interest(), exports or {})
        reader.block(piece.tree.body)
        found += reader.all_uses()
    if not any("keras" in use.symbol for use in found):
        # What objects of unknown kind have is told of Keras only.
        found = [use for use in found if not use.symbol.startswith(UNKNOWN)]
    shared = {name: dotted for name, dotted in names.items() if dotted and "(" not in dotted and "[" not in dotted}
    return Reading(uses=tuple(found), exports=shared)


@dataclass(slots=True)
class _Reader:
    """Walks one piece. `names` is what its names mean: dotted names of TensorFlow and Keras."""

    piece: Piece
    names: dict[str, str]
    interest: Interest
    exports: Exports
    uses: list[Use] = field(default_factory=list)
    guards: int = 0
    last_attributes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.last_attributes = frozenset(one.rpartition(".")[2] for one in self.interest.attributes)

    def all_uses(self) -> list[Use]:
        """Return the uses; attributes of unknown objects only where no function of the piece is called like that."""
        unknown = f"{UNKNOWN}."
        if not any(use.symbol.startswith(unknown) for use in self.uses):
            return self.uses
        own = {f"{unknown}{node.name}" for node in ast.walk(self.piece.tree) if isinstance(node, ast.FunctionDef)}
        return [use for use in self.uses if use.symbol not in own]

    # --- statements ---

    def block(self, body: Sequence[ast.stmt]) -> None:
        entered = 0
        for statement in body:
            self.statement(statement)
            if isinstance(statement, ast.If) and leaves(statement.body) and asks(statement.test):
                # What follows runs with the other versions only.
                self.guards += 1
                entered += 1
        self.guards -= entered

    def guarded(self, body: Sequence[ast.stmt]) -> None:
        self.guards += 1
        self.block(body)
        self.guards -= 1

    def statement(self, node: ast.stmt) -> None:
        handler = _STATEMENTS.get(type(node), _Reader.children)
        handler(self, node)

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

    def attempt(self, node: ast.Try) -> None:
        if not forgives(node.handlers):
            self.children(node)
            return
        for body in (node.body, *(handler.body for handler in node.handlers), node.orelse):
            self.guarded(body)
        self.block(node.finalbody)

    def condition(self, node: ast.If) -> None:
        if not asks(node.test) and not chooses_imports(node):
            self.children(node)
            return
        self.guarded(node.body)
        self.guarded(node.orelse)

    def context(self, node: ast.With | ast.AsyncWith) -> None:
        if suppresses(node):
            self.guarded(node.body)
        else:
            self.children(node)

    def assignment(self, node: ast.Assign) -> None:
        match node.targets:
            case [ast.Name(id=name)]:
                self.expression(node.value)
                self.assigned(name, node.value)
            case _:
                self.children(node)

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.expression(decorator)
        outer = self.names
        self.names = dict(outer)
        if isinstance(node, ast.ClassDef):
            for base in [*node.bases, *(keyword.value for keyword in node.keywords)]:
                self.expression(base)
            self.overrides(node)
        else:
            self.children(node.args)
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    self.names.pop(argument.arg, None)
        (self.guarded if is_skipped_by_version(node) else self.block)(node.body)
        self.names = outer
        self.names.pop(node.name, None)

    def overrides(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            if dotted := self.dotted(base):
                for statement in node.body:
                    if isinstance(statement, ast.FunctionDef) and statement.name in self.interest.methods:
                        self.use(f"{dotted}:{statement.name}", statement)

    # --- what names mean ---

    def imports(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            if dotted := self.rooted(alias.name):
                self.use(dotted, node)
                self.bind(alias.asname or first, dotted if alias.asname else dotted.partition(".")[0])
            elif alias.name in self.exports:
                self.bind(alias.asname or first, f"@{alias.name}" if alias.asname else f"@{first}")

    def imports_from(self, node: ast.ImportFrom) -> None:
        spelled = "." * node.level + (node.module or "")
        if node.level == 0 and (module := self.rooted(spelled)):
            for alias in node.names:
                dotted = module if alias.name == "*" else f"{module}.{alias.name}"
                self.use(dotted, node)
                if alias.name != "*":
                    self.bind(alias.asname or alias.name, dotted)
            return
        shared = self.exports.get(spelled, {})
        for alias in node.names:
            below = f"{spelled}{'' if spelled.endswith('.') else '.'}{alias.name}"
            if alias.name == "*":
                for name, dotted in shared.items():
                    self.bind(name, dotted)
            elif alias.name in shared:
                self.use(shared[alias.name], node)
                self.bind(alias.asname or alias.name, shared[alias.name])
            elif below in self.exports:
                self.bind(alias.asname or alias.name, f"@{below}")

    def rooted(self, module: str) -> str | None:
        root, _, rest = module.partition(".")
        own = OWN_ROOTS.get(root) or (root if root in self.interest.modules or root == _NUMPY else None)
        return own and (f"{own}.{rest}" if rest else own)

    def bind(self, name: str, dotted: str) -> None:
        optional = self.guards and dotted not in OWN_ROOTS.values() and dotted not in self.interest.modules
        known = self.names.get(name)
        # Bound behind a guard, it is there with some versions only; bound twice, it could be either.
        self.names[name] = _AMBIGUOUS if optional or known not in (None, dotted) else dotted

    def assigned(self, name: str, value: ast.expr) -> None:
        if dotted := self.dotted(value):
            self.bind(name, dotted)
        elif name in self.names and not (isinstance(value, ast.Constant) and value.value is None):
            del self.names[name]

    def dotted(self, node: ast.AST) -> str | None:
        """Return the dotted name of TensorFlow or Keras that an expression is, None where it is none."""
        parts: list[str] = []
        while not isinstance(node, ast.Name):
            match node:
                case ast.Attribute(attr=attribute, value=node):
                    parts.append(f".{attribute}")
                case ast.Call(func=ast.Name(id="getattr"), args=[node, ast.Constant(value=str(attribute))]):
                    parts.append(f".{attribute}")
                case ast.Call(func=node):
                    parts.append("()")
                case ast.Subscript(value=node):
                    parts.append("[]")
                case _:
                    return None
        meaning = self.names.get(node.id)
        if not meaning:
            return None
        if meaning.startswith("@"):
            return self.dotted_in_project(meaning[1:], parts)
        return meaning + "".join(reversed(parts))

    def dotted_in_project(self, module: str, parts: list[str]) -> str | None:
        """Return what `module.name…` is, where the project's module has that name from TensorFlow."""
        while parts and parts[-1].startswith("."):
            name = parts.pop()[1:]
            if shared := self.exports.get(module, {}).get(name):
                return shared + "".join(reversed(parts))
            module = f"{module}.{name}"
        return None

    # --- expressions ---

    def expression(self, node: ast.AST) -> None:
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            handler(self, node)
            return
        for child in ast.iter_child_nodes(node):
            self.expression(child)

    def constant(self, node: ast.Constant) -> None:
        """Hold nothing."""

    def name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.pop(node.id, None)
        elif (dotted := self.names.get(node.id)) and not dotted.startswith("@"):
            self.use(dotted, node)

    def attribute(self, node: ast.Attribute) -> None:
        if dotted := self.dotted(node):
            self.use(dotted, node)
            self.inside(node)
            return
        if node.attr in self.last_attributes and self.names:
            above = f"{node.value.attr}.{node.attr}" if isinstance(node.value, ast.Attribute) else ""
            for wanted in (node.attr, above):
                if wanted in self.interest.attributes:
                    self.use(f"{UNKNOWN}.{wanted}", node)
        self.expression(node.value)

    def inside(self, node: ast.AST) -> None:
        """Walk what stands in the brackets of a dotted name."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            self.expression(node)

    def subscript(self, node: ast.Subscript) -> None:
        self.expression(node.value)
        self.expression(node.slice)

    def choice(self, node: ast.IfExp) -> None:
        guard = asks(node.test)
        if not guard:
            self.expression(node.test)
        self.guards += guard
        for part in (node.body, node.orelse):
            self.expression(part)
        self.guards -= guard

    def chain(self, node: ast.BoolOp) -> None:
        guard = asks(node.values[0])
        self.guards += guard
        for part in node.values[guard:]:
            self.expression(part)
        self.guards -= guard

    def call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="hasattr")):
                return
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str())]):
                if dotted := self.dotted(node):
                    self.use(dotted, node)
                    return
            case ast.Call(func=ast.Name(id="getattr"), args=[_, _, *_]):
                return
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                if dotted := self.rooted(module):
                    self.use(dotted, node)
        if dotted := self.dotted(node.func):
            keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
            self.use(dotted, node.func, keywords, _spelled_out(node))
            self.inside(node.func)
        else:
            self.expression(node.func)
        for part in node.args:
            self.expression(part)
        for keyword in node.keywords:
            self.expression(keyword.value)

    def use(
        self, dotted: str, node: ast.stmt | ast.expr, arguments: tuple[str, ...] = (), text: str | None = None
    ) -> None:
        if self.guards:
            return
        if dotted.startswith(_NUMPY) and ".".join(dotted.split(".")[:2]) not in self.interest.numpy:
            return
        place = self.piece
        self.uses.append(
            Use(file=place.file, cell=place.cell, line=node.lineno, symbol=dotted, arguments=arguments, text=text)
        )


def _spelled_out(node: ast.Call) -> str | None:
    """Return the first argument of a call, or the one called `filepath`, where it is a string."""
    first = node.args[0] if node.args else None
    for keyword in node.keywords:
        if first is None and keyword.arg == "filepath":
            first = keyword.value
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


_STATEMENTS: Final[Mapping[type[ast.AST], Callable[[_Reader, Any], None]]] = {
    ast.Import: _Reader.imports,
    ast.ImportFrom: _Reader.imports_from,
    ast.Try: _Reader.attempt,
    ast.If: _Reader.condition,
    ast.With: _Reader.context,
    ast.AsyncWith: _Reader.context,
    ast.Assign: _Reader.assignment,
    ast.FunctionDef: _Reader.definition,
    ast.AsyncFunctionDef: _Reader.definition,
    ast.ClassDef: _Reader.definition,
}
_EXPRESSIONS: Final[Mapping[type[ast.AST], Callable[[_Reader, Any], None]]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.attribute,
    ast.Subscript: _Reader.subscript,
    ast.IfExp: _Reader.choice,
    ast.BoolOp: _Reader.chain,
    ast.Call: _Reader.call,
}
