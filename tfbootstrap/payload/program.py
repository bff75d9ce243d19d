"""The command line of a bootstrap."""

import argparse
import os
import shutil
import subprocess
import sys
from typing import Any, Dict

from tfbootstrap.payload.hashes import has_hash
from tfbootstrap.payload.install import BootstrapError, find_uv, install_lock, runs_well
from tfbootstrap.payload.judge import Check, judge_runtime, version_numbers
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import all_passed, print_table, write_report
from tfbootstrap.payload.verify import count_visible_gpus, verify_lock
from tfbootstrap.payload.wheelhouse import use_wheelhouse


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
            with use_wheelhouse(options.wheelhouse, lock, _say):
                installed = install_lock(lock, options.installer, _say)
            print("installed {} packages".format(len(installed)) if installed else "nothing to install")
        _say("verifying TensorFlow {}".format(lock["tensorflow"]))
        lock = dict(lock, visible_gpus=count_visible_gpus(facts))
        checks += verify_lock(lock, trial, [os.getcwd(), home], has_hash if options.deep else None)
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
    python = make_environment(folder, lock["python"])
    command = [python, os.path.abspath(script)]
    command += ["--verify-only"] * options.verify_only + ["--deep"] * options.deep
    command += ["--wheelhouse", os.path.abspath(options.wheelhouse)] if options.wheelhouse else []
    command += ["--json", os.path.abspath(options.json)] if options.json else []
    uv = find_uv() if options.installer in ("auto", "uv") else None
    command += ["--installer", uv[0] if uv and len(uv) == 1 else options.installer]
    return subprocess.call(command)


def make_environment(folder: str, version: str) -> str:
    """Return the interpreter of a virtual environment; make the environment if the folder is not there or empty."""
    python = os.path.join(folder, "Scripts", "python.exe") if os.name == "nt" else os.path.join(folder, "bin", "python")
    if os.path.isdir(folder) and os.listdir(folder):
        if os.path.exists(os.path.join(folder, "pyvenv.cfg")) and os.path.exists(python):
            return python
        raise BootstrapError(folder + " is no working virtual environment", "remove it, or name another folder", 2)
    base = _find_python(version)
    try:
        command = [base, "-m", "venv", folder]
        _say("making {} with {}".format(folder, base))
        # Debian's Python comes without ensurepip; where uv installs, an environment does without pip.
        if not runs_well(command) and not (find_uv() and runs_well([*command, "--without-pip"])):
            hint = "install Python's venv module (Debian: apt install python3-venv) or uv (pip install uv)"
            raise BootstrapError("{} could not make the environment {}".format(base, folder), hint, 2)  # noqa: TRY301 - cleaned up below, as after Ctrl-C
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return python


def _find_python(version: str) -> str:
    """Return an interpreter of version X.Y: this one, else one on PATH."""
    if version_numbers(version) == sys.version_info[:2]:
        return sys.executable
    path = shutil.which("python" + version)
    # What is on PATH may be a version manager's stand-in for a Python that is not there.
    if path and runs_well([path, "-c", "import sys; sys.exit('%d.%d' % sys.version_info[:2] != {!r})".format(version)]):
        return path
    problem = "the lock is for Python {}, this is {}.{}".format(version, *sys.version_info[:2])
    hint = "run this with Python {0}, or make a lock for this one: tfbootstrap lock --python {1}.{2}".format(
        version, *sys.version_info[:2]
    )
    raise BootstrapError(problem, hint, 2)


def _say(text: str) -> None:
    print(text, flush=True)
