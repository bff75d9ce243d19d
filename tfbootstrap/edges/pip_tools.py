"""Runs the second resolver, pip-compile of pip-tools, as a program: records in, records out, as with uv.

pip resolves for the interpreter that runs it and for no other. It knows no metadata but the published one, so what the
matrix says of a TensorFlow release binds by constraints once that release has been chosen. Its output has hashes of all
files of a version and no names; the index tells which hash is which file.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version as version_of
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfbootstrap.edges.index import IndexClient, IndexFile, ask_default_index
from tfbootstrap.edges.index_configuration import IndexConfiguration
from tfbootstrap.edges.programs import run_engine
from tfbootstrap.errors import EngineConflictError, EngineError, PackageIndexError, TfbootstrapError, UsageError
from tfbootstrap.request import masked, without_credentials
from tfbootstrap.resolution import PackageMetadata, ResolutionInput, ResolvedFile, ResolvedPackage, Solution

TIME_LIMIT_SECONDS = 1800
"""pip downloads what has no metadata apart; hundreds of megabytes may be among it."""

_GAVE_UP = "No stable configuration of concrete packages could be found"

MOST_RELEASES = 5
"""TensorFlow releases to try where the newest can't keep the matrix's bounds."""

UNNAMED = "file of unknown name"

_KEPT_PIP_VARIABLES = re.compile(
    r"^PIP_(CONFIG_FILE|CACHE_DIR|NO_CACHE_DIR|CERT|CLIENT_CERT|PROXY|TIMEOUT|DEFAULT_TIMEOUT|RETRIES|TRUSTED_HOST|"
    r"KEYRING_PROVIDER|DISABLE_PIP_VERSION_CHECK)$"
)
"""pip's variables that say how to fetch; those that say what to resolve would change the lock."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")

Pins = dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]
"""Name -> version, hashes, what requires it."""


def resolve_with_pip_tools(problem: ResolutionInput, indexes: IndexConfiguration) -> Solution:
    """Resolve for the running interpreter with pip-compile.

    Raises UsageError for another target, EngineConflictError where no solution exists, PackageIndexError where an index
    failed, EngineError else.
    """
    _check_target(problem)
    if problem.offline:
        raise UsageError("pip-tools can't work without the index", hint="leave out --offline, or --engine pip-tools")
    with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as folder:
        pins = _PipCompile(Path(folder), indexes).solve(problem)
    pages = _Pages(indexes)
    return Solution(
        packages=tuple(
            ResolvedPackage(name=name, version=version, via=via, files=tuple(pages.named(name, hashes)))
            for name, (version, hashes, via) in sorted(pins.items())
        ),
        engine=f"pip-tools {version_of('pip-tools')}",
    )


