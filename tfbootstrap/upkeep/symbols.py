"""Refreshes `symbols/*.yaml` and `signatures/*.yaml`: the public names of every TensorFlow and Keras minor, and the
keyword arguments that changed, read from their wheels.

Both packages generate modules that do nothing but import what is public; they are parsed, never run. A TensorFlow wheel
has some three hundred of them, about 300 kB by range requests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tfbootstrap.edges.index import IndexClient, IndexFile
from tfbootstrap.edges.wheels import RemoteWheel
from tfbootstrap.errors import InputError, Location
from tfbootstrap.matrix.signatures import ANY_KEYWORD, SignaturesMatrix
from tfbootstrap.matrix.symbols import Matrix, SymbolPackage, SymbolsMatrix, minor_of
from tfbootstrap.upkeep.python_sources import PythonSources
from tfbootstrap.upkeep.requires import choose_wheel
from tfbootstrap.upkeep.signatures import SignatureReader
from tfbootstrap.upkeep.tensorflow import parse_metadata

OLDEST: Final[Mapping[SymbolPackage, Version]] = {"tensorflow": Version("1.15"), "keras": Version("2.6")}
"""The first release of each that is read; standalone Keras wheels have no such modules before."""

FILES: Final[Mapping[str, tuple[SymbolPackage, str]]] = {
    "tensorflow.yaml": ("tensorflow", "tf"),
    "tf_keras.yaml": ("keras", "tf.keras"),
    "keras_v1.yaml": ("keras", "tf.compat.v1.keras"),
    "keras.yaml": ("keras", "keras"),
}
"""Below `symbols/`: whose minors a file counts, and the module that its tree is shown as."""

_THREADS: Final = 4
_UNWANTED: Final = re.compile(r"\.compat\.v[12]\.compat\b|^tf\.compat\.v2\.")
"""TensorFlow shows itself inside itself; once is enough."""
_TAKES_SUMMARY: Final = "from tensorboard.summary._tf import summary"
"""What the root module says from 2.0 to 2.15: `tf.summary` is TensorBoard's module over TensorFlow's own."""
_OF_TENSORBOARD: Final = frozenset(f"tf.summary.{name}" for name in ("audio", "histogram", "image", "scalar", "text"))
_NO_NAMES: Final = frozenset({"__path__", "__all__"})


# --- pure --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModuleNames:
    """What a generated module binds; `nn.rnn_cell` where it sets deeper."""

    public: frozenset[str]
    refused: frozenset[str]
    """Modules that hold nothing with Keras 3, whatever is listed below them."""
    origins: Mapping[str, tuple[str, str]]
    """Public name -> the module that it is imported from, and its name there."""


def read_names(text: str) -> ModuleNames:
    """Return the public names that a generated module binds, without running it; what only type checkers see is none.

    Raises SyntaxError where the text is no Python.
    """
    found: set[str] = set()
    refused: set[str] = set()
    origins: dict[str, tuple[str, str]] = {}
    for statement in _statements(ast.parse(text).body):
        if isinstance(statement, ast.Delete):
            found -= {target.id for target in statement.targets if isinstance(target, ast.Name)}
            continue
        names = {name for name in _bound(statement) if _is_public(name)}
        found |= names
        if _is_for_keras_2(statement):
            refused |= names
        if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            origins.update({(one.asname or one.name): (statement.module, one.name) for one in statement.names})
    return ModuleNames(
        frozenset(found), frozenset(refused), {name: origin for name, origin in origins.items() if name in found}
    )


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from _statements([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _statements([*statement.body, *statement.orelse])
        else:
            yield statement


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.ImportFrom(module=module, names=names) if module != "__future__":
            yield from (alias.asname or alias.name for alias in names)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() | ast.Attribute()):
            yield name
        case ast.Assign(targets=[ast.Attribute() as target]):
            root, _, path = ast.unparse(target).partition(".")
            yield from (path,) if root == "_current_module" else ()
        case ast.Expr(value=ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), _])):
            yield name


def _is_for_keras_2(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.keyword) and node.arg == "mode" and ast.unparse(node.value) == "'v1'"
        for node in ast.walk(statement)
    )


def _is_public(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last not in _NO_NAMES and (not last.startswith("_") or (last.startswith("__") and last.endswith("__")))


def tree_of(modules: Iterable[tuple[str, str]], *, keras_3: bool = False) -> frozenset[str]:
    """Return every dotted name of a tree given as (module, text); with `keras_3` without what is empty with that."""
    names: set[str] = set()
    refused: set[str] = set()
    for module, text in modules:
        found = read_names(text)
        names |= _OF_TENSORBOARD if _TAKES_SUMMARY in text else frozenset()
        names.update(f"{module}.{name}" for name in found.public)
        refused.update(f"{module}.{name}" for name in found.refused if keras_3)
    below = tuple(f"{name}." for name in refused)
    return frozenset(name for name in names if not _UNWANTED.search(name) and not name.startswith(below))


def keywords_of(modules: Iterable[tuple[str, str]], reader: SignatureReader) -> frozenset[str]:
    """Return `function.keyword` for every function and class of a tree given as (module, text), as dotted names."""
    found: set[str] = set()
    for module, text in modules:
        for name, (origin, original) in read_names(text).origins.items():
            for keyword in reader.keywords(origin, original) or ():
                found.add(f"{module}.{name}.{keyword}")
    return frozenset(found)


def module_files(root: str, members: Iterable[str]) -> list[tuple[str, str]]:
    """Return (module, member of the wheel that says its names) for the tree of this root; empty: no such tree."""
    paths = tuple(members)
    for (module, folder), *others in _PLACES[root]:
        if found := list(_below(module, folder, paths)):
            found += [pair for other in others for pair in _below(*other, paths)]
            return [(name, path) for name, path in found if not _UNWANTED.search(f"{name}.")]
    return []


def _below(module: str, folder: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    compiled = re.compile(rf"{folder}/__init__\.py")
    for path in paths:
        if match := compiled.fullmatch(path):
            yield module + match["below"].replace("/", "."), path


_BELOW: Final = r"(?P<below>(?:/\w+)*)"

_PLACES: Final[Mapping[str, tuple[tuple[tuple[str, str], ...], ...]]] = {
    "tf": tuple(
        (
            ("tf", f"{package}/_api/v{major}{_BELOW}"),
            ("tf", f"{package}(?P<below>)"),
            ("tf.keras", f"{package}/python/keras/api/_v{major}/keras{_BELOW}"),
            ("tf.compat.v1.keras", f"{package}/python/keras/api/_v1/keras{_BELOW}"),
        )
        for package, major in (("tensorflow_core", 1), ("tensorflow_core", 2), ("tensorflow", 2))
    ),
    "tf.keras": ((("tf.keras", f"keras/api/_v2/keras{_BELOW}"),), (("tf.keras", f"keras/_tf_keras/keras{_BELOW}"),)),
    "tf.compat.v1.keras": ((("tf.compat.v1.keras", f"keras/api/_v1/keras{_BELOW}"),),),
    "keras": (
        (("keras", f"keras/api/_v2/keras{_BELOW}"),),
        (("keras", rf"keras/api(?!/_tf_keras\b){_BELOW}"),),
        (("keras", rf"keras(?!/(?:src|_tf_keras)\b){_BELOW}"),),
    ),
}
"""Root of a tree -> where wheels have it: the first alternative whose first folder is there holds."""


def open_modules(members: Iterable[str]) -> frozenset[str]:
    """Return the modules below `keras` that can be imported though no tree lists them: all, before `keras/src` came."""
    paths = [path for path in members if path.startswith("keras/") and path.endswith(".py")]
    if any(path.startswith("keras/src/") for path in paths):
        return frozenset()
    names = (path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in paths)
    return frozenset(name for name in names if "." in name and not _NOT_OPEN.search(name))


_NOT_OPEN: Final = re.compile(r"^keras\.(?:api|integration_test|tests|protobuf)\b|_test$|\._|\.test_|\.__")


def newest_of_minors(files: Iterable[IndexFile], package: SymbolPackage) -> tuple[Version, ...]:
    """Return the newest final release of each minor that has a wheel, oldest first; yanked files don't count."""
    found: dict[str, Version] = {}
    for file in files:
        try:
            version = parse_wheel_filename(file.file_name)[1]
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if file.yanked or version.is_prerelease or version.is_postrelease or version < OLDEST[package]:
            continue
        minor = minor_of(str(version))
        found[minor] = max(found.get(minor, version), version)
    return tuple(sorted(found.values()))


