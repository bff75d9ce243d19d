"""What is known of an environment from earlier runs, and what a running kernel has of it in memory."""

import contextlib
import hashlib
import json
import os
import platform
import sys
import sysconfig
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from tfbootstrap.payload.distributions import (
    Installed,
    installed_distributions,
    module_names,
    pinned_versions,
    read_record,
)
from tfbootstrap.payload.judge import Check, version_at_least, version_numbers
from tfbootstrap.payload.probe import MachineIO
from tfbootstrap.payload.report import write_report
from tfbootstrap.payload.verify import check_local_files

STALE_MARK = "_tfbootstrap_stale"
"""Where this process remembers, on `sys`, which modules were replaced while they were loaded."""

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


def read_note() -> Dict[str, Any]:
    """Return the report of the last run in this environment, empty where there is none that can be read."""
    try:
        with open(_note_path(), encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, TypeError, ValueError):
        return {}


def write_note(checks: List[Check], more: Dict[str, Any]) -> bool:
    """Write the report of this run for the next one and for programs; say whether that was possible."""
    with contextlib.suppress(OSError):
        write_report(_note_path(), checks, **more)
        return True
    return False


def find_stale_modules(pins: Dict[str, str], distributions: List[Installed], replaced: Iterable[str]) -> Dict[str, str]:
    """Return the locked distributions of which this process has other code in memory than is or soon will be installed.

    With each goes a file that was loaded.
    """
    stale: Dict[str, str] = getattr(sys, STALE_MARK, {})
    # Every process has setuptools' hook loaded; it does no harm.
    modules = [module for name, module in list(sys.modules.items()) if name != "_distutils_hack"]
    files = {str(getattr(module, "__file__", None)) for module in modules}
    for distribution in distributions:
        if distribution.name in pins:
            paths = read_record(distribution) or [] if distribution.name in replaced else []
            loaded = files.intersection(os.path.join(distribution.folder, path) for path, _ in paths)
            stale.update((distribution.name, file) for file in loaded or _other_version(distribution))
    setattr(sys, STALE_MARK, stale)
    return stale


def _other_version(distribution: Installed) -> Iterator[str]:
    installed = distribution.version
    for module in filter(None, map(sys.modules.get, module_names([distribution]))):
        loaded: Any = getattr(module, "__version__", None)
        # Some modules say `v3.3`, or 3.3 where the distribution is 3.3.0.
        told = isinstance(loaded, str) and bool(version_numbers(loaded))
        if told and not (version_at_least(loaded, installed) and version_at_least(installed, loaded)):
            yield "{} {}".format(getattr(module, "__file__", None), loaded)
