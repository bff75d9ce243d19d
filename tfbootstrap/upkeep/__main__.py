"""`python -m tfbootstrap.upkeep`: each command prints the diff that it proposes; `--write` applies it.

Exit code 0: nothing to change, or written; 1: there is a proposal; others as of `tfbootstrap`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import click

from tfbootstrap.edges.index import IndexClient, ask_default_index
from tfbootstrap.edges.index_configuration import read_index_configuration
from tfbootstrap.edges.resources import find_data, load, load_file, read_all
from tfbootstrap.errors import ExitCode, InputError, Location, TfbootstrapError, UsageError
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.cuda import CudaMatrix
from tfbootstrap.matrix.cudnn import CudnnMatrix
from tfbootstrap.matrix.distributions import DistributionsMatrix
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.reader import MatrixFile
from tfbootstrap.matrix.requires import RequiresMatrix
from tfbootstrap.matrix.runtimes import RuntimeProfile
from tfbootstrap.matrix.signatures import SignaturesMatrix
from tfbootstrap.matrix.symbols import SymbolsMatrix
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.matrix.tested import OfficialMatrix
from tfbootstrap.upkeep.across import Files, across_findings
from tfbootstrap.upkeep.catalogue import file_records, files_of, schema_file
from tfbootstrap.upkeep.companions import read_companions
from tfbootstrap.upkeep.cuda import (
    parse_drivers,
    parse_generations,
    refresh_generations,
    refresh_toolkits,
    unknown_toolkits,
)
from tfbootstrap.upkeep.cudnn import read_matrix as read_cudnn
from tfbootstrap.upkeep.distributions import read_distributions
from tfbootstrap.upkeep.dump import dump
from tfbootstrap.upkeep.gpu_code import read_matrix as read_gpu_code
from tfbootstrap.upkeep.libraries import read_matrix as read_libraries
from tfbootstrap.upkeep.lints import findings
from tfbootstrap.upkeep.proposal import propose
from tfbootstrap.upkeep.requires import read_requires
from tfbootstrap.upkeep.runtimes import colab_profile, read_lists
from tfbootstrap.upkeep.schema import json_schema
from tfbootstrap.upkeep.symbols import read_symbols
from tfbootstrap.upkeep.tensorflow import parse_only, read_matrix
from tfbootstrap.upkeep.tested import official_matrix, read_pages

_matrix_option = click.option(
    "--matrix", "directory", type=click.Path(path_type=Path), help="The matrix folder (default: this checkout's)."
)
_index_option = click.option(
    "--index", metavar="URL", help="The package index (default: what uv or pip is configured with)."
)
_write_option = click.option("--write", is_flag=True, help="Write what the diff shows.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """Refresh and check the compatibility matrix."""


@group.command()
@click.option("--only", metavar="SPEC", help="Read these releases only (`==2.20.*`); keep the other rows.")
@_index_option
@_matrix_option
@_write_option
def tensorflow(only: str | None, index: str | None, directory: Path | None, write: bool) -> int:
    """Read tensorflow.yaml from the published wheels."""
    folder = _folder(directory)
    path = folder / TensorflowMatrix.FILE
    specifier = parse_only(only) if only else None
    keep = load(TensorflowMatrix, folder) if specifier is not None else None
    new = read_matrix(_client(index), only=specifier, keep=keep, progress=_progress)
    return _finish({path: dump(new)}, folder, write)


@group.command()
@click.option("--from", "source", type=click.Path(path_type=Path), required=True, help="A checkout of Colab's lists.")
@click.option("--name", required=True, help="The profile's name: `colab-2026.07`.")
@click.option("--commit", required=True, help="The checkout's commit.")
@click.option("--date", "published", required=True, help="The commit's day (YYYY-MM-DD).")
@_matrix_option
@_write_option
def runtimes(source: Path, name: str, commit: str, published: str, directory: Path | None, write: bool) -> int:
    """Make a runtime profile from the lists that Colab publishes; a title and note typed by hand are kept."""
    folder = _folder(directory)
    path = folder / "runtimes" / f"{name}.yaml"
    keep = load_file(RuntimeProfile, path) if path.is_file() else None
    texts = read_lists(source)
    profile = colab_profile(texts, name=name, commit=commit, published=published, checked=_today(), keep=keep)
    return _finish({path: dump(profile)}, folder, write)


@group.command("runtime-requires")
@_index_option
@_matrix_option
@_write_option
def runtime_requires(index: str | None, directory: Path | None, write: bool) -> int:
    """Read what the packages of all runtime profiles require."""
    folder = _folder(directory)
    profiles = [load_file(RuntimeProfile, path) for path in files_of(RuntimeProfile, folder)]
    path = folder / RequiresMatrix.FILE
    keep = load_file(RequiresMatrix, path) if path.is_file() else None
    new = read_requires(_client(index), profiles, checked=_today(), keep=keep, progress=_progress)
    return _finish({path: dump(new)}, folder, write)


@group.command()
@_index_option
@_matrix_option
@_write_option
def companions(index: str | None, directory: Path | None, write: bool) -> int:
    """Read from their wheels how companions are tied to TensorFlow; rows typed by hand are kept."""
    folder = _folder(directory)
    new = read_companions(_client(index), load(CompanionsMatrix, folder), day=_today(), progress=_progress)
    return _finish({folder / CompanionsMatrix.FILE: dump(new)}, folder, write)


@group.command()
@_index_option
@_matrix_option
@_write_option
def distributions(index: str | None, directory: Path | None, write: bool) -> int:
    """Read from their wheels what other distributions of TensorFlow there are; what is typed by hand is kept."""
    folder = _folder(directory)
    keep, tensorflow = load(DistributionsMatrix, folder), load(TensorflowMatrix, folder)
    new = read_distributions(_client(index), keep, tensorflow, day=_today(), progress=_progress)
    return _finish({folder / DistributionsMatrix.FILE: dump(new)}, folder, write)


@group.command()
@click.option("--from", "source", type=click.Path(path_type=Path), required=True, help="A checkout of tensorflow/docs.")
@click.option("--commit", required=True, help="The checkout's commit.")
@_matrix_option
@_write_option
def tested(source: Path, commit: str, directory: Path | None, write: bool) -> int:
    """Read the page of tested configurations from a checkout of tensorflow/docs; words typed by hand are kept."""
    folder = _folder(directory)
    path = folder / OfficialMatrix.FILE
    keep = load_file(OfficialMatrix, path) if path.is_file() else OfficialMatrix()
    new = official_matrix(read_pages(source), commit=commit, checked=_today(), keep=keep)
    return _finish({path: dump(new)}, folder, write)


@group.command("gpu-code")
@click.option("--only", metavar="SPEC", help="Read these releases only (`==2.20.*`); keep the other rows.")
@_index_option
@_matrix_option
@_write_option
def gpu_code(only: str | None, index: str | None, directory: Path | None, write: bool) -> int:
    """Read gpu_code.yaml from the fat binaries of TensorFlow's wheels: 600 MB for each release."""
    folder = _folder(directory)
    specifier = parse_only(only) if only else None
    keep = load(GpuCodeMatrix, folder) if specifier is not None else None
    new = read_gpu_code(_client(index), only=specifier, keep=keep, progress=_progress)
    return _finish({folder / GpuCodeMatrix.FILE: dump(new)}, folder, write)


