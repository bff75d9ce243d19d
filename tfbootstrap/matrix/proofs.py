"""`proofs/*.yaml`: locks that were really installed and tried, each with all its pins. Layer 1: pure.

Written by `python -m tfbootstrap.upkeep prove`; a seal over the content tells a file that somebody edited by hand.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal

from tfbootstrap.matrix.reader import DateText, Lines, Text, VersionText

Result = Literal["passed", "failed"]

_PIN = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;#]+)(?P<hashes>(?: sha256:[0-9a-f]{64})+)(?: # (?P<via>\S.*))?$"
)
PROVEN_PIN: Final = Text(
    "a pin: `name==version sha256:… # what requires it`", _PIN.match, f"six==1.17.0 sha256:{'0' * 64} # tensorflow"
)
CHECKS: Final = Text(
    "`pass`, `warn` or `skip` and names of checks, or `fail`, a name and what was found",
    re.compile(r"^(?:(?:pass|warn|skip)(?: [a-z0-9-]+)+|fail [a-z0-9-]+ \S.*)$").match,
    "pass import conv2d",
)
FAILED: Final = ".failed"
PROVEN_RUNTIME: Final = "linux-cpu"
"""The profile whose proofs serve every Linux x86_64 machine with its C library or a newer one, on the CPU."""
SEAL: Final = Text("a seal (16 hexadecimal digits)", re.compile(r"^[0-9a-f]{16}$").match, "0123456789abcdef")
RUNTIME: Final = Text("a runtime's name", re.compile(r"^[a-z0-9][a-z0-9._-]*$").match, "linux-cpu")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenPin:
    """One package of a proof."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """One cell: a TensorFlow release under one Python on one kind of runtime, installed from a lock and tried."""

    FILE: ClassVar[str] = "proofs/*.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
A lock that was installed and tried. Written by `python -m tfbootstrap.upkeep prove`; sealed, so don't edit by hand.
"""

    tensorflow: VersionText
    python: VersionText
    """X.Y."""
    runtime: Annotated[str, RUNTIME]
    """The profile that it was locked for."""
    libc: str
    """The oldest C library that the locked files are for."""
    gpu: str | None = None
    """The GPU that was used, with driver and CUDA provider; None: none, on the CPU."""
    result: Result
    proven: DateText
    """The day on which it was installed and tried."""
    interpreter: VersionText
    """The exact Python."""
    tool: str
    """The programs that locked and installed: `tfbootstrap 0.1.0, uv 0.13.8`."""
    machine: str
    """What kind of machine: `x86_64, 2 cores, 24 GiB, glibc 2.36`."""
    note: str | None = None
    """Why it failed, and the row that follows from it."""
    checks: Annotated[tuple[str, ...], Lines(CHECKS)]
    pins: Annotated[tuple[str, ...], Lines(PROVEN_PIN)]
    """Every package with the hashes of the files that fit the runtime."""
    companions: Annotated[tuple[str, ...], Lines(PROVEN_PIN)] = ()
    """What companions, tried in the same environment, bring beside the pins, or in the place of one that they move."""
    seal: Annotated[str, SEAL]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say what does not fit together."""
        if self.seal != self.expected_seal():
            yield "seal", "the content is not what was proven; prove this cell again (upkeep prove --again)"
        failed = any(line.startswith("fail ") for line in self.checks)
        if failed != (self.result == "failed"):
            yield "result", f"is {self.result}, but the checks say otherwise"
        for key, pins in (("pins", self.packages), ("companions", self.companion_packages)):
            names = [pin.name for pin in pins]
            if len(names) != len(set(names)):
                yield key, "names a package twice"
        if any(self.version(pin.name) == pin.version for pin in self.companion_packages):
            yield "companions", "repeats a pin"
        if self.version("tensorflow") != self.tensorflow:
            yield "pins", f"must hold tensorflow {self.tensorflow}"

    @property
    def name(self) -> str:
        """What its cell is called: `2.7.4-cp39-linux-cpu`."""
        return proof_name(self.tensorflow, self.python, self.runtime)

    @property
    def file_name(self) -> str:
        """What its file is called: a failure says so, so that what is proven can be told by names alone."""
        return f"{self.name}.yaml" if self.result == "passed" else f"{self.name}{FAILED}.yaml"

    @property
    def packages(self) -> tuple[ProvenPin, ...]:
        """The pins as records."""
        return tuple(map(_pin, self.pins))

    @property
    def companion_packages(self) -> tuple[ProvenPin, ...]:
        """The companions' pins as records."""
        return tuple(map(_pin, self.companions))

    def version(self, name: str) -> str | None:
        """Return the version of one package, None where it is none of the pins."""
        return next((pin.version for pin in self.packages if pin.name == name), None)

    def expected_seal(self) -> str:
        """Return the seal over everything else."""
        content = {key: value for key, value in dataclasses.asdict(self).items() if key != "seal"}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def sealed(self) -> Proof:
        """Return the same with the right seal."""
        return replace(self, seal=self.expected_seal())


def proof_name(tensorflow: str, python: str, runtime: str) -> str:
    """Return what the proof of a cell is called: `2.7.4-cp39-linux-cpu`."""
    return f"{tensorflow}-cp{python.replace('.', '')}-{runtime}"


def pin_line(name: str, version: str, hashes: tuple[str, ...], via: tuple[str, ...]) -> str:
    """Return a pin as a proof spells it."""
    reasons = f" # {', '.join(via)}" if via else ""
    return f"{name}=={version} {' '.join(sorted(hashes))}{reasons}"


def _pin(line: str) -> ProvenPin:
    match = _PIN.match(line)
    assert match is not None, "the reader has refused such lines before"
    return ProvenPin(
        name=match["name"],
        version=match["version"],
        hashes=tuple(match["hashes"].split()),
        via=tuple(match["via"].split(", ")) if match["via"] else (),
    )
