"""The package indexes that this machine's user has configured, for uv or for pip, joined knowingly.

uv ignores pip's configuration, and giving uv a configuration file of ours makes it drop the project's. So both are read
here, in this order, and handed to uv by environment (arguments would show passwords in the process list):

1. uv's environment variables (`UV_DEFAULT_INDEX`, `UV_INDEX`, `UV_INDEX_URL`, `UV_EXTRA_INDEX_URL`, `UV_FIND_LINKS` …);
2. uv's configuration: `UV_CONFIG_FILE`, else `uv.toml` or `[tool.uv]` of the project, then of the user, then of the
   system; in each the table `pip` goes before the rest;
3. pip's environment variables (`PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL`, `PIP_FIND_LINKS`, `PIP_NO_INDEX`);
4. pip's configuration files: `PIP_CONFIG_FILE`, the environment's, the user's, the system's.

Once a default index is configured anywhere, or none is wanted, the public one is never asked. Indexes of pip's are
equal in rank, as pip treats them: the default comes first and the best version over all wins.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from tfbootstrap.edges.files import read_text
from tfbootstrap.errors import InputError, Location
from tfbootstrap.request import without_credentials
from tfbootstrap.toml import TomlError, parse_toml

_UV_VARIABLES = {
    "default": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find_links": ("UV_FIND_LINKS",),
}
_PASSED_ON = ("UV_INDEX_STRATEGY", "UV_KEYRING_PROVIDER", "UV_EXCLUDE_NEWER", "UV_INSECURE_HOST", "UV_SYSTEM_CERTS")

_PIP_KEYS = ("index-url", "extra-index-url", "find-links", "no-index")

_NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$")
"""An index with the name that its credentials go by: `corp=https://index.test/simple`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexConfiguration:
    """Indexes as addresses (credentials included: for the engine's environment only, never for a message or a file)."""

    default: str | None = None
    replaces_public: bool = False
    """Whether something else is in the public index's place: another index, none, or what it held at some time."""
    no_index: bool = False
    """Whether no index is to be asked at all: files come from `find_links` only."""
    extra: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Address -> the name that uv looks its credentials up by (`UV_INDEX_<NAME>_PASSWORD`)."""
    find_links: tuple[str, ...] = ()
    """Addresses of pages and folders (`file:`)."""
    strategy: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further uv settings, as the environment variables that carry them."""
    sources: tuple[str, ...] = ()
    """The variables and files that said so, for messages."""

    @property
    def shown(self) -> str:
        """What is asked in the first place, fit for messages."""
        if self.no_index:
            return "find-links (no index is to be asked)"
        return without_credentials(self.default) if self.default else "the default index"

    def environment(self) -> dict[str, str]:
        """Return the variables that make uv use these indexes and no other; `no_index` has none."""
        variables = dict(self.settings)
        if self.default:
            variables["UV_DEFAULT_INDEX"] = self._named(self.default)
        if self.extra:
            variables["UV_INDEX"] = " ".join(map(self._named, self.extra))
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
            "PIP_NO_INDEX": "1" if self.no_index else None,
        }
        return {name: value for name, value in variables.items() if value}

    def _named(self, url: str) -> str:
        return f"{self.names[url]}={url}" if url in self.names else url


