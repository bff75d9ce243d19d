"""Puts another specifier into a line that requires TensorFlow; everything else of the text stays as it is. Pure."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from tfbootstrap.errors import InputError, Location
from tfbootstrap.request import TENSORFLOW_NAMES, WantedPackage

_REQUIREMENT = re.compile(
    r"(?P<name>(?<![\w.-])tensorflow(?:[-_.](?:cpu|gpu|intel|macos))?(?:\s*\[[^\]\n]*\])?)"
    r"\s*(?P<specifier>\(?\s*(?:===|[<>=!~]=?)[^;#\"'\\\n]*)",
    re.IGNORECASE,
)
"""A name of TensorFlow's, its extras, and a specifier up to a marker, a comment, a quote or the end of the line."""


def with_requirement(text: str, wanted: WantedPackage, specifier: SpecifierSet) -> str:
    """Return the text of a file whose requirement of TensorFlow has another specifier: the file's line ends, comments,
    extras and markers stay.

    Raises InputError, naming what to write, where the line is not one that can be edited safely.
    """
    lines = text.splitlines(keepends=True)
    number = wanted.location.line or 0
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    found = list(_REQUIREMENT.finditer(line))
    new = str(requirement_with(wanted.requirement, specifier))
    if len(found) != 1 or not _means(found[0].group(), wanted.requirement):
        raise InputError(
            wanted.location,
            f"this line requires {wanted.requirement} in a way that can't be edited safely",
            hint=f"write it yourself, then run this again: {new}",
        )
    start, end = found[0].span("specifier")
    trailing = len(found[0]["specifier"]) - len(found[0]["specifier"].rstrip())
    lines[number - 1] = line[:start] + str(specifier) + line[end - trailing :]
    return "".join(lines)


def requirement_with(requirement: Requirement, specifier: SpecifierSet) -> Requirement:
    """Return a requirement with another specifier."""
    changed = Requirement(str(requirement))
    changed.specifier = specifier
    return changed


def is_tensorflow(wanted: WantedPackage) -> bool:
    """Say whether a requirement is one of TensorFlow itself that says which."""
    return wanted.name in TENSORFLOW_NAMES and bool(str(wanted.requirement.specifier))


def _means(text: str, requirement: Requirement) -> bool:
    """Say whether the text is this requirement, but for its marker."""
    try:
        found = Requirement(text.strip())
    except InvalidRequirement:
        return False
    return (found.name, found.extras, found.specifier) == (requirement.name, requirement.extras, requirement.specifier)


def constraint_in_the_way(wanted: WantedPackage, asked: str) -> InputError:
    """Return the refusal to change a constraint: it says what must not be, so whoever wrote it decides."""
    return InputError(
        wanted.location,
        f"the constraint {wanted.requirement} keeps TensorFlow {asked} out",
        hint=f"if that is not meant any more, remove the line, or write: {wanted.requirement.name}{asked}",
    )


def outside(location: Location, requirement: Requirement, specifier: SpecifierSet) -> InputError:
    """Return the refusal to change a file that is not the project's own."""
    return InputError(
        location,
        f"{requirement} is required by a file outside this folder, which is not edited from here",
        hint=f"write there: {requirement_with(requirement, specifier)}",
    )
