"""What a lock becomes: readable programs out of which nothing can break."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from tests.support.golden import Golden
from tests.support.locks import make_header
from tests.support.sources import PACKAGE
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.lock import Lock, LockGpu, Pin
from tfbootstrap.render import (
    CellOptions,
    Style,
    as_comment,
    as_literal,
    as_raw_text,
    bundle,
    cell_template,
    is_made_from,
    lock_data,
    render_bootstrap,
    render_cell,
)

CELL_BUDGET = 60_000
"""Bytes of a whole cell with a lock of 40 packages."""

WHEELS = "/content/drive/MyDrive/wheels"

SMALL = {
    "probe": """'Asks the machine.'

import os


def probe_machine():
    'Return facts.'
    return os.name
""",
    "judge": """'Judges.'

from typing import Dict

LIMIT = 3
'How many.'
""",
    "distributions": """'Reads.'


class Nothing(Exception):
    'Nothing.'
""",
    "clashes": """'Finds.'
""",
    "install": """'Installs.'

import os
import sys
from typing import Any, Dict


def install() -> Dict[str, Any]:
    return {}
""",
    "verify": """'Verifies.'

from tfbootstrap.payload.install import install


def verify():
    # Why not?
    return install()
""",
    "report": """'Reports.'


class Report:
    'A report.'

    def show(self):
        'Show it.'
        return 1
""",
    "rescue": """'Rescues.'
""",
    "restore": """'Restores.'


def restore_or_init(model: Any, path: str) -> Any:
    return model
""",
    "memory": """'Remembers.'
""",
    "notebook": """'Speaks.'
""",
    "environment": """'Makes.'
""",
    "links": """'Links.'
""",
    "hints": """'Hints.'
""",
    "deep": """'Compares.'
""",
    "renewal": """'Renews.'


def renew():
    return 0
""",
    "isolate": """'Isolates.'


def run_isolated(lock, programs, on_restart, wheelhouse=None):
    return "python"
""",
    "worker": """'Works.'

import sys


def run_worker(mark, folder):
    pass
""",
    "state": """'The state.'

STATE: str = "new"
""",
    "hashes": """'Hashes.'
""",
    "wheelhouse": """'Keeps.'


def install_from(folder):
    global wheels
    wheels = folder
""",
    "program": """'The program.'


def run_program(lock, trial, script, text):
    return 0
""",
    "session": """'The session.'


def run_cell(lock, trial, on_restart, install=None):
    pass
""",
    "trial": """'The trial.'

import json


def run_trial(path, lock):
    pass
