"""Finds what stands in the way of a lock, and removes it where that is safe."""

import os
import re
import shutil
import sys
import sysconfig
from typing import Dict, Iterable, List, Tuple

from tfbootstrap.payload.distributions import Installed, library_folders, read_record

SAME_MODULES = """
tensorflow tensorflow-cpu tensorflow-gpu tensorflow-intel tensorflow-macos tf-nightly tf-nightly-cpu tf-nightly-gpu
keras keras-nightly
tf-keras tf-keras-nightly
tensorboard tb-nightly
tensorflow-estimator tf-estimator-nightly
"""
"""Distributions that bring the same modules: beside those of a line that a lock names, no other may stand."""


def find_clashes(pins: Dict[str, str], distributions: List[Installed]) -> Tuple[List[Installed], str]:
    """Return what brings the same modules as the lock and can be removed, and what hides the lock from where it is."""
    families = [set(line.split()) for line in SAME_MODULES.splitlines()]
    names = {name for family in families if family & set(pins) for name in family} - set(pins)
    folders, homes = library_folders(), _own_folders()
    before = folders[: min([folders.index(home) for home in homes if home in folders] or [0])]
    hiding = [
        "{} {} in {}".format(found.name, found.version, found.folder)
        for found in distributions
        if found.folder in before and (found.name in names or pins.get(found.name, found.version) != found.version)
    ]
    rivals = [found for found in distributions if found.name in names and found.folder in homes]
    return rivals, ", ".join(hiding)


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
    """Remove descriptions at which installers stumble: half of one, or one of several, left by what was killed."""
    for folder in _own_folders():
        found: Dict[str, List[str]] = {}
        for info in os.listdir(folder) if os.path.isdir(folder) else []:
            name = re.sub(r"[-_.]+", "-", info.split("-")[0]).lower()
            if info.endswith(".dist-info") and name in names:
                found.setdefault(name, []).append(os.path.join(folder, info))
        for infos in found.values():
            for info in infos:
                whole = all(os.path.exists(os.path.join(info, file)) for file in ("METADATA", "RECORD"))
                if len(infos) > 1 or not whole:
                    shutil.rmtree(info)


def _own_folders() -> List[str]:
    return sorted({os.path.realpath(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")})
