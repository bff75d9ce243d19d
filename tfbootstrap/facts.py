"""What is known about a runtime. Layer 1: pure.

A fact that could not be had is not guessed: it is `None` (or an `UNKNOWN` status) and `Facts.unknown` says why, by the
dotted path of the fact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

from tfbootstrap.errors import InputError, Location

SCHEMA = 1
"""Newest schema of a facts file that we read; a newer one is refused."""

System = Literal["linux", "macos", "windows"]
SYSTEMS: tuple[System, ...] = get_args(System)

Machine = Literal["x86_64", "aarch64", "arm64"]
"""As the platform tags spell it: `aarch64` on Linux, `arm64` on macOS, `x86_64` everywhere (Windows calls it amd64)."""

GpuStatus = Literal["present", "absent", "broken", "unknown"]
GPU_STATUSES: tuple[GpuStatus, ...] = get_args(GpuStatus)
"""`absent`: we asked, there is none. `broken`: it is there and does not answer. `unknown`: we could ask nobody."""

HostKind = Literal["colab", "kaggle", "jupyter", "plain"]
HOST_KINDS: tuple[HostKind, ...] = get_args(HostKind)

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonFacts:
    """The interpreter: `version` as X.Y.Z, `implementation` in lower case (`cpython`), `executable` where known."""

    version: str
    implementation: str = "cpython"
    executable: str | None = None

    @property
    def minor(self) -> str:
        """The version as X.Y."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformFacts:
    """Operating system, processor and C library: `glibc 2.36`, `musl 1.2` or `musl`, None where there is none."""

    system: str
    machine: str
    libc: str | None = None
    release: str | None = None
    """Distribution or product version as a person says it: `Ubuntu 22.04`, `macOS 14.5`."""
    cpu_flags: tuple[str, ...] | None = None
    """Those of `avx avx2 fma avx512f` that the processor has; None where we could not ask."""
    wsl: bool = False
    container: bool = False

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The glibc version as (major, minor), None where the C library is another or unknown."""
        if self.libc is None or not self.libc.startswith("glibc "):
            return None
        major, minor = self.libc.removeprefix("glibc ").split(".")[:2]
        return int(major), int(minor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One GPU: the name as `nvidia-smi` prints it, compute capability as `7.5`, memory in MiB."""

    name: str
    compute_capability: str | None = None
    memory_mib: int | None = None
    uuid: str | None = None
    source: str | None = None
    """Which program or library answered: `nvidia-smi`, `libcuda`, `profile`, `option`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverFacts:
    """The NVIDIA kernel driver: its version, and the newest CUDA version that it serves (X.Y)."""

    version: str
    cuda_version: str | None = None
    source: str | None = None
    """Which program, library or file told the version: `nvidia-smi`, `nvml`, a path, `profile`, `option`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaInstall:
    """A CUDA toolkit or cuDNN found: where, its version, and whether the system or an `nvidia-*` wheel brought it."""

    version: str
    path: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """An installed distribution: version, and its requirements as its metadata spells them."""

    version: str
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What kind of host this is, and (Colab) which dated image it runs."""

    kind: str = "plain"
    release: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything known about one runtime."""

    python: PythonFacts
    platform: PlatformFacts
    gpu_status: GpuStatus = "unknown"
    gpus: tuple[Gpu, ...] = ()
    driver: DriverFacts | None = None
    cuda_toolkits: tuple[CudaInstall, ...] = ()
    cudnn: tuple[CudaInstall, ...] = ()
    host: HostFacts = field(default_factory=HostFacts)
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    """By normalised name."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that matter, secrets removed."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Dotted path of a fact that we could not get -> the reason."""


def facts_to_mapping(facts: Facts) -> dict[str, Any]:
    """Return the document of a facts file: plain values, keys in their documented order, unknown facts as None."""
    return {
        "schema": SCHEMA,
        "python": _record_to_mapping(facts.python),
        "platform": _record_to_mapping(facts.platform),
        "gpu_status": facts.gpu_status,
        "gpus": [_record_to_mapping(gpu) for gpu in facts.gpus],
        "driver": None if facts.driver is None else _record_to_mapping(facts.driver),
        "cuda_toolkits": [_record_to_mapping(install) for install in facts.cuda_toolkits],
        "cudnn": [_record_to_mapping(install) for install in facts.cudnn],
        "host": _record_to_mapping(facts.host),
        "distributions": {name: _record_to_mapping(facts.distributions[name]) for name in sorted(facts.distributions)},
        "environment": dict(sorted(facts.environment.items())),
        "unknown": dict(facts.unknown),
    }


