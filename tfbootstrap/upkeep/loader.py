"""Asks TensorFlow's own loader which libraries it opens, by calling it and listening to the dynamic linker.

TensorFlow makes library names from versions that are compiled in; no table of a wheel holds them. But its
`libtensorflow_framework.so.2` exports a function per library (`DsoLoader::GetCudnnDsoHandle()`) and the one that
decides whether GPUs are registered (`DsoLoader::TryDlopenCUDALibraries()`). Each is called in a process of its own,
without TensorFlow's Python side, while the linker writes down what it is asked for (`LD_DEBUG=libs`). Linux only.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tfbootstrap.errors import MachineError
from tfbootstrap.upkeep.elf import exported_symbols, read_dynamic

_FUNCTION: Final = re.compile(
    r"8internal9DsoLoader\d+(?P<name>Get(?!Hip|Roc|Miopen)\w+DsoHandle|TryDlopenCUDALibraries)Ev$"
)
_DECIDES: Final = "TryDlopenCUDALibraries"
_ASKED: Final = re.compile(r"find library=(\S+)")
_SITE_PACKAGES: Final = "$ORIGIN/../"
"""What a wheel's search path calls site-packages: the library lies in `tensorflow/`."""
_MARK: Final = "@@ from here on"
_PROGRAM: Final = f"""\
import ctypes, os, sys
function = getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])
function.restype = None
room = ctypes.create_string_buffer(4096)
os.write(2, b"\\n{_MARK}\\n")
function(room)
os._exit(0)
"""
# The functions return a status by a hidden first argument: the room is what that points to.

Ask = Callable[[Path, str], str]
"""(library, function) -> what the linker wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a release's loader opens, and where it looks by itself."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    searches: tuple[str, ...]


def read_loader(library: Path, ask: Ask) -> Loaded:
    """Read which libraries a `libtensorflow_framework.so.2` opens.

    Raises MachineError where it has no such functions, or this machine can't run them.
    """
    data = library.read_bytes()
    functions = loader_functions(exported_symbols(data))
    if _DECIDES not in functions:
        raise MachineError(f"{library.name} exports no {_DECIDES}; has TensorFlow changed its loader?")
    answers = {name: parse_answer(ask(library, symbol)) for name, symbol in functions.items()}
    needed = answers.pop(_DECIDES)
    if not needed:
        raise MachineError(f"{_DECIDES} of {library.name} opened nothing")
    # A function's first name is the library; what follows are its fallbacks and what loading drew in.
    first = [names[0] for _, names in sorted(answers.items()) if names]
    return Loaded(
        needed=needed,
        optional=tuple(sorted(set(first) - set(needed))),
        searches=search_folders(read_dynamic(data).runpath),
    )


def loader_functions(symbols: Iterable[str]) -> dict[str, str]:
    """Find the loader's functions: name -> symbol. Those that cache and those of ROCm are left out."""
    matches = ((symbol, _FUNCTION.search(symbol)) for symbol in symbols)
    return {match["name"]: symbol for symbol, match in matches if match}


def parse_answer(text: str) -> tuple[str, ...]:
    """Return the libraries that the linker was asked for by the function itself, in order.

    The linker writes `     12345:\tfind library=libcudnn.so.9 [0]; searching`.
    """
    return tuple(dict.fromkeys(_ASKED.findall(text.partition(_MARK)[2])))


def search_folders(runpath: Iterable[str]) -> tuple[str, ...]:
    """Return the folders below site-packages that a search path (`$ORIGIN/../nvidia/cudnn/lib`) names."""
    below = (entry.removeprefix(_SITE_PACKAGES) for entry in runpath if entry.startswith(_SITE_PACKAGES))
    return tuple(sorted({folder.rstrip("/") for folder in below if folder and not folder.startswith("..")}))


def ask_linker(library: Path, symbol: str) -> str:
    """Call a function of a library in a process of its own and return what the linker wrote.

    Raises MachineError where that fails: not on Linux, not on x86_64, no such function.
    """
    command = [sys.executable, "-c", _PROGRAM, str(library), symbol]
    environment = {"LD_DEBUG": "libs", "TF_CPP_MIN_LOG_LEVEL": "3"}
    answer = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environment, timeout=60, check=False
    )
    if answer.returncode != 0:
        raise MachineError(
            f"{symbol} of {library.name} can't be called here (exit code {answer.returncode})",
            hint="this needs Linux on x86_64",
        )
    return answer.stderr
