"""The cell on what Colab 2026.07 has around TensorFlow, from the real index; `test_colab_image` has the whole list."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.test_kernels_real import COLAB_KERNEL, Workplace
from tests.support.kernels import Kernel, Ran, in_kernel
from tests.support.machines import CapturedMachine
from tests.support.programs import UV
from tfbootstrap.edges.runtimes import load_runtime

pytestmark = pytest.mark.real

RUNTIME, MACHINE = "colab-2026.07", "linux-colab-t4"
CLOSURE = """
absl-py astunparse certifi charset-normalizer flatbuffers gast google-pasta grpcio h5py idna keras libclang markdown
markdown-it-py markupsafe mdurl ml-dtypes namex numpy opt-einsum optree packaging pillow protobuf pygments requests rich
setuptools six tensorboard tensorboard-data-server tensorflow termcolor typing-extensions urllib3 werkzeug wheel wrapt
"""
NEIGHBOURS = "tensorflow-text tf-keras grpcio-status googleapis-common-protos"
"""Packages of the image that require something of TensorFlow's closure."""


@pytest.fixture
def colab(tmp_path: Path, interpreter: Path) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path)
    pins = load_runtime(RUNTIME).profile.pins("gpu")
    image = [f"{name}=={pins[name]}" for name in (*CLOSURE.split(), *NEIGHBOURS.split())]
    workplace.make(interpreter, *COLAB_KERNEL, constraints="\n".join(image))
    subprocess.run([UV, "pip", "install", "--quiet", "--no-deps", "--python", workplace.python, *image], check=True)
    CapturedMachine.named(MACHINE).write_programs(tmp_path / "programs")
    yield workplace
    shutil.rmtree(tmp_path / "environment")  # a TensorFlow is large, and pytest keeps folders of earlier runs


def kernel_of(colab: Workplace) -> Kernel:
    """Return a kernel that believes to be Colab's."""
    path = f"{colab.folder / 'programs'}:{UV.parent}:{os.environ['PATH']}"
    machine = CapturedMachine.named(MACHINE).environment()
    cache = subprocess.check_output([UV, "cache", "dir"], encoding="utf-8").strip()
    own = {"HOME": str(colab.folder), "PATH": path, "UV_CACHE_DIR": cache, "UV_CONSTRAINT": "/not/there"}
    return colab.kernel(**{**machine, **own})


def broken(colab: Workplace) -> set[str]:
    """Return the packages of which a requirement does not hold, as uv sees it."""
    checked = subprocess.run([UV, "pip", "check", "--python", colab.python], capture_output=True, encoding="utf-8")
    return set(re.findall(r"^The package `(\S+)` requires", checked.stderr, re.MULTILINE))


def wanting(ran: Ran) -> set[str]:
    """Return the checks that did not pass: the GPU is a captured one, and no TensorFlow can use it."""
    (table,) = ran.displays
    return {line.split()[0] for line in table["text/plain"].splitlines() if re.search(" (fail|warn) ", line)}


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_its_own_tensorflow_installs_nothing_and_a_newer_one_little(colab: Workplace) -> None:
    wish = ["--runtime", RUNTIME, "--gpu", "T4", "--tensorflow"]
    cells = {version: colab.cell_for([*wish, version]) for version in ("2.20", "2.21")}

    async def story() -> None:
        async with kernel_of(colab) as kernel:
            own = await kernel.run(cells["2.20"])
            assert "nothing to install" in own.text
            assert own.status_of("hardware") == own.status_of("driver") == own.status_of("image") == "pass"
            assert own.status_of("save-load") == "pass"
            assert wanting(own) <= {"gpu"}
            before = broken(colab)
            newer = await kernel.run(cells["2.21"])
            changed = re.findall(r"^  (\S+): \S+ instead of", newer.text, re.MULTILINE)
            assert changed == ["h5py", "protobuf", "tensorflow"]
            named = set(re.findall(r"^  breaks: (\S+) ", newer.text, re.MULTILINE))
            assert named == broken(colab) - before == {"grpcio-status", "tensorflow-text", "tf-keras"}
            assert newer.status_of("save-load") == "pass"
            assert wanting(newer) <= {"gpu"}

    in_kernel(story())
