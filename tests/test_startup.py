"""`tfbootstrap --help` answers at once: nothing that only some command needs is imported for it.

How long it takes is measured by `python -m tests.benchmarks.startup`, not judged here: times depend on the machine.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.environment import Sandbox

NOT_FOR_HELP = ("jinja2", "packaging", "requests", "rich", "tomlkit", "urllib3", "yaml")

CALL_MAIN = "from tfbootstrap.cli.main import main; main({arguments!r})"
REPORT = "import sys; print(*sorted(set({names!r}) & set(sys.modules)), file=sys.stderr)"


def imported_by(sandbox: Sandbox, code: str) -> list[str]:
    """Return which of the modules a fresh interpreter has loaded after running some code."""
    result = sandbox.run(sys.executable, "-c", f"{code}\n{REPORT.format(names=NOT_FOR_HELP)}")
    assert result.returncode == 0, result.stderr
    return result.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []], ids=["help", "version", "bare"])
def test_help_imports_nothing_heavy(sandbox: Sandbox, arguments: list[str]) -> None:
    assert imported_by(sandbox, CALL_MAIN.format(arguments=arguments)) == []


def test_notices_a_heavy_import(sandbox: Sandbox) -> None:
    code = "import packaging.version\n" + CALL_MAIN.format(arguments=["--help"])
    assert imported_by(sandbox, code) == ["packaging"]
