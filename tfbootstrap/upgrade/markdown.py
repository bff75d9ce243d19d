"""An upgrade as Markdown, for a pull request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tfbootstrap.explain import rejections_text
from tfbootstrap.upgrade.records import TargetUpgrade, Upgrade
from tfbootstrap.upgrade.report import (
    KERAS_3,
    all_behaviours,
    becomes_keras_3,
    behaviour_words,
    behaviours_title,
    broken_by_release,
    broken_title,
    headline,
    held_back_rows,
    instead,
    package_counts,
    package_rows,
    shown,
    since,
)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~@!&])")


def upgrade_markdown(upgrade: Upgrade) -> str:
    """Return the report as Markdown."""
    lines = [f"## {_text(headline(upgrade).replace('->', '→'))}"]
    if upgrade.edits:
        rows = [(_code(one.place), _code(one.before) if one.before else "-", _code(one.after)) for one in upgrade.edits]
        lines += ["", *_table(("Edited", "Before", "After"), rows)]
    if upgrade.notes:
        lines += ["", *(f"- {_text(note)}" for note in upgrade.notes)]
    if upgrade.held_back:
        held = [tuple(_text(cell) for cell in row) for row in held_back_rows(upgrade.held_back)]
        lines += ["", "### Newer, and held back", "", *_table(("TensorFlow", "By", "Because"), held)]
    for release, broken in broken_by_release(upgrade.targets):
        cells = [
            (_code(one.evidence.place), _code(one.evidence.symbol), since(one), _text(instead(one)) or "-")
            for one in broken
        ]
        lines += ["", f"### {_text(broken_title(release, broken))[:-1]}", ""]
        lines += _table(("Where", "What", "When", "What to do"), cells)
    if behaviours := all_behaviours(upgrade.targets):
        told = [(one.finding, *behaviour_words(one)) for one in behaviours]
        found = [(_code(one.place), _code(one.symbol), _text(meets), _text(why)) for one, meets, why in told]
        lines += ["", f"### {_text(behaviours_title(behaviours))}", ""]
        lines += _table(("Where", "What", "With", "Because"), found)
    for target in upgrade.targets:
        lines += ["", f"### {_text(target.name)} ({_code(target.lock)})", "", *_target_lines(target)]
    return "\n".join(lines) + "\n"


def _target_lines(target: TargetUpgrade) -> Iterator[str]:
    if target.rejections is not None:
        yield "```text"
        yield rejections_text(target.rejections, runtime=target.name).replace("```", "'''")
        yield "```"
        yield from (f"- {_text(one.problem)}" for one in target.companions)
        return
    changes = [(one.what, _text(shown(one.before)), _text(shown(one.after))) for one in target.platform_changes]
    if changes:
        yield from _table(("", "Before", "After"), changes)
        yield ""
    yield from _notes(target)
    counts = package_counts(target.changes) if target.changes else ""
    if target.changes and counts:
        rows = package_rows(target.changes)
        yield f"<details><summary>Packages: {counts}</summary>"
        yield ""
        yield from _table(("Package", "Before", "After", ""), [tuple(_text(cell) for cell in row) for row in rows])
        yield ""
        yield "</details>"
    elif target.before:
        yield "No package changes."


def _notes(target: TargetUpgrade) -> Iterator[str]:
    notes = [KERAS_3] if becomes_keras_3(target) else []
    if target.release.no_longer_required:
        notes.append(f"TensorFlow no longer requires {', '.join(target.release.no_longer_required)}")
    notes += [one.problem for one in target.companions]
    notes += [f"breaks: {one}" for one in target.breaks]
    notes += [f"warning: {one}" for one in target.warnings]
    yield from (f"- {_text(note)}" for note in notes)
    if notes:
        yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Return text as code; with a backtick or a bar in it as plain text, which no table can take apart."""
    return _text(text) if "`" in text or "|" in text else f"`{' '.join(text.split())}`"
