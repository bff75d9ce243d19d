"""Who imports what inside a project: which names of TensorFlow one of its files hands to another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<origin>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#;]*)"
    r"|import[ \t]+(?P<modules>[\w., \t]+))",
    re.MULTILINE,
)


_ATTRIBUTE: Final = re.compile(r"\b(\w+)\.(\w+)\b")


def imported_names(text: str) -> frozenset[str]:
    """Return `module.name` for every name that a file could get from another one, the module as its imports spell it.

    `from .compat import tf` gives `.compat.tf`; `from package import compat` gives `package.compat`, and for each
    attribute of it that the file uses `package.compat.tf`. A star stands for all. Strings that look like imports count.
    """
    attributes: dict[str, set[str]] = {}
    for owner, attribute in _ATTRIBUTE.findall(text):
        attributes.setdefault(owner, set()).add(attribute)
    found: set[str] = set()
    for module, bound in _imported(text):
        found.add(module)
        found.update(f"{module}.{attribute}" for attribute in attributes.get(bound, ()))
    return frozenset(found)


def _imported(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is imported, and the name that it gets."""
    for match in _IMPORT.finditer(text):
        origin = match["origin"]
        dot = "" if origin is None or origin.endswith(".") else "."
        listed = match["modules"] if origin is None else match["names"].strip("()")
        for one in listed.split(","):
            match one.split():
                case [name, "as", alias]:
                    yield f"{origin or ''}{dot}{name}", alias
                case [name]:
                    yield f"{origin or ''}{dot}{name}", name.rpartition(".")[2]


class ProjectModules:
    """The modules of a project by any end of their path; two that end alike are none."""

    def __init__(self, exports: Mapping[str, Mapping[str, str]]) -> None:
        self._exports = {_parts(file): names for file, names in exports.items() if names}
        self._ends: dict[tuple[str, ...], tuple[str, ...] | None] = {}
        for parts in sorted(self._exports):
            for start in range(len(parts)):
                end = parts[start:]
                self._ends[end] = parts if end not in self._ends else None

    def seen_from(self, file: str, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return which of the names that a file imports are TensorFlow's: module as it is spelled -> its names."""
        own = _parts(file)
        package = own if _is_package(file) else own[:-1]
        found: dict[str, Mapping[str, str]] = {}
        for one in sorted(names):
            module, _, name = one.rpartition(".")
            if not module or module.endswith("."):
                module += "."
            parts = (
                self._absolute(package, module) if module.startswith(".") else self._ends.get(tuple(module.split(".")))
            )
            exports = self._exports.get(parts, {}) if parts is not None and parts != own else {}
            if name in exports or (name == "*" and exports):
                found[module] = exports
        return found

    @staticmethod
    def _absolute(package: tuple[str, ...], spelled: str) -> tuple[str, ...] | None:
        rest = spelled.lstrip(".")
        above = len(spelled) - len(rest) - 1
        if above > len(package):
            return None
        return (*package[: len(package) - above], *(rest.split(".") if rest else ()))


def _is_package(file: str) -> bool:
    return file.rpartition("/")[2].startswith("__init__.")


def _parts(file: str) -> tuple[str, ...]:
    parts = tuple(part for part in file.rpartition(".")[0].split("/") if part not in ("", "."))
    return parts[:-1] if _is_package(file) else parts
