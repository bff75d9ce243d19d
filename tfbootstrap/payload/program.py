"""The command line of a bootstrap."""

import argparse
import os
import shutil
import subprocess
import sys
from typing import Any, Dict

from tfbootstrap.payload.deep import check_records
from tfbootstrap.payload.distributions import pinned_versions
from tfbootstrap.payload.environment import interpreter_in, make_environment
from tfbootstrap.payload.install import BootstrapError, find_uv, install_lock
from tfbootstrap.payload.judge import Check, judge_runtime
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import all_passed, print_table, write_report
from tfbootstrap.payload.verify import count_visible_gpus, verify_lock
from tfbootstrap.payload.wheelhouse import install_from


def run_program(lock: Dict[str, Any], trial: str, script: str, description: str) -> int:
    """Run a bootstrap that lies in the file `script`; return its exit code."""
    options = _read_options(description)
    try:
        if options.json and os.path.exists(options.json):
            os.unlink(options.json)  # what stops this run must not leave the former one's good news
        _refuse_unknown_installer(options.installer)
        if options.venv:
            return _run_in_environment(lock, options, script)
        return _install_and_verify(lock, trial, options, os.path.dirname(os.path.abspath(script)))
    except BootstrapError as error:
        print("error: {}\n\nhint: {}".format(error, error.hint), file=sys.stderr)
        if options.json:
            check: Check = {"id": "install", "status": "fail", "expected": "", "found": str(error), "hint": error.hint}
            write_report(options.json, [check], installed={})
        return error.code
    except OSError as error:
        print("error: {}\n\nhint: see whether disk, permissions and paths are in order".format(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run this again to go on from here", file=sys.stderr)
        return 130


def _read_options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", metavar="DIR", help="use this virtual environment; it is made if it is not there")
    parser.add_argument("--verify-only", action="store_true", help="install nothing")
    parser.add_argument("--deep", action="store_true", help="compare every installed file with its recorded hash")
    parser.add_argument("--json", metavar="FILE", help="write the checks there as JSON")
    parser.add_argument("--installer", default="auto", metavar="auto|uv|pip", help="what installs, or the path of a uv")
    parser.add_argument("--wheelhouse", metavar="DIR", help="keep the lock's wheels there, and install from there")
    return parser.parse_args()


def _refuse_unknown_installer(installer: str) -> None:
    found = find_uv() if installer == "uv" else installer in ("auto", "pip") or shutil.which(installer)
    if not found:
        raise BootstrapError("no such installer: " + installer, "use --installer auto, pip, uv or the path of a uv", 2)


def _install_and_verify(lock: Dict[str, Any], trial: str, options: argparse.Namespace, home: str) -> int:
    facts = probe_machine()
    checks = judge_runtime(lock, facts)
    installed: Dict[str, str] = {}
    code = 0 if all_passed(checks) else 2
    if code == 0:
        if not options.verify_only:
            install = install_from(options.wheelhouse) if options.wheelhouse else install_lock
            installed = install(lock, options.installer, _say)
            print("installed {} packages".format(len(installed)) if installed else "nothing to install")
        _say("verifying TensorFlow {}".format(lock["tensorflow"]))
        lock = dict(lock, visible_gpus=count_visible_gpus(facts))
        checks += check_records(pinned_versions(lock)) if options.deep else []
        checks += verify_lock(lock, trial, [os.getcwd(), home])
        code = 0 if all_passed(checks) else 1
    print_table(checks, sys.stdout)
    print("TensorFlow {} for {}: {}".format(lock["tensorflow"], lock["target"], "verified" if code == 0 else "FAILED"))
    if options.json:
        write_report(options.json, checks, installed=installed, tensorflow=lock["tensorflow"], target=lock["target"])
    return code


def _run_in_environment(lock: Dict[str, Any], options: argparse.Namespace, script: str) -> int:
    """Make the environment if it is not there, and run this very program with its interpreter."""
    folder = os.path.abspath(options.venv)
    if options.verify_only and not os.path.isdir(folder):
        raise BootstrapError("there is no environment " + folder, "make it: leave out --verify-only", 2)
    python = _own_environment(folder, lock["python"])
    command = [python, os.path.abspath(script)]
    command += ["--verify-only"] * options.verify_only + ["--deep"] * options.deep
    command += ["--wheelhouse", os.path.abspath(options.wheelhouse)] if options.wheelhouse else []
    command += ["--json", os.path.abspath(options.json)] if options.json else []
    uv = find_uv() if options.installer in ("auto", "uv") else None
    command += ["--installer", uv[0] if uv and len(uv) == 1 else options.installer]
    return subprocess.call(command)


def _own_environment(folder: str, version: str) -> str:
    """Return the interpreter of a virtual environment; make the environment if the folder is not there or empty."""
    python = interpreter_in(folder)
    if not os.path.isdir(folder) or not os.listdir(folder):
        make_environment(folder, version, _say)
    elif not (os.path.exists(os.path.join(folder, "pyvenv.cfg")) and os.path.exists(python)):
        raise BootstrapError(folder + " is no working virtual environment", "remove it, or name another folder", 2)
    return python


def _say(text: str) -> None:
    print(text, flush=True)