def required_keras(metadata: str) -> str | None:
    """Return what METADATA requires of Keras (`keras>=3.5.0`); None where it takes no final release of it."""
    for text in parse_metadata(metadata).requires:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == "keras" and requirement.marker is None:
            return f"keras{requirement.specifier}"
    return None


# --- fetching ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseNames:
    """What one release's wheel tells."""

    line: str
    """As it stands among a file's releases."""
    trees: Mapping[str, frozenset[str]]
    """Root -> its dotted names; a release without that tree has none."""
    keywords: Mapping[str, frozenset[str]]
    """Root -> `function.keyword` of its functions and classes, `**` for any keyword."""


def read_release(
    client: IndexClient, package: SymbolPackage, version: Version, files: Iterable[IndexFile]
) -> ReleaseNames:
    """Read every tree of one release.

    Raises PackageIndexError where the index fails, InputError where the wheel has no tree.
    """
    file = choose_wheel([file for file in files if not file.yanked], str(version))
    if file is None:
        raise InputError(Location(client.name), f"lists no wheel of {package} {version}")
    wheel = RemoteWheel(client, file)
    keras = required_keras(wheel.metadata()) if package == "tensorflow" else None
    keras_3 = keras is not None and Requirement(keras).specifier.contains("3.999")
    reader = SignatureReader(PythonSources(wheel.names, wheel.text))
    trees, keywords = {}, {}
    for owner, root in FILES.values():
        if owner == package and (members := module_files(root, wheel.names)):
            trees[root], keywords[root] = _read_tree(wheel, members, reader, keras_3=keras_3)
    if not trees:
        raise InputError(Location(file.file_name), "has no modules of public names where they have been so far")
    if "keras" in trees and "tf.compat.v1.keras" in trees:
        trees["keras"] |= open_modules(wheel.names)
    return ReleaseNames(line=f"{version} {keras}" if keras else str(version), trees=trees, keywords=keywords)


