"""The cell in real kernels, with a tiny package in place of TensorFlow; `tests/real` has the real one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.bootstraps import PASSING_TRIAL, TinyBootstrap
from tests.support.environment import Sandbox
from tests.support.kernels import Kernel, in_kernel
from tests.support.locks import make_lock
from tests.support.loopback_index import LoopbackIndex, slow, status
from tests.support.programs import UV
from tests.support.wheel_factory import Artefact, Project, build_wheel
from tfbootstrap.edges.payload import read_payload
from tfbootstrap.edges.resources import read_template
from tfbootstrap.render import CellOptions, OnRestart, render_cell

pytestmark = pytest.mark.slow


def tiny(version: str, more: str = "") -> Artefact:
    # Python takes a compiled file for another source's where size and time agree.
    content = f"__version__ = {version!r}\n{more}"
    return build_wheel(Project(name="tiny", version=version, files={"tiny.py": content}))


OLD, NEW = tiny("1.0", "# the former one\n"), tiny("2.0")
NAMES = "print({name for name in globals() if not name.startswith('_')})"
LOAD_OLD = "import tiny\nprint(tiny.__version__)"


@pytest.fixture
def environment(sandbox: Sandbox, loopback_index: LoopbackIndex) -> TinyBootstrap:
    """Return an environment with the former package in it, which finds our kernel's code in that of the tests."""
    made = TinyBootstrap(sandbox, loopback_index)
    made.make_environment(sys.executable)
    (made.site_packages / "kernel.pth").write_text(sysconfig.get_path("purelib") + "\n")
    loopback_index.add(OLD, NEW)
    install(made, "tiny==1.0")
    return made


def install(environment: TinyBootstrap, requirement: str) -> None:
    command: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", environment.python, requirement]
    subprocess.run(command, check=True, env=variables(environment))


def variables(environment: TinyBootstrap) -> dict[str, str]:
    return environment.sandbox.environment(
        PATH=f"{UV.parent}:/usr/bin:/bin",
        UV_DEFAULT_INDEX=environment.index.simple_url,
        UV_NO_CACHE="1",
        PYTHONPATH=None,
        COVERAGE_PROCESS_CONFIG=None,
        COVERAGE_PROCESS_START=None,
    )


def kernel_of(environment: TinyBootstrap) -> Kernel:
    return Kernel(environment.python, environment.sandbox.work, variables(environment))


def cell(on_restart: OnRestart = "ask") -> str:
    options = CellOptions(on_restart=on_restart)
    return render_cell(
        make_lock([NEW]), {**read_payload(), "trial": PASSING_TRIAL}, read_template("cell.py.j2"), options
    )


