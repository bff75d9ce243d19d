"""What a notebook cell does: installs into its kernel's interpreter, verifies, and says when a restart is needed."""

import os
import sys
from typing import Any, Dict, Iterable, List, Set

from tfbootstrap.payload.distributions import (
    Installed,
    installed_distributions,
    module_names,
    pinned_versions,
    read_record,
)
from tfbootstrap.payload.install import BootstrapError, install_lock
from tfbootstrap.payload.judge import judge_runtime, version_at_least, version_numbers
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import all_passed, print_table
from tfbootstrap.payload.verify import count_visible_gpus, verify_lock

_NOTE = "_tfbootstrap_stale"
"""Where this process remembers, on `sys`, which modules were replaced while they were loaded."""


class CellError(Exception):
    """Ends the cell, and with it Run all, by one sentence instead of a traceback."""

    def _render_traceback_(self) -> List[str]:
        return ["CellError: {}".format(self)]


def run_cell(lock: Dict[str, Any], trial: str) -> None:
    """Install what differs, verify in a fresh process, and end with an exception unless this kernel may go on."""
    facts = probe_machine()
    checks = judge_runtime(lock, facts)
    if all_passed(checks):
        try:
            replaced = install_lock(lock, "auto", _tell)
        except BootstrapError as error:
            raise CellError("{}\nhint: {}".format(error, error.hint)) from None
        _tell("installed {} packages".format(len(replaced)) if replaced else "nothing to install")
        stale = find_stale_modules(lock, replaced)
        _tell("verifying TensorFlow {} in a fresh process".format(lock["tensorflow"]))
        lock = dict(lock, visible_gpus=count_visible_gpus(facts))
        checks += verify_lock(lock, trial, [os.getcwd()], deep=False)
    print_table(checks, sys.stdout)
    failed = [check["id"] for check in checks if check["status"] == "fail"]
    if failed:
        problem = "TensorFlow {} is not ready here: {} failed, see the hints above"
        raise CellError(problem.format(lock["tensorflow"], ", ".join(failed)))
    if stale:
        problem = (
            "restart the kernel now (Runtime > Restart session) and run all again: it still has the former {} loaded"
        )
        raise CellError(problem.format(", ".join(sorted(stale))))
    _tell("TensorFlow {} for {}: verified".format(lock["tensorflow"], lock["target"]))


def find_stale_modules(lock: Dict[str, Any], replaced: Iterable[str]) -> Set[str]:
    """Return the locked distributions of which this process has other code in memory than is installed by now."""
    stale: Set[str] = getattr(sys, _NOTE, set())
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    pins = pinned_versions(lock)
    for distribution in installed_distributions():
        if distribution.name in pins and (
            _has_other_version(distribution) or (distribution.name in replaced and _is_loaded(distribution, files))
        ):
            stale.add(distribution.name)
    setattr(sys, _NOTE, stale)
    return stale


def _is_loaded(distribution: Installed, files: Set[Any]) -> bool:
    return any(os.path.join(distribution.folder, path) in files for path, _ in read_record(distribution) or [])


def _has_other_version(distribution: Installed) -> bool:
    installed = distribution.version
    for name in module_names([distribution]):
        loaded: Any = getattr(sys.modules.get(name), "__version__", None)
        # Some modules say `v3.3`, or 3.3 where the distribution is 3.3.0.
        told = isinstance(loaded, str) and bool(version_numbers(loaded))
        if told and not (version_at_least(loaded, installed) and version_at_least(installed, loaded)):
            return True
    return False


def _tell(text: str) -> None:
    print(text, flush=True)