@group.command()
@_index_option
@_matrix_option
@_write_option
def cudnn(index: str | None, directory: Path | None, write: bool) -> int:
    """Read from cuDNN's wheels which GPUs versions newer than cudnn.yaml have code for: 700 MB for each one read."""
    folder = _folder(directory)
    new = read_cudnn(_client(index), load(CudnnMatrix, folder), _progress)
    return _finish({folder / CudnnMatrix.FILE: dump(new)}, folder, write)


@group.command()
@click.option("--only", metavar="SPEC", help="Ask these TensorFlow releases only (`==2.20.*`); keep the other rows.")
@_index_option
@_matrix_option
@_write_option
def libraries(only: str | None, index: str | None, directory: Path | None, write: bool) -> int:
    """Ask TensorFlow's loader which CUDA libraries it opens, and find the wheels with them (on Linux x86_64)."""
    folder = _folder(directory)
    specifier = parse_only(only) if only else None
    new = read_libraries(_client(index), load(LibrariesMatrix, folder), only=specifier, progress=_progress)
    return _finish({folder / LibrariesMatrix.FILE: dump(new)}, folder, write)


@group.command()
@click.option("--only", metavar="SPEC", help="Read these TensorFlow and Keras releases only; keep the others.")
@_index_option
@_matrix_option
@_write_option
def symbols(only: str | None, index: str | None, directory: Path | None, write: bool) -> int:
    """Read the public names, and the arguments that changed, of every TensorFlow and Keras minor from their wheels."""
    folder = _folder(directory)
    specifier = parse_only(only) if only else None
    keep = {
        path.relative_to(folder).as_posix(): load_file(record, path)
        for record in (SymbolsMatrix, SignaturesMatrix)
        for path in files_of(record, folder)
    }
    new = read_symbols(_client(index), only=specifier, keep=keep, progress=_progress)
    return _finish({folder / name: dump(matrix) for name, matrix in new.items()}, folder, write)


