"""The lock: exact pins with hashes for one target, below a header that says what they are for. Layer 2: pure.

A lock is a requirements file that `pip install --require-hashes -r` and `uv pip sync --require-hashes` accept. Its head
is a TOML document in comments, fenced like inline script metadata (PEP 723), so that a person reads it and a program
parses it:

    # /// tfbootstrap
    # schema = 1
    # command = "tfbootstrap lock --tensorflow=2.20 --output-file=requirements.txt"
    # ...
    # ///
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tfbootstrap.errors import InputError, Location
from tfbootstrap.toml import TomlError, parse_toml

SCHEMA = 1
FENCE_OPEN = "# /// tfbootstrap"
FENCE_CLOSE = "# ///"

CudaProvider = Literal["wheels", "system", "none"]
"""Where CUDA's libraries come from: `nvidia-*` wheels in the lock, the machine's own, or nowhere (CPU)."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)\s*(?:\\)?$")
_HASH = re.compile(r"^--hash=(?P<hash>sha256:[0-9a-f]{64})\s*(?:\\)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of a lock: normalised name, version, hashes (`sha256:<hex>`) of the files that fit the target, and
    what requires it (`via`: package names, or the file that names it).
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LockTarget:
    """The machine that a lock is for: `python` as X.Y, `libc` as the oldest that serves (`glibc 2.28`)."""

    name: str
    python: str
    system: str
    machine: str
    libc: str | None = None
    host: str | None = None
    release: str | None = None
    """For an image that a provider renews, such as Colab's: whose, and which one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockGpu:
    """A GPU that the lock was made for."""

    name: str
    compute_capability: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LockHeader:
    """What a lock says about itself."""

    command: str
    """The command that makes it again, long option names."""
    tool: str
    """Version of tfbootstrap that made it."""
    matrix: str
    """Digest of all data files of the matrix."""
    inputs: str
    """Digest of everything the user asked for (`sha256:<hex>`)."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """Matrix rows that decided -> digest of each."""
    target: LockTarget
    tensorflow: str
    distribution: str
    keras: int | None = None
    """Major version of the Keras that `tf.keras` is."""
    cuda_provider: CudaProvider
    build_cuda: str | None = None
    build_cudnn: str | None = None
    build_capabilities: tuple[str, ...] = ()
    """What the build says of itself: CUDA, cuDNN, `sm_XY` and `compute_XY`; empty for builds without CUDA."""
    driver_floor: str | None = None
    """Oldest NVIDIA driver that serves; None where no GPU is used."""
    gpus: tuple[LockGpu, ...] = ()
    """The GPUs that the lock was made for; empty for CPU."""
    loader_links: bool = False
    """Whether the bootstrap must make the CUDA wheels' libraries loadable (not every release finds them itself)."""
    proven: str | None = None
    """The day on which the pins were proven, but for those named in `unproven`; None where no proof speaks of them."""
    unproven: tuple[str, ...] = ()
    """Packages whose pins are not those that were proven."""
    breaks: tuple[str, ...] = ()
    """What the lock breaks of the image that it is for, each as `<package> <version> requires …`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A header and its pins, sorted by name."""

    header: LockHeader
    pins: tuple[Pin, ...]

    def pin(self, name: str) -> Pin | None:
        """Return the pin of one package, None where the lock has none."""
        return next((pin for pin in self.pins if pin.name == name), None)


def write_lock(lock: Lock) -> str:
    """Return the text of a lock; the same lock gives the same bytes."""
    import tomlkit

    lines = [FENCE_OPEN]
    header = tomlkit.dumps(header_to_mapping(lock.header)).strip()
    lines += [f"# {within_line(line)}".rstrip() for line in header.split("\n")]
    lines += [FENCE_CLOSE, ""]
    for pin in sorted(lock.pins, key=lambda pin: pin.name):
        lines += _pin_lines(pin)
    return "\n".join(lines) + "\n"


def read_lock(text: str, path: str) -> Lock:
    """Parse a lock; `path` is for messages.

    Raises InputError with file and line where the header is missing, broken or newer than we know, and where a line is
    no pin with hashes.
    """
    lines = text.splitlines()
    start, end = _fence(lines, path)
    toml = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[start + 1 : end])
    try:
        mapping = parse_toml(toml)
    except TomlError as error:
        raise InputError(
            Location(path, start + 1 + (error.line or 0)),
            f"the lock's header is no valid TOML: {error}",
            hint="make the lock again with `tfbootstrap lock`",
        ) from error
    return Lock(
        header=header_from_mapping(mapping, Location(path, start + 1)), pins=tuple(_read_pins(lines, end, path))
    )


def _fence(lines: list[str], path: str) -> tuple[int, int]:
    try:
        start = lines.index(FENCE_OPEN)
        return start, lines.index(FENCE_CLOSE, start + 1)
    except ValueError:
        raise InputError(
            Location(path),
            "this is no lock of tfbootstrap: it has no header",
            hint=f"make one with `tfbootstrap lock --output-file {path}`",
        ) from None


