"""Finds the shipped data: the only code that knows where `compat_matrix/` and `templates/` are, and the strict YAML
parser of the matrix.

In an installed tfbootstrap both folders lie inside the package; in a checkout (and an editable install of it) they
lie beside it.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

from tfbootstrap.errors import InputError, Location, MatrixError, Problem
from tfbootstrap.matrix.reader import Document, MatrixFile, read_document

if TYPE_CHECKING:
    from importlib.abc import Traversable  # its home on Python 3.10; annotations are never evaluated

MATRIX_VARIABLE: Final = "TFBOOTSTRAP_MATRIX"
"""Names a folder to use instead of the shipped matrix; the option `--matrix` wins over it."""

File = TypeVar("File", bound=MatrixFile)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml's parser is ten times as fast; PyYAML has it on every platform that we support, but need not.


def matrix_directory(directory: Path | None = None, environment: Mapping[str, str] | None = None) -> Traversable:
    """Return the matrix folder: the one given, else that of TFBOOTSTRAP_MATRIX, else the shipped one.

    Raises InputError where a folder that the user named is none.
    """
    variable = (environment or {}).get(MATRIX_VARIABLE)
    if directory is None and not variable:
        return find_data("compat_matrix")
    named = directory if directory is not None else Path(variable or "")
    if not named.is_dir():
        raise InputError(
            Location(str(named)),
            "is not a folder; a matrix is a folder like compat_matrix/",
            hint=f"give another `--matrix DIR`, or use the shipped one: leave out the option and {MATRIX_VARIABLE}",
        )
    return named


def find_data(name: str) -> Traversable:
    """Return the folder `compat_matrix` or `templates`.

    Raises InputError naming both places that were looked at.
    """
    package = importlib.resources.files("tfbootstrap")
    inside = package / name
    if inside.is_dir():
        return inside
    if isinstance(package, Path):
        # Only a checkout counts: `site-packages/templates` could be anybody's.
        beside = package.parent / name
        if (package.parent / "pyproject.toml").is_file() and beside.is_dir():
            return beside
        looked = f"{inside} and, for a checkout, {beside}"
    else:
        looked = str(inside)
    raise InputError(Location(name), f"not found; looked at {looked}", hint="reinstall tfbootstrap")


def read_template(name: str) -> str:
    """Return the text of one template (`bootstrap.py.j2`)."""
    return _read_text(find_data("templates") / name, name)


def load(record: type[File], directory: Traversable | Path | None = None) -> File:
    """Read one file of the matrix into its record: `load(TensorflowMatrix)`.

    Raises MatrixError with every problem found, InputError where the file is missing or unreadable.
    """
    folder = matrix_directory() if directory is None else directory
    return load_file(record, folder / record.FILE)


def read_all(*readers: Callable[[], Any]) -> list[Any]:
    """Return what all readers return.

    Raises one MatrixError with the problems of all files that are wrong, so that nobody has to mend them one by one.
    """
    found: list[Any] = []
    wrong: list[MatrixError] = []
    for read in readers:
        try:
            found.append(read())
        except MatrixError as error:  # noqa: PERF203 - the next file's problems are wanted, too
            wrong.append(error)
    if wrong:
        raise MatrixError(tuple(problem for error in wrong for problem in error.problems), hint=wrong[0].hint)
    return found


def digest(directory: Traversable | Path | None = None) -> str:
    """Return what stands for the content of all data files at the top of a matrix: the same files, the same digest."""
    folder = matrix_directory() if directory is None else directory
    content = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            content.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def load_file(record: type[File], file: Traversable | Path, name: str | None = None) -> File:
    """Read one data file into a record; `name` is how messages call it."""
    shown = name or str(file)
    return read_document(record, parse_yaml(_read_text(file, shown), shown))


def _read_text(file: Traversable | Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise InputError(Location(name), "there is no such file", hint="is the matrix folder complete?") from None
    except UnicodeDecodeError as error:
        raise InputError(Location(name), f"is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise InputError(Location(name), f"can't be read: {error.strerror}") from None


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML strictly: strings, whole numbers, true, false and nothing; no duplicate keys, no aliases.

    What YAML would silently take for a float, a date or a yes is a problem that asks for quotes. Text that is no YAML
    at all raises MatrixError; everything else is noted in the document, so that the reader reports it with its own.
    """
    plain = _Plain(name)
    try:
        root = yaml.compose(text, Loader=_Loader)
        data = None if root is None else plain.value(root, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        location = Location(name, mark.line + 1 if mark else None, mark.column + 1 if mark else None)
        raise _no_yaml(location, error.problem or error.context or "") from None
    except yaml.YAMLError as error:
        raise _no_yaml(Location(name), str(error)) from None
    except RecursionError:
        raise _no_yaml(Location(name), "it is nested too deeply") from None
    return Document(path=name, data=data, lines=plain.lines, blocks=plain.blocks, problems=tuple(plain.problems))


def _no_yaml(location: Location, reason: str) -> MatrixError:
    problem = Problem(location, f"is no YAML: {' '.join(reason.split())}")
    return MatrixError((problem,), hint="correct it near there; the data guidelines are in compat_matrix/README.md")


_WHOLE_NUMBER: Final = re.compile(r"^(0|-?[1-9][0-9]*)$")
_COLLECTIONS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_KINDS: Final = {
    "float": "a number",
    "int": "a number",
    "bool": "true or false",
    "timestamp": "a date",
    "merge": "a merge key",
    "value": "a default value",
}


@dataclass(slots=True)
class _Plain:
    """Turns YAML nodes into plain data, keeping lines and noting what is not allowed."""

    name: str
    lines: dict[str, int] = field(default_factory=dict)
    blocks: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def wrong(self, node: yaml.Node, key: str, text: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(Location(self.name, mark.line + 1, mark.column + 1, key or None), text))

    def value(self, node: yaml.Node, key: str) -> object:
        self.lines[key] = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            if node.style == "|":
                self.blocks.add(key)
            return self.scalar(node, key)
        if id(node) in self.seen:
            self.wrong(node, key, "aliases are not allowed; write the value again")
            return None
        self.seen.add(id(node))
        if node.tag not in _COLLECTIONS:
            self.wrong(node, key, f"the tag {node.tag} is not allowed")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, f"{key}[{index}]") for index, item in enumerate(node.value)]
        return dict(self.items(node, key))

    def items(self, node: yaml.Node, key: str) -> Iterator[tuple[str, object]]:
        known: dict[str, int] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self.wrong(name_node, key, "a key must be a string")
                continue
            name = name_node.value
            path = f"{key}.{name}" if key else name
            if name in known:
                self.wrong(name_node, path, f"duplicate key; it is on line {known[name]} already")
                continue
            known[name] = name_node.start_mark.line + 1
            if not isinstance(self.scalar(name_node, path), str):
                self.wrong(name_node, path, f"a key must be a string: write {name!r} in quotes")
            yield name, self.value(value_node, path)

    def scalar(self, node: yaml.ScalarNode, key: str) -> object:
        text: str = node.value
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool" and text in ("true", "false"):
            return text == "true"
        if kind == "int" and _WHOLE_NUMBER.match(text):
            return int(text)
        if kind in _KINDS:
            self.wrong(node, key, f"{text} is read as {_KINDS[kind]}: write it in quotes")
        else:
            self.wrong(node, key, f"the tag {node.tag} is not allowed")
        return text