def _check_target(problem: ResolutionInput) -> None:
    system = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}.get(platform.system(), platform.system())
    machine = {"AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    here = (f"{sys.version_info.major}.{sys.version_info.minor}", system, machine)
    if (problem.python, problem.system, problem.machine) != here:
        raise UsageError(
            f"pip-tools resolves for the Python that runs it only: {' '.join(here)}, "
            f"not {problem.python} {problem.system} {problem.machine}",
            hint="use the engine uv, or run this with the target's Python on its platform",
        )


class _PipCompile:
    """The files, the environment and the runs of one resolution."""

    def __init__(self, folder: Path, indexes: IndexConfiguration) -> None:
        self.folder = folder
        self.indexes = indexes
        self.first = ""
        """The package that every resolution asks for."""
        self.environment = {**_environment(os.environ), **indexes.pip_environment(), "TMPDIR": str(folder)}

    def solve(self, problem: ResolutionInput) -> Pins:
        """Resolve; where the release chosen brings bounds that the pins break, resolve for it with the bounds."""
        conflict: EngineConflictError | None = None
        self.first = Requirement(problem.requirements[0]).name
        for _ in range(MOST_RELEASES):
            pins = self._compile(problem)
            row = next((row for row in problem.metadata if _is_row(row, pins)), None)
            bounds = tuple(_bounds(row, problem.requirements[0])) if row else ()
            if row is None or all(_holds(bound, pins) for bound in bounds):
                return pins
            first = re.split(r"[<>=!~]", problem.requirements[0], maxsplit=1)[0]
            try:
                return self._compile(
                    replace(
                        problem,
                        requirements=(f"{first}=={row.version}", *problem.requirements[1:]),
                        constraints=(*problem.constraints, *bounds),
                    )
                )
            except EngineConflictError as error:
                conflict = conflict or error
            joint = f"{problem.requirements[0]},!={row.version}"
            problem = replace(problem, requirements=(joint, *problem.requirements[1:]))
        raise conflict or EngineError("pip-tools found no TensorFlow that keeps the matrix's bounds", hint="use uv")

    def _compile(self, problem: ResolutionInput) -> Pins:
        texts = {
            "requirements.in": problem.requirements,
            "constraints.txt": problem.constraints,
            "pins.txt": [f"{name}=={version}" for name, version in problem.preferences],
        }
        for name, lines in texts.items():
            (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            self._run(["--pip-args", "--only-binary :all:"])
        except EngineConflictError as conflict:
            # Parts of old closures exist as source only; where even they don't help, the first answer is the clearer.
            try:
                self._run([])
            except EngineConflictError:
                raise conflict from None
        return parse_hashed((self.folder / "pins.txt").read_text(encoding="utf-8"))

    def _run(self, more: Sequence[str]) -> None:
        result = self._ended(more)
        if _GAVE_UP in result.stderr:
            # It lets go of a few of the pins to keep in each round, and after ten rounds of everything.
            (self.folder / "pins.txt").write_text("", encoding="utf-8")
            result = self._ended(more)
        if result.returncode != 0:
            raise _failure(result.stderr, self.indexes, self.first)

    def _ended(self, more: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "piptools", "compile", "requirements.in", "--output-file", "pins.txt"]
        command += ["--constraint", "constraints.txt", "--generate-hashes", "--allow-unsafe", "--strip-extras"]
        command += ["--annotation-style", "split", "--no-header", "--no-config", "--resolver", "backtracking"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"]
        command += more
        seconds, hint = TIME_LIMIT_SECONDS, "use the engine uv"
        return run_engine(command, self.folder, self.environment, name="pip-compile", seconds=seconds, hint=hint)


class _Pages:
    """The files of projects as the configured indexes list them; what no index tells stays unnamed."""

    def __init__(self, indexes: IndexConfiguration) -> None:
        addresses = () if indexes.no_index else (indexes.default or ask_default_index(), *indexes.extra)
        # A folder (file:) has no pages that can fail; which file a hash of it is stays unknown.
        asked = [address for address in dict.fromkeys(addresses) if address.startswith("http")]
        self.clients = [IndexClient(address, attempts=2) for address in asked]

    def named(self, name: str, hashes: tuple[str, ...]) -> Iterator[ResolvedFile]:
        """Yield the files of these hashes by name; where some can't be found, one unnamed file for each hash."""
        known = {f"sha256:{file.hashes['sha256']}": file for file in self._files(name) if "sha256" in file.hashes}
        for digest in hashes:
            file = known.get(digest)
            if file is None:
                yield ResolvedFile(name=UNNAMED, hash=digest)
            else:
                url = without_credentials(file.url)
                yield ResolvedFile(name=file.file_name, hash=digest, url=url, size=file.size)

    def check(self, name: str) -> None:
        """Raise PackageIndexError where an index fails, rather than lacks the project."""
        for client in self.clients:
            with _no_page_allowed():
                client.files(name)

    def _files(self, name: str) -> Iterator[IndexFile]:
        for client in self.clients:
            with suppress(PackageIndexError):  # another index may have it; pip found it somewhere, be it in a folder
                yield from client.files(name)


@contextmanager
def _no_page_allowed() -> Iterator[None]:
    try:
        yield
    except PackageIndexError as error:
        if error.status != 404:
            raise


def parse_hashed(text: str) -> Pins:
    """Parse the output of `pip-compile --generate-hashes --annotation-style split`.

    A sample:

        absl-py==2.3.1 \\
            --hash=sha256:… \\
            --hash=sha256:…
            # via
            #   keras
            #   tensorflow
    """
    pins: Pins = {}
    current = ""
    for line in (raw.strip() for raw in text.splitlines()):
        if match := _PIN.match(line):
            current = canonicalize_name(match["name"])
            pins[current] = (match["version"], (), ())
        elif current and (found := _HASH.search(line)):
            version, hashes, via = pins[current]
            pins[current] = (version, (*hashes, found[1]), via)
        elif current and line.startswith("#"):
            reason = re.sub(r"^#\s*(via\b)?\s*", "", line)
            if reason and not line.startswith("# The following"):
                version, hashes, via = pins[current]
                pins[current] = (version, hashes, (*via, reason))
    return pins


def _environment(base: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in base.items()
        if not name.startswith(("PIP_", "PIPTOOLS_")) or _KEPT_PIP_VARIABLES.match(name)
    }


def _is_row(row: PackageMetadata, pins: Pins) -> bool:
    return row.name in pins and Version(pins[row.name][0]) == Version(row.version)


def _bounds(row: PackageMetadata, requirement: str) -> Iterator[str]:
    """Yield what a release requires here as constraints, which have neither markers nor extras."""
    extras = ("", *Requirement(requirement).extras)
    for line in row.requires:
        required = Requirement(line)
        applies = required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in extras)
        if applies and str(required.specifier):
            yield f"{canonicalize_name(required.name)}{required.specifier}"


def _holds(bound: str, pins: Pins) -> bool:
    required = Requirement(bound)
    return required.name not in pins or required.specifier.contains(pins[required.name][0], prereleases=True)


_NOT_FOUND = re.compile(r"Could not find a version that satisfies the requirement (\S+).*?\(from versions: ([^)]*)\)")
_CAUSE = re.compile(r"RequirementInformation\(requirement=\w+\('([^']+)'\), parent=(None|\w+\('([^']+)')")
_WHEEL = re.compile(r"/([^/\s]+?)-([^-/\s]+)-[^/\s]*\.whl|/([^/\s]+?)-([^-/\s]+)\.(?:tar\.gz|zip)")


def _failure(stderr: str, indexes: IndexConfiguration, first: str) -> TfbootstrapError:
    text = masked(stderr).strip()
    for wanted, _ in _NOT_FOUND.findall(text):
        # pip takes an index that fails for one that has nothing; so it is asked again, by us.
        _Pages(indexes).check(re.split(r"[\[<>=!~;]", wanted, maxsplit=1)[0])
    derivation = "\n".join(dict.fromkeys(_derivation(text)))
    if derivation:
        return EngineConflictError(
            "no set of versions satisfies all requirements together",
            derivation,
            hint="loosen one of the requirements named above; the engine uv tells more",
        )
    _Pages(indexes).check(first)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return EngineError(f"pip-compile failed: {lines[-1] if lines else 'it said nothing'}", hint="use the engine uv")


def _derivation(text: str) -> Iterator[str]:
    """Yield what pip says of a conflict, worded as uv does, so that one reader serves for both."""
    for wanted, versions in _NOT_FOUND.findall(text):
        name = re.split(r"[\[<>=!~;]", wanted, maxsplit=1)[0]
        none = versions.strip() == "none"
        yield f"{name} was not found in the package registry" if none else f"there are no versions of {wanted}"
    for wanted, _, parent in _CAUSE.findall(text):
        if found := _WHEEL.search(parent):
            name, version = (found[1], found[2]) if found[1] else (found[3], found[4])
            yield f"{canonicalize_name(name)}=={version} depends on {wanted}"
        else:
            yield f"you require {wanted}"
