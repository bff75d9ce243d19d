"""`tfbootstrap init`: writes `[tool.tfbootstrap]` for what the folder holds and for this or named runtimes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfbootstrap.app.requests import PROJECT_FILE
from tfbootstrap.app.targets import find_target, is_facts_file, matrix_folder
from tfbootstrap.configuration import default_lock, read_configuration
from tfbootstrap.errors import InputError
from tfbootstrap.facts import Facts
from tfbootstrap.lock import FENCE_OPEN
from tfbootstrap.request import Request, parse_tensorflow

FACTS_FILE = "this-machine.json"
_REQUIREMENTS = ("requirements.in", "requirements.txt")
_DATE = re.compile(r"-\d{4}\.\d{2}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOptions:
    """The options of `tfbootstrap init` as given; without runtimes this machine is the target."""

    runtimes: tuple[str, ...] = ()
    tensorflow: str | None = None
    force: bool = False
    matrix: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOutcome:
    """The targets (name -> runtime) that the table has now, and the files that were written."""

    targets: Mapping[str, str]
    written: tuple[str, ...]


def init(options: InitOptions) -> InitOutcome:
    """Write the table, and a facts file where this machine is a target that no profile describes.

    Raises UsageError where there is a table already or a runtime is unknown, InputError for a broken `pyproject.toml`.
    """
    from tfbootstrap.edges.files import write_all_atomically
    from tfbootstrap.edges.projects import with_table

    if options.tensorflow:
        parse_tensorflow(options.tensorflow)
    path = Path(PROJECT_FILE)
    text = _read(path)
    texts: dict[Path, str] = {}
    targets = _named_targets(options) or _this_machine(options, texts)
    table = {**_contents(text, options), "targets": targets}
    texts[path] = with_table(text, table, PROJECT_FILE, force=options.force)
    read_configuration(texts[path], PROJECT_FILE)
    written = write_all_atomically(texts)
    return InitOutcome(
        targets={name: target["runtime"] for name, target in targets.items()},
        written=tuple(str(one) for one in written),
    )


def _read(path: Path) -> str:
    from tfbootstrap.edges.files import read_text

    return read_text(path, what="project file", as_it_is=True) if path.exists() else ""


def _contents(text: str, options: InitOptions) -> dict[str, Any]:
    """Return what the targets have in common, from what lies in the folder."""
    from tfbootstrap.toml import TomlError, parse_toml

    try:
        project = parse_toml(text).get("project", {})
    except TomlError:
        project = {}  # what writes the table tells it, with its place
    found: dict[str, Any] = {"tensorflow": options.tensorflow} if options.tensorflow else {}
    files = [name for name in _REQUIREMENTS if Path(name).is_file() and not _is_lock(Path(name))]
    if files:
        found["requirements"] = files[:1]
    elif isinstance(project, Mapping) and project.get("dependencies"):
        found["dependencies"] = True
    sources = _sources(project if isinstance(project, Mapping) else {})
    return {**found, **({"sources": sources} if sources else {})}


def _is_lock(path: Path) -> bool:
    from tfbootstrap.edges.files import read_text

    try:
        return FENCE_OPEN in read_text(path, what="requirements file")
    except InputError:
        return True


def _sources(project: Mapping[str, Any]) -> list[str]:
    package = re.sub(r"[-.]+", "_", str(project.get("name", "")))
    return [name for name in ("src", package) if name and Path(name).is_dir()][:1]


def _named_targets(options: InitOptions) -> dict[str, dict[str, str]]:
    targets: dict[str, dict[str, str]] = {}
    for runtime in options.runtimes:
        find_target(Request(runtime=runtime), options.matrix)  # says what is wrong with the name or the file
        name = _target_name(runtime)
        targets[name] = {"runtime": runtime, "lock": default_lock(name)}
    return targets


def _target_name(runtime: str) -> str:
    stem = Path(runtime).stem if is_facts_file(runtime) else _DATE.sub("", runtime)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "target"


def _this_machine(options: InitOptions, texts: dict[Path, str]) -> dict[str, dict[str, str]]:
    """Return a target for this machine: the profile that describes it, else a facts file (added to `texts`)."""
    from tfbootstrap.edges.machine import collect_facts, facts_text

    facts = collect_facts()
    runtime = _profile(facts, options.matrix)
    if runtime is None:
        texts[Path(FACTS_FILE)] = facts_text(facts)
        name = _target_name(FACTS_FILE)
        return {name: {"runtime": FACTS_FILE, "lock": default_lock(name)}}
    name = _target_name(runtime)
    target = {"runtime": runtime, "lock": default_lock(name)}
    return {
        name: {**target, "python": ".".join(map(str, sys.version_info[:2]))} if facts.host.kind == "plain" else target
    }


def _profile(facts: Facts, matrix: Path | None) -> str | None:
    """Return the profile that says of this machine what matters; None where a GPU has to be described."""
    from tfbootstrap.edges.runtimes import runtime_names

    names = runtime_names(matrix_folder(matrix))
    if facts.host.kind in ("colab", "kaggle"):
        dated = sorted(name for name in names if name.startswith(f"{facts.host.kind}-"))
        exact = f"{facts.host.kind}-{facts.host.release}"
        return exact if exact in dated else dated[-1] if dated else None
    if facts.gpus or facts.platform.wsl:
        return None
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    plain = {"linux-x86_64": "linux-cpu", "windows-x86_64": "windows"}.get(platform, platform)
    return plain if plain in names else None
