"""Runs a resolver (uv) as a program: records in, records out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import tomlkit

from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.edges.programs import run_engine
from tfbootstrap.errors import EngineConflictError, EngineError, MachineError, PackageIndexError
from tfbootstrap.request import masked, without_credentials
from tfbootstrap.resolution import PackageMetadata, ResolutionInput, ResolvedFile, ResolvedPackage, Solution
from tfbootstrap.toml import parse_toml

TIME_LIMIT_SECONDS = 900
"""A resolution that has to build old source distributions takes minutes; one that takes longer hangs."""

_KEPT_UV_VARIABLES = re.compile(
    r"^UV_(CACHE_DIR|NO_CACHE|HTTP_TIMEOUT|HTTP_RETRIES|REQUEST_TIMEOUT|NATIVE_TLS|SYSTEM_CERTS|CONCURRENT_\w+|"
    r"OFFLINE|LINK_MODE|INDEX_\w+_(USERNAME|PASSWORD))$"
)
"""uv's variables that say how to fetch; those that say what to resolve (constraints …) would change the lock."""

_MANYLINUX_OF_UV = (17, 28, *range(31, 41))
"""The glibc minors that uv's `--python-platform` knows (uv 0.13: 2_17, 2_28, 2_31 to 2_40)."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>\S+?)(?:\s*;.*)?$")


def find_uv() -> Path:
    """Return the path of uv: the one installed beside us, else the one on PATH; raises MachineError."""
    name = "uv.exe" if os.name == "nt" else "uv"
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent)):
        if (candidate := Path(folder) / name).is_file():
            return candidate
    if found := shutil.which("uv"):
        return Path(found)
    raise MachineError("uv is not installed", hint="install it with: python -m pip install uv")


def resolve(problem: ResolutionInput, indexes: IndexConfiguration) -> Solution:
    """Resolve one target with uv, wheels only where that works, else with source distributions.

    Raises EngineConflictError where no solution exists, PackageIndexError where an index failed, EngineError else.
    """
    with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as folder:
        runner = _Uv(find_uv(), Path(folder), problem, indexes)
        try:
            return runner.solve(wheels_only=True)
        except EngineConflictError as conflict:
            # Parts of old closures exist as source only; where even they don't help, the first answer is the clearer.
            try:
                return runner.solve(wheels_only=False)
            except EngineConflictError:
                raise conflict from None


@cache
def _uv_version(program: Path) -> str:
    answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=False)
    words = answer.stdout.split()
    return words[1] if len(words) > 1 else "of unknown version"


class _Uv:
    """One resolution's files and arguments."""

    def __init__(self, program: Path, folder: Path, problem: ResolutionInput, indexes: IndexConfiguration) -> None:
        self.program = program
        self.folder = folder
        self.problem = problem
        self.indexes = indexes
        self.warnings: list[str] = []
        # What uv leaves behind when it is interrupted goes with our folder.
        self.environment = {**_environment(os.environ, indexes), "TMPDIR": str(folder)}

    def solve(self, *, wheels_only: bool) -> Solution:
        """Resolve for the pins and their reasons, then once more from the cache for the files that fit."""
        (self.folder / "requirements.in").write_text("\n".join(self.problem.requirements) + "\n", encoding="utf-8")
        (self.folder / "constraints.txt").write_text(
            "".join(f"{line}\n" for line in self.problem.constraints), encoding="utf-8"
        )
        configuration = _uv_configuration(self.problem.metadata, no_index=self.indexes.no_index)
        (self.folder / "uv.toml").write_text(configuration, encoding="utf-8")
        output = self.folder / "pins.txt"
        output.write_text("".join(f"{n}=={v}\n" for n, v in self.problem.preferences), encoding="utf-8")
        self.warnings.clear()
        pins = parse_compiled(self._run(["--output-file", str(output)], wheels_only=wheels_only))
        (self.folder / "constraints.txt").write_text(
            "".join(f"{name}=={version}\n" for name, version, _ in pins), encoding="utf-8"
        )
        files = self._files(wheels_only=wheels_only)
        return Solution(
            packages=tuple(
                ResolvedPackage(name=name, version=version, via=via, files=files.get(name, ()))
                for name, version, via in pins
            ),
            engine=f"uv {_uv_version(self.program)}",
            warnings=tuple(self.warnings),
        )

    def _files(self, *, wheels_only: bool) -> dict[str, tuple[ResolvedFile, ...]]:
        try:
            return parse_pylock(self._run(["--format", "pylock.toml", "--offline"], wheels_only=wheels_only))
        except (PackageIndexError, EngineConflictError, EngineError):
            # Without a usable cache the second pass has to ask the index again.
            return parse_pylock(self._run(["--format", "pylock.toml"], wheels_only=wheels_only))

    def _run(self, more: list[str], *, wheels_only: bool) -> str:
        arguments = [str(self.program), "pip", "compile", "requirements.in"]
        arguments += ["--config-file", "uv.toml"]
        if (self.folder / "constraints.txt").stat().st_size:
            arguments += ["--constraint", "constraints.txt"]
        arguments += ["--python", sys.executable, "--no-python-downloads", "--python-version", self.problem.python]
        arguments += ["--python-platform", python_platform(self.problem)]
        arguments += ["--no-header", "--annotation-style", "split", "--color", "never", "--no-progress"]
        arguments += ["--no-build"] if wheels_only else []
        arguments += ["--offline"] if self.problem.offline and "--offline" not in more else []
        hint = "narrow the requirements, or check that the package index answers"
        command, seconds = [*arguments, *more], TIME_LIMIT_SECONDS
        result = run_engine(command, self.folder, self.environment, name="uv", seconds=seconds, hint=hint)
        if result.returncode != 0:
            raise _failure(result.stderr, self.indexes)
        self.warnings += [warning for warning in parse_warnings(result.stderr) if warning not in self.warnings]
        output = self.folder / "pins.txt"
        return output.read_text(encoding="utf-8") if "--output-file" in more else result.stdout


