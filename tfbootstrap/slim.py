"""Makes Python source smaller without making it other code or unreadable. Layer 2: pure.

A notebook cell goes about in every copy of its notebook. So it goes without what a reader finds in `bootstrap.py`:
docstrings, annotations and every second blank line. Comments stay, and each level is indented by two spaces, as
Colab's editor does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_MARKS = re.compile(r" *# (noqa|type:).*$")


def slim(source: str) -> str:
    """Return a payload module as a cell carries it; what it does is the same."""
    return half_indented(without_annotations(without_docstrings(source))).replace("\n\n\n", "\n\n")


def without_docstrings(source: str) -> str:
    """Return a module without the docstrings of its classes, functions and constants; its own first line stays."""
    lines: list[str | None] = [*source.splitlines()]
    for parent in ast.walk(ast.parse(source)):
        if not isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        for position, node in enumerate(parent.body):
            if is_text(node) and (position > 0 or not isinstance(parent, ast.Module)):
                start, end = node.lineno - 1, int(node.end_lineno or 0)
                lines[start:end] = [None] * (end - start)
                if len(parent.body) == 1:
                    lines[start] = " " * node.col_offset + "pass"
                elif position == 0 and lines[end] == "":
                    lines[end] = None
    return "\n".join(line for line in lines if line is not None) + "\n"


def is_text(node: ast.stmt) -> bool:
    """Say whether a statement is a string: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def without_annotations(source: str) -> str:
    """Return a module without what is for type checkers only; a class keeps its fields' types, they may mean something.

    Of what it imports from `typing` that stays which is still used.
    """
    lines = [line.encode() for line in source.splitlines()]
    for line, start, end in sorted(_annotations(ast.parse(source), lines), reverse=True):
        lines[line] = lines[line][:start] + lines[line][end:]
    bare = "\n".join(_MARKS.sub("", line.decode()) for line in lines) + "\n"
    used = {node.id for node in ast.walk(ast.parse(bare)) if isinstance(node, ast.Name)}
    return re.sub(r"^from typing import (.*)\n", lambda found: _typing_import(found[1], used), bare, flags=re.MULTILINE)


def _typing_import(names: str, used: set[str]) -> str:
    kept = [name for name in names.split(", ") if name in used]
    return f"from typing import {', '.join(kept)}\n" if kept else ""


def _annotations(tree: ast.Module, lines: list[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield line, first and last byte of each annotation that can go."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.FunctionDef):
            for node in ast.walk(parent.args):
                if isinstance(node, ast.arg) and node.annotation:
                    yield from _span(node.annotation, node.col_offset + len(node.arg.encode()))
            if parent.returns:
                line = lines[parent.returns.lineno - 1]
                yield from _span(parent.returns, line.rindex(b" -> ", 0, parent.returns.col_offset))
        for node in ast.iter_child_nodes(parent) if not isinstance(parent, ast.ClassDef) else ():
            if isinstance(node, ast.AnnAssign) and node.value:
                yield from _span(node.annotation, int(node.target.end_col_offset or 0))


def _span(annotation: ast.expr, start: int) -> Iterator[tuple[int, int, int]]:
    if annotation.lineno == annotation.end_lineno:
        yield annotation.lineno - 1, start, int(annotation.end_col_offset or 0)


def half_indented(source: str) -> str:
    """Return a module indented by two spaces a level instead of four; the inside of strings stays as it is."""
    lines = source.splitlines()
    texts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    inside = {number for node in texts for number in range(node.lineno, int(node.end_lineno or 0))}
    for number, line in enumerate(lines):
        blanks = len(line) - len(line.lstrip(" "))
        if number not in inside:
            lines[number] = line[blanks // 2 :]
    return "\n".join(lines) + "\n"
