"""Distributions that lie over each other, files that are gone or hidden, what is left over. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from tfbootstrap.doctor.bounds import admits, all_bounds, sort_key
from tfbootstrap.doctor.case import requirements_of
from tfbootstrap.doctor.records import Case, Finding, Severity
from tfbootstrap.inventory import InstalledDistribution, SharedFile

SHOWN = 4
"""Names that are shown of a longer list."""
_SYSTEM_INSTALLERS = frozenset({"debian", "conda", "rpm"})
_SYSTEM_FOLDERS = ("/usr/lib/python3/", "/usr/lib64/python3")
"""Who keeps the list of files somewhere else, and where that is so without being said."""


def check_clashes(case: Case) -> Iterator[Finding]:
    """Find distributions that bring the same modules: whichever was installed last has overwritten the other."""
    for group in case.inventory.rivals:
        names = [name for name in group if not _is_required(case, name, group)]
        if len(names) < 2:
            continue
        kept = _kept(case, names)
        others = [name for name in names if name != kept]
        shared = [one for one in case.inventory.shared if set(one.owners) & set(others)]
        commands = [case.shell.uninstall(*others), case.shell.reinstall(kept, case.versions[kept])]
        yield Finding(
            id="clashing-distributions",
            severity="error",
            summary=f"{_listed(names)} bring the same modules: each has overwritten files of the other",
            evidence=(*(f"{name} {case.versions[name]}" for name in names), *_overlaps(shared)),
            commands=tuple(commands),
            diagnosis="cpu-build-overwrites-gpu" if "tensorflow" in kept else None,
        )


def _is_required(case: Case, name: str, group: tuple[str, ...]) -> bool:
    """Say whether another of the group brings it: on Windows tensorflow is only a requirement on tensorflow-intel."""
    others = (other for other in group if other != name and other in case.facts.distributions)
    return any(
        canonicalize_name(requirement.name) == name
        for other in others
        for requirement in requirements_of(case.facts, other)
    )


def _kept(case: Case, names: list[str]) -> str:
    """Return the one to keep: what others require, else the plain name, which comes first."""
    required = [
        canonicalize_name(requirement.name)
        for other in sorted(case.facts.distributions)
        if other not in names
        for requirement in requirements_of(case.facts, other)
    ]
    return next((name for name in names if name in required), sorted(names, key=lambda name: (len(name), name))[0])


def check_collisions(case: Case) -> Iterator[Finding]:
    """Find distributions that own the same files, and say whose content lies there."""
    groups: dict[tuple[str, ...], list[SharedFile]] = {}
    for one in case.inventory.shared:
        if not any(len(set(one.owners) & set(rivals)) > 1 for rivals in case.inventory.rivals):
            groups.setdefault(one.owners, []).append(one)
    for owners, files in sorted(groups.items()):
        harmed = [name for name in owners if any(name not in one.intact for one in files)]
        if not harmed or not set(owners) & case.family:
            continue
        yield _collision(case, owners, files, harmed)


def _collision(case: Case, owners: tuple[str, ...], files: list[SharedFile], harmed: list[str]) -> Finding:
    majors = {name: name.rpartition("-cu")[2] for name in owners if name.startswith("nvidia-")}
    row = case.tensorflow.row if case.tensorflow else None
    wanted = ((row.cuda if row else None) or "").split(".")[0]
    own = [name for name in owners if majors.get(name) == wanted] or [name for name in harmed if name in case.closure]
    others = [name for name in owners if name not in own]
    needing = _requirers(case, others)
    known = [case.tables.libraries.collides(one, other) for one in owners for other in owners if one < other]
    commands = [case.shell.uninstall(*others)] if own and others and not needing else []
    commands += [case.shell.reinstall(name, case.versions[name]) for name in own]
    apart = "give them an environment of their own (tfbootstrap lock, then tfbootstrap install --venv DIR)"
    return Finding(
        id="file-collision",
        severity=_collision_severity(case, files, own),
        summary=f"{_listed(owners)} own the same files, with different contents",
        evidence=(
            *(f"{name} {case.versions.get(name, '')}".strip() for name in owners),
            *_overlaps(files),
            *(f"known of these two: {row.sources[0]}" for row in known if row),
        ),
        commands=tuple(commands),
        advice=(f"{_listed(needing)} need {_listed(others)}: {apart}",) if needing else (),
    )


def _collision_severity(case: Case, files: list[SharedFile], own: list[str]) -> Severity:
    """A library without which no GPU is registered, or a file of TensorFlow's own requirements: an error."""
    broken = [one for one in files if any(name in one.owners and name not in one.intact for name in own)]
    loaded = case.tables.libraries.row(case.tensorflow.version) if case.tensorflow and case.tensorflow.row else None
    needed = set(loaded.needed) if loaded and case.facts.gpu_status == "present" else set()
    if any(one.path.rpartition("/")[2] in needed for one in broken):
        return "error"
    if any(name in case.closure for one in broken for name in one.owners if name not in one.intact):
        return "error"
    return "warning" if broken else "note"