def _pin_lines(pin: Pin) -> Iterator[str]:
    yield f"{pin.name}=={pin.version} \\"
    hashes = sorted(pin.hashes)
    for number, digest in enumerate(hashes, 1):
        yield f"    --hash={digest}" + (" \\" if number < len(hashes) else "")
    if pin.via:
        yield f"    # via {within_line(', '.join(pin.via))}"


def within_line(text: str) -> str:
    """Return a text without what ends a line to any reader: escaped as TOML does; `?` stands for what is no Unicode."""
    characters = text.encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in characters)


def _read_pins(lines: list[str], start: int, path: str) -> Iterator[Pin]:
    current: tuple[str, str] | None = None
    hashes: list[str] = []
    via: tuple[str, ...] = ()
    for number, raw in enumerate(lines[start + 1 :], start + 2):
        line = raw.strip()
        if line.startswith("# via "):
            via = tuple(line.removeprefix("# via ").split(", "))
        elif not line or line.startswith("#"):
            continue
        elif match := _HASH.match(line):
            hashes.append(match["hash"])
        elif match := _PIN.match(line):
            if current:
                yield _finish(current, hashes, via, path)
            current, hashes, via = (match["name"], match["version"]), [], ()
        else:
            raise InputError(
                Location(path, number),
                f"neither a pin nor a hash: {line!r}",
                hint="a lock is not edited by hand; change the requirements and run `tfbootstrap lock`",
            )
    if current:
        yield _finish(current, hashes, via, path)


def _finish(current: tuple[str, str], hashes: list[str], via: tuple[str, ...], path: str) -> Pin:
    name, version = current
    if not hashes:
        raise InputError(
            Location(path), f"{name}=={version} has no hash", hint="make the lock again with `tfbootstrap lock`"
        )
    return Pin(name=name, version=version, hashes=tuple(hashes), via=via)


def header_to_mapping(header: LockHeader) -> dict[str, Any]:
    """Return the document of a header: plain values, without what is not known."""
    mapping: dict[str, Any] = {
        "schema": SCHEMA,
        "command": header.command,
        "tfbootstrap": header.tool,
        "matrix": header.matrix,
        "inputs": header.inputs,
        "proven": header.proven,
        "unproven": list(header.unproven) or None,
        "breaks": list(header.breaks) or None,
        "target": {
            "name": header.target.name,
            "python": header.target.python,
            "system": header.target.system,
            "machine": header.target.machine,
            "libc": header.target.libc,
            "host": header.target.host,
            "release": header.target.release,
        },
        "tensorflow": {
            "version": header.tensorflow,
            "distribution": header.distribution,
            "keras": header.keras,
            "built-with-cuda": header.build_cuda,
            "built-with-cudnn": header.build_cudnn,
            "compute-capabilities": list(header.build_capabilities) or None,
        },
        "cuda": {
            "provider": header.cuda_provider,
            "driver-floor": header.driver_floor,
            "loader-links": header.loader_links or None,
        },
        "gpus": [{"name": gpu.name, "compute-capability": gpu.compute_capability} for gpu in header.gpus] or None,
        "rows": dict(sorted(header.rows.items())) or None,
    }
    return _without_none(mapping)


def _without_none(mapping: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in mapping.items()
        if value is not None
    }


def header_from_mapping(mapping: dict[str, Any], location: Location) -> LockHeader:
    """Return the header of a document; raises InputError where it is garbled or newer than we know."""
    schema = mapping.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise InputError(
            location,
            f"the lock has schema {schema!r}; this tfbootstrap reads up to {SCHEMA}",
            hint="update tfbootstrap, or make the lock again with this one",
        )
    try:
        return _header(mapping)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            location,
            f"the lock's header lacks or garbles {error}",
            hint="make the lock again with `tfbootstrap lock`",
        ) from error


def _header(mapping: dict[str, Any]) -> LockHeader:
    target, tensorflow, cuda = mapping["target"], mapping["tensorflow"], mapping["cuda"]
    return LockHeader(
        command=mapping["command"],
        tool=mapping["tfbootstrap"],
        matrix=mapping["matrix"],
        inputs=mapping["inputs"],
        proven=mapping.get("proven"),
        unproven=tuple(mapping.get("unproven", ())),
        breaks=tuple(mapping.get("breaks", ())),
        rows=mapping.get("rows", {}),
        target=LockTarget(
            name=target["name"],
            python=target["python"],
            system=target["system"],
            machine=target["machine"],
            libc=target.get("libc"),
            host=target.get("host"),
            release=target.get("release"),
        ),
        tensorflow=tensorflow["version"],
        distribution=tensorflow["distribution"],
        keras=tensorflow.get("keras"),
        build_cuda=tensorflow.get("built-with-cuda"),
        build_cudnn=tensorflow.get("built-with-cudnn"),
        build_capabilities=tuple(tensorflow.get("compute-capabilities", ())),
        cuda_provider=cuda["provider"],
        driver_floor=cuda.get("driver-floor"),
        loader_links=cuda.get("loader-links", False),
        gpus=tuple(
            LockGpu(name=gpu["name"], compute_capability=gpu["compute-capability"]) for gpu in mapping.get("gpus", ())
        ),
    )
