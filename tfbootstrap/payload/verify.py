"""Proves that an environment is what a lock says and that TensorFlow works in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from tfbootstrap.payload.distributions import (
    Installed,
    find_differences,
    installed_distributions,
    module_names,
    pinned_versions,
    shared_files,
)
from tfbootstrap.payload.hashes import has_hash
from tfbootstrap.payload.hints import find_hint
from tfbootstrap.payload.install import mask_credentials
from tfbootstrap.payload.judge import Check, make_check, make_verdict

TRIAL_LIMIT = 900
"""Seconds that the trial process may take; a GPU without binary code compiles its kernels first."""


def verify_lock(lock: Dict[str, Any], trial: str, places: List[str]) -> List[Check]:
    """Check the environment, then TensorFlow itself in a fresh process; `places` are folders that scripts run from."""
    distributions = installed_distributions()
    pins = pinned_versions(lock)
    checks = [check_versions(pins, distributions)]
    checks += check_ownership(pins, distributions)
    checks.append(check_local_files(pins, distributions, places))
    return checks + run_in_fresh_process(lock, trial)


def check_local_files(pins: Dict[str, str], distributions: List[Installed], places: List[str]) -> Check:
    """Check what lies in these places and on PYTHONPATH as `check_shadowing` does, library folders apart."""
    own = [distribution for distribution in distributions if distribution.name in pins]
    folders = {distribution.folder for distribution in distributions}
    local = [place for place in places + _python_path() if os.path.realpath(place) not in folders]
    return check_shadowing(module_names(own), local)


def check_versions(pins: Dict[str, str], distributions: List[Installed]) -> Check:
    """Check that every pin is installed whole and in exactly its version."""
    expected, different = f"{len(pins)} packages as locked", find_differences(pins, distributions)
    found = "; ".join(f"{name}: {reason}" for name, reason in sorted(different.items())) or expected
    hint = "run the bootstrap without --verify-only: it installs these"
    return make_verdict("versions", not different, found, expected, hint)


def check_ownership(pins: Dict[str, str], distributions: List[Installed]) -> List[Check]:
    """Check that no file belongs to two distributions with different contents (equal ones harm nobody).

    Where the lock's own file is there, only the other distribution is broken.
    """
    shared: Dict[bool, Set[str]] = {True: set(), False: set()}
    for (folder, path), owners in shared_files(distributions).items():
        wrong = any(not has_hash(folder, path, owners[name]) for name in set(owners) & set(pins))
        shared[wrong].add("{} ({})".format(" and ".join(sorted(owners)), path))
    hint = "uninstall them and run the bootstrap again: it reinstalls what is locked"
    return own_and_others("ownership", sorted(shared[True]), sorted(shared[False]), "one owner for each file", hint)


def check_shadowing(names: Iterable[str], places: List[str]) -> Check:
    """Check that no local file hides a module of the lock from programs that run in these folders."""
    hiding = []
    for place in dict.fromkeys(map(os.path.abspath, places)):
        for name in names:
            local = [os.path.join(place, name + ".py"), os.path.join(place, name, "__init__.py")]
            hiding += [path for path in local if os.path.isfile(path)]
    found = ", ".join(hiding) or "no local file hides a package"
    hint = f"rename {found.split(', ')[0]}: Python imports it instead of the installed package"
    return make_verdict("shadowing", not hiding, found, "no local file with a package's name", hint)


def run_in_fresh_process(lock: Dict[str, Any], trial: str) -> List[Check]:
    """Run the trial as a user's own program would run: this environment, nothing set, an empty folder."""
    folder = tempfile.mkdtemp(prefix="tfbootstrap-")
    program, report = os.path.join(folder, "tfbootstrap_trial.py"), os.path.join(folder, "report.jsonl")
    try:
        with open(program, "w", encoding="utf-8") as file:
            file.write(trial)
        command = [sys.executable, program, report, json.dumps(dict(lock, pins=list(pinned_versions(lock))))]
        code, output = _run_limited(command, folder)
        lines = []
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    checks = [line for line in lines if "id" in line]
    if code != 0:
        last = lines[-1].get("begins", "exit") if lines else "import"
        checks.append(_died(last, code, output))
    for check in (check for check in checks if check["status"] == "fail"):
        # Why there is no GPU is told in passing only; what else TensorFlow tells there is mostly harmless.
        told = output if check["id"].startswith("gpu") else ""
        check["hint"] = find_hint(check["found"] + told, check["hint"])
    return checks


def count_visible_gpus(facts: Dict[str, Any]) -> int:
    """Return how many GPUs a program may see: those of the machine that CUDA_VISIBLE_DEVICES does not hide."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = len(facts["gpus"])
    if shown is None:
        return count
    return min(count, len([part for part in shown.split(",") if part.strip() not in ("", "-1")]))


def _run_limited(command: List[str], folder: str) -> Tuple[Optional[int], str]:
    streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        ended = subprocess.run(command, cwd=folder, timeout=TRIAL_LIMIT, check=False, **streams)
    except subprocess.TimeoutExpired:
        return None, ""
    return ended.returncode, ended.stdout.decode("utf-8", "replace")


def _died(name: str, code: Optional[int], output: str) -> Check:
    if code is None:
        found = f"no answer after {TRIAL_LIMIT} seconds"
        return make_check(name, "fail", found, "an answer", "see whether the machine or its GPU hangs: nvidia-smi, top")
    found, hint = explain_death(code)
    last = [line for line in mask_credentials(output).splitlines() if line.strip()][-3:]
    return make_check(name, "fail", "; ".join([found, *last]), "no crash", hint)


def explain_death(code: int) -> Tuple[str, str]:
    """Return what the exit code of a process says, and a hint."""
    hints = {
        -signal.SIGILL: "this TensorFlow was compiled for a processor with AVX: use another machine",
        -9: "something ended the process, mostly for lack of memory: free some, or use a larger machine",
    }
    found = f"the process was ended by signal {-code}" if code < 0 else f"the process ended with {code}"
    return found, hints.get(code, "the last lines of its output name the cause")


def own_and_others(name: str, own: List[str], others: List[str], expected: str, hint: str) -> List[Check]:
    """Return a failure for the lock's own distributions, a warning for those that are none of its business."""
    if not own and not others:
        return [make_check(name, "pass", expected, expected)]
    checks = [make_check(name, "fail", _first(own), expected, hint)] if own else []
    if others:
        checks.append(make_check(name, "warn", _first(others), expected, "these packages are none of the lock"))
    return checks


def _first(items: List[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _python_path() -> List[str]:
    return [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
