"""What `detect` adds to the probe: processor, distribution, CUDA and cuDNN found, packages, environment."""

import ctypes
import json
import os
import re
import subprocess
import sys
from typing import Any, Dict, Iterable, List, Optional, Tuple

from tfbootstrap.payload.probe import MachineIO, probe_machine

CPU_FLAGS = ("avx", "avx2", "fma", "avx512f")
_FLAG_TIMEOUT = 10.0

_ENVIRONMENT_NAMES = (
    "COLAB_TPU_ADDR",
    "CONDA_PREFIX",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_VISIBLE_DEVICES",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "XLA_FLAGS",
)
_ENVIRONMENT_PREFIXES = ("PIP_", "TF_", "TPU_", "UV_")
_SECRET_NAME = re.compile(r"USERNAME|PASSWORD|TOKEN|SECRET|CREDENTIAL|API_?KEY|AUTH")

# Where toolkits and cuDNN lie by the installers of NVIDIA, of the distributions and of conda.
_TOOLKIT_PARENTS = ("/usr/local", "/opt", "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA")
_HEADER_FOLDERS = ("/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu")
_LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
_TOOLKIT_WHEEL = re.compile(r"nvidia-cuda-runtime(-cu\d+)?$")
_CUDNN_WHEEL = re.compile(r"nvidia-cudnn(-cu\d+)?$")


class SurveyIO(MachineIO):
    """What the survey reads beyond the probe."""

    def environment(self) -> Dict[str, str]:
        """Every environment variable."""
        return dict(os.environ)

    def search_path(self) -> List[str]:
        """Return the folders that this Python imports from."""
        return list(sys.path)

    def real_path(self, path: str) -> str:
        """Follow the links of a path."""
        return os.path.realpath(path)

    def has_processor_feature(self, number: int) -> bool:
        """Windows' IsProcessorFeaturePresent; raises AttributeError elsewhere."""
        return bool(getattr(ctypes, "windll").kernel32.IsProcessorFeaturePresent(number))  # noqa: B009 - Windows only, unknown to type checkers elsewhere


def survey_machine(io: Optional[SurveyIO] = None, timeout: Optional[float] = None) -> Dict[str, Any]:
    """Return a whole facts file."""
    io = io or SurveyIO()
    facts = probe_machine(io) if timeout is None else probe_machine(io, timeout)
    place, unknown = facts["platform"], facts["unknown"]
    environment = io.environment()
    distributions = read_distributions(io, io.search_path())
    flags, reasons = read_cpu_flags(io, place["system"], place["machine"])
    unknown.update(reasons)
    toolkits = read_toolkits(io, environment)
    if place["libc"] == "musl":
        place["libc"] = read_musl(io)
    place.update(
        release=read_release(io, place["system"]),
        cpu_flags=flags,
        wsl="microsoft" in io.read_text("/proc/version").lower(),
        container=is_container(io, environment),
    )
    return {
        "schema": 1,
        "python": facts["python"],
        "platform": place,
        "gpu_status": facts["gpu_status"],
        "gpus": facts["gpus"],
        "driver": facts["driver"],
        "cuda_toolkits": toolkits + wheels_of(distributions, _TOOLKIT_WHEEL),
        "cudnn": read_cudnn(io, environment, [row["path"] for row in toolkits])
        + wheels_of(distributions, _CUDNN_WHEEL),
        "host": facts["host"],
        "distributions": {
            name: {"version": row["version"], "requires": row["requires"]}
            for name, row in sorted(distributions.items())
        },
        "environment": choose_environment(environment),
        "unknown": unknown,
    }


# Processor and distribution


