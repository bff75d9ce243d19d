"""`tfbootstrap matrix runtimes`: the runtimes that one can lock for without being on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from tfbootstrap.cli.options import json_option, matrix_option, no_color_option
from tfbootstrap.cli.tables import print_facts, print_table


@click.command("runtimes")
@click.argument("name", required=False)
@matrix_option
@json_option
@no_color_option
def runtimes(*, name: str | None, matrix: Path | None, as_json: bool, no_color: bool) -> int:
    """Show the runtimes to lock for (`lock --runtime NAME`), or everything known of one."""
    from tfbootstrap.app.matrix_runtimes import list_runtimes, show_runtime

    document: Any = show_runtime(name, matrix) if name else list_runtimes(matrix)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif name:
        print_facts(list(_facts(document)), no_color=no_color)
    else:
        head = ("Runtime", "Python", "C library", "TensorFlow", "CUDA", "cuDNN", "GPU")
        print_table(head, [_cells(runtime) for runtime in document], no_color=no_color)
        click.echo(
            "\nGPU: offered by the host (the first of its list unless --gpu says which), given with --gpu, or none."
        )
    return 0


def _cells(runtime: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        runtime["name"],
        runtime["python"],
        runtime["platform"]["libc"] or "-",
        runtime["quick"].get("tensorflow", "-"),
        runtime["cuda"] or "-",
        runtime["cudnn"] or "-",
        runtime["gpu"],
    )


def _facts(runtime: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    platform = runtime["platform"]
    yield runtime["name"], runtime["title"]
    yield "Python", runtime["python"]
    yield "platform", ", ".join(part for part in (*platform.values(), runtime["release"]) if part)
    if runtime["quick"]:
        yield "packages", ", ".join(f"{name} {version}" for name, version in runtime["quick"].items())
        yield "lists", _lists(runtime)
    if cuda := runtime["system_cuda"]:
        compat = f", cuda-compat {cuda['compat']}" if cuda["compat"] else ""
        yield "CUDA", f"{cuda['toolkit']} (nvcc {cuda['nvcc']}), cuDNN {cuda['cudnn']}, NCCL {cuda['nccl']}{compat}"
    yield "GPU", "\n".join(_gpu(gpu) for gpu in runtime["gpus"]) or runtime["gpu"]
    if runtime["drivers"]:
        seen = (f"{driver['version']} (CUDA {driver['cuda']}) since {driver['first']}" for driver in runtime["drivers"])
        yield "driver", "\n".join(seen)
    if runtime["environment"]:
        yield "variables", "\n".join(_variable(variable) for variable in runtime["environment"])
    if runtime["uv"] is not None:
        yield "uv", "preinstalled" if runtime["uv"] else "not there"
    for note in runtime["notes"]:
        yield "note", note
    yield "source", f"{runtime['source']} ({runtime['checked']})"


def _lists(runtime: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{len(packages)} for {image.upper()}" for image, packages in runtime["packages"].items())
    elsewhere = sorted({item["name"] for items in runtime["unindexed"].values() for item in items})
    partial = "" if runtime["complete"] else " (only what is certain)"
    return f"{counts}{partial}; from no index: {', '.join(elsewhere) or 'none'}"


def _gpu(gpu: Mapping[str, Any]) -> str:
    count = f"{gpu['count']} x " if gpu["count"] > 1 else ""
    until = f", until {gpu['last']}" if gpu["last"] else ""
    note = f" ({gpu['note']})" if gpu["note"] else ""
    return f"{gpu['offer']}: {count}{gpu['name']}, {gpu['compute_capability']}, for {gpu['access']}{until}{note}"


def _variable(variable: Mapping[str, Any]) -> str:
    value = f"={variable['value']}" if variable["value"] else ""
    return f"{variable['name']}{value}: {variable['note']}"
