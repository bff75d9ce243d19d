"""`tfbootstrap matrix`: tables of the compatibility data that fit 100 columns, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tfbootstrap.cli.matrix_companions import companions
from tfbootstrap.cli.matrix_distributions import distributions
from tfbootstrap.cli.matrix_gpus import gpus
from tfbootstrap.cli.matrix_runtimes import runtimes
from tfbootstrap.cli.matrix_symbols import symbols
from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import print_facts, print_table

_PLATFORMS = {
    "linux-x86_64": "linux",
    "linux-aarch64": "linux-arm",
    "macos-x86_64": "mac-intel",
    "macos-arm64": "mac",
    "windows-x86_64": "win",
}
"""Short names, so that a release fits one line."""


@click.group("matrix")
def command() -> None:
    """Look at the compatibility data."""


command.add_command(gpus)
command.add_command(runtimes)
command.add_command(companions)
command.add_command(distributions)
command.add_command(symbols)


@command.command("show")
@click.argument("specifier", required=False, metavar="[SPEC]")
@click.option("--pre", is_flag=True, help="Pre-releases too.")
@matrix_option
@json_option
@no_color_option
def show(*, specifier: str | None, pre: bool, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show the TensorFlow releases that SPEC admits (2.15, '>=2.18'; default: all), newest first."""
    from tfbootstrap.app.matrix import show_matrix

    rows = show_matrix(specifier, prereleases=pre, directory=matrix).to_json()
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif len(rows) == 1:
        _print_release(rows[0], no_color=no_color)
    else:
        _print_releases(rows, no_color=no_color)
    return 0


def _print_releases(rows: Sequence[Mapping[str, Any]], *, no_color: bool) -> None:
    head = ("TensorFlow", "Python", "CUDA", "cuDNN", "GPU architectures", "Platforms")
    cells = [
        (
            row["version"],
            _range(row["pythons"]),
            row["cuda"] or "-",
            row["cudnn"] or "-",
            _architectures(row["compute_capabilities"]) or "-",
            " ".join(_PLATFORMS[platform] for platform in row["platforms"]),
        )
        for row in rows
    ]
    print_table(head, cells, no_color=no_color)
    click.echo("\n+ has PTX, which the driver compiles for newer GPUs; * all have. linux-arm is aarch64, mac is arm64.")


def _print_release(row: Mapping[str, Any], *, no_color: bool) -> None:
    print_facts(_release_facts(row), no_color=no_color)


def _release_facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    marks = [name for name in ("prerelease", "yanked") if row[name]]
    cudnn = row["cudnn"] or "-"
    built = f" (compiled with {row['cudnn_headers']})" if row["cudnn_headers"] else ""
    return [
        ("TensorFlow", " ".join([row["version"], *(f"({mark})" for mark in marks)])),
        ("released", row["released"]),
        ("Python", ", ".join(row["pythons"])),
        ("platforms", ", ".join(row["platforms"])),
        ("built with CUDA", ", ".join(row["cuda_platforms"]) or "none: processors only"),
        ("only redirects", ", ".join(_redirect(row, platform) for platform in row["shim_platforms"]) or "-"),
        ("CUDA", row["cuda"] or "-"),
        ("cuDNN", cudnn + built),
        ("GPU architectures", " ".join(row["compute_capabilities"]) or "-"),
        ("and-cuda", "\n".join(row["nvidia"]) or "- (no such extra)"),
        *((f"tested on {line['system']}", _tested(line)) for line in row["tested"]),
        *_pages(row["tested"]),
        ("proven", f"on Linux x86_64, CPU: Python {', '.join(row['proven'])}" if row["proven"] else "no"),
    ]


def _redirect(row: Mapping[str, Any], platform: str) -> str:
    name = row["redirects"].get(platform)
    return f"{platform} (to {name})" if name else platform


def _tested(line: Mapping[str, Any]) -> str:
    """Say what TensorFlow's page has of a minor, and in what the release's wheels, which count, differ."""
    cuda = f", CUDA {line['cuda']}, cuDNN {line['cudnn']}" if line["cuda"] else ""
    said = [f"{line['tensorflow']} with Python {_range(line['pythons'])}{cuda}"]
    if line["differences"]:
        word = f": {line['word']}" if line["word"] else ""
        said.append(f"the wheels have {'; '.join(line['differences'])}{word}")
    return "\n".join(said)


def _pages(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    sources = dict.fromkeys(line["source"] for line in lines)
    return [("tested, says", "\n".join(sources))] if sources else []


def _range(pythons: Sequence[str]) -> str:
    return pythons[0] if len(pythons) == 1 else f"{pythons[0]}-{pythons[-1]}"


def _architectures(names: Sequence[str]) -> str:
    """Write `sm_80 compute_90` as `8.0 9.0+`; where all have PTX, one `*` says so."""
    pairs = [
        (kind == "compute", f"{digits[:-1]}.{digits[-1]}") for kind, _, digits in (n.partition("_") for n in names)
    ]
    if len(pairs) > 1 and all(ptx for ptx, _ in pairs):
        return " ".join([*(number for _, number in pairs), "*"])
    return " ".join(f"{number}{'+' if ptx else ''}" for ptx, number in pairs)
