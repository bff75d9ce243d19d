"""A clean environment to run programs in: nothing of the host's pip, uv or home reaches them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[2]
"""The root of the checkout that is tested."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A home, a temporary and a working folder below `root`, and the environment that points to them."""

    root: Path

    @classmethod
    def below(cls, root: Path) -> Sandbox:
        """Create the folders and return the sandbox."""
        sandbox = cls(root)
        for folder in (sandbox.home, sandbox.temporary, sandbox.work):
            folder.mkdir(parents=True)
        return sandbox

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """Where programs put their temporary files."""
        return self.root / "temporary"

    @property
    def work(self) -> Path:
        """Where programs are started."""
        return self.root / "work"

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Return the variables for a child: of the host's only PATH and what Windows needs; None removes one."""
        variables: dict[str, str | None] = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "SYSTEMROOT": os.environ.get("SYSTEMROOT"),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "XDG_CONFIG_DIRS": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(REPOSITORY),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            # Whom the host's network trusts, for the tests that reach the real index.
            "SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE"),
            "SSL_CERT_DIR": os.environ.get("SSL_CERT_DIR"),
            "REQUESTS_CA_BUNDLE": os.environ.get("REQUESTS_CA_BUNDLE"),
            # How coverage finds its way into children; unset but under `coverage run`.
            "COVERAGE_PROCESS_CONFIG": os.environ.get("COVERAGE_PROCESS_CONFIG"),
            "COVERAGE_PROCESS_START": os.environ.get("COVERAGE_PROCESS_START"),
            **changes,
        }
        return {name: value for name, value in variables.items() if value is not None}

    def run(
        self,
        *command: str | Path,
        variables: Mapping[str, str | None] | None = None,
        stdin: str = "",
        timeout: float = 120,
        folder: str = ".",
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the working folder or below; its output is text, its exit code is the caller's business."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.work / folder,
            env=self.environment(**(variables or {})),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    def tfbootstrap(
        self, *arguments: str | Path, variables: Mapping[str, str | None] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line in this process, which is as good as a process of its own and starts at once."""
        from tfbootstrap.cli.main import main

        return self.call(main, *arguments, variables=variables, stdin=stdin)

    def call(
        self,
        main: Callable[[list[str]], int],
        *arguments: str | Path,
        variables: Mapping[str, str | None] | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a program's function as if it were a process: with folder, variables and streams of its own."""
        words = [str(argument) for argument in arguments]
        with TemporaryFile() as given, TemporaryFile() as stdout, TemporaryFile() as stderr:
            given.write(stdin.encode())
            given.seek(0)
            with _streams(given, stdout, stderr), _surroundings(self.work, self.environment(**(variables or {}))):
                code = main(words)
            return subprocess.CompletedProcess(words, code, _text(stdout), _text(stderr))

    def assert_nothing_left(self, *, expected: Collection[str] = ()) -> None:
        """Fail unless the working folder holds exactly these names and no temporary file is left anywhere."""
        assert_holds_only(self.work, expected)
        assert_holds_only(self.temporary, ())


@contextmanager
def _streams(*files: IO[bytes]) -> Iterator[None]:
    before, kept = (sys.stdin, sys.stdout, sys.stderr), [os.dup(number) for number in range(3)]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        with (
            open(0, encoding="utf-8", closefd=False) as sys.stdin,
            open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
            open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as sys.stderr,
        ):
            yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


@contextmanager
def _surroundings(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    before = Path.cwd(), dict(os.environ), tempfile.tempdir
    try:
        _surround(folder, variables, None)
        yield
    finally:
        _surround(*before)


def _surround(folder: Path, variables: Mapping[str, str], temporary: str | None) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = temporary  # what the module has found out; None lets it look again


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def assert_holds_only(folder: Path, names: Collection[str]) -> None:
    """Fail, with the difference, unless a folder holds exactly these names (hidden ones count)."""
    found = {entry.name for entry in folder.iterdir()}
    missing, unexpected = sorted(set(names) - found), sorted(found - set(names))
    assert not missing, f"{folder.name} lacks {missing}"
    assert not unexpected, f"{folder.name} holds unexpected {unexpected}"
