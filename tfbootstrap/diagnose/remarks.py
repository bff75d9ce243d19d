"""What the matrix says about versions that a text names: evidence beside the cause. Layer 2: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from tfbootstrap.diagnose.context import Context
from tfbootstrap.matrix.diagnoses import SymbolAge
from tfbootstrap.matrix.gpu_code import GpuCodeMatrix, minor_of
from tfbootstrap.matrix.libraries import LibrariesMatrix
from tfbootstrap.matrix.symbol_table import SymbolTable
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, sort_versions


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """The tables that versions are looked up in; what is missing is not remarked on."""

    tensorflow: TensorflowMatrix | None = None
    libraries: LibrariesMatrix | None = None
    gpu_code: GpuCodeMatrix | None = None
    symbols: SymbolTable | None = None


Values = Mapping[str, Sequence[str]]


def remarks_on(values: Values, context: Context, tables: Tables) -> Iterator[str]:
    """Yield one sentence for each captured value that a table knows something about."""
    for name, remark in _REMARKS.items():
        for value in values.get(name, ()):
            text = remark(value, context, tables)
            if text:
                yield text


def age_of(dotted: str, symbols: SymbolTable | None) -> SymbolAge:
    """Say which releases have a name; without a table it is taken for one that some have."""
    if symbols is None:
        return "some-releases"
    minors = _minors_with(dotted, symbols)
    if minors == symbols.minors:
        return "every-release"
    return "tensorflow-1" if minors == ("1.15",) else "some-releases"


def _minors_with(dotted: str, symbols: SymbolTable) -> tuple[str, ...]:
    fact = symbols.find(dotted)
    if fact is None or fact.symbol != symbols.canonical(dotted):
        return ()
    having = symbols.tensorflow_minors(fact)
    return tuple(minor for minor in symbols.minors if minor in having)


def _on_symbol(dotted: str, _context: Context, tables: Tables) -> str | None:
    if tables.symbols is None:
        return None
    minors = _minors_with(dotted, tables.symbols)
    if not minors:
        return None
    text = f"{dotted} is in TensorFlow {_range(minors)}"
    instead = tables.symbols.in_compat_v1(dotted)
    return f"{text}; later releases have {instead}" if minors == ("1.15",) and instead else text


def _on_wanted(version: str, context: Context, tables: Tables) -> str | None:
    if tables.tensorflow is None:
        return None
    try:
        rows = tables.tensorflow.of_minor(minor_of(version))
    except (InvalidVersion, IndexError):
        return None
    if not rows:
        return None
    pythons = rows[-1].pythons
    text = f"TensorFlow {rows[-1].minor} has wheels for Python {_range(pythons)}"
    fitting = context.values.get("fitting")
    if context.python and context.python not in pythons:
        return f"{text}, not for {context.python}, which has those of TensorFlow {fitting}" if fitting else text
    return text


def _on_listed(versions: str, context: Context, tables: Tables) -> str | None:
    """Say which Python pip runs on, by the oldest TensorFlow that it was offered."""
    if tables.tensorflow is None or context.python:
        return None
    found = re.findall(r"\d{1,2}\.\d{1,3}\.\d{1,3}(?:rc\d)?", versions)
    if not found:
        return None
    offered = {minor_of(version) for version in found}
    every = {python for row in tables.tensorflow.rows for python in row.pythons}
    fitting = [python for python in sort_versions(every) if _oldest_minor(python, tables) == min(offered, key=Version)]
    return f"a list that begins with TensorFlow {found[0]} is that of Python {_range(fitting)}" if fitting else None


def _oldest_minor(python: str, tables: Tables) -> str | None:
    rows = tables.tensorflow.rows if tables.tensorflow else ()
    return next((row.minor for row in rows if python in row.pythons), None)


def _on_library(library: str, _context: Context, tables: Tables) -> str | None:
    if tables.libraries is None:
        return None
    needing = [minor_of(row.tensorflow) for row in tables.libraries.loaded if library in row.needed]
    optional = [minor_of(row.tensorflow) for row in tables.libraries.loaded if library in row.optional]
    if not needing and not optional:
        return None
    who = f"TensorFlow {_range(sort_versions(set(needing or optional)))}"
    verb = "can't use a GPU without" if needing else "uses, where it is there,"
    carriers = tables.libraries.carriers_of(library)
    where = f"; the wheel {carriers[0].distribution} has it" if carriers else ""
    return f"{who} {verb} {library}{where}"


def _on_dll(digits: str, _context: Context, tables: Tables) -> str | None:
    """Say which TensorFlow a `cudart64_<digits>.dll` is of: 100 is CUDA 10.0, 110 all of CUDA 11."""
    cuda = f"{digits[:-1]}.{digits[-1]}" if digits != "110" else "11"
    if tables.tensorflow is None:
        return None
    minors = {
        row.minor
        for row in tables.tensorflow.rows
        if row.cuda and "windows-x86_64" in row.cuda_platforms and (row.cuda == cuda or row.cuda.startswith(f"{cuda}."))
    }
    if not minors:
        return None
    return f"this is the library of CUDA {cuda}, which TensorFlow {_range(sort_versions(minors))} needs"


def _on_built_cudnn(version: str, _context: Context, tables: Tables) -> str | None:
    if tables.tensorflow is None:
        return None
    minor = ".".join(version.split(".")[:2])
    built = {row.minor for row in tables.tensorflow.rows if (row.cudnn_headers or "").startswith(f"{minor}.")}
    return f"compiled with cuDNN {minor}: TensorFlow {_range(sort_versions(built))}" if built else None


def _on_capability(capability: str, _context: Context, tables: Tables) -> str | None:
    if tables.gpu_code is None:
        return None
    ways: dict[str, list[str]] = {"binary": [], "ptx": []}
    for row in tables.gpu_code.rows:
        coverage = row.support(capability).coverage
        if coverage != "none":
            ways["binary" if coverage == "binary" else "ptx"].append(minor_of(row.tensorflow))
    if not any(ways.values()):
        return f"no TensorFlow wheel has code for compute capability {capability}"
    if not ways["binary"]:
        with_ptx = _range(ways["ptx"])
        return f"no TensorFlow wheel has machine code for compute capability {capability}; {with_ptx} have PTX"
    return f"machine code for compute capability {capability} is in TensorFlow {_range(ways['binary'])}"


_REMARKS: Mapping[str, Callable[[str, Context, Tables], str | None]] = {
    "wanted": _on_wanted,
    "listed": _on_listed,
    "library": _on_library,
    "cudart": _on_dll,
    "built_cudnn": _on_built_cudnn,
    "compute_capability": _on_capability,
    "dotted": _on_symbol,
}


def _range(versions: Sequence[str]) -> str:
    if len(versions) <= 1:
        return "".join(versions)
    return f"{versions[0]} to {versions[-1]}"
