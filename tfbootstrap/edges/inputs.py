"""Reads requirements files, with all that they include."""

from __future__ import annotations

from pathlib import Path

from tfbootstrap.edges.files import read_text
from tfbootstrap.errors import InputError, Location
from tfbootstrap.request import Include, WantedPackage, parse_requirements


def read_requirements(
    path: Path, *, constraint: bool = False
) -> tuple[tuple[WantedPackage, ...], tuple[WantedPackage, ...]]:
    """Return the requirements and the constraints of a requirements file and of all files that it includes.

    Raises InputError for what can't be read or used, and for files that include each other in a circle.
    """
    requirements: list[WantedPackage] = []
    constraints: list[WantedPackage] = []
    _read_into(requirements, constraints, path, constraint=constraint, above=())
    return tuple(requirements), tuple(constraints)


def _read_into(
    requirements: list[WantedPackage],
    constraints: list[WantedPackage],
    path: Path,
    *,
    constraint: bool,
    above: tuple[Path, ...],
    named_by: Include | None = None,
) -> None:
    if path.resolve() in above:
        location = named_by.location if named_by else Location(str(path))
        raise InputError(
            location, f"the files include each other in a circle: {path}", hint="remove one of the -r lines"
        )
    text = read_text(path, what="requirements file", hint=f"it is named in {named_by.location}" if named_by else None)
    wanted, includes = parse_requirements(text, str(path), constraint=constraint)
    (constraints if constraint else requirements).extend(wanted)
    for include in includes:
        _read_into(
            requirements,
            constraints,
            path.parent / include.path,
            constraint=constraint or include.constraint,
            above=(*above, path.resolve()),
            named_by=include,
        )
