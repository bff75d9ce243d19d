"""The keyword arguments that public functions and classes take, read from their definitions. Pure; nothing is run.

What can't be told for certain is `**`: any keyword may be taken. So a keyword that is missing is surely refused:

- a name that means several things, a decorator that may change the signature, a class without a constructor of its own
  among the sources: `**`;
- `**kwargs` that go to the constructor above: what that takes too;
- `**kwargs` that are checked (`if kwargs: raise`): the words in that function count as taken, all others are refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tfbootstrap.matrix.signatures import ANY_KEYWORD as ANY
from tfbootstrap.upkeep.python_sources import Defined, Definition, PythonSources

_OPEN: Final = frozenset({ANY})
_DEEPEST: Final = 12
_WITHOUT_CONSTRUCTOR: Final = frozenset({"AutoTrackable"})
"""Classes of TensorFlow that stand above classes of Keras and have no constructor."""

_KEEPING_DECORATORS: Final = frozenset({
    "_binary_assert_doc", "_binary_assert_doc_v2", "_set_doc", "_tag_zeros_tensor", "_unary_assert_doc",
    "abstractmethod", "add_dispatch_list", "add_dispatch_support", "add_fallback_dispatch_list", "add_metaclass",
    "add_type_based_api_dispatcher", "allow_initializer_layout", "contextmanager", "default", "deprecated",
    "deprecated_alias", "deprecated_arg_values", "deprecated_args", "deprecated_endpoints", "disable_cudnn_autotune",
    "do_not_convert", "do_not_doc_inheritable", "do_not_generate_docs", "estimator_export", "filter_traceback",
    "inject_mesh", "keras_export", "no_automatic_dependency_tracking", "np_doc", "np_doc_only", "np_export",
    "register_binary_elementwise_api", "register_binary_elementwise_assert_api", "register_keras_serializable",
    "register_tensor_class", "register_unary_elementwise_api", "should_use_result", "tf_export",
})  # fmt: skip
"""The last names of decorators that leave the arguments as they are."""


@dataclass(slots=True)
class SignatureReader:
    """Reads from one wheel's sources."""

    sources: PythonSources

    def keywords(self, module: str, name: str) -> frozenset[str] | None:
        """Return the keywords that a module's function or class takes, `**` among them where others may be taken.

        None where the name is no callable that can be found.
        """
        found = self.sources.find(module, name)
        if found is None:
            return None
        if not self._keeps(found.node):
            return _OPEN
        if isinstance(found.node, ast.FunctionDef):
            return _named(found.node) | (_OPEN if found.node.args.kwarg else frozenset())
        return self._constructor(found, 0)

    def _keeps(self, node: Definition) -> bool:
        last = {
            ast.unparse(one.func if isinstance(one, ast.Call) else one).rpartition(".")[2]
            for one in node.decorator_list
        }
        return last <= _KEEPING_DECORATORS

    def _constructor(self, found: Defined, depth: int) -> frozenset[str]:
        lineage = list(self._lineage(found, depth))
        new = next((made for _, made in self._methods(lineage, "__new__")), None)
        if new is not None and not (new.args.vararg and new.args.kwarg):
            return _OPEN if any(self._methods(lineage, "__init__")) else self._method_keywords(lineage, 0, new, depth)
        for place, init in self._methods(lineage, "__init__"):
            return self._method_keywords(lineage, place, init, depth)
        return _OPEN

    def _methods(self, lineage: list[Defined | None], name: str) -> Iterator[tuple[int, ast.FunctionDef]]:
        """Yield the methods of a name along a lineage, up to the first class that can't be found."""
        for place, one in enumerate(lineage):
            if one is None:
                return
            for statement in one.node.body:
                if isinstance(statement, ast.FunctionDef) and statement.name == name:
                    yield place, statement

    def _lineage(self, found: Defined, depth: int) -> Iterator[Defined | None]:
        """Yield a class and all above it, first bases first; None stands for one that can't be found."""
        yield found
        if depth > _DEEPEST or not isinstance(found.node, ast.ClassDef):
            return
        for base in found.node.bases:
            dotted = ast.unparse(base)
            if dotted == "object" or dotted.rpartition(".")[2] in _WITHOUT_CONSTRUCTOR:
                continue
            above = self.sources.find(found.module, dotted) if isinstance(base, ast.Name | ast.Attribute) else None
            if above is None or not isinstance(above.node, ast.ClassDef):
                yield None
            else:
                yield from self._lineage(above, depth + 1)

    def _method_keywords(
        self, lineage: list[Defined | None], place: int, method: ast.FunctionDef, depth: int
    ) -> frozenset[str]:
        if depth > _DEEPEST or not self._keeps(method):
            return _OPEN
        named = _named(method, bound=True) | _added_by_decorators(method)
        if method.args.kwarg is None:
            return named
        rest = self._rest(lineage, place, method, method.args.kwarg.arg, depth)
        return named | rest

    def _rest(
        self, lineage: list[Defined | None], place: int, method: ast.FunctionDef, kwargs: str, depth: int
    ) -> frozenset[str]:
        """Return which keywords are taken by way of `**kwargs`, or of a parameter that is the same dictionary."""
        taken: frozenset[str] = frozenset()
        closed = False
        for use, word in _uses(method, kwargs):
            if use == "read":
                taken |= {word}
                continue
            if use == "listed":
                taken |= _listed_words(method)
            elif use == "above":
                above = next(((at, one) for at, one in self._methods(lineage, "__init__") if at > place), None)
                if above is None:
                    return _OPEN
                taken |= self._method_keywords(lineage, *above, depth + 1)
            elif use == "handed on":
                helper = next((one for _, one in self._methods(lineage, word)), None)
                parameters = [one.arg for one in helper.args.args[1:]] if helper else []
                if helper is None or len(parameters) != 1:
                    return _OPEN
                taken |= self._rest(lineage, place, helper, parameters[0], depth + 1)
            elif use != "checked":
                return _OPEN
            closed = True
        return taken if closed else _OPEN


