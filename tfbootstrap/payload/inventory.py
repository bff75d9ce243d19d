"""How what is installed lies on the disk, and where libraries are: what `doctor` looks at beyond a facts file."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from tfbootstrap.payload.clashes import SAME_MODULES
from tfbootstrap.payload.distributions import (
    Installed,
    installed_distributions,
    library_folders,
    module_names,
    read_record,
    shared_files,
)
from tfbootstrap.payload.hashes import has_hash
from tfbootstrap.payload.probe import MachineIO

LDCONFIG_LIMIT = 10.0
"""Seconds that the list of the loader's cache may take."""

LIBRARY = re.compile(
    r"lib(cuda|cudart|cublas|cublasLt|cudnn|cufft|cupti|curand|cusolver|cusparse|nccl|nvinfer|nvinfer_plugin|nvrtc"
    r"|nvJitLink)\.so(\.\d+)+$"
)
"""Names by which programs load NVIDIA's libraries."""

_DEFAULT_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_OTHER_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/wsl/lib", "/usr/lib64-nvidia")
_OFTEN_LEFT = ("tensorflow", "keras", "tf_keras")
_SHOWN = 5
"""Names that stand for all of a list of missing files."""

Row = Dict[str, Any]


def take_inventory(io: Optional[MachineIO] = None) -> Row:
    """Return everything; `io` tells of the machine, the environment is that of the running interpreter."""
    io = io or MachineIO()
    distributions, folders = installed_distributions(), library_folders()
    home = sysconfig.get_path("purelib")
    rows = [describe(distribution) for distribution in distributions]
    return {
        "prefix": sys.prefix,
        "home": home,
        "virtual": sys.prefix != sys.base_prefix,
        "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
        "managed": is_managed(),
        "writable": os.access(home, os.W_OK),
        "user_site": user_site(folders),
        "here": os.getcwd(),
        "installed": rows,
        "rivals": find_rivals(distributions),
        "shared": list(find_shared(distributions)),
        "local": list(find_local(rows, local_places(os.getcwd(), os.environ.get("PYTHONPATH", "")))),
        "leftovers": sorted(find_leftovers(rows, folders)),
        "libraries": list(find_libraries(io, folders)) if sys.platform.startswith("linux") else [],
        "devices": list(find_devices(io, os.access)),
        "disk": list(find_space([home, tempfile.gettempdir()])),
    }


def is_managed() -> bool:
    """Whether the operating system forbids installing into this Python (PEP 668)."""
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return sys.prefix == sys.base_prefix and os.path.exists(marker)


def user_site(folders: Iterable[str]) -> Optional[str]:
    """Return the user's own library folder where a fresh process looks there."""
    try:
        path = sysconfig.get_path("purelib", "nt_user" if os.name == "nt" else "posix_user")
    except KeyError:
        return None
    return path if os.path.realpath(path) in folders else None


# Distributions


def describe(distribution: Installed) -> Row:
    """Return one distribution, who installed it, and which of its recorded files are gone."""
    info = os.path.join(distribution.folder, distribution.info)
    record = read_record(distribution)
    # Compiled files come and go as they please.
    paths = [path for path, _ in record or [] if not path.endswith(".pyc")]
    missing = sorted(_missing(distribution.folder, paths), key=lambda path: not is_code(path))
    return {
        "name": distribution.name,
        "version": distribution.version,
        "folder": distribution.folder,
        "info": distribution.info,
        "installer": _read_line(os.path.join(info, "INSTALLER")),
        "editable": _is_editable(os.path.join(info, "direct_url.json")),
        "record": record is not None,
        "files": len(paths),
        "missing": missing[:_SHOWN],
        "missing_count": len(missing),
        "vital": any(map(is_code, missing)),
        "modules": module_names([distribution]),
    }


def is_code(path: str) -> bool:
    """Whether a program may load this file; images are often slimmed by their tests, headers and documents."""
    return bool(re.search(r"\.(py|so|pyd|dll|dylib)(\.\d+)*$", path)) and not re.search(r"(^|/)tests?/", path)


def _missing(folder: str, paths: Iterable[str]) -> List[str]:
    # One listing of each folder instead of one question for each of many thousand files.
    listed: Dict[str, Set[str]] = {}
    missing = []
    for path in paths:
        place, name = os.path.split(os.path.join(folder, path))
        if place not in listed:
            listed[place] = _names(place)
        if name not in listed[place] and not os.path.lexists(os.path.join(place, name)):
            missing.append(path)
    return missing