def read_cpu_flags(io: SurveyIO, system: str, machine: str) -> Tuple[Optional[List[str]], Dict[str, str]]:
    """Those of CPU_FLAGS that the processor has, and what could not be asked and why."""
    key = "platform.cpu_flags"
    if machine != "x86_64":
        return [], {}
    if system == "linux":
        flags = parse_cpuinfo(io.read_text("/proc/cpuinfo"))
        return flags, {} if flags is not None else {key: "/proc/cpuinfo lists no flags"}
    if system == "macos":
        return _ask_sysctl(io, key)
    if system == "windows":
        # Numbers of PF_AVX_INSTRUCTIONS_AVAILABLE and its neighbours in the Windows SDK's winnt.h.
        numbers = (("avx", 39), ("avx2", 40), ("avx512f", 41))
        found = [name for name, number in numbers if io.has_processor_feature(number)]
        return found, {key + ".fma": "Windows has no answer for it"}
    return None, {key: "no way known to ask %s" % system}


def _ask_sysctl(io: SurveyIO, key: str) -> Tuple[Optional[List[str]], Dict[str, str]]:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"]
    try:
        return parse_sysctl(io.run(command, _FLAG_TIMEOUT)[1]), {}
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, {key: "sysctl: %s" % error}


def parse_cpuinfo(text: str) -> Optional[List[str]]:
    """Flags from /proc/cpuinfo; None where it has no such line."""
    match = re.search(r"(?m)^flags\s*:(.*)$", text)
    return _known_flags(match.group(1)) if match else None


def parse_sysctl(text: str) -> List[str]:
    """Flags from macOS's sysctl, which spells AVX as `AVX1.0`."""
    return _known_flags(text.replace("AVX1.0", "AVX"))


def _known_flags(text: str) -> List[str]:
    words = text.lower().split()
    return [flag for flag in CPU_FLAGS if flag in words]


def read_musl(io: SurveyIO) -> str:
    """`musl X.Y`, which musl's loader prints when it is run; `musl` where it does not."""
    for name in io.listdir("/lib"):
        if name.startswith("ld-musl-"):
            try:
                return parse_musl(io.run(["/lib/" + name], _FLAG_TIMEOUT)[2])
            except (OSError, subprocess.TimeoutExpired):
                break
    return "musl"


def parse_musl(text: str) -> str:
    """Read the C library's name and version from what musl's loader prints."""
    return " ".join(filter(None, ["musl", _first(r"(?m)^Version (\d+\.\d+)", text)]))


def read_release(io: SurveyIO, system: str) -> Optional[str]:
    """Distribution or product version as a person says it."""
    if system == "linux":
        return parse_os_release(io.read_text("/etc/os-release"))
    if system == "macos":
        match = re.search(
            r"<key>ProductVersion</key>\s*<string>([\d.]+)<",
            io.read_text("/System/Library/CoreServices/SystemVersion.plist"),
        )
        return "macOS " + match.group(1) if match else None
    return None


def parse_os_release(text: str) -> Optional[str]:
    """`Ubuntu 22.04` from /etc/os-release."""
    pairs = dict(re.findall(r"(?m)^(NAME|VERSION_ID)=[\"']?([^\"'\n]*)", text))
    name = pairs.get("NAME", "").replace(" GNU/Linux", "").replace(" Linux", "")
    return " ".join(filter(None, [name, pairs.get("VERSION_ID")])) or None


def is_container(io: SurveyIO, environment: Dict[str, str]) -> bool:
    """Whether this runs in a container of Docker, Podman, Kubernetes, Apptainer or LXC."""
    if "KUBERNETES_SERVICE_HOST" in environment or "APPTAINER_CONTAINER" in environment:
        return True
    marks = ".dockerenv" in io.listdir("/") or ".containerenv" in io.listdir("/run")
    return marks or bool(re.search(r"docker|kubepods|containerd|/lxc/", io.read_text("/proc/1/cgroup")))


# CUDA and cuDNN


