"""`tfbootstrap matrix companions`: packages that go with TensorFlow, and how they are tied to it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import WIDTH, print_facts, print_table


@click.command("companions")
@click.argument("name", required=False)
@matrix_option
@json_option
@no_color_option
def companions(*, name: str | None, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show what goes with TensorFlow, or how every version of one package is tied to it."""
    from tfbootstrap.app.matrix_companions import list_companions, show_companion

    document: Any = show_companion(name, matrix) if name else list_companions(matrix)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif name:
        print_facts(list(_facts(document)), no_color=no_color)
    else:
        print_table(("Package", "Newest tie", "Remark"), _cells(document), no_color=no_color)
    return 0


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    cells = [(row["name"], _newest_tie(row), _remark(row)) for row in rows]
    room = WIDTH - 4 - max(len(name) for name, _, _ in cells) - max(len(tie) for _, tie, _ in cells)
    return [(name, tie, textwrap.shorten(remark, room, placeholder=" ...")) for name, tie, remark in cells]


def _newest_tie(row: Mapping[str, Any]) -> str:
    if row["cuda"]:
        return f"{_plain(row['cuda'][-1]['versions'])}: CUDA {row['cuda'][-1]['cuda']}"
    if row["ties"]:
        return f"{_plain(row['ties'][-1]['versions'])}: {_plain(row['ties'][-1]['tensorflow'])}"
    return "-"


def _remark(row: Mapping[str, Any]) -> str:
    remarks = []
    if row["ended"]:
        remarks.append(f"ended with {row['ended']['last']}" + (f", see {row['successor']}" if row["successor"] else ""))
    if row["legacy_keras"]:
        remarks.append("needs Keras 2")
    return "; ".join(remarks) or row["role"]


def _plain(specifier: str) -> str:
    """Say `>=2.20.0,<=2.20.1` as `2.20.0-2.20.1`, `==2.20.0` as `2.20.0`; leave everything else."""
    parts = specifier.split(",")
    if len(parts) == 1 and specifier.startswith("=="):
        return specifier.removeprefix("==")
    low = [part.removeprefix(">=") for part in parts if part.startswith(">=")]
    high = [part.removeprefix("<=") for part in parts if part.startswith("<=")]
    return f"{low[0]}-{high[0]}" if len(parts) == 2 and low and high else specifier


def _facts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield row["name"], row["role"]
    if row["ended"]:
        yield "ended", f"with {row['ended']['last']}: {row['ended']['note']} ({row['ended']['source']})"
    if row["successor"]:
        yield "successor", row["successor"]
    if legacy := row["legacy_keras"]:
        note = f"; {legacy['note']}" if legacy["note"] else ""
        yield "Keras 2", f"{legacy['versions']} need tf-keras with TensorFlow 2.16 and newer{note} ({legacy['source']})"
    if row["note"]:
        yield "note", row["note"]
    if row["ties"]:
        yield "TensorFlow", "\n".join(_tie(tie) for tie in row["ties"])
    if row["cuda"]:
        yield "CUDA", "\n".join(_cuda(tie) for tie in row["cuda"])
    if row["also"]:
        yield "requires", "\n".join(f"{_plain(tie['versions'])}: {', '.join(tie['requires'])}" for tie in row["also"])


def _tie(tie: Mapping[str, Any]) -> str:
    extra = f" with [{tie['extra']}]" if tie["extra"] else ""
    remark = "; ".join(part for part in (tie["kind"], tie["note"], tie["source"]) if part)
    return f"{_plain(tie['versions'])}{extra}: {tie['tensorflow']} ({remark})"


def _cuda(tie: Mapping[str, Any]) -> str:
    extra = f" with [{tie['extra']}]" if tie["extra"] else ""
    cudnn = f", {tie['cudnn']}" if tie["cudnn"] else ""
    return f"{_plain(tie['versions'])}{extra}: CUDA {tie['cuda']}{cudnn}"
