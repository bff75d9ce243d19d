"""Turns a lock into programs: the bootstrap and the notebook cell. Layer 2: pure; sources and templates arrive as text.

Both are the payload's modules joined into one file, with the lock as a Python literal. What comes from outside (names,
versions, commands) gets into code only as a literal and into comments only escaped, so nothing can break out.
"""

from __future__ import annotations

import ast
import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from tfbootstrap.lock import Lock
from tfbootstrap.slim import is_text, slim

if TYPE_CHECKING:
    from jinja2 import Template

COMMON = ("judge", "hashes", "distributions", "clashes", "install", "hints", "verify", "report")
BOOTSTRAP_MODULES = ("probe", *COMMON, "links", "wheelhouse", "environment", "deep", "program")
CELL_MODULES = ("probe", *COMMON, "rescue", "restore", "state", "memory", "notebook", "session")
RENEWAL_MODULES = ("probe", *COMMON, "links", "wheelhouse", "state", "notebook", "renewal")
ISOLATED_MODULES = ("environment", "isolate")
"""What an isolating cell has: first what runs in the environment, too, then what is the kernel's only."""
TRIAL = "trial"
TRIAL_CALL = "\n\nimport sys\n\nrun_trial(sys.argv[1], json.loads(sys.argv[2]))\n"
"""The payload module that travels as text, and the call that makes it the program of the fresh process."""
WORKER = ("restore", "worker")
WORKER_CALL = "\n\nrun_worker(sys.argv[1], sys.argv[2])\n"
"""Likewise what runs an isolated notebook's cells."""

PAYLOAD_PREFIX = "tfbootstrap.payload."


Style = Literal["readable", "compact"]
OnRestart = Literal["ask", "auto", "never"]
ScriptKind = Literal["dockerfile", "shell"]
SCRIPTS: Mapping[ScriptKind, str] = {"dockerfile": "Dockerfile.j2", "shell": "bootstrap.sh.j2"}
"""What else than a cell a lock becomes -> its template."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellOptions:
    """How a cell is made: `style` of its code, and what it does where the kernel must be restarted."""

    style: Style = "readable"
    on_restart: OnRestart = "ask"
    isolate: bool = False
    """Whether TensorFlow goes into an environment of its own."""
    wheelhouse: str = ""
    """The folder, where the notebook runs, that keeps the lock's wheels; empty for none."""


def render_bootstrap(lock: Lock, sources: Mapping[str, str], template: str) -> str:
    """Return the text of `bootstrap.py`; `sources` is payload module -> its source."""
    imports, body = _bundled(tuple(sources[name] for name in BOOTSTRAP_MODULES))
    parts = {"imports": imports, "payload": body, "trial": as_raw_text(sources[TRIAL] + TRIAL_CALL)}
    return _fill(template, lock, parts)


def render_script(lock: Lock, bootstrap: str, template: str) -> str:
    """Return a Dockerfile or shell script that carries the lock's bootstrap.

    Raises ValueError where the lock's Python or machine is no plain word.
    """
    mark = "END_OF_BOOTSTRAP"
    while mark in bootstrap:
        mark += "_"
    machine = lock.header.target.machine
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return _fill(template, lock, {"bootstrap": bootstrap, "mark": mark, "architecture": architecture})


def cell_template(options: CellOptions) -> str:
    """Return the name of the template that such a cell is made from."""
    return "isolated.py.j2" if options.isolate else "cell.py.j2"


def render_cell(lock: Lock, sources: Mapping[str, str], template: str, options: CellOptions | None = None) -> str:
    """Return the source of the notebook cell, which is kept small: it carries what its options need, made smaller."""
    options = options or CellOptions()
    sources = {name: slim(source) for name, source in sources.items()}
    quote = as_packed_text if options.style == "compact" else as_raw_text
    parts: dict[str, Any] = {"options": options, "trial": quote(sources[TRIAL] + TRIAL_CALL), "packed": ""}
    modules: tuple[str, ...]
    packed: tuple[str, ...]
    if options.isolate:
        modules, packed = ISOLATED_MODULES, RENEWAL_MODULES
        parts["worker"] = quote(_joined(sources, WORKER) + WORKER_CALL)
    else:
        more = ("links",) * lock.header.loader_links + ("wheelhouse",) * bool(options.wheelhouse)
        packed = CELL_MODULES[: len(more)] if options.style == "readable" else ()
        modules = (*CELL_MODULES[len(packed) :], *more)
    if packed:
        # A cell that has more to carry is kept small by packing what `bootstrap.py` shows as well.
        parts["packed"] = as_packed_text(_joined(sources, packed))
    parts["payload"] = quote(_joined(sources, modules))
    return _fill(template, lock, parts)


def _joined(sources: Mapping[str, str], modules: Sequence[str]) -> str:
    imports, body = bundle([sources[name] for name in modules])
    return imports.replace("\nimport ", ", ") + f"\n\n{body}\n"


def _fill(template: str, lock: Lock, parts: Mapping[str, Any]) -> str:
    return _compiled(template).render(lock=lock_data(lock), header=lock.header, **parts)


@lru_cache(maxsize=4)
def _compiled(template: str) -> Template:
    # Imported here: to compare a program with a lock, which `--check` does, needs no template engine.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - Python, not HTML
    environment.filters["comment"] = as_comment
    environment.filters["literal"] = as_literal
    environment.filters["word"] = as_word
    return environment.from_string(template)


@lru_cache(maxsize=4)
def _bundled(sources: tuple[str, ...]) -> tuple[str, str]:
    return bundle(sources)


