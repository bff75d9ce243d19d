"""What the user asks for: a TensorFlow, other requirements, and policies. Layer 1: pure; files come in as text."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from tfbootstrap.errors import InputError, Location, UsageError

CudaPolicy = Literal["auto", "wheels", "system", "none"]
Engine = Literal["uv", "pip-tools"]

TENSORFLOW_NAMES = frozenset({
    "tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-gpu", "tensorflow-intel", "tensorflow-macos",
})  # fmt: skip
"""Distributions that are TensorFlow itself; a requirement on one of them is part of the TensorFlow wish."""

_VERSION = re.compile(r"^\d+(\.\d+)*((a|b|rc)\d+|\.post\d+|\.dev\d+)*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedPackage:
    """One requirement besides TensorFlow and where it was written (a file and line, or the command line)."""

    requirement: Requirement
    location: Location

    @property
    def name(self) -> str:
        """The normalised name of the package."""
        return canonicalize_name(self.requirement.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorflowWish:
    """A wish about TensorFlow's version, and who said it (an option, or a file and line)."""

    specifier: SpecifierSet
    said_by: str
    marker: Marker | None = None
    """For which runtimes it was said; None: for all."""
    configured: bool = False
    """Said by `[tool.tfbootstrap]`, which stands for the option `--tensorflow`."""
    by_code: bool = False
    """Said by the project's own code: by a line that uses what other releases lack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Include:
    """A `-r` or `-c` line: another file, relative to the one that names it."""

    path: str
    constraint: bool
    location: Location


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Everything that the user asked for; facts of machines are not in here."""

    tensorflow: tuple[TensorflowWish, ...] = ()
    """Every wish about TensorFlow's version; a version must satisfy all of them."""
    wants_cuda_extra: bool = False
    """A requirement named `tensorflow[and-cuda]`."""
    extras: tuple[str, ...] = ()
    """TensorFlow's other extras that requirements named."""
    packages: tuple[WantedPackage, ...] = ()
    renamed: tuple[WantedPackage, ...] = ()
    """Requirements on another distribution that is TensorFlow (`tensorflow-gpu`); `tensorflow` meets them."""
    constraints: tuple[WantedPackage, ...] = ()
    gpu: str = "auto"
    """`auto`, `none`, a product name or a compute capability (`7.5`)."""
    driver: str | None = None
    cuda: CudaPolicy = "auto"
    python: str | None = None
    """X.Y, where the user named one."""
    runtime: str | None = None
    """A profile's name or the path of a facts file; None is this machine."""
    platform: str | None = None
    """System and processor (`linux-aarch64`), where the user named others than the runtime's."""
    slim: bool = False
    arguments: tuple[str, ...] = ()
    """The requirements of the command line as typed, and the files named there; they make up the lock's command."""
    files: tuple[str, ...] = ()

    @property
    def specifier(self) -> SpecifierSet:
        """All wishes about TensorFlow's version in one specifier."""
        joined = SpecifierSet()
        for wish in self.tensorflow:
            joined &= wish.specifier
        return joined

    def digest(self, runtime_digest: str | None = None) -> str:
        """Return the digest of everything asked for; `runtime_digest` stands for the content of a facts file.

        What the code needs is no part of it: a lock stays what was asked for while code that fits it changes.
        """
        asked = {
            "tensorflow": sorted(_asked_version(wish) for wish in self.tensorflow if not wish.by_code),
            "packages": sorted(str(wanted.requirement) for wanted in self.packages),
            "constraints": sorted(str(wanted.requirement) for wanted in self.constraints),
            "and-cuda": self.wants_cuda_extra,
            **({"extras": self.extras} if self.extras else {}),
            "gpu": self.gpu,
            "driver": self.driver,
            "cuda": self.cuda,
            "python": self.python,
            "runtime": runtime_digest or self.runtime,
            "platform": self.platform,
            "slim": self.slim,
        }
        canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _asked_version(wish: TensorflowWish) -> str:
    return f"{wish.specifier}; {wish.marker}" if wish.marker else str(wish.specifier)


