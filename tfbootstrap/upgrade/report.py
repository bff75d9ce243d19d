"""An upgrade in words: for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tfbootstrap.explain import rejections_text
from tfbootstrap.lock_diff import LockChanges
from tfbootstrap.scan.findings import Finding
from tfbootstrap.upgrade.records import BrokenSymbol, CodeFinding, Edit, HeldBack, TargetUpgrade, Upgrade

WIDTH = 100
"""Columns of a terminal that long sentences are wrapped for."""

KERAS_3 = (
    "tf.keras is Keras 3 from TensorFlow 2.16 on; code that needs Keras 2 takes tf-keras of the same minor and sets "
    "TF_USE_LEGACY_KERAS=1 before the first import"
)


def upgrade_text(upgrade: Upgrade) -> str:
    """Return the report for a terminal; no line ends in blanks."""
    lines = [headline(upgrade)]
    if upgrade.edits:
        lines += ["", *_table([_edit_cells(edit) for edit in upgrade.edits])]
    if upgrade.notes:
        lines += ["", *(f"  note: {note}" for note in upgrade.notes)]
    if upgrade.held_back:
        lines += ["", "newer, and held back:", *_table(held_back_rows(upgrade.held_back))]
    for minor, broken in broken_by_release(upgrade.targets):
        lines += ["", broken_title(minor, broken), *_broken_lines(broken)]
    if behaviours := all_behaviours(upgrade.targets):
        lines += ["", f"{behaviours_title(behaviours)}:", *_behaviour_lines(behaviours)]
    for target in upgrade.targets:
        lines += ["", f"[{target.name}] {target.lock}", *_target_lines(target)]
    return "\n".join(lines) + "\n"


def headline(upgrade: Upgrade) -> str:
    """Return the upgrade in a line: `TensorFlow 2.15.1 -> 2.20.0 for colab, lab`."""
    if unserved := [target.name for target in upgrade.targets if target.rejections is not None]:
        return f"nothing changes: the TensorFlow that is asked for can't be had for {', '.join(unserved)}"
    moves: dict[str, list[str]] = {}
    for target in upgrade.targets:
        moves.setdefault(_move(target), []).append(target.name)
    return "TensorFlow " + "; ".join(f"{move} for {', '.join(names)}" for move, names in moves.items())


def _move(target: TargetUpgrade) -> str:
    if target.before == target.after:
        return f"{target.after} as before"
    return f"{target.before} -> {target.after}" if target.before else f"{target.after} (no lock before)"


def broken_by_release(targets: Iterable[TargetUpgrade]) -> Iterator[tuple[str, tuple[BrokenSymbol, ...]]]:
    """Yield each TensorFlow that targets get, with the lines that it breaks; what breaks now stands first."""
    seen: dict[str, tuple[BrokenSymbol, ...]] = {}
    for target in targets:
        if target.after and target.broken:
            seen.setdefault(target.after, target.broken)
    for release, broken in seen.items():
        yield release, tuple(sorted(broken, key=_place))


def _place(one: BrokenSymbol) -> tuple[bool, str, int, int]:
    return one.already, one.evidence.file, one.evidence.cell or 0, one.evidence.line


def broken_title(release: str, broken: Sequence[BrokenSymbol]) -> str:
    """Return what stands above the lines that break."""
    verb = "breaks" if len(broken) == 1 else "break"
    return f"{count(len(broken), 'line')} of the code {verb} with TensorFlow {release}:"


def all_behaviours(targets: Iterable[TargetUpgrade]) -> tuple[CodeFinding, ...]:
    """Return what lines say of the new locks' versions, each once with all of these; what fails now stands first."""
    versions: dict[tuple[Finding, bool], dict[str, None]] = {}
    for one in (behaviour for target in targets for behaviour in target.behaviours):
        versions.setdefault((one.finding, one.already), {})[one.version] = None
    joined = [
        CodeFinding(finding=finding, version=", ".join(found), already=already)
        for (finding, already), found in versions.items()
    ]
    return tuple(sorted(joined, key=lambda one: (one.already, not one.finding.breaks)))


def behaviours_title(behaviours: Sequence[CodeFinding]) -> str:
    """Return what stands above the lines that do something else."""
    fail = "fails or does" if len(behaviours) == 1 else "fail or do"
    return f"{count(len(behaviours), 'line')} of the code {fail} something else with the new versions"


def behaviour_words(one: CodeFinding) -> tuple[str, str]:
    """Return what a line meets (`numpy 2.4.6, fails`), and what that is and what to do."""
    effect = "fails" if one.finding.breaks else "may fail or do something else"
    words = f"{one.finding.package} {one.version}: {effect}{' already' if one.already else ''}"
    return words, "; ".join(text for text in (one.finding.says, one.finding.instead) if text)


def since(one: BrokenSymbol) -> str:
    """Return from when on a line fails: `fails since 2.16`."""
    return bound_words(one.evidence.bound) + (", so it fails already" if one.already else "")


