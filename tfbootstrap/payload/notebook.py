"""How a cell speaks to the notebook that it is in."""

import importlib
import sys
from typing import Any, List

from tfbootstrap.payload.judge import Check
from tfbootstrap.payload.report import Table


class CellError(Exception):
    """Ends a cell, and with it Run all, by one sentence instead of a traceback."""

    def _render_traceback_(self) -> List[str]:
        return [f"CellError: {self}"]


def show_checks(checks: List[Check], tensorflow: str) -> None:
    """Show the checks as a table; raise CellError where one failed."""
    show(Table(checks))
    failed = [check["id"] for check in checks if check["status"] == "fail"]
    if failed:
        problem = "TensorFlow {} is not ready here: {} failed, see the hints above"
        raise CellError(problem.format(tensorflow, ", ".join(failed)))


def show(thing: Any, **options: bool) -> None:
    """Show a thing as the notebook can, as text where there is none."""
    if "ipykernel" in sys.modules:
        importlib.import_module("IPython.display").display(thing, **options)
    else:
        tell(str(thing))


def tell(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
