"""What is known of an environment from earlier runs."""

import contextlib
import hashlib
import json
import os
import platform
import sysconfig
import time
from typing import Any, Dict, List, Tuple

from tfbootstrap.payload.distributions import installed_distributions, pinned_versions, read_record
from tfbootstrap.payload.install import Say
from tfbootstrap.payload.judge import Check
from tfbootstrap.payload.probe import MachineIO
from tfbootstrap.payload.report import all_passed, write_report
from tfbootstrap.payload.verify import check_local_files, count_visible_gpus, verify_lock

_DECIDING = ("CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "LD_LIBRARY_PATH", "TF_USE_LEGACY_KERAS", "XLA_FLAGS")
"""Variables on which it depends whether TensorFlow works."""


def describe_state(lock: Dict[str, Any], trial: str, facts: Dict[str, Any]) -> str:
    """Return a digest of what a verification depends on: machine, variables, and every file of the lock."""
    pins, distributions = pinned_versions(lock), installed_distributions()
    files: List[Any] = []
    for distribution in distributions:
        for path, _ in (read_record(distribution) or []) if distribution.name in pins else []:
            if not path.endswith(".pyc"):
                status = os.stat(os.path.join(distribution.folder, path))
                files.append((path, status.st_size, status.st_mtime_ns))
    variables = [os.environ.get(name) for name in _DECIDING]
    local = check_local_files(pins, distributions, [os.getcwd()])
    return make_digest(lock, trial, facts, machine_name(), variables, local, distributions, files)


def machine_name() -> Tuple[str, str]:
    """Return the host, and what a virtual machine or container is called from its start to its end."""
    return platform.node(), MachineIO().read_text("/proc/sys/kernel/random/boot_id")


def make_digest(*things: Any) -> str:
    """Return a digest of plain data."""
    return hashlib.sha256(ascii(things).encode()).hexdigest()


def _note_path() -> str:
    return os.path.join(sysconfig.get_path("purelib"), ".tfbootstrap.json")


def take_note() -> Dict[str, Any]:
    """Return the report of the last run in this environment, empty where there is none that can be read.

    It is removed, for what stops this run must not leave the former one's good news.
    """
    try:
        with open(_note_path(), encoding="utf-8") as file:
            note = dict(json.load(file))
    except (OSError, TypeError, ValueError):
        return {}
    with contextlib.suppress(OSError):
        os.unlink(_note_path())
    return note


def write_note(checks: List[Check], more: Dict[str, Any]) -> bool:
    """Write the report of this run for the next one and for programs; say whether that was possible."""
    with contextlib.suppress(OSError):
        write_report(_note_path(), checks, **more)
        return True
    return False


def verify_what_changed(
    lock: Dict[str, Any], trial: str, facts: Dict[str, Any], checks: List[Check], note: Dict[str, Any], say: Say
) -> Tuple[List[Check], Dict[str, Any]]:
    """Return all checks, and the state that they hold for; what passed in this very state is not tried again."""
    state = describe_state(lock, trial, facts)
    if note.get("state") == state:
        say("nothing has changed since this was verified at {}".format(note["verified"]))
        return note["checks"], {"state": state, "verified": note["verified"]}
    say("verifying TensorFlow {} in a fresh process".format(lock["tensorflow"]))
    lock = dict(lock, visible_gpus=count_visible_gpus(facts))
    checks = checks + verify_lock(lock, trial, [os.getcwd()])
    more = {"state": state, "verified": time.strftime("%Y-%m-%d %H:%M:%S")}
    return checks, more if all_passed(checks) else {}