def lock_command(request: Request, *, output: str | None = None) -> str:
    """Return the command line that asks for the same, with long option names and the shell's quoting."""
    options: list[tuple[str, str | None]] = [
        ("--tensorflow", str(wish.specifier))
        for wish in request.tensorflow
        if wish.said_by == "--tensorflow" or wish.configured
    ]
    options += [("--requirement", path) for path in request.files]
    options += [("--runtime", request.runtime), ("--python", request.python), ("--driver", request.driver)]
    options += [("--gpu", request.gpu if request.gpu != "auto" else None)]
    options += [("--cuda", request.cuda if request.cuda != "auto" else None), ("--output-file", output)]
    words = [f"{name}={spell_specifier(value)}" for name, value in options if value]
    words += ["--slim"] if request.slim else []
    return shlex.join(["tfbootstrap", "lock", *request.arguments, *words])


def spell_specifier(value: str) -> str:
    """Return `2.20` for `==2.20.*` and `2.20.0` for `==2.20.0`: as a person writes it."""
    match = re.match(r"^==(\d+\.\d+\.\d+(?:\.post\d+|rc\d+)?|\d+\.\d+(?=\.\*$))(?:\.\*)?$", value)
    return match[1] if match else value


def parse_tensorflow(text: str) -> SpecifierSet:
    """Turn `2.20`, `2.20.0` or a specifier into a specifier set: `X.Y` means `==X.Y.*`, `X.Y.Z` means `==X.Y.Z`.

    Raises UsageError where the text is neither a version nor a specifier.
    """
    stripped = text.strip()
    if re.match(r"^\d+(\.\d+)?$", stripped):
        return SpecifierSet(f"=={stripped}.*")
    if _VERSION.match(stripped):
        return SpecifierSet(f"=={stripped}")
    try:
        return SpecifierSet(stripped)
    except InvalidSpecifier as error:
        raise UsageError(
            f"{text!r} is no TensorFlow version and no version specifier",
            hint="write a version (2.20), or a specifier (>=2.16,<2.21)",
        ) from error


def parse_python(text: str) -> str:
    """Return a Python version as X.Y; raises UsageError where it is none."""
    match = re.match(r"^(\d+\.\d+)(\.\d+)?$", text.strip())
    if not match:
        raise UsageError(f"{text!r} is no Python version", hint="write it as X.Y, for example --python 3.12")
    return match[1]


def parse_driver(text: str) -> str:
    """Return an NVIDIA driver version (`535.104.05`, `535`); raises UsageError where it is none."""
    if not re.match(r"^\d{2,4}(\.\d+){0,3}$", text.strip()):
        raise UsageError(
            f"{text!r} is no NVIDIA driver version",
            hint="write it as nvidia-smi prints it, for example --driver 535.104.05",
        )
    return text.strip()


def parse_requirement(text: str, location: Location) -> WantedPackage:
    """Parse one requirement; raises InputError naming file, line and column."""
    if _is_address(text.strip()):
        raise InputError(
            location,
            f"{masked(text)!r} is an address or a path, which a lock for another machine can't hold",
            hint="require a version of the package from a package index",
        )
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise InputError(
            Location(location.path, location.line, _column(error, text) if location.line else None),
            f"{masked(text)!r} is no requirement: {_first_line(error)}",
            hint="a requirement is a name with a version specifier, for example numpy>=1.26",
        ) from error
    if requirement.url:
        raise InputError(
            location,
            f"{requirement.name} is required from an address, which a lock for another machine can't hold",
            hint=f"require a version of {requirement.name} from a package index",
        )
    return WantedPackage(requirement=requirement, location=location)


