"""Reads what is installed, from the files of the distributions: nothing is imported."""

import json
import os
import re
import subprocess
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from tfbootstrap.payload.hashes import has_hash

_COMMON_FOLDERS = {"__pycache__", "docs", "examples", "test", "tests"}  # some packages ship theirs by mistake


class Installed(NamedTuple):
    """One distribution: normalised name, version, library folder, and its `*.dist-info` there."""

    name: str
    version: str
    folder: str
    info: str


def library_folders() -> List[str]:
    """Return where a fresh process of this interpreter looks for modules, in its order, the current folder left out."""
    program = "import json, sys; print('\\n' + json.dumps([path for path in sys.path if path]))"
    out = subprocess.check_output([sys.executable, "-c", program], timeout=60, stdin=subprocess.DEVNULL)
    folders = json.loads(out.decode("utf-8").splitlines()[-1])
    return [folder for folder in dict.fromkeys(map(os.path.realpath, folders)) if os.path.isdir(folder)]


def installed_distributions() -> List[Installed]:
    """Return every distribution that a fresh process sees; a folder without METADATA is a leftover, none of them."""
    found = []
    for folder in library_folders():
        for info in sorted(entry for entry in os.listdir(folder) if entry.endswith(".dist-info")):
            if info.startswith("~"):
                continue  # what a pip that was killed has put aside
            try:
                with open(os.path.join(folder, info, "METADATA"), encoding="utf-8", errors="replace") as file:
                    head = file.read(4096)
            except OSError:
                continue
            name, version = (re.search(rf"^{key}: *(\S+)", head, re.M) for key in ("Name", "Version"))
            if name and version:
                normalised = re.sub(r"[-_.]+", "-", name.group(1)).lower()
                found.append(Installed(normalised, version.group(1), folder, info))
    return found


def read_record(distribution: Installed) -> Optional[List[Tuple[str, str]]]:
    """Return (path below the library folder, `sha256=…` or empty) of each file; None where there is no RECORD."""
    try:
        with open(os.path.join(distribution.folder, distribution.info, "RECORD"), encoding="utf-8") as file:
            rows = [line.rstrip("\n").rsplit(",", 2) for line in file]
    except OSError:
        return None
    return [(row[0].strip('"'), row[1]) for row in rows if len(row) == 3]


def shared_files(distributions: List[Installed]) -> Dict[Tuple[str, str], Dict[str, str]]:
    """Return (folder, path) -> {owner: recorded hash} of files that several own with different contents."""
    owners: Dict[Tuple[str, str], Dict[str, str]] = {}
    for distribution in distributions:
        for path, digest in read_record(distribution) or []:
            # Compiled files have no hash; launchers outside the library are rewritten by each installer.
            if digest and not path.startswith(".."):
                owners.setdefault((distribution.folder, path), {})[distribution.name] = digest
    return {path: digests for path, digests in owners.items() if len(set(digests.values())) > 1}


def find_overwritten(pins: Dict[str, str], distributions: List[Installed]) -> Dict[str, str]:
    """Return name -> which file, for each pin of which another distribution that is no pin has overwritten one."""
    overwritten = {}
    for (folder, path), owners in shared_files(distributions).items():
        own = sorted(set(owners) & set(pins))
        if len(own) == 1 and not has_hash(folder, path, owners[own[0]]):
            others = ", ".join(sorted(set(owners) - set(pins)))
            overwritten[own[0]] = f"overwritten by {others}: {path}"
    return overwritten


def module_names(distributions: List[Installed]) -> List[str]:
    """Return the modules that distributions bring, `numpy` and `six` for instance."""
    names = set()
    for distribution in distributions:
        for path, _ in read_record(distribution) or []:
            top, _, below = path.partition("/")
            name = top[:-3] if top.endswith(".py") else top
            if name.isidentifier() and (below or name != top):
                names.add(name)
    return sorted(names - _COMMON_FOLDERS)


def pinned_versions(lock: Dict[str, Any]) -> Dict[str, str]:
    """Return name -> version of everything in a lock."""
    return dict(requirement.split("==", 1) for requirement in lock["pins"])


def find_differences(pins: Dict[str, str], distributions: List[Installed]) -> Dict[str, str]:
    """Return name -> what is wrong, for each pin that is not installed once, whole, and in its version."""
    different = {}
    for name, version in pins.items():
        own = [distribution for distribution in distributions if distribution.name == name]
        if not own:
            different[name] = "missing"
        elif len(own) > 1 and own[1].folder == own[0].folder:
            different[name] = f"installed twice: {own[0].version}, {own[1].version}"
        elif own[0].version != version:
            different[name] = f"{own[0].version} instead of {version}"
        else:
            gone = _missing_files(own[0])
            if gone:
                different[name] = f"incomplete: {len(gone)} files missing, {gone[0]} first"
    return different


def _missing_files(distribution: Installed) -> List[str]:
    record = read_record(distribution)
    if record is None:
        return [distribution.info + "/RECORD"]
    # Compiled files come and go as they please.
    paths = [path for path, _ in record if not path.endswith(".pyc")]
    return [path for path in paths if not os.path.exists(os.path.join(distribution.folder, path))]
