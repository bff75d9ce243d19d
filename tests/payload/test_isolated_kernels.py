"""The isolating cell in real kernels, with a tiny package in place of TensorFlow; `tests/real` has the real one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bootstraps import PASSING_TRIAL, TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.kernels import Kernel, in_kernel
from tests.support.locks import PYTHON, make_lock
from tests.support.loopback_index import LoopbackIndex, status
from tests.support.programs import UV
from tests.support.wheel_factory import Artefact, Project, build_wheel
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.render import CellOptions, OnRestart, render_cell

pytestmark = pytest.mark.slow

OTHER_PYTHON = "3.9"


def tiny(version: str) -> Artefact:
    return build_wheel(Project(name="tiny", version=version, files={"tiny.py": f"__version__ = {version!r}\n"}))


OLD, NEW, OTHER = tiny("1.0"), tiny("2.0"), tiny("3.0")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyBootstrap]:
    """Return where the kernels live; what a cell makes there lasts from test to test, as it does for a user."""
    with LoopbackIndex() as index:
        index.add(OLD, NEW, OTHER)
        made = TinyBootstrap(Sandbox.below(tmp_path_factory.mktemp("isolated") / "sandbox"), index)
        made.make_environment(sys.executable)
        (made.site_packages / "kernel.pth").write_text(sysconfig.get_path("purelib") + "\n")
        yield made


@pytest.fixture
def sandbox(place: TinyBootstrap) -> Iterator[Sandbox]:
    yield place.sandbox
    for entry in place.sandbox.work.iterdir():
        subprocess.run(["rm", "-r", entry], check=True)


@pytest.fixture
def loopback_index(place: TinyBootstrap) -> Iterator[LoopbackIndex]:
    yield place.index
    place.index.behave()


@pytest.fixture
def kernel(place: TinyBootstrap, sandbox: Sandbox, interpreter: Path) -> Kernel:
    """Return a kernel of this Python, which finds the other one on its PATH and holds nothing of the lock."""
    variables = sandbox.environment(
        PATH=os.pathsep.join([str(UV.parent), str(interpreter.parent), "/usr/bin", "/bin"]),
        UV_DEFAULT_INDEX=place.index.simple_url,
        UV_NO_CACHE="1",
        PYTHONPATH=None,
        COVERAGE_PROCESS_CONFIG=None,
        COVERAGE_PROCESS_START=None,
    )
    return Kernel(place.python, sandbox.work, variables)


def homes(sandbox: Sandbox, python: str = OTHER_PYTHON) -> list[Path]:
    """Return the environments that cells have made for a Python."""
    return list((sandbox.home / ".cache" / "tfbootstrap").glob(f"python{python}-*"))


def cell(
    artefact: Artefact = NEW,
    on_restart: OnRestart = "ask",
    *,
    python: str = OTHER_PYTHON,
    wheelhouse: str = "",
    trial: str = PASSING_TRIAL,
) -> str:
    options = CellOptions(isolate=True, on_restart=on_restart, wheelhouse=wheelhouse)
    sources, template = {**read_payload(), "trial": trial}, read_template("isolated.py.j2")
    return render_cell(make_lock([artefact], python=python), sources, template, options)


other_python = pytest.mark.parametrize("interpreter", [OTHER_PYTHON], indirect=True)


@pytest.mark.parametrize("interpreter", ["3.7", "3.13"], indirect=True)
def test_another_python_runs_what_begins_with_tf(kernel: Kernel, interpreter: Path) -> None:
    python = interpreter.resolve().name.removeprefix("python")
    text = cell(python=python)

    async def story() -> None:
        async with kernel:
            first = await kernel.run(text)
            assert first.error is None, first
            assert "making " in first.text
            assert "installed 1 packages" in first.text
            assert first.status_of("python") == "pass"
            ran = await kernel.run("%%tf\nimport sys, tiny\nprint(tiny.__version__)\n'%d.%d' % sys.version_info[:2]")
            assert ran.text == f"2.0\n'{python}'\n"
            assert (await kernel.run("import tiny")).error is not None
            again = await kernel.run(text)
            assert "nothing has changed since this was verified" in again.text
            assert (await kernel.run("%%tf\ntiny.__version__")).text == "'2.0'\n"

    in_kernel(story())


@other_python
def test_programs_run_there_too(kernel: Kernel, sandbox: Sandbox) -> None:
    (sandbox.work / "train.py").write_text("import os, tiny\nprint(tiny.__version__, os.environ.get('MPLBACKEND'))\n")

    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            ran = await kernel.run("import os; os.environ['MPLBACKEND'] = 'module://kernel'\n!{tf_python} train.py")
            assert ran.text.split() == ["2.0", "None"]

    in_kernel(story())


@other_python
def test_variables_last_and_values_are_shown(kernel: Kernel, sandbox: Sandbox) -> None:
    (sandbox.work / "below").mkdir()
    (sandbox.work / "local.py").write_text("x = 'local'\n")
    rich = "class Rich:\n    def __repr__(self):\n        return 'poor'\n"
    rich += "    def _repr_html_(self):\n        return '<b>'\n"

    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            assert (await kernel.run(f"%%tf\n{rich}x = 41\nimport local; local.x")).text == "'local'\n"
            assert (await kernel.run("%%tf\nx + 1")).text == "42\n"
            assert (await kernel.run("%%tf\n_ * 2;")).text == ""
            shown = await kernel.run("%%tf\nRich()")
            assert shown.displays == [{"text/plain": "poor", "text/html": "<b>"}]
            assert (await kernel.run("%%tf\ndisplay(1, Rich)\nNone")).text == "1\n<class '__main__.Rich'>\n"
            inspected = await kernel.run("%%tf\nimport inspect\nprint(inspect.getsource(Rich.__repr__))")
            assert "return 'poor'" in inspected.text
            await kernel.run("%cd below")
            assert (await kernel.run("%%tf\nimport os; os.path.basename(os.getcwd())")).text == "'below'\n"
            assert "nothing has changed" in (await kernel.run(cell())).text, "the environment is that of the first run"
            assert (await kernel.run("x")).error is not None
            assert "EOFError" in str((await kernel.run("%%tf\ninput()")).error)
            with_text = await kernel.run("%%tf 1\nx")
            assert with_text.error == "CellError: %%tf stands alone in its line"

    in_kernel(story())


@other_python
def test_figures_are_shown(kernel: Kernel, sandbox: Sandbox) -> None:
    figure = "class Figure:\n    def savefig(self, file, **options):\n        file.write(b'picture')\n"
    pyplot = (
        f"{figure}numbers = [1]\ndef get_fignums():\n    return numbers\ndef figure(number):\n    return Figure()\n"
    )
    (sandbox.work / "matplotlib").mkdir()
    (sandbox.work / "matplotlib" / "pyplot.py").write_text(pyplot + "def close(which):\n    numbers.clear()\n")

    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            drawn = await kernel.run("%%tf\nimport os, matplotlib.pyplot\nos.environ['MPLBACKEND']")
            assert (drawn.text, drawn.displays) == (
                "'agg'\n",
                [{"image/png": "cGljdHVyZQ==", "text/plain": "<Figure 1>"}],
            )
            assert (await kernel.run("%%tf\n1")).displays == []

    in_kernel(story())


@other_python
def test_errors_are_shown_and_end_run_all(kernel: Kernel) -> None:
    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            failed = await kernel.run("%%tf\ndef fail():\n    return 1 / 0\nprint('before')\nfail()")
            assert failed.error == "CellError: in %%tf: ZeroDivisionError: division by zero"
            assert failed.text.startswith('before\nTraceback (most recent call last):\n  File "<tf-1>", line 4')
            assert "    return 1 / 0\n" in failed.text
            assert (await kernel.run("%%tf\nfail")).text.startswith("<function fail")
            wrong = await kernel.run("%%tf\nx = = 1")
            assert "SyntaxError" in str(wrong.error)
            assert "tfbootstrap_worker.py" not in wrong.text
            many = await kernel.run("%%tf\nraise ValueError('first\\n  second')")
            assert many.error == "CellError: in %%tf: ValueError: first second"
            assert (await kernel.run("%%tf\nraise SystemExit(3)")).error == "CellError: in %%tf: SystemExit: 3"
            assert (await kernel.run("%%tf\n1")).text == "1\n"

    in_kernel(story())


@other_python
def test_what_is_printed_comes_at_once_and_whole(kernel: Kernel) -> None:
    code = "%%tf\nimport os, subprocess, sys\nprint('a\\r', end='')\nsys.stderr.write('b\\n')\nos.write(1, b'c\\n')\n"
    code += "subprocess.call(['echo', 'd'])\nprint('é' * 200000)\nprint('\\x1eno mark')\nos.write(1, b'\\x1e')"

    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            ran = await kernel.run(code)
            assert ran.text == "a\rb\nc\nd\n" + "é" * 200000 + "\n\x1eno mark\n\x1e1\n"

    in_kernel(story())


@other_python
def test_an_interruption_ends_the_cell_and_keeps_its_variables(kernel: Kernel) -> None:
    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            task = asyncio.ensure_future(kernel.run("%%tf\nx = 1\nprint('waits')\nimport time\ntime.sleep(60)"))
            await asyncio.sleep(3)
            await kernel.interrupt()
            ran = await task
            assert ran.error == "CellError: in %%tf: KeyboardInterrupt"
            assert ran.seconds < 30
            assert "time.sleep(60)" in ran.text
            assert (await kernel.run("%%tf\nx")).text == "1\n"

    in_kernel(story())


@other_python
def test_what_does_not_listen_is_ended_by_the_third_interruption(kernel: Kernel) -> None:
    deaf = "%%tf\nimport signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"

    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            task = asyncio.ensure_future(kernel.run(deaf))
            for _ in range(3):
                await asyncio.sleep(2)
                await kernel.interrupt()
            ran = await task
            assert ran.error is not None
            assert "what it held is gone" in ran.error
            assert "interrupt once more" in ran.text
            assert (await kernel.run("%%tf\n'anew'")).text == "'anew'\n"

    in_kernel(story())


@other_python
def test_its_death_is_told_and_the_next_cell_starts_anew(kernel: Kernel) -> None:
    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            died = await kernel.run("%%tf\nimport os\nx = 1\nprint('last words', flush=True)\nos.kill(os.getpid(), 11)")
            assert died.text == "last words\n"
            assert died.error is not None
            assert died.error.startswith("CellError: the process was ended by signal 11, and what it held is gone")
            assert "NameError" in str((await kernel.run("%%tf\nx")).error)

    in_kernel(story())


async def has_ended(pid: int) -> bool:
    """Say whether a process ends; a busy machine takes a while to end it."""
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists():
            return True
        await asyncio.sleep(0.1)
    return False


@other_python
def test_it_ends_with_its_kernel_and_leaves_nothing(kernel: Kernel, sandbox: Sandbox) -> None:
    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            alive = int((await kernel.run("%%tf\nimport os\nos.getpid()")).text)
            await kernel.restart()
            assert "not found" in (await kernel.run("%tf_restart")).text
            ran = await kernel.run(cell())
            assert "nothing to install" in ran.text
            assert "NameError" in str((await kernel.run("%%tf\nos")).error)
            assert await has_ended(alive)
            last = int((await kernel.run("%%tf\nimport os\nos.getpid()")).text)
            assert (await kernel.run("%tf_restart")).text == "the next %%tf cell starts anew\n"
            assert await has_ended(last)

    in_kernel(story())
    assert [path for path in sandbox.temporary.iterdir() if path.name.startswith("tfbootstrap")] == []


@other_python
def test_former_packages_in_use_are_not_forgotten(kernel: Kernel) -> None:
    version = "%%tf\nimport tiny; tiny.__version__"

    async def story() -> None:
        async with kernel:
            await kernel.run(cell(OLD))
            assert (await kernel.run(version)).text == "'1.0'\n"
            failing = PASSING_TRIAL.replace('"pass"', '"fail"')
            assert "import failed" in str((await kernel.run(cell(NEW, trial=failing))).error)
            asked = await kernel.run(cell(NEW))
            assert "nothing to install" in asked.text
            assert asked.error is not None
            assert "end it with %tf_restart" in asked.error
            assert (await kernel.run(version)).text == "'1.0'\n"
            assert "%tf_restart" in str((await kernel.run(cell(NEW))).error)
            await kernel.run("%tf_restart")
            assert (await kernel.run(cell(NEW))).error is None
            assert (await kernel.run(version)).text == "'2.0'\n"
            assert "warning" in (await kernel.run(cell(OLD, "never"))).text
            ended = await kernel.run(cell(OLD, "auto"))
            assert ended.error is None
            assert "ending the process of the %%tf cells" in ended.text
            assert (await kernel.run(version)).text == "'1.0'\n"

    in_kernel(story())


@other_python
def test_what_was_cut_off_or_broken_is_made_anew(kernel: Kernel, sandbox: Sandbox) -> None:
    async def story() -> None:
        async with kernel:
            await kernel.run(cell())
            (home,) = homes(sandbox)
            (home / "whole").unlink()
            (home / "bin" / "python").unlink()
            gone = await kernel.run("%%tf\n1")
            assert f"CellError: can't start {home}/bin/python" in str(gone.error)
            again = await kernel.run(cell())
            assert again.error is None
            assert "installed 1 packages" in again.text
            (next(home.glob("lib/python*/site-packages")) / "tiny.py").unlink()
            repaired = await kernel.run(cell())
            assert "tiny: incomplete" in repaired.text
            assert repaired.error is None

    in_kernel(story())


@other_python
def test_what_fails_is_one_sentence(kernel: Kernel, loopback_index: LoopbackIndex, sandbox: Sandbox) -> None:
    async def story() -> None:
        async with kernel:
            nowhere = await kernel.run(cell(python="3.99"))
            assert nowhere.error is not None
            assert "CellError: the lock is for Python 3.99" in nowhere.error
            assert f"tfbootstrap lock --python {PYTHON}" in nowhere.error
            loopback_index.misbehave(status(403), path="/files/*")
            failed = await kernel.run(cell(OTHER))
            assert failed.error is not None
            assert "1 of 1 packages still differ from the lock: tiny" in failed.error
            assert "hint: check network" in failed.error
            loopback_index.behave()
            assert (await kernel.run(cell(OTHER))).error is None
            assert (await kernel.run("%%tf\n1")).text == "1\n"

    in_kernel(story())
    assert homes(sandbox, "3.99") == []


@other_python
def test_wheels_are_kept(kernel: Kernel, loopback_index: LoopbackIndex, sandbox: Sandbox) -> None:
    async def story() -> None:
        async with kernel:
            wheels, (home,) = sandbox.root / "drive", homes(sandbox)
            module = next(home.glob("lib/python*/site-packages")) / "tiny.py"
            module.unlink()
            assert (await kernel.run(cell(wheelhouse=str(wheels)))).error is None
            assert [path.name for path in wheels.iterdir()] == [NEW.filename]
            module.unlink()
            loopback_index.misbehave(status(404))
            offline = await kernel.run(cell(wheelhouse=str(wheels)))
            assert offline.error is None, offline

    in_kernel(story())
