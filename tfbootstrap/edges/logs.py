"""Reads what somebody wants to have diagnosed: a log of any length, block by block, or the outputs of a notebook."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from tfbootstrap.errors import InputError, Location

BLOCK: Final = 1 << 18
"""Bytes that are read at a time."""
LARGEST_NOTEBOOK: Final = 256 << 20
"""Bytes; a notebook can be read only whole."""

LARGEST_GUESS: Final = 32 << 20
"""Bytes; so much of a text that begins like a notebook, but is not named as one, is kept to find out."""

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # UTF-32's begins with UTF-16's
_HINT: Final = "name the file that has the error's text, or pipe it in: some-command 2>&1 | tfbootstrap diagnose"


def read_log(path: Path | None) -> Iterator[str]:
    """Yield the text of a file, of standard input without one, in blocks that may end anywhere.

    A notebook gives the outputs of its cells, each cell below a line `Cell In[n]`. Bytes that are no text of the
    file's encoding (UTF-8, or what its byte order mark says) are replaced. Raises InputError for what can't be read.
    """
    if path is None:
        yield from read_blocks(sys.stdin.buffer, "standard input")
        return
    try:
        with path.open("rb") as stream:
            yield from read_blocks(stream, str(path))
    except FileNotFoundError as error:
        raise InputError(Location(str(path)), "there is no such file", hint=_HINT) from error
    except IsADirectoryError as error:
        raise InputError(Location(str(path)), "this is a folder, no log", hint=_HINT) from error
    except OSError as error:
        raise InputError(Location(str(path)), f"can't be read: {error.strerror}", hint=_HINT) from error


def read_blocks(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield the text of a stream of bytes; see read_log. Raises InputError for a notebook that is none."""
    first = stream.read(BLOCK)
    named = name.endswith(".ipynb")
    if _begins_like_a_notebook(first, named=named):
        first += stream.read(LARGEST_NOTEBOOK if named else LARGEST_GUESS)
        document = _document(first, name, named=named)
        if document is not None:
            yield from _outputs(document)
            return
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if first.startswith(mark)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    block = first
    while block:
        yield decoder.decode(block)
        block = stream.read(BLOCK)
    yield decoder.decode(b"", final=True)


def _begins_like_a_notebook(start: bytes, *, named: bool) -> bool:
    begins = start.removeprefix(codecs.BOM_UTF8).lstrip()[:4096]
    return begins.startswith(b"{") and (named or b'"cells"' in begins)


def _document(content: bytes, name: str, *, named: bool) -> Any:
    """Return a notebook's JSON; None for another text that only begins like one.

    Raises InputError where what is named as a notebook is none, or too large.
    """
    if named and len(content) > LARGEST_NOTEBOOK:
        hint = "diagnose the text of the failing cell alone"
        raise InputError(Location(name), f"this notebook is larger than {LARGEST_NOTEBOOK >> 20} MiB", hint=hint)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        if not named:
            return None
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        location = Location(name, line=line, column=column)
        raise InputError(location, "is no notebook: it is no JSON", hint="save the notebook again") from error


def _outputs(document: Any) -> Iterator[str]:
    for number, cell in enumerate(_mappings(document, "cells"), start=1):
        outputs = [text for output in _mappings(cell, "outputs") for text in _texts(output)]
        if outputs:
            yield f"Cell In[{cell.get('execution_count') or number}]\n"
            yield from (f"{text}\n" for text in outputs)


def _mappings(value: Any, key: str) -> Iterator[Mapping[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def _texts(output: Mapping[str, Any]) -> Iterator[str]:
    data = output.get("data")
    yield from _joined(output.get("text"), "")
    yield from _joined(data.get("text/plain") if isinstance(data, dict) else None, "")
    yield from _joined(output.get("traceback"), "\n")
    if not output.get("traceback") and "ename" in output:
        yield f"{output['ename']}: {output.get('evalue', '')}"


def _joined(value: Any, separator: str) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield separator.join(part for part in value if isinstance(part, str))
