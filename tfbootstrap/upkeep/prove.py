"""Proves cells: locks, installs in a fresh environment, verifies, tries deeply, and writes a record of each.

One cell at a time or two; everything of a cell lies in one folder that is removed when its record is written, so that
a program that was killed repeats only the cell in hand.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from tfbootstrap import __version__
from tfbootstrap.edges.engines import find_uv
from tfbootstrap.edges.files import write_atomically
from tfbootstrap.edges.proofs import read_proof
from tfbootstrap.errors import MachineError, MatrixError
from tfbootstrap.lock import Lock, read_lock
from tfbootstrap.matrix.proofs import FAILED, Proof, pin_line
from tfbootstrap.upkeep.cells import Cell
from tfbootstrap.upkeep.dump import dump

SMOKE_LIMIT = 900
STEP_LIMIT = 3600
"""Seconds that the deep trial, and any other step, may take."""

_INTERRUPTED = (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a program that was told to stop, by itself or by what ran it."""

_UNWANTED = re.compile(r"^(TF_|PYTHON|VIRTUAL_ENV$|CUDA_|LD_LIBRARY_PATH$|XLA_FLAGS$|KERAS_)")
"""Variables that would make the trial another than a user's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """Where cells are proven: a scratch folder, the matrix folder, and whether wheels are kept in the cache."""

    folder: Path
    matrix: Path
    keep_cache: bool = False

    def environment(self) -> dict[str, str]:
        """Return the variables of every step: ours without what changes TensorFlow's behaviour, and an own cache."""
        kept = {name: value for name, value in os.environ.items() if not _UNWANTED.match(name)}
        return {**kept, "UV_CACHE_DIR": str(self.folder / "cache")}

    @property
    def proofs(self) -> Path:
        """Where the records stand."""
        return self.matrix / "proofs"


class StepError(Exception):
    """A step of a cell failed: its name as a check, and what was said."""

    def __init__(self, step: str, found: str) -> None:
        super().__init__(f"{step}: {found}")
        self.step = step
        self.found = found


def existing_proof(workshop: Workshop, cell: Cell) -> Proof | None:
    """Return the proof of a cell that passed, if it is there and whole."""
    try:
        return read_proof(cell.name, workshop.matrix)
    except MatrixError:
        # Broken or edited: it proves nothing, so the cell is proven again.
        return None


def prove(workshop: Workshop, cell: Cell) -> Proof:
    """Prove one cell, write its record, and return it.

    Raises StepError where locking fails, MachineError where the machine lacks the Python.
    """
    interpreter = find_interpreter(cell.python)
    folder = workshop.folder / cell.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        lock = _lock(workshop, cell, folder)
        results = install_and_try(workshop, interpreter, lock, folder)
        proof = _record(cell, lock, results, _exact_version(interpreter))
        write(workshop, proof)
        return proof
    finally:
        tidy(workshop, folder)


def tidy(workshop: Workshop, folder: Path) -> None:
    """Remove a cell's folder, and from the cache what takes most space."""
    shutil.rmtree(folder, ignore_errors=True)
    if not workshop.keep_cache:
        _run([str(find_uv()), "cache", "clean", "--quiet", "tensorflow"], folder.parent, workshop, "cache")


def write(workshop: Workshop, proof: Proof) -> None:
    """Write a record; one that passed puts an end to that of a failure, but newer pins that fail undo no proof."""
    workshop.proofs.mkdir(exist_ok=True)
    write_atomically(workshop.proofs / proof.file_name, dump(proof))
    if proof.result == "passed":
        (workshop.proofs / f"{proof.name}{FAILED}.yaml").unlink(missing_ok=True)


