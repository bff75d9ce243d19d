"""Turns a lock into programs: the bootstrap and the notebook cell. Layer 2: pure; sources and templates arrive as text.

Both are the payload's modules joined into one file, with the lock as a Python literal. What comes from outside (names,
versions, commands) gets into code only as a literal and into comments only escaped, so nothing can break out.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tfbootstrap.lock import Lock

if TYPE_CHECKING:
    from jinja2 import Template

COMMON = ("probe", "judge", "distributions", "install", "verify", "report")
BOOTSTRAP_MODULES = (*COMMON, "program")
CELL_MODULES = (*COMMON, "session")
TRIAL = "trial"
TRIAL_CALL = "\n\nimport sys\n\nrun_trial(sys.argv[1], json.loads(sys.argv[2]))\n"
"""The payload module that travels as text, and the call that makes it the program of the fresh process."""

PAYLOAD_PREFIX = "tfbootstrap.payload."


def render_bootstrap(lock: Lock, sources: Mapping[str, str], template: str) -> str:
    """Return the text of `bootstrap.py`; `sources` is payload module -> its source."""
    return _render(lock, sources, template, BOOTSTRAP_MODULES)


def render_cell(lock: Lock, sources: Mapping[str, str], template: str) -> str:
    """Return the source of the notebook cell, which is kept small: the docstrings stay behind, comments go along."""
    return _render(lock, {name: without_docstrings(source) for name, source in sources.items()}, template, CELL_MODULES)


def _render(lock: Lock, sources: Mapping[str, str], template: str, modules: Sequence[str]) -> str:
    imports, body = _bundled(tuple(sources[name] for name in modules))
    return _compiled(template).render(
        lock=lock_data(lock),
        header=lock.header,
        imports=imports,
        payload=body,
        trial=as_raw_text(sources[TRIAL] + TRIAL_CALL),
    )


@lru_cache(maxsize=4)
def _compiled(template: str) -> Template:
    # Imported here: to compare a program with a lock, which `--check` does, needs no template engine.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - Python, not HTML
    environment.filters["comment"] = as_comment
    environment.filters["literal"] = as_literal
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
    return f"\nLOCK = {as_literal(lock_data(lock))}\n" in program


def lock_data(lock: Lock) -> dict[str, Any]:
    """Return what the payload needs of a lock, as plain data."""
    header = lock.header
    return {
        "target": header.target.name,
        "python": header.target.python,
        "system": header.target.system,
        "machine": header.target.machine,
        "libc": header.target.libc,
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
        "pins": {
            f"{pin.name}=={pin.version}": [digest.removeprefix("sha256:") for digest in sorted(pin.hashes)]
            for pin in sorted(lock.pins, key=lambda pin: pin.name)
        },
    }


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
            elif node is not tree.body[0] or not _is_text(node):
                _define(node, defined)
                continue
            end = int(node.end_lineno or 0) + 1
        title = (ast.get_docstring(tree) or "").splitlines()[0]
        body = "\n".join(source.splitlines()[end - 1 :]).strip("\n")
        parts.append(f"# ==== {title}\n\n{body}\n")
    lines = [f"import {name}" for name in sorted(plain)]
    lines += [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    return "\n".join(lines), "\n\n".join(parts).rstrip("\n")


def without_docstrings(source: str) -> str:
    """Return a module without the docstrings of its classes, functions and constants; its own first line stays."""
    lines: list[str | None] = [*source.splitlines()]
    for parent in ast.walk(ast.parse(source)):
        if not isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        for position, node in enumerate(parent.body):
            if _is_text(node) and (position > 0 or not isinstance(parent, ast.Module)):
                start, end = node.lineno - 1, int(node.end_lineno or 0)
                lines[start:end] = [None] * (end - start)
                if len(parent.body) == 1:
                    lines[start] = " " * node.col_offset + "pass"
                elif position == 0 and lines[end] == "":
                    lines[end] = None
    return "\n".join(line for line in lines if line is not None) + "\n"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


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
    inner, outer = " " * (indent + 4), " " * indent
    if isinstance(value, dict) and value:
        lines = [f"{inner}{as_literal(key)}: {as_literal(item, indent + 4)},\n" for key, item in value.items()]
        return "{\n" + "".join(lines) + outer + "}"
    if isinstance(value, list) and (len(ascii(value)) > 100 or any(isinstance(item, dict | list) for item in value)):
        return "[\n" + "".join(f"{inner}{as_literal(item, indent + 4)},\n" for item in value) + outer + "]"
    if isinstance(value, list):
        return "[" + ", ".join(as_literal(item) for item in value) + "]"
    if isinstance(value, str) and not set(value) & set("'\"\\"):
        return f'"{ascii(value)[1:-1]}"'
    return ascii(value)


def as_comment(text: str) -> str:
    """Return a text so that it stays within its comment: what is no plain ASCII is escaped."""
    return ascii(text)[1:-1]


def as_raw_text(source: str) -> str:
    """Return a program as a readable literal; raises ValueError where it holds what would end the literal."""
    if "'''" in source or not source.endswith("\n"):
        raise ValueError("a carried program must not contain ''' and must end with a line end")
    return f"r'''{source}'''"