""",
}
"""A payload of few lines."""


def a_lock(pins: int = 2, **changes: Any) -> Lock:
    gpu = {
        "cuda_provider": "wheels",
        "build_cuda": "12.5.1",
        "build_cudnn": "9",
        "build_capabilities": ("sm_60", "sm_70", "sm_80", "sm_89", "compute_90"),
        "driver_floor": "525.60.13",
        "gpus": (LockGpu(name="Tesla T4", compute_capability="7.5"),),
    }
    fields = {"name": "colab-2026.07", "python": "3.12", "system": "linux", "machine": "x86_64", "libc": "glibc 2.27"}
    # Every third package of a real lock has two wheels that fit its target.
    hashes = ["sha256:" + f"{number:064x}" for number in range(pins * 2)]
    made = tuple(
        Pin(name=f"a-package-{number}", version="2.19.0", hashes=tuple(hashes[number : number + 1 + (number % 3 == 0)]))
        for number in range(pins)
    )
    return Lock(header=make_header(**{**gpu, **fields, **changes}), pins=made)


def bootstrap(lock: Lock) -> str:
    return render_bootstrap(lock, SMALL, read_template("bootstrap.py.j2"))


def cell(lock: Lock, sources: Mapping[str, str] = SMALL, **options: Any) -> str:
    chosen = CellOptions(**options)
    return render_cell(lock, sources, read_template(cell_template(chosen)), chosen)


def lock_in(program: str) -> Any:
    """Return the data that a program assigns to LOCK."""
    (value,) = [
        node.value
        for node in ast.parse(program).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"LOCK", "tfbootstrap.LOCK"}
    ]
    return ast.literal_eval(value)


def programs_in(tree: ast.Module) -> list[str]:
    """Return the programs that a cell carries as literals."""
    literals = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [value for value in literals if isinstance(value, str) and "\ndef " in value]


def test_whole_artefacts(golden: Golden) -> None:
    golden.compare("bootstrap.py.txt", bootstrap(a_lock()))
    golden.compare("cell.py.txt", cell(a_lock()))
    # What is packed depends on the zlib of this Python, too.
    unpacked = re.sub(
        r'"""\n.*?\n"""', '"""..."""', cell(a_lock(), isolate=True, wheelhouse="~/wheels"), flags=re.DOTALL
    )
    golden.compare("isolated.py.txt", unpacked)


def isolated(lock: Lock) -> str:
    return cell(lock, isolate=True)


@pytest.mark.parametrize("render", [bootstrap, cell, isolated])
def test_the_same_lock_gives_the_same_bytes(render: Any) -> None:
    assert render(a_lock()) == render(a_lock())
    assert "\r" not in render(a_lock())
    assert lock_in(render(a_lock())) == lock_data(a_lock())


def check_python_3_7_and_alone(code: str) -> None:
    tree = ast.parse(code, feature_version=(3, 7))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"typing"}
    assert "tfbootstrap.payload" not in code
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert len(names) == len(set(names))


def test_a_real_bootstrap_is_python_3_7_and_alone() -> None:
    check_python_3_7_and_alone(render_bootstrap(a_lock(), read_payload(), read_template("bootstrap.py.j2")))


@pytest.mark.parametrize(
    ("options", "count"), [({}, 3), ({"isolate": True}, 5), ({"wheelhouse": "x"}, 4)], ids=["", "isolate", "wheelhouse"]
)
def test_real_cells_are_python_3_7_and_alone(options: dict[str, Any], count: int) -> None:
    text = cell(a_lock(), read_payload(), **options)
    ast.parse(text, feature_version=(3, 7))
    unpacked = [code for code in run_in_module(text).values() if isinstance(code, str) and "\ndef " in code]
    programs = {*unpacked, *programs_in(ast.parse(text))}
    assert len(programs) == count, "the question to the driver is one, too"
    for code in programs:
        check_python_3_7_and_alone(code)


def run_in_module(text: str) -> dict[str, Any]:
    """Return what a cell puts into its module, its last call left out."""
    head = text[: text.rindex("tfbootstrap.run_")].rpartition("\n")[0]
    names: dict[str, Any] = {}
    exec(head, names)
    return dict(vars(names["tfbootstrap"]))


STYLES: Mapping[str, tuple[dict[str, Any], int]] = {
    "plain": ({}, CELL_BUDGET),
    "wheelhouse": ({"wheelhouse": WHEELS}, CELL_BUDGET),
    "isolated": ({"isolate": True}, 50_000),
    "isolated-wheelhouse": ({"isolate": True, "wheelhouse": WHEELS}, 50_000),
    "compact": ({"style": "compact"}, 32_000),
    "compact-wheelhouse": ({"style": "compact", "wheelhouse": WHEELS}, 33_000),
    "compact-isolated": ({"style": "compact", "isolate": True, "wheelhouse": WHEELS}, 39_000),
}
"""How a cell can be made, and the most bytes that it may have then."""


@pytest.mark.parametrize("loader_links", [False, True])
@pytest.mark.parametrize("style", STYLES)
def test_a_cell_for_40_packages_keeps_its_budget(style: str, *, loader_links: bool) -> None:
    options, budget = STYLES[style]
    lock = a_lock(40, host="colab", release="2026.07", loader_links=loader_links)
    assert len(cell(lock, read_payload(), **options).encode()) < budget


def test_a_cell_links_libraries_where_its_lock_asks_for_it() -> None:
    for options in ({}, {"isolate": True}):
        names = run_in_module(cell(a_lock(loader_links=True), read_payload(), **options))
        assert callable(names["link_libraries"])
    assert "link_libraries" not in run_in_module(cell(a_lock(), read_payload()))


def test_the_carried_trial_is_a_program() -> None:
    tree = ast.parse(render_bootstrap(a_lock(), read_payload(), read_template("bootstrap.py.j2")))
    (trial,) = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and str(node.value.value).startswith('"""What runs in a fresh process')
    ]
    source = (PACKAGE / "payload" / "trial.py").read_text(encoding="utf-8")
    assert trial == source + "\n\nimport sys\n\nrun_trial(sys.argv[1], json.loads(sys.argv[2]))\n"


HOSTILE = st.text(min_size=1) | st.sampled_from(
    [
        '"',
        "'",
        "'''",
        '"""',
        "\\",
        "\\'",
        '")\nimport os\n',
        "\n#",
        "\r",
        "\u2028",
        "\x0c",
        "{{ 1 }}",
        "{% x %}",
        "\ud800",
    ]
)


@given(text=HOSTILE)
def test_nothing_breaks_out(text: str) -> None:
    gpus = (LockGpu(name=text, compute_capability="7.5"),)
    lock = a_lock(name=text, tensorflow=text, command=text, tool=text, breaks=(text,), gpus=gpus)
    for program in (bootstrap(lock), cell(lock), isolated(lock)):
        assert lock_in(program) == lock_data(lock)
        assert program.isascii()
        quiet = [type(node) for node in ast.parse(bootstrap(a_lock())).body]
        if program.startswith("#!"):
            assert [type(node) for node in ast.parse(program).body] == quiet