def _read_tree(
    wheel: RemoteWheel, members: list[tuple[str, str]], reader: SignatureReader, *, keras_3: bool
) -> tuple[frozenset[str], frozenset[str]]:
    place = {name: index for index, name in enumerate(wheel.names)}
    # In the archive's order neighbours come with one request.
    ordered = sorted(members, key=lambda member: place[member[1]])
    modules = [(module, wheel.text(path)) for module, path in ordered]
    try:
        return tree_of(modules, keras_3=keras_3), keywords_of(modules, reader)
    except SyntaxError as error:
        raise InputError(Location(wheel.file.file_name), f"a module of it is no Python: {error}") from None


def read_symbols(
    client: IndexClient,
    *,
    only: SpecifierSet | None = None,
    keep: Mapping[str, SymbolsMatrix] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, SymbolsMatrix]:
    """Read every tree of both packages: `symbols/<file>` and `signatures/<file>` -> record.

    With `only` (TensorFlow and Keras releases that it admits) everything else comes from `keep`; of functions whose
    arguments had never changed before, a change is found by reading all releases alone.
    Raises PackageIndexError where the index fails, InputError where a wheel is not as expected.
    """
    read: dict[SymbolPackage, dict[str, ReleaseNames]] = {}
    for package in OLDEST:
        files = client.files(package)
        wanted = [version for version in newest_of_minors(files, package) if only is None or version in only]

        def one(
            version: Version, package: SymbolPackage = package, files: tuple[IndexFile, ...] = files
        ) -> ReleaseNames:
            names = read_release(client, package, version, files)
            progress(f"read {package} {version}")
            return names

        with ThreadPoolExecutor(_THREADS) as pool:
            answers = list(pool.map(one, wanted))
        read[package] = {minor_of(str(version)): names for version, names in zip(wanted, answers, strict=True)}
    kept = (keep or {}) if only is not None else {}
    return join_releases(read, kept)


def join_releases(
    read: Mapping[SymbolPackage, Mapping[str, ReleaseNames]], kept: Mapping[str, SymbolsMatrix]
) -> dict[str, SymbolsMatrix]:
    """Make every file's record from what releases (by minor) tell, and from records that are kept."""
    found: dict[str, SymbolsMatrix] = {}
    for name, (package, root) in FILES.items():
        symbols, signatures = f"symbols/{name}", f"signatures/{name}"
        trees = {minor: release.trees.get(root, frozenset()) for minor, release in read[package].items()}
        keywords = {minor: release.keywords.get(root, frozenset()) for minor, release in read[package].items()}
        lines = {minor: release.line for minor, release in read[package].items()}
        found[symbols] = _join(SymbolsMatrix, package, root, lines, trees, kept.get(symbols))
        known = kept.get(signatures)
        if known is not None:
            functions = known.modules()
            keywords = {
                minor: frozenset(one for one in listed if one.rpartition(".")[0] in functions)
                for minor, listed in keywords.items()
            }
        else:
            keywords = only_changed(keywords)
        found[signatures] = _join(SignaturesMatrix, package, root, lines, keywords, known)
    return found


def only_changed(keywords: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Leave out the functions of which no minor refuses a keyword that another one takes; minor -> `function.keyword`.

    A minor that tells nothing of a function refuses nothing.
    """
    functions: dict[str, dict[str, set[str]]] = {}
    for minor, listed in keywords.items():
        for one in listed:
            function, _, keyword = one.rpartition(".")
            functions.setdefault(function, {}).setdefault(minor, set()).add(keyword)
    changed = {function for function, minors in functions.items() if _differ(minors.values())}
    return {
        minor: frozenset(one for one in listed if one.rpartition(".")[0] in changed)
        for minor, listed in keywords.items()
    }


def _differ(taken: Collection[Collection[str]]) -> bool:
    every = set().union(*taken) - {ANY_KEYWORD}
    return any(keyword not in one for one in taken if ANY_KEYWORD not in one for keyword in every)


def _join(
    record: type[Matrix],
    package: SymbolPackage,
    root: str,
    lines: Mapping[str, str],
    fresh: Mapping[str, frozenset[str]],
    keep: Matrix | None,
) -> Matrix:
    releases = dict(zip(keep.minors, keep.releases, strict=True)) if keep else {}
    names: dict[str, Collection[str]] = {minor: keep.names_of(minor) for minor in releases} if keep else {}
    for minor, line in lines.items():
        releases[minor] = line
        names[minor] = fresh[minor]
    ordered = sorted(releases, key=Version)
    return record.from_names(package, root, [releases[minor] for minor in ordered], names)
