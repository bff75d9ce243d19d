"""The command group: every failure becomes one message on stderr and the exit code of the contract."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import types
from collections.abc import Callable
from typing import cast

import click
import pytest

from tests.support.environment import Sandbox
from tfbootstrap import __version__
from tfbootstrap.__main__ import main as start
from tfbootstrap.cli.main import COMMANDS, main
from tfbootstrap.errors import MachineError, OutputError, PackageIndexError, TfbootstrapError, UsageError

Run = Callable[[Callable[[], object]], int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a function as one more subcommand of the real group, and return the exit code."""

    def run_as_command(function: Callable[[], object]) -> int:
        module = types.ModuleType("tfbootstrap.cli.sample")
        module.__dict__["command"] = click.command("sample")(function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "sample", "A sample.")
        return main(["sample"])

    return run_as_command


def raising(error: BaseException) -> Callable[[], object]:
    def function() -> object:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (OutputError("x"), 2),
        (PackageIndexError("https://index.test", "x"), 4),
        (MachineError("x"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (OSError(errno.ENOSPC, "No space left on device"), 2),
        (OSError(errno.EIO, "Input/output error"), 5),
        (ValueError("x"), 5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_failures_have_exit_codes(
    run: Run, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    assert run(raising(error)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Traceback" in captured.err) == (code == 5)


def test_an_interrupt_while_the_command_is_loaded_is_as_quiet_as_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt(name)

    monkeypatch.setitem(sys.modules, "tfbootstrap.cli.main", cast("types.ModuleType", Interrupted()))
    assert start() == 130
    assert capsys.readouterr().err == "interrupted; nothing was written\n"


def test_a_message_has_its_hint_below(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(TfbootstrapError("there is no lock", hint="run `tfbootstrap lock`")))
    assert capsys.readouterr().err == "error: there is no lock\n\nhint: run `tfbootstrap lock`\n"
    run(raising(TfbootstrapError("there is no lock")))
    assert capsys.readouterr().err == "error: there is no lock\n"


def test_a_bug_asks_for_a_report(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(ZeroDivisionError("sample")))
    message = capsys.readouterr().err
    assert "ZeroDivisionError: sample" in message
    assert f"This is a bug in tfbootstrap {__version__}" in message


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_command_returns_its_exit_code(run: Run, result: int | None, code: int) -> None:
    assert run(lambda: result) == code


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lokc"]) == 2
    assert "Did you mean 'lock'?" in capsys.readouterr().err
    assert main(["zzzzzz"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


def test_shells_can_complete(sandbox: Sandbox) -> None:
    result = sandbox.run(sys.executable, "-m", "tfbootstrap", variables={"_TFBOOTSTRAP_COMPLETE": "bash_source"})
    assert (result.returncode, "_TFBOOTSTRAP_COMPLETE=bash_complete" in result.stdout) == (0, True), result.stderr


def test_a_reader_that_went_away_is_no_failure(sandbox: Sandbox) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "tfbootstrap", "--help"],
            env=sandbox.environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")
