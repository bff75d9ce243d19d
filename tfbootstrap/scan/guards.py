"""What makes code ready for several versions: what stands behind such a guard says nothing about the version needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

_FORGIVING: Final = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"})
_ASKS: Final = re.compile(
    r"hasattr|getattr\(|version|TYPE_CHECKING|importlib|find_spec|_available|\bhas_|\bis_tf|tf_?[12]\b|keras_?[23]\b",
    re.I,
)


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
    return bool(_ASKS.search(ast.unparse(test)))


def is_skipped_by_version(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Say whether a decorator lets a test run with some versions only."""
    return any(_names(one) & {"skipif", "skipIf", "skipUnless"} and asks(one) for one in node.decorator_list)


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Say whether nothing behind a block runs after it."""
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {
        one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)
    }
