"""Smaller source is the same code."""

from __future__ import annotations

import ast

import pytest

from tfbootstrap.edges.payload import read_payload
from tfbootstrap.render import CELL_MODULES, ISOLATED_MODULES, RENEWAL_MODULES, TRIAL, WORKER
from tfbootstrap.slim import slim, without_annotations, without_blanks, without_comments, without_docstrings

CLASS = """'Reports.'


class Report:
    'A report.'

    def show(self):
        'Show it.'
        return 1


class Nothing(Exception):
    'Nothing.'


LIMIT = 3
'How many.'
"""

TYPED = """from typing import Any, Dict, NamedTuple, Optional

Known = Dict[str, int]


class Found(NamedTuple):
    name: str


def find(names: Known, *more: str, known: Optional[int] = None) -> Dict[str, Any]:
    result: Dict[str, Any] = {}  # noqa: X123 - a reason
    left: int
    if names:  # why
        other: str = ""
    return result
"""

BARE = """from typing import NamedTuple




class Found(NamedTuple):
    name: str


def find(names, *more, known=None):
    result = {}  # noqa: X123 - a reason
    left: int
    if names:  # why
        other = ""
    return result
"""


def test_docstrings_stay_behind() -> None:
    bare = without_docstrings(CLASS)
    assert bare.startswith("'Reports.'\n\n\nclass Report:\n    def show(self):\n        return 1\n")
    assert bare.endswith("class Nothing(Exception):\n    pass\n\n\nLIMIT = 3\n")


def test_annotations_stay_behind_but_for_fields() -> None:
    assert without_annotations(TYPED) == BARE


def test_comments_stay_behind() -> None:
    source = "# why\nx = '# text'  # how\n\n\ndef f():\n    # what\n    return 1\n"
    assert without_comments(source) == "x = '# text'\n\n\ndef f():\n    return 1\n"


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ("x, *y = f(1, a=-2) + [3 - 1, b]", "x,*y=f(1,a=-2)+[3-1,b]"),
        ("x = {'a': 1, 'b': y[1:, 2]}", "x={'a': 1,'b': y[1:,2]}"),
        ("x = (1) if not (a) or b in [c] else -1", "x=(1) if not (a) or b in [c] else -1"),
        ("z = lambda *a, **b: -a", "z=lambda *a,**b: -a"),
        ("z = None if (a) not in b else [c for c in d if -c]", "z=None if (a) not in b else [c for c in d if -c]"),
        ("z = None == True - 1", "z=None==True-1"),
        ("x = f'{a + b, c:>{n + 1}}' + ', = ' + y", "x=f'{a + b, c:>{n + 1}}'+', = '+y"),
        ('x = """a = 1,\n b, """, 2', 'x="""a = 1,\n b, """,2'),
    ],
)
def test_no_blank_stands_beside_an_operator(source: str, bare: str) -> None:
    assert without_blanks(source + "\n") == bare + "\n"


def test_the_inside_of_texts_keeps_its_blanks() -> None:
    source = "def f():\n    return [\n        '''a\n    b\n        c''',\n    ]\n"
    assert slim(source) == "def f():\n\treturn [\n\t\t'''a\n    b\n        c''',\n\t]\n"


class _Bare(ast.NodeTransformer):
    """Takes out of a tree what `slim` takes out of its source."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        name = node.value.value if isinstance(node.value, ast.Subscript) else None
        return None if isinstance(name, ast.Name) and name.id in {"Callable", "Dict"} else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign(targets=[node.target], value=node.value) if node.value else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module == "typing" else node


@pytest.mark.parametrize("module", sorted({*CELL_MODULES, *RENEWAL_MODULES, *ISOLATED_MODULES, TRIAL, *WORKER}))
def test_slim_code_is_the_same_code(module: str) -> None:
    source = read_payload()[module]
    small = slim(source)
    assert ast.dump(_Bare().visit(ast.parse(small))) == ast.dump(_Bare().visit(ast.parse(source)))
    assert len(small) < 0.9 * len(source)
    assert "->" not in small.replace('"->', "")