def _overlaps(files: list[SharedFile]) -> Iterator[str]:
    for one in files[:SHOWN]:
        whose = f"what lies there is that of {_listed(one.intact)}" if one.intact else "what lies there is of neither"
        yield f"{one.path} belongs to {_listed(one.owners)}; {whose}"
    if len(files) > SHOWN:
        yield f"and {len(files) - SHOWN} more files"


def _requirers(case: Case, names: list[str]) -> list[str]:
    return [
        other
        for other in sorted(case.facts.distributions)
        if other not in names
        and any(canonicalize_name(requirement.name) in names for requirement in requirements_of(case.facts, other))
    ]


def check_files(case: Case) -> Iterator[Finding]:
    """Find distributions whose files, or the list of them, are gone, and those that are there twice."""
    seen: set[tuple[str, str]] = set()
    for one in case.inventory.installed:
        if one.name in case.family and (one.folder, one.name) in seen:
            yield _twice(case, one)
        elif one.name in case.family:
            yield from _incomplete(case, one)
        seen.add((one.folder, one.name))
    others = [one for one in case.inventory.installed if one.name not in case.family and _is_broken(one)]
    if others:
        yield Finding(
            id="incomplete-elsewhere",
            severity="note",
            summary="packages that TensorFlow does not need are incomplete",
            evidence=tuple(_what_is_gone(one) for one in others),
            commands=tuple(_repair(case, one) for one in others),
        )


def _is_broken(one: InstalledDistribution) -> bool:
    elsewhere = one.installer in _SYSTEM_INSTALLERS or one.folder.startswith(_SYSTEM_FOLDERS)
    return one.vital or (not one.record and not one.editable and not elsewhere)


def _incomplete(case: Case, one: InstalledDistribution) -> Iterator[Finding]:
    if not _is_broken(one):
        return
    without_list = not one.record
    yield Finding(
        id="record-missing" if without_list else "files-missing",
        severity="warning" if without_list else "error",
        summary=(
            f"{one.name} {one.version} has lost the list of its files: no installer can remove or replace it"
            if without_list
            else f"{one.name} {one.version} is incomplete"
        ),
        evidence=(_what_is_gone(one),),
        commands=(_repair(case, one),),
        diagnosis="pip-no-record" if without_list else None,
    )


def _what_is_gone(one: InstalledDistribution) -> str:
    if not one.record:
        return f"{one.folder}/{one.info}/RECORD is missing"
    more = one.missing_count - len(one.missing)
    named = f"{', '.join(one.missing)}{f' and {more} more' if more > 0 else ''}"
    return f"{one.name} {one.version}: {one.missing_count} of {one.files} files are missing: {named}"


def _repair(case: Case, one: InstalledDistribution) -> str:
    repair = case.shell.reinstall if one.record else case.shell.overwrite
    return repair(one.name, one.version)