def _record_to_mapping(record: Any) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def facts_from_mapping(document: object, *, path: str) -> Facts:
    """Read the document of a facts file; `path` is how the user named it.

    Raises InputError with the dotted path of the first thing that is wrong: a key that is missing or not known, a value
    of another type or form, a schema newer than ours.
    """
    top = _Reader(document, path)
    _check_schema(top)
    gpus = top.records("gpus", _read_gpu)
    driver = top.mapping("driver")
    host = top.mapping("host")
    facts = Facts(
        python=_read_python(top.required_mapping("python")),
        platform=_read_platform(top.required_mapping("platform")),
        gpu_status=cast("GpuStatus", top.choice("gpu_status", GPU_STATUSES, "present" if gpus else "unknown")),
        gpus=gpus,
        driver=None if driver is None else _read_driver_facts(driver),
        cuda_toolkits=top.records("cuda_toolkits", _read_install),
        cudnn=top.records("cudnn", _read_install),
        host=HostFacts() if host is None else _read_host_facts(host),
        distributions=top.named("distributions", _read_distribution_facts),
        environment=top.texts("environment"),
        unknown=top.texts("unknown"),
    )
    if (facts.gpu_status == "present") != bool(gpus):
        raise top.error("gpu_status", f"says {facts.gpu_status!r}, but gpus has {len(gpus)}")
    return top.finished(facts)


def _check_schema(top: _Reader) -> None:
    schema = top.integer("schema")
    if schema is None:
        raise top.error("schema", "is missing")
    if schema > SCHEMA:
        raise top.error("schema", f"is {schema}, newer than {SCHEMA}, which this version reads", hint=_UPGRADE)
    if schema != SCHEMA:
        raise top.error("schema", f"must be {SCHEMA}, not {schema}")


_UPGRADE = "upgrade tfbootstrap on this machine, or make the file with this version: tfbootstrap detect -o FILE"
_VERSION_XY = r"\d+\.\d+"
_VERSION = r"\d+(\.\d+)*"


def _read_python(reader: _Reader) -> PythonFacts:
    return reader.finished(
        PythonFacts(
            version=reader.required_text("version", r"\d+\.\d+(\.\d+)?\S*", "a Python version such as '3.12.1'"),
            implementation=reader.text("implementation") or "cpython",
            executable=reader.text("executable"),
        )
    )


def _read_platform(reader: _Reader) -> PlatformFacts:
    libc = r"glibc \d+\.\d+(\.\d+)*|musl( \d+\.\d+)?"
    return reader.finished(
        PlatformFacts(
            system=reader.required_text("system"),
            machine=reader.required_text("machine"),
            libc=reader.text("libc", libc, "a C library such as 'glibc 2.35'"),
            release=reader.text("release"),
            cpu_flags=reader.strings("cpu_flags"),
            wsl=reader.boolean("wsl"),
            container=reader.boolean("container"),
        )
    )


def _read_gpu(reader: _Reader) -> Gpu:
    memory = reader.integer("memory_mib")
    if memory is not None and memory <= 0:
        raise reader.error("memory_mib", f"must be above zero, not {memory}")
    return reader.finished(
        Gpu(
            name=reader.required_text("name"),
            compute_capability=reader.text("compute_capability", _VERSION_XY, "a compute capability such as '7.5'"),
            memory_mib=memory,
            uuid=reader.text("uuid"),
            source=reader.text("source"),
        )
    )


def _read_driver_facts(reader: _Reader) -> DriverFacts:
    return reader.finished(
        DriverFacts(
            version=reader.required_text("version", _VERSION, "a driver version such as '550.54.15'"),
            cuda_version=reader.text("cuda_version", _VERSION_XY, "a CUDA version such as '12.4'"),
            source=reader.text("source"),
        )
    )


def _read_install(reader: _Reader) -> CudaInstall:
    return reader.finished(
        CudaInstall(
            version=reader.required_text("version", _VERSION + r"\S*", "a version such as '12.5.1'"),
            path=reader.required_text("path"),
            source=reader.required_text("source"),
        )
    )


def _read_host_facts(reader: _Reader) -> HostFacts:
    host = HostFacts(kind=reader.choice("kind", HOST_KINDS, "plain"), release=reader.text("release"))
    return reader.finished(host)


