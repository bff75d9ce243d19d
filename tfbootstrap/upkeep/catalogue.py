"""Which data files there are: every record of `tfbootstrap.matrix` that is a whole file, and its files in a folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from pathlib import Path, PurePosixPath
from typing import cast

import tfbootstrap.matrix
from tfbootstrap.matrix.reader import MatrixFile


@cache
def file_records() -> tuple[type[MatrixFile], ...]:
    """Return every record that describes a whole data file, sorted by file; a new one is found without being told."""
    found: dict[str, type[MatrixFile]] = {}
    for module_info in pkgutil.iter_modules(tfbootstrap.matrix.__path__, "tfbootstrap.matrix."):
        module = importlib.import_module(module_info.name)
        for _, record in inspect.getmembers(module, inspect.isclass):
            file = getattr(record, "FILE", None)
            if record.__module__ == module.__name__ and isinstance(file, str):
                found[file] = cast("type[MatrixFile]", record)
    return tuple(found[file] for file in sorted(found))


def files_of(record: type[MatrixFile], directory: Path) -> tuple[Path, ...]:
    """Return the files of a record in a matrix folder; `runtimes/*.yaml` has many, most have one."""
    return tuple(sorted(directory.glob(record.FILE)))


def schema_file(record: type[MatrixFile]) -> PurePosixPath:
    """Return where the JSON Schema of a record's files stands in a matrix folder: `schema/tensorflow.json`."""
    path = PurePosixPath(record.FILE)
    return PurePosixPath("schema") / f"{path.stem if '*' not in path.name else path.parent.name}.json"
