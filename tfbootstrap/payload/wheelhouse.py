"""Keeps the wheels of a lock in a folder, so that the next machine installs without the index."""

import contextlib
import os
import re
import sys
import sysconfig
import tempfile
from typing import Any, Dict, Iterator, List

from tfbootstrap.payload.hashes import has_hash
from tfbootstrap.payload.install import (
    WITHOUT_INDEX,
    Install,
    Say,
    find_work,
    install_lock,
    requirement_lines,
    run_and_show,
    runs_well,
)

_INDEXES = (
    ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
    ("UV_INDEX_URL", "PIP_INDEX_URL"),
    ("UV_INDEX", "PIP_EXTRA_INDEX_URL"),
)
"""Variables of uv -> those of pip with the same meaning: only pip can download."""

_DRIVE = "/content/drive"
"""Where Colab mounts its user's Drive."""


def install_from(folder: str) -> Install:
    """Return an `install_lock` that takes what differs from a folder, after what that lacks was downloaded to it.

    What can't be kept there is installed from the index, with a line that says why.
    """

    def install(lock: Dict[str, Any], installer: str, say: Say) -> Dict[str, str]:
        with _use_wheelhouse(folder, lock, say):
            return install_lock(lock, installer, say)

    return install


@contextlib.contextmanager
def _use_wheelhouse(folder: str, lock: Dict[str, Any], say: Say) -> Iterator[None]:
    changed: Dict[str, str] = {}
    if find_work(lock)[0]:
        folder = os.path.abspath(os.path.expanduser(folder))
        problem = _fill_wheelhouse(folder, lock, say)
        if problem:
            say("not using the wheelhouse {}: {}".format(folder, problem))
        else:
            changed = {"UV_FIND_LINKS": folder, WITHOUT_INDEX: "1", "PIP_FIND_LINKS": folder, "PIP_NO_INDEX": "1"}
    with _set_variables(changed):
        yield


def find_lacking(folder: str, lock: Dict[str, Any]) -> Dict[str, str]:
    """Return name -> why, for each pin of which the folder holds no file with a hash of the lock."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    lacking = {}
    for requirement, hashes in lock["pins"].items():
        name, version = requirement.split("==")
        own = [file for file in names if _is_of(file, name, version)]
        if not any(has_hash(folder, file, "sha256=" + digest) for file in own for digest in hashes.split(" ")):
            lacking[name] = "has another hash than the lock: " + ", ".join(own) if own else "is not there"
    return lacking


def find_pip() -> List[str]:
    """Return the command of this Python's pip, else of the one that Python brings along; empty where there is none."""
    bundled = os.path.join(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")
    wheels = sorted(os.listdir(bundled)) if os.path.isdir(bundled) else []
    commands = [[sys.executable, "-m", "pip"]]
    commands += [[sys.executable, os.path.join(bundled, wheel, "pip")] for wheel in wheels if wheel.startswith("pip-")]
    return next((command for command in commands if runs_well([*command, "--version"])), [])


@contextlib.contextmanager
def _set_variables(changes: Dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _is_of(file: str, name: str, version: str) -> bool:
    parts = file.split("-") if file.endswith(".whl") else re.sub(r"\.(tar\.gz|zip)$", "", file).rsplit("-", 1)
    return len(parts) > 1 and re.sub(r"[-_.]+", "-", parts[0]).lower() == name and parts[1] == version


def _fill_wheelhouse(folder: str, lock: Dict[str, Any], say: Say) -> str:
    """Download what the folder lacks; return what went wrong, empty where nothing did."""
    if folder.startswith(_DRIVE + "/") and not os.path.ismount(_DRIVE):
        # What is written there now would keep it from being mounted later.
        return f"no Drive is mounted; run this first: from google.colab import drive; drive.mount('{_DRIVE}')"
    try:
        lacking = find_lacking(folder, lock)
        if not lacking:
            return ""
        pip = find_pip()
        if not pip:
            return "there is no pip that could download to it"
        os.makedirs(folder, exist_ok=True)
        for name, reason in lacking.items():
            say("  {} {}".format(name, reason))
        say("downloading {} of {} packages to {}".format(len(lacking), len(lock["pins"]), folder))
        with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as work:
            path = os.path.join(work, "requirements.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(requirement_lines(lock, lacking))
            command = [*pip, "download", "--no-input", "--no-deps", "--require-hashes", "-d", folder, "-r", path]
            own = [(pip, os.environ.get(uv)) for uv, pip in _INDEXES if not os.environ.get(pip)]
            with _set_variables({name: value for name, value in own if value}):
                code, tail = run_and_show(command, say)
        return "" if code == 0 and not find_lacking(folder, lock) else "pip download failed: " + tail
    except OSError as error:
        return str(error)
