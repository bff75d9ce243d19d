"""What runs inside an environment of a cell's own: installs what differs, and verifies what changed."""

from typing import Any, Dict, List

from tfbootstrap.payload.install import BootstrapError, Install
from tfbootstrap.payload.judge import Check, judge_runtime, make_check
from tfbootstrap.payload.notebook import tell
from tfbootstrap.payload.probe import probe_machine
from tfbootstrap.payload.report import all_passed, write_report
from tfbootstrap.payload.state import take_note, verify_what_changed, write_note


def renew(lock: Dict[str, Any], trial: str, report: str, installer: str, install: Install) -> None:
    """Bring the environment of this interpreter to the lock, and write down what came of it."""
    note, facts = take_note(), probe_machine()
    checks: List[Check] = judge_runtime(lock, facts)
    installed: Dict[str, str] = {}
    more: Dict[str, Any] = {}
    if all_passed(checks):
        try:
            installed = install(lock, installer, tell)
            tell(f"installed {len(installed)} packages" if installed else "nothing to install")
            checks, more = verify_what_changed(lock, trial, facts, checks, note, tell)
        except BootstrapError as error:
            checks = [make_check("install", "fail", str(error), "", error.hint)]
    write_note(checks, more)
    write_report(report, checks, installed=installed)