@group.command()
@click.option("--release-notes", type=click.Path(path_type=Path), help="The saved page of the CUDA release notes.")
@click.option("--architectures", type=click.Path(path_type=Path), help="The saved page of the architecture matrix.")
@_matrix_option
@_write_option
def cuda(release_notes: Path | None, architectures: Path | None, directory: Path | None, write: bool) -> int:
    """Bring the drivers of cuda.yaml up to date with saved pages of NVIDIA's documentation."""
    if release_notes is None and architectures is None:
        raise UsageError("no page was named", hint="save one and name it: --release-notes FILE, --architectures FILE")
    folder = _folder(directory)
    matrix = load(CudaMatrix, folder)
    if release_notes is not None:
        drivers = parse_drivers(_read(release_notes))
        matrix = replace(matrix, toolkits=refresh_toolkits(matrix.toolkits, drivers, _today()))
        for toolkit in unknown_toolkits(matrix, drivers):
            _progress(f"CUDA {toolkit} has no row yet: its PTX ISA and architectures have to be looked up")
    if architectures is not None:
        branches = parse_generations(_read(architectures))
        matrix = replace(matrix, generations=refresh_generations(matrix.generations, branches, _today()))
    return _finish({folder / CudaMatrix.FILE: dump(matrix)}, folder, write)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Location(str(path)), f"can't be read: {error}") from None


@group.command()
@_matrix_option
@_write_option
def schema(directory: Path | None, write: bool) -> int:
    """Make the JSON Schemas from the records."""
    folder = _folder(directory)
    return _finish({folder / schema_file(record): json_schema(record) for record in file_records()}, folder, write)


@group.command("format")
@_matrix_option
@_write_option
def format_files(directory: Path | None, write: bool) -> int:
    """Bring every data file into its canonical form."""
    folder = _folder(directory)
    texts = {path: dump(load_file(record, path)) for record, path in _data_files(folder)}
    return _finish(texts, folder, write)


@group.command("lint")
@_matrix_option
def lint_files(directory: Path | None) -> int:
    """Check every data file with every lint."""
    folder = _folder(directory)
    count = 0
    whole: dict[type[MatrixFile], MatrixFile] = {}
    files = _data_files(folder)
    loaded = read_all(*(partial(load_file, record, path) for record, path in files))
    for (record, path), matrix in zip(files, loaded, strict=True):
        for name, key, text in findings(matrix):
            click.echo(f"{path.relative_to(folder).as_posix()}: {key}: {text} [{name}]")
            count += 1
        if path == folder / record.FILE:
            whole[record] = matrix
    for record, name, key, text in across_findings(Files(whole)):
        click.echo(f"{record.FILE}: {key}: {text} [{name}]")
        count += 1
    return int(ExitCode.WANTING if count else ExitCode.DONE)