def prepare(sources: Mapping[str, str], template: str) -> None:
    """Do now what rendering a bootstrap needs and no lock changes, so that it is quick later."""
    _compiled(template)
    _bundled(tuple(sources[name] for name in BOOTSTRAP_MODULES))


def is_made_from(program: str, lock: Lock) -> bool:
    """Say whether a bootstrap or cell carries this lock; the payload around it may be of another tfbootstrap."""
    return f"LOCK = {as_literal(lock_data(lock))}\n" in program


def lock_data(lock: Lock) -> dict[str, Any]:
    """Return what the payload needs of a lock, as plain data."""
    header = lock.header
    return {
        "target": header.target.name,
        "python": header.target.python,
        "system": header.target.system,
        "machine": header.target.machine,
        "libc": header.target.libc,
        "host": {"kind": header.target.host, "release": header.target.release} if header.target.host else None,
        "tensorflow": header.tensorflow,
        "keras": header.keras,
        "cuda": {
            "provider": header.cuda_provider,
            "version": header.build_cuda,
            "cudnn": header.build_cudnn,
            "capabilities": list(header.build_capabilities),
            "driver_floor": header.driver_floor,
        },
        "gpus": [{"name": gpu.name, "compute_capability": gpu.compute_capability} for gpu in header.gpus],
        "loader_links": header.loader_links,
        "breaks": list(header.breaks),
        "pins": {
            f"{pin.name}=={pin.version}": " ".join(_short_hash(digest) for digest in sorted(pin.hashes))
            for pin in sorted(lock.pins, key=lambda pin: pin.name)
        },
    }


def _short_hash(digest: str) -> str:
    """Return a hash as RECORD has it, in two thirds of the length; what is none stays, and the payload refuses it."""
    whole = re.fullmatch("sha256:([0-9a-f]{64})", digest)
    return base64.urlsafe_b64encode(bytes.fromhex(whole[1])).decode().rstrip("=") if whole else digest


def bundle(sources: Sequence[str]) -> tuple[str, str]:
    """Join payload modules, in this order: return their imports, each once and sorted, and their definitions.

    Raises ValueError where two modules define the same name, or one renames what it imports from another.
    """
    plain: set[str] = set()
    names: dict[str, set[str]] = {}
    defined: set[str] = set()
    parts = []
    for source in sources:
        tree = ast.parse(source)
        end = 1
        for node in tree.body:
            if isinstance(node, ast.Import):
                plain.update(_plain_name(alias) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module, imported = str(node.module), {_plain_name(alias) for alias in node.names}
                if not module.startswith(PAYLOAD_PREFIX):
                    names.setdefault(module, set()).update(imported)
            elif node is not tree.body[0] or not is_text(node):
                _define(node, defined)
                continue
            end = int(node.end_lineno or 0) + 1
        title = (ast.get_docstring(tree) or "").splitlines()[0]
        body = "\n".join(source.splitlines()[end - 1 :]).strip("\n")
        parts.append(f"# ==== {title}\n\n{body}\n")
    lines = [f"import {name}" for name in sorted(plain)]
    lines += [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    return "\n".join(lines), "\n\n".join(parts).rstrip("\n")


def _plain_name(alias: ast.alias) -> str:
    if alias.asname is not None:
        raise ValueError(f"the payload renames nothing: import {alias.name} as {alias.asname}")
    return alias.name


def _define(node: ast.stmt, defined: set[str]) -> None:
    new: list[str] = []
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        new = [node.name]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        new = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    for name in new:
        if name in defined:
            raise ValueError(f"two payload modules define {name}")
        defined.add(name)


def as_literal(value: Any, indent: int = 0) -> str:
    """Return data as a Python literal in ASCII: one entry a line, short lists in one line."""
    inner, outer = " " * (indent + 1), " " * indent
    if isinstance(value, dict) and value:
        lines = [f"{inner}{as_literal(key)}: {as_literal(item, indent + 1)},\n" for key, item in value.items()]
        return "{\n" + "".join(lines) + outer + "}"
    if isinstance(value, list) and (len(ascii(value)) > 100 or any(isinstance(item, dict | list) for item in value)):
        return "[\n" + "".join(f"{inner}{as_literal(item, indent + 1)},\n" for item in value) + outer + "]"
    if isinstance(value, list):
        return "[" + ", ".join(as_literal(item) for item in value) + "]"
    if isinstance(value, str) and not set(value) & set("'\"\\"):
        return f'"{ascii(value)[1:-1]}"'
    return ascii(value)


def as_comment(text: str) -> str:
    """Return a text so that it stays within its comment: what is no plain ASCII is escaped."""
    return ascii(text)[1:-1]


def as_word(text: str) -> str:
    """Return a text that needs no quoting anywhere; raises ValueError for any other."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text, re.ASCII):
        raise ValueError(f"{text!r} is no plain word")
    return text


def as_raw_text(source: str) -> str:
    """Return a program as a readable literal; raises ValueError where it holds what would end the literal."""
    if "'''" in source or not source.endswith("\n"):
        raise ValueError("a carried program must not contain ''' and must end with a line end")
    return f"r'''{source}'''"


def as_packed_text(source: str) -> str:
    """Return a program as a short expression: compressed, in lines of letters that no editor or pasting changes."""
    packed = base64.b64encode(zlib.compress(source.encode(), 9)).decode()
    lines = "".join(f"\n{packed[start : start + 120]}" for start in range(0, len(packed), 120))
    return f'__import__(\'zlib\').decompress(__import__(\'base64\').b64decode("""{lines}\n""")).decode()'
