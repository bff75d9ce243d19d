"""Brings an environment to a lock: installs what differs, and nothing else."""

import base64
import collections
import contextlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Set, Tuple

from tfbootstrap.payload.clashes import find_clashes, remove_distribution, remove_leftovers
from tfbootstrap.payload.distributions import (
    Installed,
    find_differences,
    find_overwritten,
    installed_distributions,
    library_folders,
    pinned_versions,
)
from tfbootstrap.payload.links import link_libraries

INSTALL_LIMIT = 3600
"""Seconds that an installer may take."""

OTHERS_WISHES = "(UV|PIP)_(BUILD_)?(CONSTRAINT|OVERRIDE|EXCLUDE_NEWER|TARGET|PREFIX|USER)$"
"""Variables that bound versions (the lock has chosen; Colab has named files that did not exist) or move packages."""

WITHOUT_INDEX = "TFBOOTSTRAP_WITHOUT_INDEX"
"""Set while everything comes from a folder. uv has no variable for that: from what it remembers of an index it would
choose files of that index, and not have them."""

PAUSES = (2, 8, 30)
"""Seconds before each further try, where the index or the network failed."""

_PASSING = r"(?i)\b(429|50[0234])\b|timed? ?out|connection|network|dns|body error|end of file|IncompleteRead"
_HINTS = {
    "No space left|error 28|quota": "free some space on that disk, then run this again",
    "Permission denied|Read-only": "use another environment: --venv .tf, or in a notebook tfbootstrap cell --isolate",
    "(?i)hash": "the index has other files than the lock: ask who runs it, or make the lock again",
    "": "check network, package index and disk space, then run this again: it goes on from here",
}

Say = Callable[[str], None]
"""Tells the user a line."""

Install = Callable[[Dict[str, Any], str, Say], Dict[str, str]]
"""Installs what differs from a lock: `install_lock`, or what does it from elsewhere."""


class BootstrapError(Exception):
    """Something stopped the bootstrap: one sentence, what to do next, and the exit code."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


def install_lock(lock: Dict[str, Any], installer: str, say: Say) -> Dict[str, str]:
    """Install what differs from the lock; return name -> what was wrong. Where nothing differs, nothing is run."""
    different, rivals = find_work(lock)
    try:
        if different or rivals:
            _refuse_managed_python()
            with wait_for_turn(sysconfig.get_path("purelib"), say):
                different = _change_environment(lock, installer, say)
        for folder in library_folders() if lock["loader_links"] else []:
            links = link_libraries(folder)
            if links:
                say(f"linked {len(links)} CUDA libraries beside TensorFlow")
    except OSError as error:
        raise BootstrapError(f"can't change this environment: {error}", _hint_for(str(error)), 4) from error
    return different


def find_work(lock: Dict[str, Any]) -> Tuple[Dict[str, str], List[Installed]]:
    """Return name -> what is wrong with it, and what must go; raises BootstrapError for what hides the lock."""
    pins, distributions = pinned_versions(lock), installed_distributions()
    rivals, hiding = find_clashes(pins, distributions)
    if hiding:
        hint = "uninstall it there, or leave that folder out: unset PYTHONPATH, or PYTHONNOUSERSITE=1 for ~/.local"
        raise BootstrapError("this would hide what the lock installs: " + hiding, hint, 4)
    return dict(find_overwritten(pins, distributions), **find_differences(pins, distributions)), rivals


def _change_environment(lock: Dict[str, Any], installer: str, say: Say) -> Dict[str, str]:
    _, rivals = find_work(lock)  # again: who had the turn before may have done all
    for rival in rivals:
        say(f"removing {rival.name} {rival.version}: it brings the same modules as the lock")
        remove_distribution(rival)
    different, count = find_work(lock)[0], len(lock["pins"])
    if not different:
        return different
    say(f"installing {len(different)} of {count} packages")
    for name, reason in different.items():
        if reason != "missing":
            say(f"  {name}: {reason}")
    for found in installed_distributions():
        for line in lock["breaks"]:
            if line.startswith(f"{found.name} {found.version} "):
                say(f"  breaks: {line}")
    remove_leftovers(different)
    failure = _run_installers(lock, different, installer, say)
    left = find_work(lock)[0]
    if failure or left:
        failure = failure or "the installer was content"
        names = ", ".join(sorted(left)) or "none"
        problem = f"{failure}; {len(left)} of {count} packages still differ from the lock: {names}"
        raise BootstrapError(problem, _hint_for(failure), 4)
    return different


@contextlib.contextmanager
def wait_for_turn(folder: str, say: Say) -> Iterator[None]:
    """Hold the lock file of an environment; wait while another bootstrap does.

    The system frees it as soon as the holder and the installer that it started have ended, however they end: it can't
    be stale, and no clock matters.
    """
    with open(os.path.join(folder, ".tfbootstrap.lock"), "a", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        with contextlib.suppress(ImportError, OSError):  # neither Windows nor every network drive has such locks
            locks: Any = importlib.import_module("fcntl")
            try:
                locks.flock(file, locks.LOCK_EX | locks.LOCK_NB)
            except BlockingIOError:
                say("another bootstrap changes this environment: waiting for it")
                locks.flock(file, locks.LOCK_EX)
        yield


def _hint_for(failure: str) -> str:
    return next(hint for pattern, hint in _HINTS.items() if re.search(pattern, failure))


def find_uv() -> Optional[List[str]]:
    """Return the command of uv: on PATH, beside this interpreter, or as its module; None where there is none."""
    path = shutil.which("uv") or shutil.which("uv", path=os.path.dirname(sys.executable))
    if path:
        return [path]
    return [sys.executable, "-m", "uv"] if runs_well([sys.executable, "-m", "uv", "--version"]) else None


def runs_well(command: List[str]) -> bool:
    """Run a command silently and say whether it succeeded."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300) == 0
    except (OSError, subprocess.SubprocessError):
        return False