def test_first_run_rerun_and_restart(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            names = eval((await kernel.run(NAMES)).text)
            first = await kernel.run(cell())
            assert (first.error, kernel.restarts) == (None, 0)
            assert "installed 1 packages" in first.text
            assert first.text.endswith(": verified\n")
            (table,) = first.displays
            assert "<td align='left'>versions</td>" in table["text/html"]
            assert first.status_of("versions") == "pass"
            again = await kernel.run(cell())
            assert "nothing has changed since this was verified at" in again.text
            assert again.displays == first.displays
            assert eval((await kernel.run(NAMES)).text) - names == {"restore_or_init", "tfbootstrap"}
            await kernel.restart()
            after = await kernel.run(cell())
            assert "nothing has changed" in after.text
            assert "nothing to install" in after.text

    in_kernel(story())


def test_what_changed_is_verified_anew(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(cell())
            module = environment.site_packages / "tiny.py"
            module.write_text(module.read_text() + "# edited\n")
            edited = await kernel.run(cell())
            assert "verifying" in edited.text
            module.unlink()
            repaired = await kernel.run(cell())
            assert "tiny: incomplete: 1 files missing" in repaired.text
            assert repaired.text.endswith(": verified\n")
            (environment.sandbox.work / "tiny.py").touch()
            hidden = await kernel.run(cell())
            assert hidden.status_of("shadowing") == "fail"
            assert (
                hidden.error == "CellError: TensorFlow 2.20.0 is not ready here: shadowing failed, see the hints above"
            )
            failed_before = await kernel.run(cell())
            assert "verifying" in failed_before.text

    in_kernel(story())


def test_asks_for_one_restart(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(LOAD_OLD)
            for _ in range(2):
                asked = await kernel.run(cell())
                assert asked.error is not None
                assert asked.error.startswith("CellError: restart the kernel now")
                assert "former tiny loaded" in asked.error
            await kernel.restart()
            assert (await kernel.run(cell())).error is None

    in_kernel(story())


def test_restarts_by_itself_exactly_once(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(LOAD_OLD)
            first = await kernel.run(cell("auto"))
            assert first.restarted
            assert "restarting this kernel, once" in first.text
            second = await kernel.run(cell("auto"))
            assert second.text.endswith(": verified\n")
            assert (await kernel.run(LOAD_OLD)).text == "2.0\n"
            assert kernel.restarts == 1
            # Later changes may need their own restart.
            install(environment, "tiny==1.0")
            await kernel.restart()
            assert (await kernel.run(LOAD_OLD)).text == "1.0\n"
            assert (await kernel.run(cell("auto"))).restarted

    in_kernel(story())


def test_does_not_restart_for_ever(environment: TinyBootstrap) -> None:
    former = environment.sandbox.root / "former"
    former.mkdir()
    (former / "tiny.py").write_text("__version__ = '0.9'\n")
    load_former = f"import sys\nsys.path.insert(0, {str(former)!r})\nimport tiny\nsys.path.pop(0)"

    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(load_former)
            assert (await kernel.run(cell("auto"))).restarted
            await kernel.run(load_former)
            stopped = await kernel.run(cell("auto"))
            assert stopped.error is not None
            assert "the restart did not help: something loads another tiny before this cell runs" in stopped.error
            assert f"{former}/tiny.py 0.9" in stopped.error
            assert kernel.restarts == 1

    in_kernel(story())


def test_warns_only_where_it_must_not_restart(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(LOAD_OLD)
            ran = await kernel.run(cell("never"))
            assert ran.error is None
            assert (
                "warning: don't trust this kernel before it is restarted: it still has the former tiny loaded"
                in ran.text
            )
            assert ran.text.endswith(": verified\n")

    in_kernel(story())


def test_asks_where_it_could_not_remember_a_restart(environment: TinyBootstrap) -> None:
    (environment.site_packages / ".tfbootstrap.json.part").mkdir()

    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(LOAD_OLD)
            ran = await kernel.run(cell("auto"))
            assert not ran.restarted
            assert ran.error is not None
            assert ran.error.startswith("CellError: restart the kernel now")

    in_kernel(story())


def test_colab_shows_its_button(environment: TinyBootstrap) -> None:
    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(f"import os\nos.environ['COLAB_RELEASE_TAG'] = 'release-colab_20260714-1'\n{LOAD_OLD}")
            ran = await kernel.run(cell())
            button = {"application/vnd.colab-display-data+json": {"pip_warning": {"packages": ["tiny"]}}}
            assert ran.displays[-1] == button

    in_kernel(story())


def test_two_kernels_at_once(environment: TinyBootstrap) -> None:
    environment.index.misbehave(slow(1), path="/files/*.whl")
    environment.index.requests.clear()

    async def story() -> None:
        async with kernel_of(environment) as one, kernel_of(environment) as other:
            both = await asyncio.gather(one.run(cell()), other.run(cell()))
            assert [ran.error for ran in both] == [None, None]
            assert all(ran.text.endswith(": verified\n") for ran in both)
            assert [ran.text.count("waiting for it") for ran in both].count(1) == 1

    in_kernel(story())
    assert environment.index.paths("/files/*.whl") == [f"/files/{NEW.filename}"]


def test_a_kernel_that_is_killed_leaves_no_good_news_and_the_next_run_repairs(environment: TinyBootstrap) -> None:
    report = environment.site_packages / ".tfbootstrap.json"

    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(cell())
            assert json.loads(report.read_text())["ok"] is True
            (environment.site_packages / "tiny.py").unlink()
            environment.index.misbehave(slow(3), path="/files/*.whl", times=1)
            environment.index.requests.clear()
            pid = int((await kernel.run("import os\nprint(os.getpid())")).text)
            running = asyncio.create_task(kernel.run(cell()))
            while not environment.index.paths("/files/*.whl"):
                await asyncio.sleep(0.05)
            os.kill(pid, signal.SIGKILL)
            assert (await running).restarted
            assert not report.exists()
            # Its installer may still be at work; whoever comes next waits for that.
            repaired = await kernel.run(cell())
            assert repaired.text.endswith(": verified\n"), repaired
            assert json.loads(report.read_text())["ok"] is True
            assert (await kernel.run("import tiny\nprint(tiny.__version__)")).text == "2.0\n"

    in_kernel(story())


def test_a_run_that_fails_leaves_no_good_news(environment: TinyBootstrap) -> None:
    report = environment.site_packages / ".tfbootstrap.json"

    async def story() -> None:
        async with kernel_of(environment) as kernel:
            await kernel.run(cell())
            (environment.site_packages / "tiny.py").unlink()
            environment.index.misbehave(status(403), path="/files/*")
            failed = await kernel.run(cell())
            assert failed.error is not None
            assert failed.error.startswith("CellError: the installer failed")
            assert not report.exists()
            environment.index.behave()
            assert (await kernel.run(cell())).text.endswith(": verified\n")

    in_kernel(story())
