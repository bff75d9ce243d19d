"""The machine as a bootstrap sees it; each GPU fact says who answered."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

PROBE_TIMEOUT = 20.0
_Answer = Dict[str, Any]
_SMI = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", "/opt/bin/nvidia-smi", "C:\\Windows\\System32\\nvidia-smi.exe")
_UNASKED, _NO_DEVICE = ("hung", 4), (6, 100)  # nvidia-smi exits with 4 for "no permission"; 100 is libcuda's

# In a process of its own, for these libraries can hang or crash. WSL and Colab have folders unknown to the loader.
DRIVER_QUERY = r"""
import ctypes as c, json, os, uuid
os.environ.pop("CUDA_VISIBLE_DEVICES", 0)
new, text, result = c.c_longlong * 3, c.create_string_buffer(128), {"source": "nvml", "gpus": []}
def load(*names):
 for folder in "", "/usr/lib/wsl/lib/", "/usr/lib64-nvidia/":
  for name in names:
   try: return c.CDLL(folder + name)
   except OSError: pass
def call(name, *a):
 code = getattr(cuda, name)(*a)
 if code: raise OSError(code, name + " failed")
nvml, cuda = load("libnvidia-ml.so.1", "nvml.dll"), load("libcuda.so.1", "nvcuda.dll")
if nvml and not nvml.nvmlInit_v2() and not nvml.nvmlSystemGetDriverVersion(text, 128):
 result["driver"] = text.value.decode()