def run_lock(workshop: Workshop, cell: Cell, folder: Path, *more: str) -> str:
    """Lock a cell into a folder as a user would, and return what was said; raises StepError."""
    command = [sys.executable, "-m", "tfbootstrap", "lock", *more, f"--tensorflow={cell.tensorflow}"]
    command += [f"--python={cell.python}", f"--runtime={cell.runtime}", f"--matrix={workshop.matrix}"]
    # The one step that is ours: it needs our own modules, wherever they come from.
    environment = {**workshop.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    code, output = _run(command, folder, workshop, "lock", environment=environment)
    if code != 0:
        raise StepError("lock", _end_of(output, folder))
    return output


def _lock(workshop: Workshop, cell: Cell, folder: Path) -> Lock:
    run_lock(workshop, cell, folder, "--upgrade")
    return read_lock((folder / "requirements.txt").read_text(encoding="utf-8"), "requirements.txt")


def install_and_try(workshop: Workshop, interpreter: Path, lock: Lock, folder: Path) -> list[dict[str, str]]:
    """Install the lock of a folder in a fresh environment, verify it, try it deeply; return every check.

    What is found names no folder of this machine.
    """
    places = (f"{folder}{os.sep}", f"{interpreter.parents[1]}{os.sep}")
    return [_without(places, result) for result in _try(workshop, interpreter, lock, folder)]


def _try(workshop: Workshop, interpreter: Path, lock: Lock, folder: Path) -> list[dict[str, str]]:
    uv, environment = str(find_uv()), folder / "env"
    python = environment / "bin" / "python"
    made = [uv, "venv", "--quiet", "--no-project", "--no-python-downloads", "--python", str(interpreter)]
    code, output = _run([*made, str(environment)], folder, workshop, "venv")
    if code != 0:
        return [_failed("environment", _end_of(output, folder))]
    report = folder / "report.json"
    code, output = _run(
        [str(python), "bootstrap.py", "--deep", "--installer", uv, "--json", str(report)], folder, workshop, "bootstrap"
    )
    if not report.is_file():
        return [_failed("bootstrap", _end_of(output, folder))]
    results = list(json.loads(report.read_text(encoding="utf-8"))["checks"])
    if code != 0 and all(check["status"] != "fail" for check in results):
        results.append(_failed("bootstrap", _end_of(output, folder)))
    code, output = _run([uv, "pip", "check", "--quiet", "--python", str(python)], folder, workshop, "pip-check")
    results.append(
        {"id": "pip-check", "status": "pass"} if code == 0 else _failed("pip-check", _end_of(output, folder))
    )
    return results + _smoke(workshop, python, lock, folder)


def _smoke(workshop: Workshop, python: Path, lock: Lock, folder: Path) -> list[dict[str, str]]:
    place, report = folder / "smoke", folder / "smoke.jsonl"
    place.mkdir()
    # A copy: beside our own modules the program would import those instead of what is installed.
    program = place / "smoke_trial.py"
    shutil.copyfile(Path(__file__).with_name("smoke.py"), program)
    pins = json.dumps({"pins": {pin.name: pin.version for pin in lock.pins}})
    code, output = _run([str(python), str(program), str(report), pins], place, workshop, "smoke", limit=SMOKE_LIMIT)
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] if report.is_file() else []
    results = [{**line, "id": f"deep-{line['id']}"} for line in lines if "id" in line]
    if code != 0:
        last = lines[-1].get("begins", "exit") if lines else "start"
        results.append(_failed(f"deep-{last}", f"ended with {code}; {_end_of(output, folder)}"))
    return results


def _run(
    command: Sequence[str],
    folder: Path,
    workshop: Workshop,
    step: str,
    *,
    environment: Mapping[str, str] | None = None,
    limit: int = STEP_LIMIT,
) -> tuple[int, str]:
    """Run one step and return its exit code and what it said."""
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=environment or workshop.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"{step} took more than {limit} seconds"
    if result.returncode in _INTERRUPTED:
        # Whoever stops us with Ctrl-C stops the step, too: that is no finding about a cell.
        raise StepError(step, "interrupted")
    return result.returncode, result.stdout


def _end_of(output: str, folder: Path) -> str:
    """Return the last words of a program, without the folder of this machine."""
    words = re.sub(r"://[^/@\s]+@", "://", output).replace(str(folder), "").split()
    return " ".join(words)[-600:]


def _without(places: tuple[str, ...], result: dict[str, str]) -> dict[str, str]:
    """Return a result that names no folder of this machine."""
    found = result.get("found", "")
    for place in places:
        found = found.replace(place, "")
    return {**result, "found": found}


def _failed(name: str, found: str) -> dict[str, str]:
    return {"id": name, "status": "fail", "found": found}


def _record(cell: Cell, lock: Lock, results: list[dict[str, str]], interpreter: str) -> Proof:
    failed = [result for result in results if result["status"] == "fail"]
    groups = {
        status: " ".join(dict.fromkeys(result["id"] for result in results if result["status"] == status))
        for status in ("pass", "warn", "skip")
    }
    checks = [f"{status} {names}" for status, names in groups.items() if names]
    checks += [f"fail {result['id']} {' '.join(result['found'].split())[:300] or 'no reason'}" for result in failed]
    return Proof(
        tensorflow=cell.tensorflow,
        python=cell.python,
        runtime=cell.runtime,
        libc=lock.header.target.libc or "unknown",
        result="failed" if failed else "passed",
        proven=date.today().isoformat(),
        interpreter=interpreter,
        tool=f"tfbootstrap {__version__}, {uv_version()}",
        machine=machine_class(),
        note=None,
        checks=tuple(checks),
        pins=tuple(pin_line(pin.name, pin.version, pin.hashes, pin.via) for pin in lock.pins),
        seal="0" * 16,
    ).sealed()


@cache
def find_interpreter(version: str) -> Path:
    """Return a CPython X.Y of this machine: ours, pyenv's, or one on PATH or of uv; raises MachineError."""
    candidates = [Path(sys.executable)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    if on_path := shutil.which(f"python{version}"):
        candidates.append(Path(on_path))
    found = next((one for one in candidates if _exact_version(one).startswith(f"{version}.")), None)
    if found is None:
        raise MachineError(f"there is no Python {version} here", hint=f"install it: pyenv install {version}")
    return found


@cache
def _exact_version(python: Path) -> str:
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


@cache
def uv_version() -> str:
    """Return `uv X.Y.Z`."""
    answer = subprocess.run([str(find_uv()), "--version"], capture_output=True, text=True, timeout=60, check=False)
    return " ".join(answer.stdout.split()[:2])


def machine_class() -> str:
    """Return what kind of machine this is, without any name of it: `x86_64, 2 cores, 24 GiB, glibc 2.36`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    libc = " ".join(platform.libc_ver())
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {libc}"
