"""Every error that a user can cause, in one tree. Layer 0: imports nothing of the package.

    TfbootstrapError      exit code, hint
    ├── UsageError             2     contradicting options, malformed specifiers
    ├── InputError             2     a file that we were given is missing, unreadable or wrong (path, line, column)
    │   └── MatrixError        2     the matrix is wrong; holds every problem found
    ├── OutputError            2     a file can't be written
    ├── UnsatisfiableError     3     no TensorFlow version fits; holds the rejections
    ├── EngineConflictError    3     the resolver found no solution; holds its derivation
    ├── PackageIndexError      4     a package index failed
    ├── EngineError            4     uv or pip-compile failed for another reason
    └── MachineError           1     an interpreter or program of this machine does not work

An error stores its facts as attributes and its sentence says what was wrong, the value, and where we looked.
`hint` names the next command. Anything else that escapes is a bug of ours (exit code 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of the command line (part of its contract)."""

    DONE = 0
    WANTING = 1
    USAGE = 2
    UNSATISFIABLE = 3
    NETWORK = 4
    BUG = 5
    INTERRUPTED = 130


class TfbootstrapError(Exception):
    """Root of all expected failures."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(TfbootstrapError):
    """Options or requirements that can't be meant: contradicting, malformed, unknown."""


@dataclass(frozen=True)
class Location:
    """Where in a file something is: path as the user named it, 1-based line and column, dotted path of the data."""

    path: str
    line: int | None = None
    column: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        text = self.path
        if self.line is not None:
            text += f":{self.line}"
            if self.column is not None:
                text += f":{self.column}"
        return f"{text}: {self.key}" if self.key else text


class InputError(TfbootstrapError):
    """A file that we were given is missing, unreadable, or says something that we can't take."""

    def __init__(self, location: Location, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"{location}: {problem}", hint=hint)
        self.location = location
        self.problem = problem


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a data file."""

    location: Location
    text: str

    def __str__(self) -> str:
        return f"{self.location}: {self.text}"


class MatrixError(TfbootstrapError):
    """The matrix can't be used; `problems` has everything that is wrong with it, in file order."""

    def __init__(self, problems: tuple[Problem, ...], *, hint: str | None = None) -> None:
        count = len(problems)
        head = "the matrix has a problem" if count == 1 else f"the matrix has {count} problems"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in problems)]), hint=hint)
        self.problems = problems


class OutputError(TfbootstrapError):
    """A file can't be written; nothing was."""


class UnsatisfiableError(TfbootstrapError):
    """No TensorFlow version satisfies the request on that runtime."""

    exit_code = ExitCode.UNSATISFIABLE


class EngineConflictError(TfbootstrapError):
    """The resolver proved that the requirements can't hold together; `derivation` is its own text."""

    exit_code = ExitCode.UNSATISFIABLE

    def __init__(self, message: str, derivation: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message}\n\n{derivation}", hint=hint)
        self.derivation = derivation


class PackageIndexError(TfbootstrapError):
    """A package index did not answer as it should; its address carries no credentials; `status` is 404 for no page."""

    exit_code = ExitCode.NETWORK

    def __init__(self, index: str, problem: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(f"package index {index}: {problem}", hint=hint)
        self.status = status
        self.index = index
        self.problem = problem


class EngineError(TfbootstrapError):
    """uv or pip-compile failed for a reason that is no conflict."""

    exit_code = ExitCode.NETWORK


class MachineError(TfbootstrapError):
    """An interpreter or a program of this machine is missing or does not work."""

    exit_code = ExitCode.WANTING
