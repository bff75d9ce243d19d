"""`tfbootstrap matrix distributions`: TensorFlow by other names, and what became of them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import WIDTH, print_facts, print_table


@click.command("distributions")
@click.argument("name", required=False)
@matrix_option
@json_option
@no_color_option
def distributions(*, name: str | None, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show TensorFlow's other distributions (tensorflow-cpu, tensorflow-intel), or all releases of one."""
    from tfbootstrap.app.matrix_distributions import list_distributions, show_distribution

    document: Any = show_distribution(name, matrix) if name else list_distributions(matrix)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif name:
        print_facts(list(_facts(document)), no_color=no_color)
    else:
        print_table(("Distribution", "Releases", "Remark"), _cells(document), no_color=no_color)
    return 0


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    cells = [(row["name"], _span(_versions(row)), row["role"]) for row in rows]
    room = WIDTH - 4 - max(len(name) for name, _, _ in cells) - max(len(span) for _, span, _ in cells)
    return [(name, span, textwrap.shorten(role, room, placeholder=" ...")) for name, span, role in cells]


def _versions(row: Mapping[str, Any]) -> list[str]:
    return [version for group in row["releases"] for version in group["versions"]]


def _facts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield row["name"], row["role"]
    if ended := row["ended"]:
        yield "ended", f"with {ended['last']}: {ended['note']} ({ended['source']})"
    for group in reversed(row["releases"]):
        yield _span(group["versions"]), "\n".join(_lines(group))


def _lines(group: Mapping[str, Any]) -> Iterator[str]:
    for platform, pythons in group["pythons"].items():
        shim = ", only redirects" if platform in group["shim_platforms"] else ""
        cuda = f", CUDA {group['cuda']}" if group["cuda"] and platform == "linux-x86_64" else ""
        yield f"{platform}: Python {_span(pythons)}{cuda}{shim}"


def _span(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]}-{values[-1]}"