def read_toolkits(io: SurveyIO, environment: Dict[str, str]) -> List[Dict[str, str]]:
    """CUDA toolkits on the system, each once, though `/usr/local/cuda` is a link to one of them."""
    places = [environment.get("CUDA_HOME", ""), environment.get("CUDA_PATH", ""), environment.get("CONDA_PREFIX", "")]
    for parent in _TOOLKIT_PARENTS:
        names = (name for name in io.listdir(parent) if re.match(r"cuda(-[\d.]+)?$|v[\d.]+$", name))
        places += [_join(parent, name) for name in names]
    rows = {}  # type: Dict[str, Dict[str, str]]
    for place in filter(None, places):
        path = io.real_path(place)
        version = None if path in rows else _toolkit_version(io, path)
        if version:
            rows[path] = {"version": version, "path": path, "source": "system"}
    return [rows[path] for path in sorted(rows)]


def _toolkit_version(io: SurveyIO, path: str) -> Optional[str]:
    return (
        parse_version_json(io.read_text(_join(path, "version.json")))
        or _first(r"CUDA Version (\d+(?:\.\d+)+)", io.read_text(_join(path, "version.txt")))
        or _nvcc_version(io, path)
    )


def _nvcc_version(io: SurveyIO, path: str) -> Optional[str]:
    program = io.which(_join(path, "bin", "nvcc"))
    try:
        return parse_nvcc(io.run([program, "--version"], _FLAG_TIMEOUT)[1]) if program else None
    except (OSError, subprocess.TimeoutExpired):
        return None


def parse_version_json(text: str) -> Optional[str]:
    """Version from a toolkit's `version.json`."""
    try:
        version = json.loads(text)["cuda"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) else None


def parse_nvcc(text: str) -> Optional[str]:
    """Version from `nvcc --version`."""
    return _first(r"release [\d.]+, V(\d+(?:\.\d+)+)", text) or _first(r"release (\d+(?:\.\d+)+)", text)


def read_cudnn(io: SurveyIO, environment: Dict[str, str], toolkits: List[str]) -> List[Dict[str, str]]:
    """Find cuDNN on the system, by its header and by its library's file name."""
    rows = {}  # type: Dict[Tuple[str, str], Dict[str, str]]
    headers = list(_HEADER_FOLDERS) + [_join(path, "include") for path in toolkits]
    for folder in headers:
        for name in ("cudnn_version.h", "cudnn.h"):
            version = parse_cudnn_header(io.read_text(_join(folder, name)))
            if version:
                rows.setdefault((version, folder), {"version": version, "path": folder, "source": "header"})
    for folder in _library_folders(environment, toolkits):
        version = parse_cudnn_names(io.listdir(folder))
        path = io.real_path(folder)
        if version and not any(row["version"].startswith(version) for row in rows.values()):
            rows.setdefault((version, path), {"version": version, "path": path, "source": "library"})
    return [rows[key] for key in sorted(rows)]


def _library_folders(environment: Dict[str, str], toolkits: List[str]) -> List[str]:
    folders = [folder for folder in environment.get("LD_LIBRARY_PATH", "").split(":") if folder.startswith("/")]
    return folders + [_join(path, "lib64") for path in toolkits] + list(_LIBRARY_FOLDERS)


def parse_cudnn_header(text: str) -> Optional[str]:
    """Version from the three macros of `cudnn_version.h`."""
    numbers = dict(re.findall(r"(?m)^#define CUDNN_(MAJOR|MINOR|PATCHLEVEL)\s+(\d+)", text))
    if len(numbers) != 3:
        return None
    return "%(MAJOR)s.%(MINOR)s.%(PATCHLEVEL)s" % numbers


def parse_cudnn_names(names: Iterable[str]) -> Optional[str]:
    """Version from library file names: the longest of `libcudnn.so.9`, `libcudnn.so.9.8.0`."""
    versions = [match.group(1) for match in (re.match(r"libcudnn\.so\.(\d+(?:\.\d+)*)$", n) for n in names) if match]
    return max(versions, key=len) if versions else None