def _names(folder: str) -> Set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _read_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _is_editable(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return bool(json.load(file).get("dir_info", {}).get("editable"))
    except (OSError, ValueError, AttributeError):
        return False


def find_rivals(distributions: Iterable[Installed]) -> List[List[str]]:
    """Return the names of distributions that bring the same modules, for each set of which several are installed."""
    names = sorted({distribution.name for distribution in distributions})
    groups = [[name for name in names if re.fullmatch(family, name)] for family in SAME_MODULES]
    return [group for group in groups if len(group) > 1]


def find_shared(distributions: List[Installed]) -> Iterator[Row]:
    """Yield each file that several distributions own with different contents, and whose content lies there."""
    for (folder, path), owners in sorted(shared_files(distributions).items()):
        intact = sorted(name for name, digest in owners.items() if has_hash(folder, path, digest))
        yield {"folder": folder, "path": path, "owners": sorted(owners), "intact": intact}


def local_places(here: str, python_path: str) -> List[Tuple[str, str]]:
    """Return (folder, why Python looks there first) of what comes before the library folders."""
    places = [(here, "the current folder")]
    places += [(place, "PYTHONPATH") for place in python_path.split(os.pathsep) if place]
    return places


def find_local(rows: List[Row], places: Iterable[Tuple[str, str]]) -> Iterator[Row]:
    """Yield each file or folder of one's own that hides a module of a distribution or of the standard library."""
    folders = {row["folder"] for row in rows}
    standard = set(getattr(sys, "stdlib_module_names", ())) - {"test", "this", "antigravity"}
    modules = standard.union(*(row["modules"] for row in rows))
    for place, why in places:
        real = os.path.realpath(place)
        if real in folders:
            continue
        for name in sorted(_names(real)):
            module = name[:-3] if name.endswith(".py") else name
            whole = os.path.join(real, name, "__init__.py")
            if module in modules and (module != name or os.path.isfile(whole)):
                yield {"module": module, "path": os.path.join(real, name), "why": why, "standard": module in standard}


def find_leftovers(rows: List[Row], folders: Iterable[str]) -> Iterator[str]:
    """Yield folders that an installer has put aside, and TensorFlow's own where no distribution owns them."""
    owned = {(row["folder"], module) for row in rows for module in row["modules"]}
    unlisted = {row["folder"] for row in rows if not row["record"]}
    for folder in folders:
        for name in _names(folder):
            # Whoever has lost its list may own it.
            orphan = name in _OFTEN_LEFT and (folder, name) not in owned and folder not in unlisted
            if (orphan or name.startswith("~")) and os.path.isdir(os.path.join(folder, name)):
                yield os.path.join(folder, name)


# The machine


def find_libraries(io: MachineIO, folders: Iterable[str]) -> Iterator[Row]:
    """Yield the folders that hold NVIDIA's libraries, with the reason why a program would look there, in its order.

    `LD_LIBRARY_PATH`; `tensorflow` and `wheel`, where TensorFlow's own search path can lead (`below`: the folder below
    the library folder); `cache` and `default`, where the loader looks; `other`, where nobody looks unasked.
    """
    seen: Set[str] = set()
    for path, origin, below in _library_places(io, folders):
        names = [name for name in io.listdir(path) if LIBRARY.match(name)]
        real = os.path.realpath(path)
        if names and (real not in seen or origin == "LD_LIBRARY_PATH"):
            seen.add(real)
            targets = {name: os.path.realpath(os.path.join(path, name)) for name in names}
            found = {name: os.path.basename(target) for name, target in targets.items() if os.path.exists(target)}
            yield {"path": path, "origin": origin, "below": below, "names": found}


def _library_places(io: MachineIO, folders: Iterable[str]) -> Iterator[Tuple[str, str, str]]:
    for path in (io.getenv("LD_LIBRARY_PATH") or "").split(":"):
        if path:
            yield path, "LD_LIBRARY_PATH", ""
    for folder in folders:
        yield os.path.join(folder, "tensorflow"), "tensorflow", "tensorflow"
        for package in io.listdir(os.path.join(folder, "nvidia")):
            yield os.path.join(folder, "nvidia", package, "lib"), "wheel", f"nvidia/{package}/lib"
    for path in parse_cache(_loader_cache(io)):
        yield path, "cache", ""
    for path in _DEFAULT_FOLDERS:
        yield path, "default", ""
    toolkits = [name for name in io.listdir("/usr/local") if re.match(r"cuda(-[\d.]+)?$", name)]
    places = [os.path.join("/usr/local", name, "lib64") for name in toolkits]
    for path in [*places, *_OTHER_FOLDERS, os.path.join(sys.prefix, "lib")]:
        yield path, "other", ""


def _loader_cache(io: MachineIO) -> str:
    try:
        return io.run([io.which("ldconfig") or "/sbin/ldconfig", "-p"], LDCONFIG_LIMIT)[1]
    except (OSError, subprocess.TimeoutExpired):
        return ""


def parse_cache(text: str) -> List[str]:
    """Return the folders of NVIDIA's libraries in what `ldconfig -p` prints, in its order."""
    found = re.findall(r"(?m)^\s*(\S+) \(.*\) => (\S+)$", text)
    folders = [os.path.dirname(path) for name, path in found if LIBRARY.match(name)]
    return list(dict.fromkeys(folders))


def find_devices(io: MachineIO, allowed: Callable[[str, int], bool]) -> Iterator[Row]:
    """Yield the device nodes of NVIDIA's driver, and whether this user may use each."""
    for name in io.listdir("/dev"):
        if re.match(r"nvidia(\d+|ctl|-uvm)$|dxg$", name):
            yield {"name": name, "usable": allowed("/dev/" + name, os.R_OK | os.W_OK)}


def find_space(places: Iterable[str]) -> Iterator[Row]:
    """Yield how much space is left where packages, and where temporary files, lie."""
    for place in dict.fromkeys(places):
        if os.path.isdir(place):
            yield {"path": place, "free_mib": shutil.disk_usage(place).free >> 20}