def parse_requirements(
    text: str, path: str, *, constraint: bool = False
) -> tuple[tuple[WantedPackage, ...], tuple[Include, ...]]:
    """Parse a requirements file into its requirements and the files that it includes.

    Comments, blank lines and continued lines are as pip has them. Options that can't take part in a lock (`-e`, index
    options, addresses) raise InputError with file and line.
    """
    wanted: list[WantedPackage] = []
    includes: list[Include] = []
    for number, line in _logical_lines(text):
        location = Location(path, number)
        include = re.match(r"^(-r|--requirement|-c|--constraint)(?:\s+|=|(?=[^-\s]))(\S.*)$", line)
        if include:
            kind = include[1] in ("-c", "--constraint")
            includes.append(Include(path=include[2].strip(), constraint=constraint or kind, location=location))
        elif line.startswith("-"):
            raise _unusable_option(line, location)
        else:
            wanted.append(parse_requirement(_without_hashes(line), location))
    return tuple(wanted), tuple(includes)


def split_tensorflow(
    tensorflow: str | None, wanted: tuple[WantedPackage, ...]
) -> tuple[tuple[TensorflowWish, ...], frozenset[str], tuple[WantedPackage, ...]]:
    """Part the wishes about TensorFlow itself from the other requirements.

    Returns the wishes (`--tensorflow` first), the extras that they name, and the rest.
    """
    wishes = [TensorflowWish(specifier=parse_tensorflow(tensorflow), said_by="--tensorflow")] if tensorflow else []
    itself = [item for item in wanted if item.name in TENSORFLOW_NAMES]
    wishes += [
        TensorflowWish(specifier=item.requirement.specifier, said_by=str(item.location), marker=item.requirement.marker)
        for item in itself
        if str(item.requirement.specifier)
    ]
    extras = frozenset(canonicalize_name(extra) for item in itself for extra in item.requirement.extras)
    return tuple(wishes), extras, tuple(item for item in wanted if item.name not in TENSORFLOW_NAMES)


def renamed_tensorflow(wanted: tuple[WantedPackage, ...]) -> tuple[WantedPackage, ...]:
    """Return the requirements on TensorFlow by the name of another distribution."""
    return tuple(item for item in wanted if item.name in TENSORFLOW_NAMES - {"tensorflow"})


def _logical_lines(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    joined, start = "", 0
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw)
        start = start if joined else number
        if line.endswith("\\"):
            joined += line[:-1].rstrip() + " "
            continue
        joined += line
        if joined.strip():
            lines.append((start, joined.strip()))
        joined = ""
    if joined.strip():
        lines.append((start, joined.strip()))
    return lines


def _without_hashes(line: str) -> str:
    return re.sub(r"\s--hash[= ]\S+", "", line).strip()


def _is_address(line: str) -> bool:
    starts = re.match(r"^(\.{0,2}/|[A-Za-z]:\\|[A-Za-z][A-Za-z0-9+.-]*://|git\+)", line)
    return bool(starts) or line in (".", "..") or bool(re.match(r"^\S+\.(whl|zip|tar\.\w+|tgz)$", line))


def _unusable_option(line: str, location: Location) -> InputError:
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    if option in ("-e", "--editable"):
        return InputError(
            location,
            "an editable requirement (-e) can't be locked for another machine",
            hint="list what it depends on instead, and install it with --no-deps afterwards",
        )
    if option in ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--trusted-host"):
        return InputError(
            location,
            f"the option {option} in a requirements file is not used: indexes are configured for the machine",
            hint="remove the line; set the index in uv's or pip's configuration, or by UV_INDEX or PIP_EXTRA_INDEX_URL",
        )
    return InputError(location, f"the option {option} can't take part in a lock", hint="remove the line")


def masked(text: str) -> str:
    """Return text fit for a message: users and passwords of addresses removed, also those with a bare @."""
    return re.sub(r"(?<=://)[^/\s]+@", "***@", text)


def without_credentials(url: str) -> str:
    """Return an address without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = f"{host}:{parts.port}" if parts.port else host
    return parts._replace(netloc=netloc, query="", fragment="").geturl()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _column(error: Exception, text: str) -> int:
    """Return the 1-based column that packaging's caret points at (its message indents the text by four)."""
    carets = [line for line in str(error).splitlines() if line.strip().endswith("^") and not line.strip(" ~^")]
    return min(carets[-1].index("^") - 3, len(text) + 1) if carets else 1