try:
 count, version = new(), new()
 if cuda:
  call("cuInit", 0)
  call("cuDriverGetVersion", version)
  call("cuDeviceGetCount", count)
  result["cuda"] = "%d.%d" % (version[0] // 1000, version[0] % 1000 // 10)
 for i in range(count[0]):
  major, minor, memory, ident = new(), new(), new(), new()
  call("cuDeviceGetName", text, 128, i)
  call("cuDeviceGetAttribute", major, 75, i)
  call("cuDeviceGetAttribute", minor, 76, i)
  call("cuDeviceTotalMem_v2", memory, i)
  call("cuDeviceGetUuid", ident, i)
  result["gpus"].append({"name": text.value.decode(), "uuid": "GPU-%s" % uuid.UUID(bytes=bytes(ident)[:16]),
   "compute_capability": "%d.%d" % (major[0], minor[0]), "memory_mib": memory[0] >> 20 or None, "source": "libcuda"})
except OSError as e: result.update(failure="libcuda: %s" % e, code=e.errno)
print(json.dumps(result))
"""


class MachineIO:
    """All that the probe reads of a machine; a subclass can replay a captured one."""

    def interpreter(self) -> Dict[str, Optional[str]]:
        """Describe the running Python."""
        name = sys.implementation.name
        return {"version": platform.python_version(), "implementation": name, "executable": sys.executable or None}

    def uname(self) -> Tuple[str, str]:
        """System and machine; a 32-bit Python takes other wheels."""
        return platform.system(), platform.machine() if sys.maxsize > 2**32 else "32-bit"

    def glibc(self) -> Optional[str]:
        """`glibc X.Y` as the C library itself says it."""
        try:
            return os.confstr("CS_GNU_LIBC_VERSION")
        except (AttributeError, OSError, ValueError):
            return None

    def getenv(self, name: str) -> Optional[str]:
        """One environment variable."""
        return os.environ.get(name)

    def which(self, program: str) -> Optional[str]:
        """Find a program by PATH, or by a whole path."""
        return shutil.which(program)

    def listdir(self, path: str) -> List[str]:
        """Sorted names in a folder, none where it can't be listed."""
        try:
            return sorted(os.listdir(path))
        except OSError:
            return []

    def read_text(self, path: str) -> str:
        """A file's text, empty where it can't be read."""
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def run(self, command: Sequence[str], timeout: float) -> Tuple[int, str, str]:
        """Exit code, stdout, stderr; raises OSError or subprocess.TimeoutExpired."""
        pipe, posix = subprocess.PIPE, os.name != "nt"
        # In a session of its own, so that what the program started ends with it.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=posix)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            try:
                os.killpg(process.pid, signal.SIGKILL) if posix else process.kill()
                # What is stuck inside the driver can't be killed, and waiting for it would hang us.
                process.communicate(timeout=2)
            except (OSError, subprocess.TimeoutExpired):
                pass
            raise
        return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def probe_machine(io: Optional[MachineIO] = None, timeout: float = PROBE_TIMEOUT) -> _Answer:
    """Return what a bootstrap needs, as in a facts file."""
    io = io or MachineIO()
    system, machine = parse_uname(*io.uname())
    libc = read_libc(io) if system == "linux" else None
    facts = {"python": io.interpreter(), "platform": {"system": system, "machine": machine, "libc": libc}}
    return dict(facts, host=read_host(io), **read_gpus(io, timeout))


def parse_uname(system: str, machine: str) -> Tuple[str, str]:
    """Spell both as platform tags do."""
    system, machine = system.lower().replace("darwin", "macos"), machine.lower().replace("amd64", "x86_64")
    return system, machine.replace("arm64", "aarch64") if system == "linux" else machine


def read_libc(io: MachineIO) -> Optional[str]:
    """`glibc X.Y` or `musl`, which does not tell its version."""
    musl = any(name.startswith("ld-musl-") for name in io.listdir("/lib"))
    return io.glibc() or ("musl" if musl else None)


def _search(pattern: str, text: str) -> Optional[str]:
    match = re.search(pattern, text)
    return match.group(1) if match else None


def read_host(io: MachineIO) -> Dict[str, Optional[str]]:
    """Host kind, and the tag of the Colab image that it runs."""
    release = io.getenv("COLAB_RELEASE_TAG")
    # Kaggle's image is Colab's and sets its variables; KAGGLE_USERNAME and _KEY are set anywhere.
    if any(io.getenv("KAGGLE_" + name) for name in ("KERNEL_RUN_TYPE", "URL_BASE", "DATA_PROXY_TOKEN")):
        return {"kind": "kaggle", "release": release}
    if release or io.getenv("COLAB_GPU") is not None:
        return {"kind": "colab", "release": release}
    jupyter = "ipykernel" in sys.modules or io.getenv("JPY_PARENT_PID") or io.getenv("JPY_SESSION_NAME")
    return {"kind": "jupyter" if jupyter else "plain", "release": None}


def read_gpus(io: MachineIO, timeout: float) -> _Answer:
    """Ask nvidia-smi, then libcuda and NVML, then the kernel."""
    answer = {}  # type: _Answer
    program = next(filter(None, map(io.which, _SMI)), None)
    if program:
        answer = _guard("nvidia-smi", _ask_smi, io, program, timeout)
        if answer.get("gpus"):
            banner = _guard("nvidia-smi", lambda: {"cuda": parse_smi_banner(io.run([program], timeout)[1])})
            answer = dict(banner, **answer)
    complete = answer.get("cuda") and all(gpu["compute_capability"] for gpu in answer["gpus"])
    # What hangs nvidia-smi hangs the libraries, too.
    if not (complete or answer.get("code") == "hung"):
        answer = _merge_answers(answer, _guard("libcuda", _ask_libraries, io, timeout))
    gpus, driver = answer.get("gpus", []), _read_driver(io, answer)
    status, reason = ("present", None) if gpus else _judge(io, answer, driver)
    unknown = {"gpus": reason} if reason else {}
    for index, gpu in enumerate(gpus):
        if not gpu["compute_capability"]:
            unknown["gpus[%d].compute_capability" % index] = gpu["source"] + " does not tell it"
    if driver and not driver["cuda_version"]:
        unknown["driver.cuda_version"] = answer.get("failure") or reason or driver["source"] + " does not tell it"
    return {"gpu_status": status, "gpus": gpus, "driver": driver, "unknown": unknown}


def _guard(source: str, ask: Callable[..., _Answer], *arguments: Any) -> _Answer:
    try:
        return ask(*arguments)
    except subprocess.TimeoutExpired as error:
        return {"failure": "%s did not answer within %g s" % (source, error.timeout), "code": "hung"}
    except (OSError, ValueError) as error:
        return {"failure": "%s: %s" % (source, error), "code": 4}


def _ask_smi(io: MachineIO, program: str, timeout: float) -> _Answer:
    fields = ["name", "compute_cap", "memory.total", "driver_version", "uuid"]
    while True:
        code, out, err = io.run([program, "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"], timeout)
        if code == 0:
            return parse_smi_query(out, fields)
        if code != 2 or "compute_cap" not in fields:
            said = " ".join((out + err).split())[:300]
            return {"failure": "nvidia-smi exited with %d: %s" % (code, said), "code": code}
        fields.remove("compute_cap")  # unknown to nvidia-smi before 510


def parse_smi_query(text: str, fields: Sequence[str]) -> _Answer:
    """Read the rows of `nvidia-smi --query-gpu`; raises ValueError for any other text."""
    # Cells without a value say `[N/A]`, `[Not Supported]`, `[Unknown Error]`.
    answer = {"source": "nvidia-smi", "driver": None, "gpus": []}  # type: _Answer
    for line in filter(str.strip, text.splitlines()):
        cells = [cell.strip() for cell in line.rsplit(",", len(fields) - 1)]
        if len(cells) != len(fields):
            raise ValueError("can't read the row %r" % line)
        row = dict(zip(fields, cells))  # noqa: B905 - Python 3.7 has no `strict`; the lengths were compared
        memory = _search(r"^(\d+)$", row["memory.total"])
        gpu = {
            "name": row["name"],
            "uuid": _search(r"^([A-Z]+-\S+)$", row["uuid"]),
            "compute_capability": _search(r"^(\d+\.\d+)$", row.get("compute_cap", "")),
            "memory_mib": int(memory) if memory else None,
            "source": "nvidia-smi",
        }
        answer["gpus"].append(gpu)
        answer["driver"] = _search(r"^(\d[\d.]+)$", row["driver_version"]) or answer["driver"]
    return answer


def parse_smi_banner(text: str) -> Optional[str]:
    """CUDA version that the driver serves; nvidia-smi since 610 says `CUDA UMD Version`."""
    return _search(r"CUDA (?:UMD )?Version\s*: *(\d+\.\d+)", text)


def _ask_libraries(io: MachineIO, timeout: float) -> _Answer:
    code, out, _ = io.run([io.interpreter()["executable"] or "python3", "-c", DRIVER_QUERY], timeout)
    return dict(json.loads(out)) if code == 0 else {"failure": "libcuda: died with %d" % code}


def _merge_answers(first: _Answer, second: _Answer) -> _Answer:
    # The first source's own words about a failure are the better ones.
    if not first.get("gpus"):
        return second if second.get("gpus") else dict(second, **first)
    known = {gpu["uuid"]: gpu["compute_capability"] for gpu in second.get("gpus", [])}
    for gpu in first["gpus"]:
        gpu["compute_capability"] = gpu["compute_capability"] or known.get(gpu["uuid"])
    return dict(first, cuda=first.get("cuda") or second.get("cuda"))


def _read_driver(io: MachineIO, answer: _Answer) -> Optional[_Answer]:
    version, source = answer.get("driver"), answer.get("source")
    for path in ("/proc/driver/nvidia/version", "/sys/module/nvidia/version"):
        if not version:
            version, source = parse_driver_version(io.read_text(path)), path
    return {"version": version, "cuda_version": answer.get("cuda"), "source": source} if version else None


def parse_driver_version(text: str) -> Optional[str]:
    """Driver version from the files of the kernel module, proprietary or open."""
    return _search(r"(\d+(?:\.\d+)+)", text)


def _judge(io: MachineIO, answer: _Answer, driver: Optional[_Answer]) -> Tuple[str, Optional[str]]:
    failure, code = answer.get("failure"), answer.get("code")
    if code in _UNASKED:
        return "unknown", failure
    seen = _sees_hardware(io)
    if (seen is False and not driver) or (code in _NO_DEVICE and not seen):
        return "absent", None
    if failure:
        return "broken", failure
    if driver and "nvidiactl" not in io.listdir("/dev"):
        return "broken", "this container was not given the GPU of its host"
    if driver or seen:
        return "broken", "there is an NVIDIA GPU, but no driver answers"
    return "absent", None


def _sees_hardware(io: MachineIO) -> Optional[bool]:
    # None where the kernel's lists prove nothing: WSL, Jetson, Windows.
    if io.listdir("/proc/driver/nvidia/gpus"):
        return True
    devices = ["/sys/bus/pci/devices/%s/" % name for name in io.listdir("/sys/bus/pci/devices")]
    for device in devices:
        if io.read_text(device + "class").startswith("0x03") and "0x10de" in io.read_text(device + "vendor"):
            return True
    wsl = "microsoft" in io.read_text("/proc/version").lower()
    return False if devices and io.uname()[1] == "x86_64" and not wsl else None
