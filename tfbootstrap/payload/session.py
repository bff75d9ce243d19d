"""What a notebook cell does: installs what differs, verifies what changed, and restarts the kernel where it must."""

import os
import sys
import time
from typing import Any, Dict, Tuple

from tfbootstrap.payload.distributions import installed_distributions, pinned_versions
from tfbootstrap.payload.install import BootstrapError, Install, find_work, install_lock
from tfbootstrap.payload.judge import judge_runtime
from tfbootstrap.payload.memory import STALE_MARK, find_stale_modules
from tfbootstrap.payload.notebook import CellError, show, show_checks, tell
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import all_passed
from tfbootstrap.payload.rescue import rescue_objects
from tfbootstrap.payload.state import machine_name, make_digest, take_note, verify_what_changed, write_note


def run_cell(lock: Dict[str, Any], trial: str, on_restart: str, install: Install = install_lock) -> None:
    """Bring this kernel to the lock, and end with an exception unless it may go on.

    `on_restart` says what happens where it must be restarted: `ask` for it, `auto`, or `never` (a warning).
    """
    known, note, facts = hasattr(sys, STALE_MARK), take_note(), probe_machine()
    checks = judge_runtime(lock, facts)
    stale: Dict[str, str] = {}
    more: Dict[str, Any] = {}
    if all_passed(checks):
        try:
            replaced, stale = _bring_kernel(lock, on_restart, install)
        except BootstrapError as error:
            raise CellError(f"{error}\nhint: {error.hint}") from None
        checks, more = verify_what_changed(lock, trial, facts, checks, note, tell)
        kernel = make_digest(machine_name(), sys.argv, lock)
        if on_restart != "never" and note.get("restart") == kernel and not (known or replaced):
            on_restart = "helpless"
        more["restart"] = kernel if stale else None
    noted = write_note(checks, more)
    show_checks(checks, lock["tensorflow"])
    if stale:
        _end_kernel(stale, on_restart if noted else "ask", facts["host"]["kind"])
    tell("TensorFlow {} for {}: verified".format(lock["tensorflow"], lock["target"]))


def _bring_kernel(lock: Dict[str, Any], on_restart: str, install: Install) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Install what differs; return what was replaced, and what this kernel has of the former in memory."""
    pins, distributions = pinned_versions(lock), installed_distributions()
    different, rivals = find_work(lock)
    if different and "tensorflow" in sys.modules:
        tell("TensorFlow is imported in this kernel already; what differs is installed anyway")
    # A TensorFlow that was replaced can't be trusted to save a model: some of its modules are read only then.
    stale = find_stale_modules(pins, distributions, different)
    if stale and on_restart != "never":
        rescued = rescue_objects(vars(sys.modules["__main__"]))
        if rescued:
            tell("\n".join(["saved what this kernel holds; to load it back:", *rescued]))
    # Where the loader needs links, they are looked after even if nothing differs.
    replaced = install(lock, "auto", tell) if different or rivals or lock["loader_links"] else {}
    tell(f"installed {len(replaced)} packages" if replaced else "nothing to install")
    return replaced, find_stale_modules(pins, installed_distributions(), replaced) if replaced else stale


def _end_kernel(stale: Dict[str, str], on_restart: str, host: str) -> None:
    """Restart this kernel or ask for it; return where it may go on all the same."""
    names = ", ".join(sorted(stale))
    loaded = f"it still has the former {names} loaded"
    if on_restart == "never":
        tell(f"warning: don't trust this kernel before it is restarted: {loaded}")
        return
    if on_restart == "helpless":
        problem = "the restart did not help: something loads another {} before this cell runs ({}); {}"
        cure = "see PYTHONPATH, the kernel's startup files and the cells above"
        raise CellError(problem.format(names, ", ".join(sorted(stale.values())), cure))
    if on_restart == "auto" and "ipykernel" in sys.modules:
        tell(f"restarting this kernel, once: {loaded}; then run all again")
        time.sleep(1)  # another thread sends the kernel's output
        os._exit(0)  # what runs the kernel sees that it is gone, and starts it again
    if host == "colab":
        show({"application/vnd.colab-display-data+json": {"pip_warning": {"packages": sorted(stale)}}}, raw=True)
    raise CellError(f"restart the kernel now (Runtime > Restart session) and run all again: {loaded}")