def wheels_of(distributions: Dict[str, Dict[str, Any]], pattern: "re.Pattern[str]") -> List[Dict[str, str]]:
    """Installed wheels with a matching name, as CUDA or cuDNN found."""
    return [
        {"version": row["version"], "path": row["path"], "source": name}
        for name, row in sorted(distributions.items())
        if pattern.match(name)
    ]


# Installed distributions


def read_distributions(io: SurveyIO, search_path: Iterable[str]) -> Dict[str, Dict[str, Any]]:
    """Every installed distribution by normalised name; the first on the search path wins, as for imports."""
    found = {}  # type: Dict[str, Dict[str, Any]]
    for folder in search_path:
        for name in io.listdir(folder) if folder else []:
            row = _read_distribution(io, folder, name)
            if row:
                found.setdefault(normalise_name(row.pop("name")), row)
    return found


def _read_distribution(io: SurveyIO, folder: str, name: str) -> Optional[Dict[str, Any]]:
    path = _join(folder, name)
    requires = None  # type: Optional[List[str]]
    if name.endswith(".dist-info"):
        text = io.read_text(_join(path, "METADATA"))
    elif name.endswith(".egg-info"):
        text = io.read_text(_join(path, "PKG-INFO")) or io.read_text(path)
        requires = parse_egg_requires(io.read_text(_join(path, "requires.txt")))
    else:
        return None
    row = parse_metadata(text)
    if row:
        row.update(path=folder, requires=row["requires"] or requires or [])
    return row


def parse_metadata(text: str) -> Optional[Dict[str, Any]]:
    """Name, version and requirements from the head of METADATA or PKG-INFO; None where a name or version is missing."""
    head = re.sub(r"\r?\n[ \t]+", " ", text.split("\n\n", maxsplit=1)[0].split("\r\n\r\n", maxsplit=1)[0])
    pairs = re.findall(r"(?m)^(Name|Version|Requires-Dist):[ \t]*(.*?)\s*$", head)
    fields = dict(pairs)
    if not fields.get("Name") or not fields.get("Version"):
        return None
    requires = [value for key, value in pairs if key == "Requires-Dist"]
    return {"name": fields["Name"], "version": fields["Version"], "requires": requires}


def parse_egg_requires(text: str) -> List[str]:
    """Requirements from an egg's requires.txt, whose sections are `[extra]`, `[:marker]` or `[extra:marker]`."""
    requires, marker = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            extra, _, condition = line.strip("[]").partition(":")
            parts = ["(%s)" % condition if condition and extra else condition, 'extra == "%s"' % extra if extra else ""]
            marker = " and ".join(filter(None, parts))
        else:
            requires.append("%s; %s" % (line, marker) if marker else line)
    return requires


def normalise_name(name: str) -> str:
    """Spell a distribution's name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


# Environment


def choose_environment(environment: Dict[str, str]) -> Dict[str, str]:
    """Return the variables that matter, without what must stay secret."""
    return {
        name: redact_value(name, value)
        for name, value in sorted(environment.items())
        if name in _ENVIRONMENT_NAMES or name.startswith(_ENVIRONMENT_PREFIXES)
    }


def redact_value(name: str, value: str) -> str:
    """Remove user, password and query of each address; a variable that is itself a secret keeps only that it is set."""
    if _SECRET_NAME.search(name):
        return "(set)"
    # Up to the last @ of a word: passwords may hold @ and / unquoted. A reference such as `@v1` is lost with it.
    value = re.sub(r"://\S*@", "://", value)
    return re.sub(r"(://\S*?)[?#]\S*", r"\1", value)


def _join(*parts: str) -> str:
    # Not os.path.join: a captured Windows machine is replayed on Linux.
    return ("\\" if parts[0][1:3] == ":\\" else "/").join(part.rstrip("/\\") for part in parts)


def _first(pattern: str, text: str) -> Optional[str]:
    match = re.search(pattern, text)
    return match.group(1) if match else None
