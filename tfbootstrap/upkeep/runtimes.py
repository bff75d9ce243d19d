"""Writes `compat_matrix/runtimes/colab-*.yaml` from the lists that googlecolab/backend-info publishes.

    python -m tfbootstrap.upkeep runtimes --from CHECKOUT --name colab-2026.07 --commit ec53f93 --date 2026-07-14

Parsing is pure: every function takes the text of one published file. A list in which nothing is found is an error, not
an empty profile.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.runtimes import Image, RuntimeProfile, SystemCuda

REPOSITORY = "googlecolab/backend-info"
"""Where Colab publishes its lists; its README says which commit belongs to which runtime version."""

FREEZE: Mapping[Image, str] = {"cpu": "pip-freeze.txt", "gpu": "pip-freeze.gpu.txt"}
APT: Mapping[Image, str] = {"cpu": "apt-list.txt", "gpu": "apt-list-gpu.txt"}
OS_INFO: Mapping[Image, str] = {"cpu": "os-info.txt", "gpu": "os-info-gpu.txt"}
FILES = (*FREEZE.values(), *APT.values(), *OS_INFO.values())
"""What is read of a checkout; the three `gpu` files are there since 2026, before there was one image for everything."""

_APT_LINE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.+-]*)/\S+ (?P<version>\S+) \S+ \[installed")
_UPSTREAM = re.compile(r"^(?:\d+:)?(\d+(?:\.\d+)*)")
_CUDA_LIBRARIES = re.compile(r"^cuda-libraries-(\d+)-(\d+)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """What `pip freeze` says of one image: pins, and packages installed from an address."""

    packages: tuple[str, ...]
    unindexed: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every package of the image, normalised."""
        return frozenset(line_name(line) for line in (*self.packages, *self.unindexed))


def line_name(line: str) -> str:
    """Return the normalised name of a line of a freeze list: `tf_keras==2.20.0` -> `tf-keras`."""
    return canonicalize_name(re.split(r"==| @ ", line, maxsplit=1)[0])


def parse_freeze(text: str, name: str) -> Freeze:
    """Read a freeze list; lines are kept in its order, addresses cut to what tells the file.

    Raises InputError for a line of another form, and where there is no package at all.
    """
    packages, unindexed = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        if " @ " in line:
            package, _, address = line.partition(" @ ")
            unindexed.append(f"{package} @ {_short(address)}")
        elif re.fullmatch(r"[\w.-]+==\S+", line):
            packages.append(line)
        else:
            raise InputError(Location(name, number), f"{line!r} is no line of a freeze list")
    if not packages:
        raise InputError(Location(name), "lists no package at all")
    return Freeze(packages=tuple(packages), unindexed=tuple(unindexed))


def _short(address: str) -> str:
    # Addresses name hosts that are gone next year; the file says what it is, and a repository's commit which one.
    address = address.partition("#")[0]
    if address.startswith("file:"):
        return address
    prefix = "git+" if address.startswith("git+") else ""
    return prefix + address.rsplit("/", 1)[-1]


def parse_apt(text: str) -> Mapping[str, str]:
    """Read `apt list --installed`: package -> upstream version (`2.25.1-1+cuda12.8` -> `2.25.1`)."""
    versions = {}
    for line in text.splitlines():
        if (match := _APT_LINE.match(line)) and (upstream := _UPSTREAM.match(match["version"])):
            versions[match["name"]] = upstream[1]
    return versions


def system_cuda(apt: Mapping[str, str], name: str) -> SystemCuda | None:
    """Return the newest CUDA that apt installed, None where there is none.

    Raises InputError where a part of it is missing: then the list is not what it used to be.
    """
    minors = [(int(match[1]), int(match[2])) for package in apt if (match := _CUDA_LIBRARIES.match(package))]
    if not minors:
        return None
    major, minor = max(minors)
    suffix = f"{major}-{minor}"
    cudnn = next((apt[package] for package in sorted(apt) if re.fullmatch(rf"libcudnn\d+-cuda-{major}", package)), None)
    parts = {
        "toolkit": apt.get(f"cuda-libraries-{suffix}"),
        "cudart": apt.get(f"cuda-cudart-{suffix}"),
        "nvcc": apt.get(f"cuda-nvcc-{suffix}"),
        "cudnn": cudnn,
        "nccl": apt.get("libnccl2"),
    }
    missing = sorted(part for part, version in parts.items() if version is None)
    if missing:
        raise InputError(Location(name), f"CUDA {major}.{minor} is listed without {', '.join(missing)}")
    present = {part: version for part, version in parts.items() if version is not None}
    return SystemCuda(**present, compat=apt.get(f"cuda-compat-{suffix}"))


def parse_os_info(text: str, name: str) -> tuple[str, str]:
    """Return the release and the Python version: `Ubuntu 22.04.5 LTS`, `3.12.13`.

    Raises InputError where either is missing.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pythons = [line.removeprefix("Python ") for line in lines if re.fullmatch(r"Python \d+\.\d+\.\d+", line)]
    if not lines or not pythons or lines[0].startswith("Python"):
        raise InputError(Location(name), "names no release or no Python version")
    return lines[0], pythons[0]


def read_lists(checkout: Path) -> dict[str, str]:
    """Return the published files of a checkout that are there: file name -> text. Raises InputError for none."""
    texts = {name: (checkout / name).read_text(encoding="utf-8") for name in FILES if (checkout / name).is_file()}
    if not texts:
        raise InputError(Location(str(checkout)), f"has none of {', '.join(FILES)}", hint=f"clone {REPOSITORY}")
    return texts


def colab_profile(
    texts: Mapping[str, str],
    *,
    name: str,
    commit: str,
    published: str,
    checked: str,
    keep: RuntimeProfile | None = None,
) -> RuntimeProfile:
    """Return the profile that published files describe: file name -> text, see FILES.

    Title and note come from `keep`, the profile so far, and the day of checking too where nothing else differs.

    Raises InputError where a file is missing or says nothing.
    """
    image: Image = "gpu" if FREEZE["gpu"] in texts else "cpu"
    for file in (FREEZE["cpu"], APT[image], OS_INFO[image]):
        if file not in texts:
            raise InputError(Location(file), "is missing", hint=f"--from wants a checkout of {REPOSITORY}")
    release, python = parse_os_info(texts[OS_INFO[image]], OS_INFO[image])
    apt = parse_apt(texts[APT[image]])
    if "libc6" not in apt:
        raise InputError(Location(APT[image]), "lists no libc6")
    cpu = parse_freeze(texts[FREEZE["cpu"]], FREEZE["cpu"])
    gpu = parse_freeze(texts[FREEZE["gpu"]], FREEZE["gpu"]) if image == "gpu" else None
    profile = RuntimeProfile(
        name=name,
        title=keep.title if keep else f"Google Colab, runtime version {name.removeprefix('colab-')}",
        host="colab",
        python=python,
        system="linux",
        machine="x86_64",
        libc=f"glibc {apt['libc6']}",
        release=release,
        gpu="offered",
        published=published,
        cuda=system_cuda(apt, APT[image]),
        note=keep.note if keep else None,
        source=f"{REPOSITORY}@{commit}:{FREEZE[image]}",
        checked=checked,
        packages=cpu.packages,
        unindexed=cpu.unindexed,
        gpu_packages=tuple(line for line in gpu.packages if line not in set(cpu.packages)) if gpu else (),
        gpu_absent=tuple(sorted(cpu.names - gpu.names)) if gpu else (),
        gpu_unindexed=gpu.unindexed if gpu else (),
    )
    return keep if keep and dataclasses.replace(profile, checked=keep.checked) == keep else profile
