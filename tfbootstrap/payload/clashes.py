"""Finds what stands in the way of a lock, and removes it where that is safe."""

import os
import re
import shutil
import sys
import sysconfig
from typing import Dict, Iterable, List, Tuple

from tfbootstrap.payload.distributions import Installed, library_folders, read_record

SAME_MODULES = (
    "(tensorflow|tf-nightly)(-(cpu|gpu|intel|macos))?",
    "keras(-nightly)?",
    "tf-keras(-nightly)?",
    "tensorboard|tb-nightly",
    "(tensorflow|tf)-estimator(-nightly)?",
)
"""Names of distributions that bring the same modules: beside those that a lock names, no other may stand."""


def find_clashes(pins: Dict[str, str], distributions: List[Installed]) -> Tuple[List[Installed], str]:
    """Return what brings the same modules as the lock and can be removed, and what hides the lock from where it is."""
    family = "|".join(names for names in SAME_MODULES if any(re.fullmatch(names, pin) for pin in pins))
    rivals = [found for found in distributions if found.name not in pins and re.fullmatch(family, found.name)]
    folders, homes = library_folders(), _own_folders()
    before = folders[: min([folders.index(home) for home in homes if home in folders] or [0])]
    hiding = [
        f"{found.name} {found.version} in {found.folder}"
        for found in distributions
        if found.folder in before and (found in rivals or pins.get(found.name, found.version) != found.version)
    ]
    return [rival for rival in rivals if rival.folder in homes], ", ".join(hiding)


def remove_distribution(distribution: Installed) -> None:
    """Remove the files of a distribution, its own description last: killed in between, it is found again."""
    info = os.path.join(distribution.folder, distribution.info)
    for path, _ in read_record(distribution) or []:
        full = os.path.abspath(os.path.join(distribution.folder, path))
        # Below its environment only, whatever a RECORD says.
        if not path.startswith(distribution.info) and full.startswith(os.path.abspath(sys.prefix) + os.sep):
            try:
                os.unlink(full)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
    shutil.rmtree(info)


def remove_leftovers(names: Iterable[str]) -> None:
    """Remove descriptions at which installers stumble: half of one, or several, left by what was killed."""
    found: Dict[str, List[str]] = {}
    for folder in _own_folders():
        for info in os.listdir(folder):
            if info.endswith(".dist-info"):
                found.setdefault(re.sub(r"[-_.]+", "-", info.split("-")[0]).lower(), []).append(
                    os.path.join(folder, info)
                )
    for infos in map(found.get, names):
        for info in infos or ():
            if len(infos or ()) > 1 or not {"METADATA", "RECORD"} <= set(os.listdir(info)):
                shutil.rmtree(info)


def _own_folders() -> List[str]:
    folders = {os.path.realpath(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    return sorted(filter(os.path.isdir, folders))