def bound_words(bound: str) -> str:
    """Return what a bound says of a line of code: `<2.16` is `fails since 2.16`."""
    if bound.startswith("<"):
        return f"fails since {bound[1:]}"
    return f"needs {bound[2:]}" if bound.startswith(">") else f"fails with {bound[2:].removesuffix('.*')}"


def held_back_rows(held_back: Sequence[HeldBack]) -> list[tuple[str, str, str]]:
    """Return minors, who holds them back and why: a row for neighbours of one reason (`2.16 to 2.21`)."""
    rows = []
    for (by, reason), group in groupby(held_back, key=lambda one: (one.by, one.reason)):
        minors = [one.minor for one in group]
        rows.append((minors[0] if len(minors) == 1 else f"{minors[-1]} to {minors[0]}", by, reason))
    return rows


def instead(one: BrokenSymbol) -> str:
    """Return what to write instead, as far as it is known."""
    replacement = f"instead: {one.evidence.replacement}" if one.evidence.replacement else None
    return "; ".join(text for text in (replacement, one.evidence.note) if text)


def package_counts(changes: LockChanges) -> str:
    """Return `3 added, 2 removed, 14 changed (5 of them major)`; empty where no package differs."""
    majors = sum(one.major for one in changes.changed)
    parts = [f"{len(changes.added)} added"] if changes.added else []
    parts += [f"{len(changes.removed)} removed"] if changes.removed else []
    parts += (
        [f"{len(changes.changed)} changed" + (f" ({majors} of them major)" if majors else "")]
        if changes.changed
        else []
    )
    parts += [f"{len(changes.other_files)} with other files"] if changes.other_files else []
    return ", ".join(parts)


def package_rows(changes: LockChanges) -> list[tuple[str, str, str, str]]:
    """Return name, version before, version after and a mark (`new`, `gone`, `major`, `other files`), by name."""
    rows = [(one.name, "-", one.version, "new") for one in changes.added]
    rows += [(one.name, one.version, "-", "gone") for one in changes.removed]
    rows += [(one.name, one.before, one.after, "major" if one.major else "") for one in changes.changed]
    rows += [(name, "", "", "other files") for name in changes.other_files]
    return sorted(rows)


def becomes_keras_3(target: TargetUpgrade) -> bool:
    """Say whether `tf.keras` becomes Keras 3."""
    return any((one.what, one.before, one.after) == ("Keras major", "2", "3") for one in target.platform_changes)


def count(number: int, what: str) -> str:
    """Return `1 line`, `2 lines`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def shown(value: str | None) -> str:
    """Return a value of a change, or the word for there being none."""
    return value or "none"


def _target_lines(target: TargetUpgrade) -> Iterator[str]:
    if target.rejections is not None:
        yield from (f"  {line}" for line in rejections_text(target.rejections, runtime=target.name).splitlines())
        yield from (f"  {one.problem}" for one in target.companions)
        return
    changes = [(one.what, f"{shown(one.before)} -> {shown(one.after)}") for one in target.platform_changes]
    yield from _table(changes)
    if becomes_keras_3(target):
        yield f"  {KERAS_3}"
    if target.release.no_longer_required:
        yield f"  TensorFlow no longer requires {', '.join(target.release.no_longer_required)}"
    yield from (f"  companion: {one.problem}" for one in target.companions)
    yield from (f"  breaks: {one}" for one in target.breaks)
    yield from (f"  warning: {one}" for one in target.warnings)
    counts = package_counts(target.changes) if target.changes else ""
    if target.changes and counts:
        yield f"  packages: {counts}"
        rows = package_rows(target.changes)
        yield from (f"  {line}" for line in _table([(name, _versions(*rest), mark) for name, *rest, mark in rows]))
    elif target.before:
        yield "  packages: none changes"


def _versions(before: str, after: str) -> str:
    return f"{before} -> {after}" if before or after else ""


def _edit_cells(edit: Edit) -> tuple[str, ...]:
    return (edit.place, f"{edit.before} -> {edit.after}" if edit.before else f"+ {edit.after}")


def _broken_lines(broken: Sequence[BrokenSymbol]) -> Iterator[str]:
    rows = _table([(one.evidence.place, one.evidence.symbol, since(one)) for one in broken])
    for row, one in zip(rows, broken, strict=True):
        yield row
        if told := instead(one):
            yield from textwrap.wrap(told, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _behaviour_lines(behaviours: Sequence[CodeFinding]) -> Iterator[str]:
    words = [behaviour_words(one) for one in behaviours]
    rows = _table(
        [(one.finding.place, one.finding.symbol, said[0]) for one, said in zip(behaviours, words, strict=True)]
    )
    for row, (_, told) in zip(rows, words, strict=True):
        yield row
        yield from textwrap.wrap(told, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  " + "  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in rows]