def python_platform(problem: ResolutionInput) -> str:
    """Return uv's name for a target's platform; where uv lacks the exact glibc, the nearest older one it knows.

    glibc 2.27 counts as 2.28: uv has no nearer one above the 2.27 that TensorFlow's wheels since 2.21 ask for. The
    files of the solution are checked against the exact version afterwards.
    """
    if problem.system == "windows":
        return "x86_64-pc-windows-msvc" if problem.machine == "x86_64" else "aarch64-pc-windows-msvc"
    if problem.system == "macos":
        return "aarch64-apple-darwin" if problem.machine == "arm64" else "x86_64-apple-darwin"
    family, _, version = (problem.libc or "glibc 2.17").partition(" ")
    if family == "musl":
        return f"{problem.machine}-unknown-linux-musl"
    minor = int(version.split(".")[1])
    minor = 28 if minor == 27 else minor
    known = max((step for step in _MANYLINUX_OF_UV if step <= minor), default=_MANYLINUX_OF_UV[0])
    return f"{problem.machine}-manylinux_2_{known}"


def parse_compiled(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Parse the output of `uv pip compile --annotation-style split` into (name, version, via).

    A sample:

        absl-py==2.3.1
            # via
            #   keras
            #   tensorflow
    """
    pins: list[tuple[str, str, tuple[str, ...]]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if match := _PIN.match(stripped):
            pins.append((match["name"], match["version"], ()))
        elif stripped.startswith("#") and pins:
            reason = re.sub(r"^#\s*(via)?\s*", "", stripped)
            if reason:
                name, version, via = pins[-1]
                pins[-1] = (name, version, (*via, reason))
    return pins


def parse_warnings(stderr: str) -> list[str]:
    """Return what uv warned of: ``warning: The package `pandas==2.3.0` does not have an extra named `nope` ``."""
    lines = (line.strip() for line in masked(stderr).splitlines())
    return [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]


def parse_pylock(text: str) -> dict[str, tuple[ResolvedFile, ...]]:
    """Parse a `pylock.toml` (PEP 751) into the files of each package: wheels, then the source distribution."""
    found: dict[str, tuple[ResolvedFile, ...]] = {}
    for package in parse_toml(text).get("packages", []):
        files = list(package.get("wheels", []))
        if "sdist" in package:
            files.append(package["sdist"])
        found[package["name"]] = tuple(
            ResolvedFile(
                name=_file_name(entry),
                hash=f"sha256:{entry['hashes']['sha256']}",
                url=_address(entry),
                size=entry.get("size"),
            )
            for entry in files
            if "sha256" in entry.get("hashes", {})
        )
    return found


def _address(entry: Mapping[str, str]) -> str | None:
    if "url" in entry:
        return without_credentials(entry["url"])
    path = Path(entry["path"]) if "path" in entry else None
    return path.as_uri() if path and path.is_absolute() else None


def _file_name(entry: Mapping[str, str]) -> str:
    from urllib.parse import unquote, urlsplit

    return entry.get("name") or unquote(urlsplit(entry.get("url") or entry.get("path", "")).path).rsplit("/", 1)[-1]


def _environment(base: Mapping[str, str], indexes: IndexConfiguration) -> dict[str, str]:
    kept = {
        name: value
        for name, value in base.items()
        if (not name.startswith("UV_") or _KEPT_UV_VARIABLES.match(name)) and name != "VIRTUAL_ENV"
    }
    return {**kept, **indexes.environment()}


def _uv_configuration(metadata: tuple[PackageMetadata, ...], *, no_index: bool) -> str:
    document = tomlkit.document()
    if no_index:
        document["no-index"] = True  # there is no variable for it
    rows = [
        {
            "name": row.name,
            "version": row.version,
            "requires-dist": list(row.requires),
            **({"requires-python": row.requires_python} if row.requires_python else {}),
            **({"provides-extra": list(row.extras)} if row.extras else {}),
        }
        for row in metadata
    ]
    if rows:
        document["dependency-metadata"] = rows
    return tomlkit.dumps(document)


_INDEX_TROUBLE = re.compile(
    r"Failed to (fetch|download|read|extract|unzip)|unexpected (JSON|HTML|content)|HTTP status|error sending request|"
    r"[Ii]nvalid (metadata|wheel|zip)|[Hh]ash mismatch|timed out"
)
"""How uv 0.8 to 0.13 begins its messages when an index, not the requirements, is at fault."""

_ACCESS_DENIED = re.compile(r"authentication\s+credentials|\b40[13]\s+(Unauthorized|Forbidden)")
"""Its lines are broken anywhere."""


def _failure(stderr: str, indexes: IndexConfiguration) -> Exception:
    text = masked(stderr).strip()
    if "network was disabled" in text:
        return PackageIndexError(
            _blamed_index("", indexes),
            "the cache does not hold all that is needed, and asking the index was forbidden (--offline)",
            hint="run the command once without --offline",
        )
    if _ACCESS_DENIED.search(text):
        return PackageIndexError(
            _blamed_index(text, indexes),
            "it wants credentials, or refuses those it got",
            hint="give them in the index's address, in a netrc file, or by keyring (UV_KEYRING_PROVIDER=subprocess)",
        )
    if "No solution found" in text:
        return EngineConflictError(
            "no set of versions satisfies all requirements together",
            _derivation(text),
            hint="loosen one of the requirements named above; `--dry-run` tries without writing",
        )
    if _INDEX_TROUBLE.search(text):
        return PackageIndexError(
            _blamed_index(text, indexes),
            _last_cause(text),
            hint="check the network and the index configuration (uv or pip), then run the command again",
        )
    return EngineError(
        f"uv failed: {_last_cause(text)}", hint="run the command again with RUST_LOG=uv=debug to see more"
    )


def _blamed_index(text: str, indexes: IndexConfiguration) -> str:
    found = re.search(r"--find-links` \w+:\s+(\S+)", text) or re.search(r"(https?://[^\s`'\"()<>]+)", text)
    return found[1].rstrip(".,:;") if found else indexes.shown


def _derivation(text: str) -> str:
    lines = text[text.find("No solution found") :].splitlines()[1:]
    return "\n".join(re.sub(r"^\s*(╰─▶|cause:)\s*", "", line) for line in lines).strip()


def _last_cause(text: str) -> str:
    causes = [line.strip() for line in text.splitlines() if line.strip()]
    last = causes[-1] if causes else "it said nothing"
    return re.sub(r"^(╰─▶|├─▶|Caused by:|cause:|error:)\s*", "", last)