def _named(function: ast.FunctionDef, *, bound: bool = False) -> frozenset[str]:
    arguments = function.args
    names = [one.arg for one in arguments.args]
    if bound and not arguments.posonlyargs:
        names = names[1:]
    return frozenset([*names, *(one.arg for one in arguments.kwonlyargs)])


def _added_by_decorators(method: ast.FunctionDef) -> frozenset[str]:
    """Return what Keras's decorators for DTensor take themselves: a mesh, a layout for each initializer."""
    names = " ".join(ast.unparse(one) for one in method.decorator_list)
    mesh = {"mesh"} if "inject_mesh" in names else set()
    if "allow_initializer_layout" not in names:
        return frozenset(mesh)
    layouts = {
        f"{one.removesuffix('initializer')}layout" for one in _named(method, bound=True) if one.endswith("initializer")
    }
    return frozenset(mesh | layouts)


def _listed_words(function: ast.FunctionDef) -> frozenset[str]:
    """Return every word of the lists, sets and mappings that are spelled out in a function."""
    listed = (node for node in ast.walk(function) if isinstance(node, ast.List | ast.Set | ast.Tuple | ast.Dict))
    return frozenset(
        node.value
        for one in listed
        for node in (one.keys if isinstance(one, ast.Dict) else one.elts)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    )


_Use = tuple[str, str]
_OTHERWISE: Final[_Use] = ("", "")


def _uses(function: ast.FunctionDef, name: str) -> Iterator[_Use]:
    """Say of each use of a dictionary of arguments what it is.

    `checked`: what is left over raises an error; `listed`: so does what is in no list that the function spells out.
    `read`, word: takes that one. `above`: it goes to the constructor above; `handed on`, method: that method gets it.
    Anything else: two empty words.
    """
    bound = {one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    reader = _UsesReader(name, frozenset(bound | {name, "self", "list", "set", "dict", "sorted"}))
    for statement in function.body:
        yield from reader.below(statement)


@dataclass(frozen=True, slots=True)
class _UsesReader:
    name: str
    bound: frozenset[str]
    """The names that the function itself binds: only what is spelled out in it tells which keywords it takes."""

    def below(self, node: ast.AST) -> Iterator[_Use]:
        match node:
            case ast.Raise():
                return
            case ast.If(test=test, body=body) if self._is_truth(test):
                yield ("checked", "") if any(isinstance(one, ast.Raise) for one in body) else _OTHERWISE
                return
            case ast.For(iter=iterated, body=body) if self._is_iteration(iterated):
                yield ("listed", "") if self._raises(body) else _OTHERWISE
                return
            case (
                ast.Compare(
                    left=ast.Constant(value=str(word)),
                    ops=[ast.In() | ast.NotIn()],
                    comparators=[ast.Name(id=self.name)],
                )
                | ast.Subscript(value=ast.Name(id=self.name), slice=ast.Constant(value=str(word)))
            ):
                yield "read", word
                return
            case ast.Call():
                yield from self._in_call(node)
                return
            case ast.Name(id=self.name):
                yield _OTHERWISE
                return
        for child in ast.iter_child_nodes(node):
            yield from self.below(child)

    def _in_call(self, node: ast.Call) -> Iterator[_Use]:
        alone = [isinstance(one, ast.Name) and one.id == self.name for one in node.args] == [True]
        rest: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        match node.func:
            case ast.Attribute(value=ast.Name(id=self.name), attr="pop" | "get" | "setdefault"):
                match node.args:
                    case [ast.Constant(value=str(word)), *_]:
                        yield "read", word
                    case _:
                        yield _OTHERWISE
            case ast.Name(id="validate_kwargs") | ast.Attribute(attr="validate_kwargs"):
                yield ("listed", "") if all(self._is_spelled_out(one) for one in rest) else _OTHERWISE
                return
            case ast.Attribute(value=ast.Name(id="self"), attr=method) if alone:
                yield "handed on", method
                rest = [keyword.value for keyword in node.keywords]
            case ast.Attribute(attr="__init__", value=ast.Call(func=ast.Name(id="super"))):
                for keyword in node.keywords:
                    if keyword.arg is None and isinstance(keyword.value, ast.Name) and keyword.value.id == self.name:
                        yield "above", ""
                        rest.remove(keyword.value)
            case _:
                rest.append(node.func)
        for child in rest:
            yield from self.below(child)

    def _raises(self, body: list[ast.stmt]) -> bool:
        nodes = [node for statement in body for node in ast.walk(statement)]
        compared = [one for node in nodes if isinstance(node, ast.Compare) for one in node.comparators]
        return any(isinstance(node, ast.Raise) for node in nodes) and all(self._is_spelled_out(one) for one in compared)

    def _is_spelled_out(self, node: ast.expr) -> bool:
        return all(one.id in self.bound for one in ast.walk(node) if isinstance(one, ast.Name))

    def _is_truth(self, test: ast.expr) -> bool:
        return ast.unparse(test) in {self.name, f"len({self.name}) > 0", f"len({self.name})", f"bool({self.name})"}

    def _is_iteration(self, iterated: ast.expr) -> bool:
        name = self.name
        return ast.unparse(iterated) in {
            name,
            f"{name}.keys()",
            f"{name}.items()",
            f"list({name}.keys())",
            f"list({name})",
        }
