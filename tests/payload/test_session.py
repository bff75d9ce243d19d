"""What a notebook's kernel is told, tried in plain processes; a real kernel is used in `tests/real`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.bootstraps import PASSING_TRIAL, TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex, status
from tests.support.programs import UV
from tests.support.wheel_factory import Artefact, Project, build_wheel
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.lock import Lock
from tfbootstrap.payload.notebook import CellError
from tfbootstrap.render import CellOptions, render_cell

pytestmark = pytest.mark.slow


def six(version: str, text: str | None = None) -> Artefact:
    content = f"__version__ = {version!r}\n" if text is None else text
    return build_wheel(Project(name="six", version=version, files={"six.py": content}))


NEW = six("1.17.0")
OLD = six("1.16.0", "__version__ = '1.16.0'  # longer, for Python compares size and time with its compiled file\n")


@pytest.fixture
def kernel(sandbox: Sandbox, loopback_index: LoopbackIndex) -> TinyBootstrap:
    """Return an environment that stands for a kernel's."""
    made = TinyBootstrap(sandbox, loopback_index)
    made.make_environment(sys.executable)
    return made


def run(
    kernel: TinyBootstrap,
    lock: Lock,
    before: str = "",
    times: int = 1,
    trial: str = PASSING_TRIAL,
    options: CellOptions | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the cell in a process, `times` times, after something else."""
    cell = render_cell(lock, {**read_payload(), "trial": trial}, read_template("cell.py.j2"), options)
    (kernel.sandbox.root / "cell.py").write_text(cell)
    program = "import sys\ncell = open(sys.argv[1]).read()\n" + before + "\n"
    program += f"for _ in range({times}):\n    try:\n        exec(cell, {{}})\n"
    program += "    except Exception as error:\n        print(type(error).__name__, error)\n"
    path = {"PATH": f"{UV.parent}:/usr/bin:/bin", "UV_DEFAULT_INDEX": kernel.index.simple_url, "PYTHONPATH": None}
    return kernel.sandbox.run(
        kernel.python, "-c", program, kernel.sandbox.root / "cell.py", variables={**path, "UV_NO_CACHE": "1"}
    )


def test_installs_verifies_and_the_second_time_changes_nothing(kernel: TinyBootstrap) -> None:
    kernel.index.add(NEW)
    result = run(kernel, make_lock([NEW]), times=2)
    assert result.stderr == ""
    first, second, rest = result.stdout.split("TensorFlow 2.20.0 for this-machine: verified\n")
    assert "installed 1 packages" in first
    assert "nothing to install" in second
    assert "import    " in second
    assert rest == ""
    assert len(kernel.index.paths("/files/*")) > 0


def test_asks_for_a_restart_where_an_older_module_is_loaded(kernel: TinyBootstrap) -> None:
    kernel.index.add(OLD, NEW)
    assert "verified" in run(kernel, make_lock([OLD])).stdout
    result = run(kernel, make_lock([NEW]), before="import six", times=2)
    assert result.stdout.count("CellError restart the kernel") == 2
    assert "it still has the former six loaded" in result.stdout
    assert ": verified" not in result.stdout
    assert "verified" in run(kernel, make_lock([NEW]), before="import six").stdout


def test_remembers_what_was_replaced_where_modules_tell_no_version(kernel: TinyBootstrap) -> None:
    old, new = six("1.16.0", "x = 1\n"), six("1.17.0", "x = 22\n")
    kernel.index.add(old, new)
    run(kernel, make_lock([old]))
    result = run(kernel, make_lock([new]), before="import six", times=2)
    assert result.stdout.count("CellError restart the kernel") == 2


@pytest.mark.parametrize("told", ["v1.16", "1.17", "1.17.0.0", ""])
def test_a_module_that_tells_its_version_otherwise_needs_no_restart(kernel: TinyBootstrap, told: str) -> None:
    new = six("1.17.0", f"__version__ = {told!r}\n")
    kernel.index.add(new)
    run(kernel, make_lock([new]))
    assert ": verified" in run(kernel, make_lock([new]), before="import six").stdout


def test_the_hook_of_setuptools_needs_no_restart(kernel: TinyBootstrap) -> None:
    files = {"_distutils_hack/__init__.py": "x = 1\n"}
    old = build_wheel(Project(name="setuptools", version="80.0", files=files))
    new = build_wheel(Project(name="setuptools", version="81.0", files={"_distutils_hack/__init__.py": "x = 22\n"}))
    kernel.index.add(old, new)
    run(kernel, make_lock([old]))
    assert ": verified" in run(kernel, make_lock([new]), before="import _distutils_hack").stdout


def test_a_module_that_is_not_loaded_needs_no_restart(kernel: TinyBootstrap) -> None:
    kernel.index.add(OLD, NEW)
    run(kernel, make_lock([OLD]))
    assert ": verified" in run(kernel, make_lock([NEW])).stdout


def test_the_wheels_are_kept_for_the_next_machine(kernel: TinyBootstrap) -> None:
    kernel.index.add(NEW)
    wheels = kernel.sandbox.root / "drive"
    options = CellOptions(wheelhouse=str(wheels))
    assert ": verified" in run(kernel, make_lock([NEW]), options=options).stdout
    assert (wheels / NEW.filename).read_bytes() == NEW.content
    (kernel.site_packages / "six.py").unlink()
    kernel.index.misbehave(status(404))
    assert ": verified" in run(kernel, make_lock([NEW]), options=options).stdout
    (wheels / NEW.filename).write_bytes(b"damaged")
    kernel.index.behave()
    (kernel.site_packages / "six.py").unlink()
    repaired = run(kernel, make_lock([NEW]), options=options).stdout
    assert f"six has another hash than the lock: {NEW.filename}" in repaired
    assert ": verified" in repaired
    assert (wheels / NEW.filename).read_bytes() == NEW.content


def test_stops_where_the_runtime_is_another(kernel: TinyBootstrap) -> None:
    result = run(kernel, make_lock([NEW], python="3.99"))
    assert "CellError TensorFlow 2.20.0 is not ready here: python failed" in result.stdout
    assert kernel.index.requests == []


def test_stops_where_nothing_can_be_installed(kernel: TinyBootstrap) -> None:
    result = run(kernel, make_lock([NEW]))
    assert "CellError the installer failed" in result.stdout
    assert "hint: check network" in result.stdout


def test_stops_where_tensorflow_does_not_work(kernel: TinyBootstrap) -> None:
    kernel.index.add(NEW)
    result = run(
        kernel, make_lock([NEW]), trial='"""Dies."""\nimport json\n\n\ndef run_trial(*x):\n    raise SystemExit(7)\n'
    )
    assert "CellError TensorFlow 2.20.0 is not ready here: import failed" in result.stdout


def test_the_exception_shows_as_one_line_in_a_notebook() -> None:
    assert CellError("restart")._render_traceback_() == ["CellError: restart"]