def _twice(case: Case, one: InstalledDistribution) -> Finding:
    both = [other for other in case.inventory.of(one.name) if other.folder == one.folder]
    versions = sorted((other.version for other in both), key=sort_key)
    fitting = [version for version in versions if admits(all_bounds(case, one.name), version)]
    return Finding(
        id="installed-twice",
        severity="error",
        summary=f"{one.name} is installed twice in one folder, as after an installation that was killed",
        evidence=(f"{one.folder}: {', '.join(other.info for other in both)}",),
        # An installer removes only one of them, and stumbles over what is left.
        commands=(
            *(case.shell.remove(f"{other.folder}/{other.info}") for other in both),
            case.shell.overwrite(one.name, (fitting or versions)[-1]),
        ),
    )


def check_local_files(case: Case) -> Iterator[Finding]:
    """Find one's own files that Python imports in place of an installed module."""
    owners = {module: one.name for one in case.inventory.installed for module in one.modules if not one.editable}
    for local in case.inventory.local:
        owner = owners.get(local.module)
        if owner not in case.family and not (local.standard and local.path.endswith(".py")):
            continue
        what = f"the package {owner}" if owner in case.family else "the standard library"
        yield Finding(
            id="shadowed-module",
            severity="error" if owner in case.family else "warning",
            summary=f"{local.path} hides the module {local.module} of {what} from programs that look there first",
            evidence=(f"Python looks there because it is {_because(local.why)}",),
            advice=(f"rename {local.path}, and what imports it",),
            diagnosis="shadowed-module" if owner in case.family else None,
        )


def _because(why: str) -> str:
    return "named by PYTHONPATH" if why == "PYTHONPATH" else why


def check_hidden(case: Case) -> Iterator[Finding]:
    """Find packages of the environment that another library folder hides, in another version."""
    for name in sorted(case.family & set(case.versions)):
        installed = case.inventory.of(name)
        if len({one.folder for one in installed}) < 2 or len({one.version for one in installed}) < 2:
            continue
        first, hidden = installed[0], next(one for one in installed if one.folder != installed[0].folder)
        yield from _hidden(case, first, hidden)


def _hidden(case: Case, first: InstalledDistribution, hidden: InstalledDistribution) -> Iterator[Finding]:
    python_path = case.facts.environment.get("PYTHONPATH", "")
    if first.folder == case.inventory.user_site:
        way, commands = "user-site", (case.shell.variable("PYTHONNOUSERSITE", "1"),)
    elif first.folder in python_path.replace(";", ":").split(":"):
        way, commands = "pythonpath", (case.shell.variable("PYTHONPATH", None),)
    else:
        return  # a virtual environment over a system's packages: that is what it is for
    harms = not admits(all_bounds(case, first.name), first.version)
    # Beside the system's own Python the user's folder is where packages belong.
    meant = way == "user-site" and not (case.inventory.virtual or case.inventory.conda)
    yield Finding(
        id=f"hidden-by-{way}",
        severity="error" if harms else "note" if meant else "warning",
        summary=f"{first.name} {first.version} outside of the environment hides its {first.name} {hidden.version}",
        evidence=(f"{first.folder} comes first, then {hidden.folder}",),
        commands=commands,
        advice=(f"or remove {first.name} from {first.folder}",),
    )


def check_leftovers(case: Case) -> Iterator[Finding]:
    """Find folders in the library folders that no distribution owns."""
    for path in case.inventory.leftovers:
        name = path.replace("\\", "/").rpartition("/")[2]
        aside = name.startswith("~")
        yield Finding(
            id="leftover-files",
            severity="note" if aside else "error",
            summary=(
                f"{name} was put aside by an installer that did not end"
                if aside
                else f"no installed package owns the folder {name}: what is imported from it is empty or broken"
            ),
            evidence=(path,),
            commands=(case.shell.remove(path),),
            diagnosis=None if aside else "shadowed-module",
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"
