"""The cell in real kernels with a real TensorFlow: a first run, a rerun, restarts, and what is saved before them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY
from tests.support.kernels import Kernel, in_kernel
from tests.support.programs import UV

pytestmark = pytest.mark.real

COLAB_KERNEL = ("ipykernel==6.17.1", "ipython==7.34.0")
"""What Colab's kernels run."""

MAKE = """
import numpy as np, tensorflow as tf

def make_model():
    return tf.keras.Sequential([tf.keras.Input(shape=(4,)), tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)])

class Own(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = tf.keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)

def numbers_of(thing):
    variables = thing.variables() if callable(thing.variables) else thing.variables
    return np.concatenate([np.ravel(np.asarray(variable)).astype("float64") for variable in variables])

data = np.ones((8, 4), "float32")
model, own, optimizer = make_model(), Own(), tf.keras.optimizers.Adam()
own(data)
weights, listed = tf.Variable(tf.random.normal((2, 2))), [tf.Variable(1.5), tf.Variable(2.5)]
"""

TRAIN = """
model.compile("adam", "mse")
model.fit(data, np.ones((8, 1), "float32"), verbose=0)
optimizer.apply_gradients([(tf.ones_like(weights), weights)])
@tf.function
def step(x):
    return x + 1
np.savez("live.npz", model=np.concatenate([np.ravel(part) for part in model.get_weights()]), own=numbers_of(own),
         optimizer=numbers_of(optimizer), weights=weights.numpy(), listed=[part.numpy() for part in listed])
"""

LOAD_BACK = """
import glob
optimizer.build([weights])
listed = [tf.Variable(0.0), tf.Variable(0.0)]
(lines,) = glob.glob("tfbootstrap-rescued-*/load_back.py")
exec(open(lines).read())
live = np.load("live.npz")
assert np.array_equal(live["model"], np.concatenate([np.ravel(part) for part in model.get_weights()])), "model"
assert np.array_equal(live["own"], numbers_of(own)), "own"
assert np.array_equal(live["optimizer"], numbers_of(optimizer)), "optimizer"
assert np.array_equal(live["weights"], weights.numpy()), "weights"
assert np.array_equal(live["listed"], [part.numpy() for part in listed]), "listed"
whole = tf.keras.models.load_model(glob.glob("tfbootstrap-rescued-*/model.keras")[0])
assert all(map(np.array_equal, whole.get_weights(), model.get_weights())), "whole model"
"""

CONTINUE = """
import os
os.makedirs("saved")
fresh = restore_or_init(make_model(), "saved")
assert not np.array_equal(fresh.get_weights()[0], model.get_weights()[0])
model.save_weights("saved/1.weights.h5")
open("saved/2.weights.h5", "w").write("cut off")
fresh = restore_or_init(make_model(), "saved")
assert np.array_equal(fresh.get_weights()[0], model.get_weights()[0])
tf.train.Checkpoint(weights=weights).write("point")
other = tf.Variable(tf.zeros((2, 2)))
restore_or_init(tf.train.Checkpoint(weights=other), "point")
assert np.array_equal(other.numpy(), weights.numpy())
"""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder with an environment that has a kernel."""

    folder: Path

    @property
    def python(self) -> Path:
        """The kernel's interpreter."""
        return self.folder / "environment" / "bin" / "python"

    def make(self, interpreter: Path, *requirements: str, constraints: str = "") -> None:
        """Make the environment, with these packages in it."""
        (self.folder / "constraints.txt").write_text(constraints)
        self._run([UV, "venv", "--quiet", "--python", interpreter, self.folder / "environment"])
        install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", self.python]
        self._run([*install, "--constraints", "constraints.txt", *requirements])

    def cell(self, tensorflow: str, python: str, *options: str) -> str:
        """Lock for that Python's CPU; return the cell."""
        return self.cell_for(["--tensorflow", tensorflow, "--python", python, "--gpu", "none"], *options)

    def cell_for(self, wish: list[str], *options: str) -> str:
        """Lock what is wished for; return the cell."""
        tool = [sys.executable, "-m", "tfbootstrap"]
        self._run([*tool, "lock", *wish])
        return self._run([*tool, "cell", *options])

    def pins(self) -> str:
        """Return the lock's pins, a line each."""
        return "\n".join(re.findall(r"^\S+==\S+(?= )", (self.folder / "requirements.txt").read_text(), re.MULTILINE))

    def kernel(self, **more: str) -> Kernel:
        """Return a kernel of the environment."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
        search = os.pathsep.join([str(UV.parent), os.environ["PATH"]])
        return Kernel(self.python, self.folder, {**variables, "PATH": search, "TF_CPP_MIN_LOG_LEVEL": "3", **more})

    def _run(self, command: list[str | Path]) -> str:
        result = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    yield Workplace(tmp_path)
    for folder in ("environment", "cache"):  # a TensorFlow is large, and pytest keeps folders of earlier runs
        shutil.rmtree(tmp_path / folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("interpreter", "python", "tensorflow"),
    [("3.9", "3.9", "2.19"), ("3.13", "3.13", "2.20")],
    indirect=["interpreter"],
    ids=["2.19-on-3.9", "2.20-on-3.13"],
)
def test_first_run_rerun_and_restart(workplace: Workplace, interpreter: Path, python: str, tensorflow: str) -> None:
    cell = workplace.cell(tensorflow, python)
    # A kernel that has another version of a locked package loaded must be restarted: not what is shown here.
    workplace.make(interpreter, "ipykernel", constraints=workplace.pins())

    async def story() -> None:
        async with workplace.kernel() as kernel:
            first = await kernel.run(cell)
            assert first.error is None, first
            assert "installed " in first.text
            assert first.status_of("save-load") == "pass"
            again = await kernel.run(cell)
            assert "nothing to install" in again.text
            assert "nothing has changed since" in again.text
            assert (await kernel.run("import sys; assert 'tensorflow' not in sys.modules")).error is None
            await kernel.restart()
            after = await kernel.run(cell)
            assert after.text == again.text

    in_kernel(story())


@pytest.mark.parametrize(
    ("interpreter", "before", "tensorflow", "on_restart"),
    [
        ("3.12", ("ipykernel", "tensorflow==2.19.0", "numpy==1.26.4"), "2.20", "auto"),
        ("3.11", (*COLAB_KERNEL, "setuptools", "tensorflow==2.15.1", "numpy==1.24.4"), "2.15", "ask"),
    ],
    indirect=["interpreter"],
    ids=["keras-3-restarts", "keras-2-on-colab-kernel-asks"],
)
def test_what_lives_is_saved_and_one_restart_is_made(
    workplace: Workplace, interpreter: Path, before: tuple[str, ...], tensorflow: str, on_restart: str
) -> None:
    workplace.make(interpreter, *before)
    python = workplace.python.resolve().name.removeprefix("python")
    cell = workplace.cell(tensorflow, python, "--on-restart", on_restart)

    async def story() -> None:
        async with workplace.kernel() as kernel:
            assert (await kernel.run(MAKE + TRAIN)).error is None
            ran = await kernel.run(cell)
            assert "TensorFlow is imported in this kernel already" in ran.text
            assert "model.load_weights(" in ran.text
            assert ran.text.index("load_weights") < ran.text.index("installing ")
            assert "could not be saved" not in ran.text
            assert ran.status_of("fit") == "pass"
            if on_restart == "ask":
                assert ran.error is not None
                assert ran.error.startswith("CellError: restart the kernel now")
                await kernel.restart()
            assert kernel.restarts == (on_restart == "auto")
            after = await kernel.run(cell)
            assert after.error is None
            assert "nothing has changed since" in after.text
            for code in (MAKE, LOAD_BACK, CONTINUE):
                assert (await kernel.run(code)).error is None
            assert kernel.restarts == (on_restart == "auto")

    in_kernel(story())


IN_TF = """%%tf
import sys
import tensorflow as tf
from tensorflow import keras

