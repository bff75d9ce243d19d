"""How checks are shown and written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tfbootstrap.payload.judge import make_check
from tfbootstrap.payload.report import Table, all_passed, print_table, write_report

CHECKS = [
    make_check("python", "pass", "3.12.4", "3.12"),
    make_check("driver", "fail", "470.57", "525.60.13 or newer", "update the driver"),
    make_check("hardware", "warn", "NVIDIA L4", "Tesla T4", "it serves, too"),
    make_check("xla", "skip", "not there"),
]

TABLE = """\
  python    pass  3.12.4
  driver    fail  470.57 (expected 525.60.13 or newer)
  hardware  warn  NVIDIA L4 (expected Tesla T4)
  xla       skip  not there
hint (driver): update the driver
hint (hardware): it serves, too
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_is_aligned_and_hints_follow() -> None:
    stream = io.StringIO()
    print_table(CHECKS, stream)
    assert stream.getvalue() == TABLE


def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    print_table(CHECKS, terminal)
    assert "\033[31mfail\033[0m" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    print_table(CHECKS, plain)
    assert plain.getvalue() == TABLE


def test_a_warning_is_no_failure() -> None:
    assert not all_passed(CHECKS)
    assert all_passed([check for check in CHECKS if check["status"] != "fail"])


def test_the_report_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(str(path), CHECKS, installed={})
    assert json.loads(path.read_text()) == {"ok": False, "checks": CHECKS, "installed": {}}
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_notebook_shows_a_table_and_text_where_it_can_not() -> None:
    hostile = make_check("<b>", "fail", "a & b", "<i>", "<script>")
    table = Table([*CHECKS, hostile])
    assert repr(table).splitlines()[:2] == TABLE.splitlines()[:2]
    shown = table._repr_html_()
    assert shown.count("<tr ") == len(CHECKS) + 1
    assert "<tr style='color: red'><td align='left'>driver</td>" in shown
    assert "470.57 (expected 525.60.13 or newer)" in shown
    assert "update the driver" in shown
    assert "&lt;script&gt;" in shown
    assert not any(tag in shown for tag in ("<b>", "<i>", "<script>"))
