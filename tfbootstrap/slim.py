"""Makes Python source smaller without making it other code or unreadable. Layer 2: pure.

A notebook cell goes about in every copy of its notebook. So it goes without what a reader finds in `bootstrap.py`:
docstrings, comments, annotations, blank lines, and blanks after commas and beside operators; each level is indented by
a tab: one letter.
"""

from __future__ import annotations

import ast
import keyword
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise

_VALUES = frozenset({"None", "True", "False"})
_BETWEEN = frozenset({"and", "for", "else", "if", "in", "is", "not", "or"})
"""Keywords that close up to what stands on their right; and those that never do to their left."""


def slim(source: str) -> str:
    """Return a payload module as a cell carries it; what it does is the same."""
    bare = without_comments(without_annotations(without_docstrings(source)))
    return re.sub(r"\n{2,}", "\n", indented_by_tabs(without_blanks(bare)))


def without_docstrings(source: str) -> str:
    """Return a module without the docstrings of its classes, functions and constants; the start of its own stays."""
    source = re.sub(r'\A(""".*?)[:;,.\n].*?"""', r'\1."""', source, count=1, flags=re.DOTALL)
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


def without_comments(source: str) -> str:
    """Return a module without its comments."""
    lines: list[str | None] = [*source.splitlines()]
    for token in _tokens(source):
        if token.type == tokenize.COMMENT:
            number, column = token.start
            lines[number - 1] = str(lines[number - 1])[:column].rstrip() or None
    return "\n".join(line for line in lines if line is not None) + "\n"


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)


def without_annotations(source: str) -> str:
    """Return a module without what is for type checkers only; a class keeps its fields' types, they may mean something.

    Names for types go, too; of what is imported from `typing` that stays which is still used.
    """
    lines = [line.encode() for line in source.splitlines()]
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and _is_type(node.value.value):
            lines[node.lineno - 1 : node.end_lineno] = [b""] * (int(node.end_lineno or 0) - node.lineno + 1)
    for line, start, end in sorted(_annotations(ast.parse(b"\n".join(lines)), lines), reverse=True):
        lines[line] = lines[line][:start] + lines[line][end:]
    bare = b"\n".join(lines).decode() + "\n"
    used = {node.id for node in ast.walk(ast.parse(bare)) if isinstance(node, ast.Name)}
    return re.sub(r"^from typing import (.*)\n", lambda found: _typing_import(found[1], used), bare, flags=re.MULTILINE)


def _is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"Callable", "Dict", "List"}


def _typing_import(names: str, used: set[str]) -> str:
    kept = [name for name in names.split(", ") if name in used]
    return f"from typing import {', '.join(kept)}\n" if kept else ""


def _annotations(tree: ast.Module, lines: list[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield line, first and last byte of each annotation that can go."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.FunctionDef):
            for node in ast.walk(parent.args):
                if isinstance(node, ast.arg) and node.annotation:
                    number, end = node.annotation.lineno - 1, int(node.annotation.end_col_offset or 0)
                    yield from _span(node.annotation, node.col_offset + len(node.arg.encode()))
                    yield from ((number, *span) for span in _default_span(lines[number], end))
            if parent.returns:
                line = lines[parent.returns.lineno - 1]
                yield from _span(parent.returns, line.rindex(b" -> ", 0, parent.returns.col_offset))
        for node in ast.iter_child_nodes(parent) if not isinstance(parent, ast.ClassDef) else ():
            if isinstance(node, ast.AnnAssign) and node.value:
                yield from _span(node.annotation, int(node.target.end_col_offset or 0))


def _span(annotation: ast.expr, start: int) -> Iterator[tuple[int, int, int]]:
    if annotation.lineno == annotation.end_lineno:
        yield annotation.lineno - 1, start, int(annotation.end_col_offset or 0)


def _default_span(line: bytes, end: int) -> Iterator[tuple[int, int]]:
    """Yield the blanks around the `=` of a default, which stand there for its annotation's sake."""
    if line[end : end + 3] == b" = ":
        yield from ((end, end + 1), (end + 2, end + 3))


def without_blanks(source: str) -> str:
    """Return a module without the blanks after commas and beside operators, words and colons apart."""
    lines, strings = source.splitlines(), 0
    gaps = []
    for left, right in pairwise(_tokens(source)):
        # From Python 3.12 on the inside of an f-string is tokens, too.
        strings += tokenize.tok_name[left.type].endswith("STRING_START") - tokenize.tok_name[left.type].endswith(
            "STRING_END"
        )
        closes = tokenize.OP in (left.type, right.type) and left.string != ":"
        word = (keyword.iskeyword(left.string) and left.string not in _VALUES) or right.string in _BETWEEN
        if left.end[0] == right.start[0] and closes and not word and not strings:
            gaps.append((left.end, right.start))
    for (row, start), (_, end) in reversed(gaps):
        lines[row - 1] = lines[row - 1][:start] + lines[row - 1][end:]
    return "\n".join(lines) + "\n"


def indented_by_tabs(source: str) -> str:
    """Return a module indented by a tab a level instead of four spaces; the inside of strings stays as it is."""
    lines = source.splitlines()
    texts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    inside = {number for node in texts for number in range(node.lineno, int(node.end_lineno or 0))}
    for number, line in enumerate(lines):
        levels = (len(line) - len(line.lstrip(" "))) // 4
        if number not in inside:
            lines[number] = "\t" * levels + line[levels * 4 :]
    return "\n".join(lines) + "\n"
