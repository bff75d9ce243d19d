"""What a notebook cell does: installs what differs, verifies what changed, and restarts the kernel where it must."""

import importlib
import os
import sys
import time
from typing import Any, Dict, List, Tuple

from tfbootstrap.payload.distributions import installed_distributions, pinned_versions
from tfbootstrap.payload.install import BootstrapError, find_work, install_lock
from tfbootstrap.payload.judge import Check, judge_runtime
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import Table, all_passed
from tfbootstrap.payload.rescue import rescue_objects
from tfbootstrap.payload.state import (
    STALE_MARK,
    describe_state,
    find_stale_modules,
    machine_name,
    make_digest,
    read_note,
    write_note,
)
from tfbootstrap.payload.verify import count_visible_gpus, verify_lock


class CellError(Exception):
    """Ends the cell, and with it Run all, by one sentence instead of a traceback."""

    def _render_traceback_(self) -> List[str]:
        return [f"CellError: {self}"]


def run_cell(lock: Dict[str, Any], trial: str, on_restart: str) -> None:
    """Bring this kernel to the lock, and end with an exception unless it may go on.

    `on_restart` says what happens where it must be restarted: `ask` for it, `auto`, or `never` (a warning).
    """
    known, note, facts = hasattr(sys, STALE_MARK), read_note(), probe_machine()
    checks = judge_runtime(lock, facts)
    stale: Dict[str, str] = {}
    more: Dict[str, Any] = {}
    if all_passed(checks):
        try:
            replaced, stale = _install(lock, on_restart)
        except BootstrapError as error:
            raise CellError(f"{error}\nhint: {error.hint}") from None
        checks, more = _verify(lock, trial, facts, checks, note)
        kernel = make_digest(machine_name(), sys.argv, lock)
        if on_restart != "never" and note.get("restart") == kernel and not (known or replaced):
            on_restart = "helpless"
        more["restart"] = kernel if stale else None
    noted = write_note(checks, more)
    _show(Table(checks))
    failed = [check["id"] for check in checks if check["status"] == "fail"]
    if failed:
        problem = "TensorFlow {} is not ready here: {} failed, see the hints above"
        raise CellError(problem.format(lock["tensorflow"], ", ".join(failed)))
    if stale:
        _end_kernel(stale, on_restart if noted else "ask", facts["host"]["kind"])
    _tell("TensorFlow {} for {}: verified".format(lock["tensorflow"], lock["target"]))


def _install(lock: Dict[str, Any], on_restart: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Install what differs; return what was replaced, and what this kernel has of the former in memory."""
    pins, distributions = pinned_versions(lock), installed_distributions()
    different, rivals = find_work(lock)
    if different and "tensorflow" in sys.modules:
        _tell("TensorFlow is imported in this kernel already; what differs is installed anyway")
    # A TensorFlow that was replaced can't be trusted to save a model: some of its modules are read only then.
    stale = find_stale_modules(pins, distributions, different)
    if stale and on_restart != "never":
        rescued = rescue_objects(vars(sys.modules["__main__"]))
        if rescued:
            _tell("\n".join(["saved what this kernel holds; to load it back:", *rescued]))
    # Where the loader needs links, they are looked after even if nothing differs.
    replaced = install_lock(lock, "auto", _tell) if different or rivals or lock["loader_links"] else {}
    _tell(f"installed {len(replaced)} packages" if replaced else "nothing to install")
    return replaced, find_stale_modules(pins, installed_distributions(), replaced) if replaced else stale


def _verify(
    lock: Dict[str, Any], trial: str, facts: Dict[str, Any], checks: List[Check], note: Dict[str, Any]
) -> Tuple[List[Check], Dict[str, Any]]:
    """Return all checks, and the state that they hold for; what passed in this very state is not tried again."""
    state = describe_state(lock, trial, facts)
    if note.get("state") == state:
        _tell("nothing has changed since this was verified at {}".format(note["verified"]))
        return note["checks"], {"state": state, "verified": note["verified"]}
    _tell("verifying TensorFlow {} in a fresh process".format(lock["tensorflow"]))
    lock = dict(lock, visible_gpus=count_visible_gpus(facts))
    checks = checks + verify_lock(lock, trial, [os.getcwd()])
    more = {"state": state, "verified": time.strftime("%Y-%m-%d %H:%M:%S")}
    return checks, more if all_passed(checks) else {}


def _end_kernel(stale: Dict[str, str], on_restart: str, host: str) -> None:
    """Restart this kernel or ask for it; return where it may go on all the same."""
    names = ", ".join(sorted(stale))
    loaded = f"it still has the former {names} loaded"
    if on_restart == "never":
        _tell(f"warning: don't trust this kernel before it is restarted: {loaded}")
        return
    if on_restart == "helpless":
        problem = "the restart did not help: something loads another {} before this cell runs ({}); {}"
        cure = "see PYTHONPATH, the kernel's startup files and the cells above"
        raise CellError(problem.format(names, ", ".join(sorted(stale.values())), cure))
    if on_restart == "auto" and "ipykernel" in sys.modules:
        _tell(f"restarting this kernel, once: {loaded}; then run all again")
        time.sleep(1)  # another thread sends the kernel's output
        os._exit(0)  # what runs the kernel sees that it is gone, and starts it again
    if host == "colab":
        _show({"application/vnd.colab-display-data+json": {"pip_warning": {"packages": sorted(stale)}}}, raw=True)
    raise CellError(f"restart the kernel now (Runtime > Restart session) and run all again: {loaded}")


def _show(thing: Any, **options: bool) -> None:
    if "ipykernel" in sys.modules:
        importlib.import_module("IPython.display").display(thing, **options)
    else:
        _tell(str(thing))


def _tell(text: str) -> None:
    print(text, flush=True)