@group.command()
@click.option("--days", type=click.IntRange(0), default=90, show_default=True, help="More than so many days.")
@click.option("--only", metavar="SPEC", help="Look at these TensorFlow releases only (`>=2.18`).")
@_index_option
@_matrix_option
def lag(days: int, only: str | None, index: str | None, directory: Path | None) -> int:
    """Show proven pins that lag the newest release; `prove --again` proves with the newest that bounds allow."""
    from tfbootstrap.edges.proofs import read_proofs
    from tfbootstrap.upkeep.lag import read_lags

    specifier = parse_only(only) if only else None
    proofs = tuple(
        proof
        for proof in read_proofs(_folder(directory))
        if proof.result == "passed" and (specifier is None or specifier.contains(proof.tensorflow))
    )
    found = read_lags(_client(index), proofs, days=days)
    for one in found:
        cells = f"{one.cells[0]} and {len(one.cells) - 1} more" if len(one.cells) > 1 else one.cells[0]
        click.echo(f"{one.package} {one.proven}: {one.newest} is {one.days} days newer ({cells})")
    return int(ExitCode.WANTING if found else ExitCode.DONE)


def _data_files(folder: Path) -> list[tuple[type[MatrixFile], Path]]:
    found = [(record, path) for record in file_records() for path in files_of(record, folder)]
    if not found:
        raise UsageError(f"{folder} holds no data file", hint="name a matrix folder with --matrix")
    return found


@group.command()
@click.option("--only", metavar="SPEC", help="Prove these TensorFlow releases only (`==2.20.*`).")
@click.option("--python", metavar="X.Y", help="Prove this Python only.")
@click.option("--jobs", type=click.IntRange(1, 2), default=1, help="Cells at a time.")
@click.option("--companions", is_flag=True, help="Prove companions beside the pins that are proven.")
@click.option("--again", is_flag=True, help="Prove with the newest versions what is proven already.")
@click.option(
    "--work", type=click.Path(path_type=Path), metavar="DIR", help="Scratch folder (default: a cache folder)."
)
@_matrix_option
def prove(**given: Any) -> int:
    """Install and try the newest patch of each minor under each Python; write a proof of each.

    What has a passed proof is left out, so that a run that was stopped goes on where it was.
    """
    from tfbootstrap.upkeep.campaign import Wishes, run_campaign

    matrix, only = _folder(given.pop("directory")), given.pop("only")
    return run_campaign(matrix, Wishes(only=parse_only(only) if only else None, **given))


def _folder(directory: Path | None) -> Path:
    folder = directory or find_data("compat_matrix")
    if not isinstance(folder, Path) or not folder.is_dir():
        raise UsageError(f"{folder} is not a folder that can be written", hint="name one with --matrix")
    return folder


def _client(index: str | None) -> IndexClient:
    return IndexClient(index or read_index_configuration(os.environ, Path.cwd()).default or ask_default_index())


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _today() -> str:
    return datetime.now(tz=timezone.utc).date().isoformat()


def _finish(texts: Mapping[Path, str], folder: Path, write: bool) -> int:
    diff = propose(texts, folder, write=write)
    click.echo(diff, nl=False)
    if diff and not write:
        click.echo("nothing was written; --write applies this", err=True)
        return int(ExitCode.WANTING)
    return int(ExitCode.DONE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a maintainer's command; expected failures become one message on stderr."""
    try:
        return int(group.main(arguments, prog_name="python -m tfbootstrap.upkeep", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except click.exceptions.Abort:
        return int(ExitCode.INTERRUPTED)
    except TfbootstrapError as error:
        click.echo(f"error: {error}", err=True)
        if error.hint:
            click.echo(f"\nhint: {error.hint}", err=True)
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