def mask_credentials(text: str) -> str:
    """Return the text with user and password of every address hidden."""
    return re.sub(r"(\w://)[^\s/]*@", r"\1***@", text)


def _refuse_managed_python() -> None:
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    wished = os.environ.get("PIP_BREAK_SYSTEM_PACKAGES") or os.environ.get("UV_BREAK_SYSTEM_PACKAGES")
    if sys.prefix == sys.base_prefix and os.path.exists(marker) and not wished:
        problem = f"the operating system forbids installing into its Python ({marker})"
        hint = "use a virtual environment: run this with --venv .tf, or in a notebook tfbootstrap cell --isolate"
        raise BootstrapError(problem, hint, 2)


def _run_installers(lock: Dict[str, Any], different: Dict[str, str], installer: str, say: Say) -> str:
    """Install the pins that differ; return what went wrong, empty where nothing did."""
    broken = [
        name for name, reason in different.items() if reason.startswith(("incomplete", "installed", "overwritten"))
    ]
    commands = _installer_commands(installer, broken)
    file, path = tempfile.mkstemp(prefix="tfbootstrap-", suffix=".txt")
    try:
        with os.fdopen(file, "w", encoding="utf-8") as requirements:
            requirements.writelines(requirement_lines(lock, different))
        for pause in (*PAUSES, None):
            for command in commands:
                code, tail = run_and_show([*command, "-r", path], say)
                if code == 0:
                    return ""
            if pause is None or not re.search(_PASSING, tail):
                break
            say(f"the index or the network failed; trying again in {pause} seconds")
            time.sleep(pause)
    finally:
        os.unlink(path)
    return f"the installer failed with exit code {code}:\n{tail}\n"


def requirement_lines(lock: Dict[str, Any], names: Dict[str, str]) -> Iterator[str]:
    """Yield the lines with which installers are told what to install; raises BootstrapError for what is no pin."""
    for requirement, hashes in lock["pins"].items():
        if requirement.split("==")[0] in names:
            pin = requirement + " " + hashes
            if not re.match(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+( [\w-]{43})+\Z", pin, re.ASCII):
                raise BootstrapError(f"this is no pin with hashes: {pin!r}", "make the lock again", 2)
            whole = [base64.urlsafe_b64decode(digest + "=").hex() for digest in hashes.split(" ")]
            yield " --hash=sha256:".join([requirement, *whole]) + "\n"


def _installer_commands(installer: str, broken: List[str]) -> List[List[str]]:
    """Return the commands to try in turn; `installer` is auto, uv, pip or the path of a uv.

    uv does not read pip's configuration. So where that replaces the index, pip it is; where it adds places to look in,
    pip has the second try.
    """
    uv = None if installer == "pip" else find_uv() if installer in ("auto", "uv") else [installer]
    hashed = ["--no-deps", "--require-hashes"]
    pip = [sys.executable, "-m", "pip", "install", "--no-input", *hashed] + ["--force-reinstall"] * bool(broken)
    sources = _pip_sources() if uv and installer != "uv" else set()
    if not uv or sources & {"index-url", "no-index"}:
        if not runs_well([sys.executable, "-m", "pip", "--version"]):
            hint = f"install one: {sys.executable} -m ensurepip"
            raise BootstrapError("neither uv nor pip found for this Python", hint, 4)
        return [pip]
    uv = [*uv, "pip", "install", "--python", sys.executable, *hashed]
    uv += ["--no-index"] * (WITHOUT_INDEX in os.environ)
    for name in broken:
        uv += ["--reinstall-package", name]
    return [uv, pip] if sources else [uv]


def _pip_sources() -> Set[str]:
    """Return which settings of pip say where to look for packages, where uv has none of its own."""
    if any(os.environ.get("UV_" + name) for name in ("DEFAULT_INDEX", "INDEX", "INDEX_URL", "CONFIG_FILE")):
        return set()
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        listing = subprocess.check_output(command, timeout=60, stderr=subprocess.DEVNULL).decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return set()
    return set(re.findall(r"^[\w:]+\.(index-url|no-index|extra-index-url|find-links)=", listing, re.M))


def run_and_show(command: List[str], say: Say) -> Tuple[int, str]:
    """Run an installer, pass its lines on as they come, and return its exit code and last lines."""
    tail: Deque[str] = collections.deque(maxlen=15)
    environment = {name: value for name, value in os.environ.items() if not re.match(OTHERS_WISHES, name)}
    # Not closed: what `wait_for_turn` holds. An installer that outlives us keeps it.
    options: Any = {"env": environment, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "close_fds": False}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    timer = threading.Timer(INSTALL_LIMIT, process.kill)
    timer.start()
    try:
        for line in process.stdout or ():
            tail.append(mask_credentials(line.decode("utf-8", "replace").rstrip()))
            say("  " + tail[-1])
        return process.wait(), "\n".join(tail)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
