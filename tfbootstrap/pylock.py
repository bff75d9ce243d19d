"""A lock as `pylock.toml` (PEP 751), which other installers read. Layer 2: pure.

Our header stands below `[tool.tfbootstrap]`; who requires a package stands below its `[packages.tool.tfbootstrap]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfbootstrap.errors import EngineError, InputError, Location
from tfbootstrap.lock import Lock, LockTarget, Pin, header_from_mapping, header_to_mapping, within_line
from tfbootstrap.resolution import ResolvedFile
from tfbootstrap.toml import TomlError, parse_toml

VERSION = "1.0"
_NAME = re.compile(r"^pylock(\.[^.]+)?\.toml$")
_SYS_PLATFORM = {"linux": "linux", "macos": "darwin", "windows": "win32"}


def is_pylock_name(name: str) -> bool:
    """Say whether a file may be called so: `pylock.toml` or `pylock.<name>.toml`, the name without dots."""
    return bool(_NAME.match(name))


def write_pylock(lock: Lock, files: Mapping[str, Sequence[ResolvedFile]]) -> str:
    """Return the text of a `pylock.toml`; `files` is package -> the files that the engine named.

    Raises EngineError where a file has no address.
    """
    import tomlkit
    from packaging.pylock import Pylock

    target = lock.header.target
    lines = [
        f"lock-version = {_quoted(VERSION)}",
        f"environments = [{_quoted(_environment(target))}]",
        f"requires-python = {_quoted(f'=={target.python}.*')}",
        'created-by = "tfbootstrap"',
        "",
    ]
    for pin in sorted(lock.pins, key=lambda pin: pin.name):
        lines += [*_package_lines(pin, files.get(pin.name, ())), ""]
    text = "\n".join(lines) + "\n" + tomlkit.dumps({"tool": {"tfbootstrap": header_to_mapping(lock.header)}})
    text = "\n".join(map(within_line, text.split("\n")))
    Pylock.from_dict(parse_toml(text)).validate()
    return text


def read_pylock(text: str, path: str) -> Lock:
    """Parse a `pylock.toml` of ours; `path` is for messages. Raises InputError where it is none, or is broken."""
    try:
        document = parse_toml(text)
    except TomlError as error:
        raise InputError(
            Location(path, error.line, error.column), f"the lock is no valid TOML: {error}", hint=_again(path)
        ) from error
    header = document.get("tool", {}).get("tfbootstrap")
    if not isinstance(header, dict):
        raise InputError(
            Location(path), "this is no lock of tfbootstrap: it has no [tool.tfbootstrap]", hint=_again(path)
        )
    try:
        pins = tuple(_read_package(package) for package in document["packages"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(Location(path), f"the lock lacks or garbles {error}", hint=_again(path)) from error
    return Lock(header=header_from_mapping(header, Location(path)), pins=pins)


def _again(path: str) -> str:
    return f"make it with `tfbootstrap lock --output-file {path}`"


def _environment(target: LockTarget) -> str:
    machine = "AMD64" if (target.system, target.machine) == ("windows", "x86_64") else target.machine
    return f"sys_platform == '{_SYS_PLATFORM[target.system]}' and platform_machine == '{machine}'"


def _package_lines(pin: Pin, files: Sequence[ResolvedFile]) -> Iterator[str]:
    yield "[[packages]]"
    yield f"name = {_quoted(pin.name)}"
    yield f"version = {_quoted(pin.version)}"
    serving = sorted((file for file in files if file.hash in pin.hashes), key=lambda file: file.name)
    wheels = [file for file in serving if file.name.endswith(".whl")]
    sources = [file for file in serving if not file.name.endswith(".whl")]
    if wheels:
        yield "wheels = ["
        yield from (f"    {_file(pin, file)}," for file in wheels)
        yield "]"
    if sources:
        yield f"sdist = {_file(pin, sources[0])}"
    if pin.via:
        yield "[packages.tool.tfbootstrap]"
        yield f"via = [{', '.join(_quoted(reason) for reason in pin.via)}]"


def _file(pin: Pin, file: ResolvedFile) -> str:
    if file.url is None:
        raise EngineError(
            f"a pylock file needs the address of {file.name} ({pin.name} {pin.version}), and the engine named none",
            hint="use --engine uv, or --format requirements",
        )
    size = f", size = {file.size}" if file.size is not None else ""
    digest = file.hash.removeprefix("sha256:")
    return (
        f"{{ name = {_quoted(file.name)}, url = {_quoted(file.url)}{size}, hashes = {{ sha256 = {_quoted(digest)} }} }}"
    )


def _quoted(text: str) -> str:
    # JSON's escapes are a part of TOML's.
    return json.dumps(text, ensure_ascii=False)


def _read_package(package: Mapping[str, Any]) -> Pin:
    files = [*package.get("wheels", ()), *((package["sdist"],) if "sdist" in package else ())]
    return Pin(
        name=package["name"],
        version=package["version"],
        hashes=tuple(sorted(f"sha256:{file['hashes']['sha256']}" for file in files)),
        via=tuple(package.get("tool", {}).get("tfbootstrap", {}).get("via", ())),
    )