def read_index_configuration(
    environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> IndexConfiguration:
    """Return the configured indexes; uv's word goes before pip's.

    Raises InputError where a configuration file can't be parsed, or an address is none.
    """
    variables = os.environ if environment is None else environment
    here = Path.cwd() if folder is None else folder
    uv, pip = _from_uv(variables, here), _from_pip(variables, here)
    no_index = uv.no_index or (pip.no_index and not uv.default and not uv.extra)
    joined = replace(
        uv,
        default=None if no_index else uv.default or pip.default,
        extra=() if no_index else uv.extra,
        no_index=no_index,
        replaces_public=bool(uv.default or pip.default or no_index or "UV_EXCLUDE_NEWER" in uv.settings),
        find_links=tuple(dict.fromkeys((*uv.find_links, *pip.find_links))),
        sources=(*uv.sources, *pip.sources),
    )
    extra_of_pip = tuple(url for url in pip.extra if url not in uv.extra)
    if no_index or not extra_of_pip:
        return joined
    from tfbootstrap.edges.index import ask_default_index  # costs the import of an HTTP client

    default = joined.default or ask_default_index()
    return replace(
        joined,
        default=default,
        extra=(*uv.extra, default, *extra_of_pip),
        strategy=uv.strategy or "unsafe-best-match",
    )


# --- uv ----------------------------------------------------------------------------------------------------------


def _from_uv(variables: Mapping[str, str], folder: Path) -> IndexConfiguration:
    found = IndexConfiguration(settings={name: variables[name] for name in _PASSED_ON if variables.get(name)})
    said = {
        key: next(((variables[name], name) for name in names if variables.get(name)), ("", ""))
        for key, names in _UV_VARIABLES.items()
    }
    text, name = said["default"]
    found = _with_indexes(found, [text] if text else [], folder, name, default=True)
    text, name = said["extra"]
    found = _with_indexes(found, text.split(), folder, name)
    links = (link for link in said["find_links"][0].split(",") if link)
    found = replace(
        found,
        find_links=tuple(_address(link, folder, said["find_links"][1]) for link in links),
        sources=tuple(name for names in _UV_VARIABLES.values() for name in names if variables.get(name)),
    )
    for path, table in _uv_tables(variables, folder):
        found = _with_uv_file(found, table, path)
    return found


def _with_uv_file(found: IndexConfiguration, document: Mapping[str, Any], path: Path) -> IndexConfiguration:
    whole = _Table(document, path)
    more = found
    for table in (whole.below("pip"), whole):
        more = _with_uv_table(more, table)
    return replace(more, sources=(*found.sources, str(path))) if more != found else found


def _with_uv_table(found: IndexConfiguration, table: _Table) -> IndexConfiguration:
    indexes = table.tables("index")
    usual = [index for index in indexes if not index.get("explicit") and index.get("format") != "flat"]
    default = next((_spelled(index) for index in usual if index.get("default")), table.text("index-url"))
    extra = [_spelled(index) for index in usual if not index.get("default")] + table.texts("extra-index-url")
    flat = [index["url"] for index in indexes if index.get("format") == "flat" and not index.get("explicit")]
    folder, source = table.path.parent, str(table.path)
    if not found.default:
        found = _with_indexes(found, [default] if default else [], folder, source, default=True)
    found = _with_indexes(found, extra, folder, source)
    links = [_address(link, folder, source) for link in (*flat, *table.texts("find-links"))]
    settings = {
        f"UV_{key.upper().replace('-', '_')}": table.data[key]
        for key in ("keyring-provider", "exclude-newer")
        if isinstance(table.data.get(key), str)
    }
    return replace(
        found,
        no_index=found.no_index or table.data.get("no-index") is True,
        find_links=tuple(dict.fromkeys((*found.find_links, *links))),
        strategy=found.strategy or table.text("index-strategy"),
        settings={**settings, **found.settings},
    )


def _with_indexes(
    found: IndexConfiguration, spelled: Iterable[str], folder: Path, source: str, *, default: bool = False
) -> IndexConfiguration:
    """Return the configuration with further indexes, each an address or `name=address`."""
    addresses: list[str] = []
    names = dict(found.names)
    for text in spelled:
        named = _NAMED.match(text)
        addresses.append(_address(named[2] if named else text, folder, source))
        if named:
            names.setdefault(addresses[-1], named[1])
    if default:
        return replace(found, default=addresses[0] if addresses else found.default, names=names)
    return replace(found, extra=tuple(dict.fromkeys((*found.extra, *addresses))), names=names)


def _spelled(index: Mapping[str, Any]) -> str:
    return f"{index['name']}={index['url']}" if index.get("name") else str(index["url"])


def _uv_tables(variables: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if named := variables.get("UV_CONFIG_FILE"):
        path = folder / named
        yield path, _read_toml(path)
        return
    if variables.get("UV_NO_CONFIG"):
        return
    yield from _uv_project(folder)
    for file in (_uv_user_file(variables), _uv_system_file(variables)):
        if file is not None and file.is_file():
            yield file, _read_toml(file)


def _uv_project(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for parent in (folder, *folder.parents):
        own, project = parent / "uv.toml", parent / "pyproject.toml"
        if own.is_file():
            yield own, _read_toml(own)
            return
        if project.is_file():
            table = _read_toml(project).get("tool", {}).get("uv")
            if table is not None:
                yield project, table
                return


def _uv_user_file(variables: Mapping[str, str]) -> Path | None:
    if os.name == "nt":
        return Path(variables["APPDATA"], "uv", "uv.toml") if variables.get("APPDATA") else None
    home = variables.get("XDG_CONFIG_HOME") or (f"{variables['HOME']}/.config" if variables.get("HOME") else None)
    return Path(home, "uv", "uv.toml") if home else None


def _uv_system_file(variables: Mapping[str, str]) -> Path | None:
    if os.name == "nt":
        return Path(variables["PROGRAMDATA"], "uv", "uv.toml") if variables.get("PROGRAMDATA") else None
    folders = [*_system_folders(variables), Path("/etc")]
    return next((path for folder in folders if (path := folder / "uv" / "uv.toml").is_file()), None)


def _system_folders(variables: Mapping[str, str]) -> list[Path]:
    return [Path(part) for part in (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep) if part]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_text(path, what="configuration of uv"))
    except TomlError as error:
        raise InputError(
            Location(str(path), error.line, error.column), f"this is no valid TOML: {error}", hint="mend the file"
        ) from error


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of uv's configuration; what is of another type than uv takes raises InputError, without the value."""

    data: Mapping[str, Any]
    path: Path

    def below(self, key: str) -> _Table:
        table = self.data.get(key, {})
        return _Table(table, self.path) if isinstance(table, Mapping) else self._refuse(key, "a table")

    def text(self, key: str) -> str | None:
        value = self.data.get(key)
        return value if value is None or isinstance(value, str) else self._refuse(key, "a string")

    def texts(self, key: str) -> list[str]:
        values = self.data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self._refuse(key, "a list of strings")
        return list(values)

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        values = self.data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
            self._refuse(key, "a list of tables")
        if not all(isinstance(one.get("url"), str) for one in values):
            self._refuse(key, "a list of tables, each with a url")
        return list(values)

    def _refuse(self, key: str, wanted: str) -> NoReturn:
        raise InputError(Location(str(self.path), key=key), f"must be {wanted}", hint="mend the file")


# --- pip ---------------------------------------------------------------------------------------------------------


def _from_pip(variables: Mapping[str, str], folder: Path) -> IndexConfiguration:
    said: dict[str, tuple[str, str]] = {}
    for key in _PIP_KEYS:
        name = f"PIP_{key.upper().replace('-', '_')}"
        if variables.get(name):
            said[key] = (variables[name], name)
    for path in _pip_files(variables):
        for key, value in _read_pip_file(path).items():
            said.setdefault(key, (value, str(path)))

    def addresses(key: str) -> tuple[str, ...]:
        text, source = said.get(key, ("", ""))
        return tuple(_address(part, folder, source) for part in text.split())

    return IndexConfiguration(
        default=next(iter(addresses("index-url")), None),
        no_index=said.get("no-index", ("", ""))[0].lower() in ("y", "yes", "t", "true", "on", "1"),
        extra=addresses("extra-index-url"),
        find_links=tuple(link for link in addresses("find-links") if not _is_missing(link)),
        sources=tuple(dict.fromkeys(source for _, source in said.values())),
    )


def _is_missing(link: str) -> bool:
    from urllib.request import url2pathname  # costs the import of an HTTP client

    # pip warns of such a place and goes on; uv would stop.
    return link.startswith("file:") and not Path(url2pathname(urlsplit(link).path)).exists()


def _pip_files(variables: Mapping[str, str]) -> Iterator[Path]:
    named = variables.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    candidates = [Path(named)] if named else []
    candidates += [Path(sys.prefix, name), *_pip_user_files(variables, name)]
    if os.name == "nt":
        candidates += [Path(variables["PROGRAMDATA"], "pip", name)] if variables.get("PROGRAMDATA") else []
    else:
        candidates += [Path("/etc", name), *(folder / "pip" / name for folder in _system_folders(variables))]
    if sys.platform == "darwin":
        candidates.append(Path("/Library/Application Support/pip", name))
    yield from (path for path in dict.fromkeys(candidates) if path.is_file())


def _pip_user_files(variables: Mapping[str, str], name: str) -> Iterator[Path]:
    if os.name == "nt":
        yield from (Path(variables[one], "pip", name) for one in ("APPDATA", "USERPROFILE") if variables.get(one))
        return
    if not variables.get("HOME"):
        return
    home = Path(variables["HOME"])
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "pip" / name
    yield Path(variables.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / name
    yield home / ".pip" / name


def _read_pip_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    text = read_text(path, what="configuration of pip")
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        # What the error quotes may be an address with a password.
        line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", ())), None)
        problem = f"pip's configuration can't be parsed ({type(error).__name__})"
        raise InputError(Location(str(path), line), problem, hint="mend the file") from None
    found: dict[str, str] = {}
    for section in ("install", "download", "global"):
        if parser.has_section(section):
            for key, value in parser.items(section):
                found.setdefault(key.replace("_", "-"), value)
    return {key: found[key] for key in _PIP_KEYS if key in found}


# --- both --------------------------------------------------------------------------------------------------------


def _address(text: str, folder: Path, source: str) -> str:
    """Return an address as it is, and a path as the address of the file or folder; relative ones start at `folder`.

    Raises InputError where it is neither; it may hold a password, so nobody is shown it.
    """
    if "://" not in text and not text.startswith("file:"):
        return (folder / Path(text).expanduser()).absolute().as_uri()
    try:
        parts = urlsplit(text)
        usable = parts.scheme == "file" or (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            Location(source),
            "this names no package index, which is an address like https://user:password@index.test/simple",
            hint="write @ : / ? # within a password as %40 %3A %2F %3F %23",
        )
    return text