@given(text=HOSTILE)
def test_no_folder_breaks_out(text: str) -> None:
    kept: dict[str, Any] = {}
    exec(cell(a_lock(), wheelhouse=text), kept)
    assert kept["tfbootstrap"].wheels == text
    given: list[Any] = []
    spy = {**SMALL, "isolate": "'Spies.'\n\n\ndef run_isolated(*arguments):\n    given.extend(arguments)\n"}
    for program in (cell(a_lock(), isolate=True, wheelhouse=text), cell(a_lock(), spy, isolate=True, wheelhouse=text)):
        assert program.isascii()
        assert lock_in(program) == lock_data(a_lock())
    exec(program.replace("tf_python =", "tfbootstrap.given = given\ntf_python ="), {"given": given})
    assert given[3] == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_literals_mean_what_they_say(value: Any) -> None:
    assert ast.literal_eval(as_literal(value)) == value
    assert as_literal(value).isascii()


@given(HOSTILE)
def test_comments_stay_in_their_line(text: str) -> None:
    assert len(as_comment(text).splitlines()) <= 1
    assert as_comment(text).isascii()


@pytest.mark.parametrize("source", ["x = '''y'''\n", "x = 1"])
def test_a_program_that_would_end_its_literal_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="carried program"):
        as_raw_text(source)


def test_bundle_joins_imports_and_keeps_comments() -> None:
    imports, body = bundle([SMALL[name] for name in ("install", "judge", "verify")])
    assert imports == "import os\nimport sys\nfrom typing import Any, Dict"
    assert body.startswith("# ==== Installs.\n\ndef install()")
    assert "    # Why not?\n" in body


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        (['"""A."""\n\n\ndef f(): pass\n', '"""B."""\n\n\ndef f(): pass\n'], "two payload modules define f"),
        (['"""A."""\nX = 1\n', '"""B."""\nX: int = 1\n'], "two payload modules define X"),
        (['"""A."""\nimport os as o\n'], "renames nothing"),
        (['"""A."""\nfrom os import path as o\n'], "renames nothing"),
    ],
)
def test_bundle_refuses_what_would_clash(sources: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        bundle(sources)


@pytest.mark.parametrize("style", ["readable", "compact"])
def test_a_cell_leaves_two_names_behind(style: Style) -> None:
    text = render_cell(a_lock(), SMALL, read_template("cell.py.j2"), CellOptions(style=style))
    names: dict[str, Any] = {}
    exec(text, names)
    assert names.keys() - {"__builtins__"} == {"tfbootstrap", "restore_or_init"}
    assert names["tfbootstrap"].TRIAL.endswith("run_trial(sys.argv[1], json.loads(sys.argv[2]))\n")


def test_an_isolating_cell_leaves_its_interpreter_behind() -> None:
    names: dict[str, Any] = {}
    exec(cell(a_lock(), isolate=True), names)
    assert names.keys() - {"__builtins__"} == {"tfbootstrap", "tf_python"}
    assert names["tf_python"] == "python"
    assert names["tfbootstrap"].WORKER.endswith("run_worker(sys.argv[1], sys.argv[2])\n")
    assert "def restore_or_init" in names["tfbootstrap"].WORKER


def test_a_compact_cell_is_short_and_still_shows_its_lock() -> None:
    options = CellOptions(style="compact", on_restart="auto")
    text = render_cell(a_lock(40), read_payload(), read_template("cell.py.j2"), options)
    assert lock_in(text) == lock_data(a_lock(40))
    assert is_made_from(text, a_lock(40))
    assert not is_made_from(text, a_lock(39))
    assert text.endswith('"auto")\n')


@pytest.mark.parametrize("style", STYLES)
def test_editors_leave_the_cell_alone(style: str) -> None:
    text = cell(a_lock(40), read_payload(), **STYLES[style][0])
    for line in text.splitlines():
        assert line == line.rstrip(), "an editor may strip blanks"
        assert not re.match(r"\s*(%|!|\?|# %%|# \+|# -$)", line), (
            "jupytext and VS Code read magics and cell marks there"
        )
    windows = text.replace("\n", "\r\n").encode()
    assert ast.dump(ast.parse(windows)) == ast.dump(ast.parse(text))


def test_a_template_that_asks_for_more_is_refused() -> None:
    with pytest.raises(UndefinedError):
        render_bootstrap(a_lock(), SMALL, "{{ nothing }}")


def test_lock_data_is_plain() -> None:
    assert json.loads(json.dumps(lock_data(a_lock()))) == lock_data(a_lock())
