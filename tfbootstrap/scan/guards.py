"""What makes code ready for several versions: what stands behind such a guard says nothing about the version needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

_FORGIVING: Final = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"})
_ASKS: Final = re.compile(
    r"hasattr|getattr|version|TYPE_CHECKING|importlib|find_spec|_available|multi_backend|\bhas_|\bis_tf|tf_?[12]\b|keras_?[23]\b",
    re.I,
)
_CHOOSES: Final = re.compile(
    r"version|^(?:skip|run|only|requires?)_(?:\w+_)?(?:tf|tensorflow|keras|v)[12](?:_|$)", re.IGNORECASE
)
"""Names of decorators that choose by version: `skip_tf2`, `run_v1_only`, `check_tf_min_version`."""


def forgives(handlers: Sequence[ast.ExceptHandler]) -> bool:
    """Say whether a `try` goes on where a name is missing."""
    return any(handler.type is None or _names(handler.type) & _FORGIVING for handler in handlers)


def suppresses(statement: ast.With | ast.AsyncWith) -> bool:
    """Say whether a `with` is `suppress(ImportError)` or its like, or a test's `raises`."""
    for item in statement.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and _names(call.func) & {"suppress", "raises", "assertRaises"}:
            return any(_names(argument) & _FORGIVING for argument in call.args)
    return False


def asks(test: ast.expr) -> bool:
    """Say whether a condition asks for a version, or for whether something is there."""
    return bool(_ASKS.search(" ".join(_words(test))))


def chooses_imports(node: ast.If) -> bool:
    """Say whether a condition does nothing but choose what is imported."""
    return bool(node.orelse) and all(
        isinstance(one, ast.Import | ast.ImportFrom) or (isinstance(one, ast.If) and chooses_imports(one))
        for one in (*node.body, *node.orelse)
    )


def is_skipped_by_version(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Say whether a decorator lets a test run with some versions only, or never: `check_tf_min_version("2.6")`."""
    return any(
        _names(one) & {"skip"}
        or (_names(one) & {"skipif", "skipIf", "skipUnless"} and asks(one))
        or any(map(_CHOOSES.search, _names(one)))
        for one in node.decorator_list
    )


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Say whether nothing behind a block runs after it."""
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def _words(test: ast.expr) -> Iterator[str]:
    for node in ast.walk(test):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                yield word


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {
        one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)
    }