@tf.function
def absolute(x):
    if x < 0:  # AutoGraph reads the source of this
        return -x
    return x

model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
model.compile("sgd", "mse")
history = model.fit(tf.ones((8, 2)), tf.ones((8, 1)), epochs=2, verbose=2)
print(tf.__version__, "%d.%d" % sys.version_info[:2], int(absolute(tf.constant(-3))))
"""

TRAIN_FOR_EVER = """%%tf
class Told(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            open("trains", "w").close()

model.fit(tf.ones((64, 2)), tf.ones((64, 1)), epochs=10**6, verbose=0, callbacks=[Told()])
"""


@pytest.mark.parametrize("interpreter", ["3.12"], indirect=True)
def test_an_old_tensorflow_beside_a_new_python(workplace: Workplace, interpreter: Path) -> None:
    """TensorFlow 2.7 has no wheel for the kernel's Python 3.12; 3.9 is found on the machine, or fetched."""
    workplace.make(interpreter, "ipykernel")
    cell = workplace.cell("2.7", "3.9", "--isolate")
    uv_cache = subprocess.check_output([UV, "cache", "dir"], encoding="utf-8").strip()

    async def story() -> None:
        cache = str(workplace.folder / "cache")
        async with workplace.kernel(XDG_CACHE_HOME=cache, UV_CACHE_DIR=uv_cache) as kernel:
            first = await kernel.run(cell)
            assert first.error is None, first
            assert first.status_of("save-load") == "pass"
            ran = await kernel.run(IN_TF)
            assert ran.error is None, ran
            assert "Epoch 2/2" in ran.text
            assert ran.text.splitlines()[-1] == "2.7.4 3.9 3"
            assert (await kernel.run("import tensorflow")).error is not None
            failed = await kernel.run("%%tf\nmodel.fit(tf.ones((8, 3)), tf.ones((8, 1)), verbose=0)")
            assert failed.error is not None
            assert failed.error.startswith("CellError: in %%tf: ValueError: ")
            assert "<tf-2>" in failed.text
            task = asyncio.ensure_future(kernel.run(TRAIN_FOR_EVER))
            while not (workplace.folder / "trains").exists():
                await asyncio.sleep(0.2)
            await kernel.interrupt()
            assert (await task).error == "CellError: in %%tf: KeyboardInterrupt"
            kept = "%%tf\nmodel.save_weights('1.h5')\nrestore_or_init(model, '1.h5') is model"
            assert (await kernel.run(kept)).text == "continues from 1.h5\nTrue\n"
            (workplace.folder / "train.py").write_text("import tensorflow as tf; print(tf.__version__)")
            assert "2.7.4" in (await kernel.run("!{tf_python} train.py")).text
            again = await kernel.run(cell)
            assert "nothing has changed since" in again.text
            assert (await kernel.run("%%tf\nlen(history.history['loss'])")).text == "2\n"

    in_kernel(story())
