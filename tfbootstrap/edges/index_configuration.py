"""The package indexes that this machine's user has configured, for uv or for pip, joined knowingly.

uv ignores pip's configuration, and giving uv a configuration file of ours makes it drop the project's. So both are read
here, in this order, and handed to uv by environment (arguments would show passwords in the process list):

1. uv's environment variables (`UV_DEFAULT_INDEX`, `UV_INDEX`, `UV_INDEX_URL`, `UV_EXTRA_INDEX_URL`, `UV_FIND_LINKS` …);
2. uv's configuration: `uv.toml` or `[tool.uv]` of the project, then of the user, then of the system;
3. pip's environment variables (`PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL`, `PIP_FIND_LINKS`);
4. pip's configuration files: `PIP_CONFIG_FILE`, the environment's, the user's, the system's.

Once a default index is configured anywhere, the public one is never asked. Indexes of pip's are equal in rank, as pip
treats them: the default comes first and the best version over all wins.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfbootstrap.errors import InputError, Location
from tfbootstrap.toml import TomlError, parse_toml

_UV_VARIABLES = {
    "default": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find_links": ("UV_FIND_LINKS",),
}
_PASSED_ON = ("UV_INDEX_STRATEGY", "UV_KEYRING_PROVIDER", "UV_EXCLUDE_NEWER", "UV_INSECURE_HOST", "UV_SYSTEM_CERTS")


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexConfiguration:
    """Indexes as addresses (credentials included: for the engine's environment only, never for a message or a file)."""

    default: str | None = None
    replaces_public: bool = False
    """Whether the user has put another index in the place of the public one."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    strategy: str | None = None
    settings: Mapping[str, str] | None = None
    """Further uv settings, as the environment variables that carry them."""
    sources: tuple[str, ...] = ()
    """The variables and files that said so, for messages."""

    def environment(self) -> dict[str, str]:
        """Return the variables that make uv use these indexes and no other."""
        variables = dict(self.settings or {})
        if self.default:
            variables["UV_DEFAULT_INDEX"] = self.default
        if self.extra:
            variables["UV_INDEX"] = " ".join(self.extra)
        if self.find_links:
            variables["UV_FIND_LINKS"] = ",".join(self.find_links)
        if self.strategy:
            variables["UV_INDEX_STRATEGY"] = self.strategy
        return variables

    def pip_environment(self) -> dict[str, str]:
        """Return the variables that make pip use these indexes, whatever its configuration says."""
        variables = {
            "PIP_INDEX_URL": self.default,
            "PIP_EXTRA_INDEX_URL": " ".join(url for url in self.extra if url != self.default),
            "PIP_FIND_LINKS": " ".join(self.find_links),
        }
        return {name: value for name, value in variables.items() if value}


def read_index_configuration(
    environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> IndexConfiguration:
    """Return the configured indexes; uv's word goes before pip's.

    Raises InputError where a configuration file can't be parsed.
    """
    variables = os.environ if environment is None else environment
    uv = _from_uv(variables, Path.cwd() if folder is None else folder)
    pip = _from_pip(variables)
    joined = replace(
        uv,
        default=uv.default or pip.default,
        replaces_public=bool(uv.default or pip.default),
        find_links=(*uv.find_links, *(link for link in pip.find_links if link not in uv.find_links)),
        sources=(*uv.sources, *pip.sources),
    )
    extra_of_pip = tuple(url for url in pip.extra if url not in uv.extra)
    if not extra_of_pip:
        return joined
    from tfbootstrap.edges.index import ask_default_index  # costs the import of an HTTP client

    default = joined.default or ask_default_index()
    return replace(
        joined,
        default=default,
        extra=(*uv.extra, default, *extra_of_pip),
        strategy=uv.strategy or "unsafe-best-match",
    )


def _from_uv(variables: Mapping[str, str], folder: Path) -> IndexConfiguration:
    found = IndexConfiguration(settings={name: variables[name] for name in _PASSED_ON if variables.get(name)})
    said = {
        key: next((variables[name] for name in names if variables.get(name)), None)
        for key, names in _UV_VARIABLES.items()
    }
    found = replace(
        found,
        default=said["default"],
        extra=tuple((said["extra"] or "").split()),
        find_links=tuple(part for part in (said["find_links"] or "").split(",") if part),
        sources=tuple(name for names in _UV_VARIABLES.values() for name in names if variables.get(name)),
    )
    if variables.get("UV_NO_CONFIG"):
        return found
    for path, table in _uv_tables(variables, folder):
        found = _with_uv_table(found, table, path)
    return found


def _with_uv_table(found: IndexConfiguration, table: Mapping[str, Any], path: Path) -> IndexConfiguration:
    indexes = [index for index in table.get("index", []) if isinstance(index, Mapping) and "url" in index]
    default = next((str(index["url"]) for index in indexes if index.get("default")), table.get("index-url"))
    extra = [str(index["url"]) for index in indexes if not index.get("default") and not index.get("explicit")]
    extra += [str(url) for url in table.get("extra-index-url", [])]
    links = [str(link) for link in table.get("find-links", [])]
    settings = dict(found.settings or {})
    for key in ("keyring-provider", "exclude-newer"):
        if isinstance(table.get(key), str):
            settings.setdefault(f"UV_{key.upper().replace('-', '_')}", table[key])
    used = default or extra or links or settings != dict(found.settings or {})
    return replace(
        found,
        default=found.default or (str(default) if default else None),
        extra=(*found.extra, *(url for url in extra if url not in found.extra)),
        find_links=(*found.find_links, *(link for link in links if link not in found.find_links)),
        strategy=found.strategy or table.get("index-strategy"),
        settings=settings,
        sources=(*found.sources, str(path)) if used else found.sources,
    )


def _uv_tables(variables: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for parent in (folder, *folder.parents):
        own, project = parent / "uv.toml", parent / "pyproject.toml"
        if own.is_file():
            yield own, _read_toml(own)
            break
        if project.is_file():
            table = _read_toml(project).get("tool", {}).get("uv")
            if table is not None:
                yield project, table
                break
    home = variables.get("XDG_CONFIG_HOME") or (f"{variables['HOME']}/.config" if variables.get("HOME") else None)
    user = variables.get("APPDATA") if os.name == "nt" else home
    for path in ([Path(user) / "uv" / "uv.toml"] if user else []) + [Path("/etc/uv/uv.toml")]:
        if path.is_file():
            yield path, _read_toml(path)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except TomlError as error:
        raise InputError(
            Location(str(path), error.line, error.column), f"this is no valid TOML: {error}", hint="mend the file"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(Location(str(path)), "this is no UTF-8 text", hint="save the file as UTF-8") from error


def _from_pip(variables: Mapping[str, str]) -> IndexConfiguration:
    said: dict[str, str] = {}
    sources: list[str] = []
    for key in ("index-url", "extra-index-url", "find-links"):
        name = f"PIP_{key.upper().replace('-', '_')}"
        if variables.get(name):
            said[key] = variables[name]
            sources.append(name)
    for path in _pip_files(variables):
        for key, value in _read_pip_file(path).items():
            if key not in said:
                said[key] = value
                sources.append(str(path))
    return IndexConfiguration(
        default=said.get("index-url"),
        extra=tuple(said.get("extra-index-url", "").split()),
        find_links=tuple(said.get("find-links", "").split()),
        sources=tuple(dict.fromkeys(sources)),
    )


def _pip_files(variables: Mapping[str, str]) -> Iterator[Path]:
    named = variables.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    home = Path(variables["HOME"]) if variables.get("HOME") else None
    candidates = [Path(named)] if named else []
    candidates.append(Path(sys.prefix) / name)
    if home:
        config = Path(variables.get("XDG_CONFIG_HOME") or home / ".config")
        candidates += [config / "pip" / name, home / ".pip" / name]
    if os.name == "nt" and variables.get("APPDATA"):
        candidates.append(Path(variables["APPDATA"]) / "pip" / name)
    candidates.append(Path("/etc") / name)
    yield from (path for path in dict.fromkeys(candidates) if path.is_file())


def _read_pip_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise InputError(
            Location(str(path)), f"pip's configuration can't be parsed: {error}", hint="mend the file"
        ) from error
    found: dict[str, str] = {}
    for section in ("install", "download", "global"):
        if parser.has_section(section):
            for key in ("index-url", "extra-index-url", "find-links"):
                if parser.has_option(section, key) and key not in found:
                    found[key] = parser.get(section, key)
    return found