def _read_distribution_facts(reader: _Reader) -> Distribution:
    version, requires = reader.required_text("version"), reader.strings("requires")
    return reader.finished(Distribution(version=version, requires=requires or ()))


class _Reader:
    """One mapping of a document: takes values out by key, knows where it is, and refuses what nobody took."""

    def __init__(self, value: object, path: str, context: str = "") -> None:
        self._path = path
        self._context = context
        if not isinstance(value, Mapping):
            raise self._wrong(context, f"must be a mapping, not {_kind(value)}")
        self._values = dict(value)
        self._taken: set[str] = set()

    def error(self, key: str, problem: str, *, hint: str | None = None) -> InputError:
        """Return the error about one key."""
        return self._wrong(self._dotted(key), problem, hint=hint)

    def finished(self, record: Item) -> Item:
        """Return the record made of what was taken; a key that nobody took is refused."""
        for key in self.names():
            if key not in self._taken:
                raise self.error(key, f"unknown key; known are {', '.join(sorted(self._taken))}")
        return record

    def text(self, key: str, pattern: str | None = None, meaning: str = "") -> str | None:
        """Return a text, whole as `pattern` has it; None where it is missing or null."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.error(key, f"must be {meaning or 'text'}, not {_kind(value)}")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise self.error(key, f"must be {meaning}, not {value!r}")
        return value

    def required_text(self, key: str, pattern: str | None = None, meaning: str = "") -> str:
        """Return a text that must be there and not be empty."""
        value = self.text(key, pattern, meaning)
        if not value:
            raise self.error(key, "is missing" if value is None else "is empty")
        return value

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """Return one of a closed set."""
        value = self.text(key)
        if value is not None and value not in choices:
            raise self.error(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return default if value is None else value

    def boolean(self, key: str) -> bool:
        """Return true or false; false where it is missing."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {_kind(value)}")
        return bool(value)

    def integer(self, key: str) -> int | None:
        """Return a whole number; None where it is missing."""
        value = self._take(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.error(key, f"must be a whole number, not {_kind(value)}")
        return value

    def strings(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts; None where it is missing."""
        value = self._list(key)
        for index, item in enumerate(value or ()):
            if not isinstance(item, str):
                raise self.error(f"{key}[{index}]", f"must be text, not {_kind(item)}")
        return None if value is None else tuple(value)

    def mapping(self, key: str) -> _Reader | None:
        """Return a reader of the mapping below a key; None where it is missing."""
        value = self._take(key)
        return None if value is None else _Reader(value, self._path, self._dotted(key))

    def required_mapping(self, key: str) -> _Reader:
        """Return a reader of the mapping below a key that must be there."""
        reader = self.mapping(key)
        if reader is None:
            raise self.error(key, "is missing")
        return reader

    def records(self, key: str, read: Callable[[_Reader], Item]) -> tuple[Item, ...]:
        """Return the records of a list of mappings."""
        value = self._list(key) or ()
        return tuple(read(_Reader(item, self._path, f"{self._dotted(key)}[{i}]")) for i, item in enumerate(value))

    def named(self, key: str, read: Callable[[_Reader], Item]) -> dict[str, Item]:
        """Return records by normalised distribution name."""
        below = self.mapping(key)
        names = [] if below is None else below.names()
        for name in names:
            normalised = re.sub(r"[-_.]+", "-", name).lower()
            if name != normalised:
                raise self.error(f"{key}.{name}", f"is not a normalised name; write {normalised}")
        return {name: read(below.required_mapping(name)) for name in names if below is not None}

    def texts(self, key: str) -> dict[str, str]:
        """Return a mapping of texts."""
        below = self.mapping(key)
        return {} if below is None else {name: below.text(name) or "" for name in below.names()}

    def names(self) -> list[str]:
        """Return the keys that are there."""
        return [str(key) for key in self._values]

    def _list(self, key: str) -> list[Any] | None:
        value = self._take(key)
        if value is not None and not isinstance(value, list):
            raise self.error(key, f"must be a list, not {_kind(value)}")
        return value

    def _take(self, key: str) -> object:
        self._taken.add(key)
        return self._values.get(key)

    def _dotted(self, key: str) -> str:
        return f"{self._context}.{key}" if self._context else key

    def _wrong(self, dotted: str, problem: str, *, hint: str | None = None) -> InputError:
        return InputError(Location(self._path, key=dotted or None), problem, hint=hint)


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else f"{names.get(type(value), type(value).__name__)} ({value!r:.40})"
