"""The deep trial of a proof: what programs of all kinds do with TensorFlow. Runs in the proven environment.

Standard library, NumPy and TensorFlow only, Python 3.7 syntax. It is run as a file:
`python smoke.py <report.jsonl> <json: {"pins": {name: version}}>`; each check is noted when it begins and when it ends.
"""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any, Callable, Dict, List, Tuple

TENSORBOARD_LIMIT = 60
"""Seconds within which TensorBoard must answer."""


class DoesNotApplyError(Exception):
    """A check makes no sense for this release; the text says why."""


class Smoke:
    """The checks; each returns what it found."""

    def __init__(self, pins: Dict[str, str]) -> None:
        self.pins = pins
        self.tf: Any = None
        self.np: Any = None
        self.log = tempfile.mkdtemp(dir=os.getcwd())

    def check_import(self) -> str:
        """Import TensorFlow and say how long it took."""
        start = time.time()
        self.tf = importlib.import_module("tensorflow")
        self.np = importlib.import_module("numpy")
        return "{:.1f} s".format(time.time() - start)

    def check_eager(self) -> str:
        """Differentiate eagerly."""
        x = self.tf.Variable(3.0)
        with self.tf.GradientTape() as tape:
            y = x * x
        return self.close(tape.gradient(y, x), 6.0)

    def check_graph(self) -> str:
        """Trace Python's control flow into a graph, which is what breaks with a wrong gast."""
        tf = self.tf

        def collatz(n: Any) -> Any:
            steps = tf.constant(0)
            while n > 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                steps += 1
            return steps

        # Written to a file: the tracer reads the source of what it traces.
        return self.close(tf.function(collatz)(tf.constant(6)), 8)

    def check_conv2d(self) -> str:
        """Train a convolutional model, on tf.data."""
        tf, layers = self.tf, self.tf.keras.layers
        model = tf.keras.Sequential(
            [
                layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
                layers.BatchNormalization(),
                layers.Flatten(),
                layers.Dense(2, activation="softmax"),
            ]
        )
        data = tf.data.Dataset.from_tensor_slices((self.numbers(16, 8, 8, 1), self.np.arange(16) % 2))
        data = data.shuffle(16).map(lambda x, y: (x * 2.0, y)).batch(4).prefetch(1)
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return self.fit(model, data)

    def check_lstm(self) -> str:
        """Train an embedding and an LSTM."""
        layers = self.tf.keras.layers
        model = self.tf.keras.Sequential([layers.Embedding(10, 4), layers.LSTM(4), layers.Dense(1)])
        model.compile(optimizer="rmsprop", loss="mse")
        return self.fit(model, self.np.arange(40).reshape(8, 5) % 10, self.numbers(8, 1))

    def check_ragged(self) -> str:
        """Turn a ragged tensor into NumPy's, which old releases do by names that NumPy 1.24 dropped."""
        ragged = self.tf.ragged.constant([[1], [2, 3]])
        if not hasattr(ragged, "numpy"):
            raise DoesNotApplyError("this release can't")
        return str(len(ragged.numpy()))

    def check_locally_connected(self) -> str:
        """Train a locally connected layer of Keras 2, for the same reason."""
        layer = getattr(self.tf.keras.layers, "LocallyConnected1D", None)
        if layer is None:
            raise DoesNotApplyError("Keras 3 has no locally connected layers")
        model = self.tf.keras.Sequential([layer(2, 2, implementation=2, input_shape=(4, 1))])
        model.compile(optimizer="sgd", loss="mse")
        return self.fit(model, self.numbers(4, 4, 1), self.numbers(4, 3, 2))

    def check_mixed_precision(self) -> str:
        """Train with float16 beside float32."""
        module = getattr(self.tf.keras, "mixed_precision", None)
        setter = getattr(module, "set_global_policy", None)
        if setter is None:
            module = getattr(module, "experimental", None)
            setter = getattr(module, "set_policy", None)
        if setter is None:
            raise DoesNotApplyError("this release has no mixed precision policy")
        try:
            setter("mixed_float16")
            model = self.dense()
            found = self.fit(model, self.numbers(8, 3), self.numbers(8, 1))
            compute = getattr(model.layers[1], "compute_dtype", "float16")
            if compute != "float16":
                raise AssertionError("computed in " + compute)
            return found
        finally:
            setter("float32")

    def check_xla(self) -> str:
        """Compile a training step with XLA."""
        offered = inspect.signature(self.tf.function).parameters
        options = [name for name in ("jit_compile", "experimental_compile") if name in offered]
        if not options or self.version() < (2, 3):
            raise DoesNotApplyError("this release can't be asked for XLA")
        tf, weights = self.tf, self.tf.Variable(self.numbers(4, 4))

        def step(x: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.tanh(tf.matmul(x, weights)))
            return tape.gradient(loss, weights)

        x = tf.constant(self.numbers(2, 4))
        return self.close(tf.function(step, **{options[0]: True})(x), step(x))

    def check_saved_model(self) -> str:
        """Write a SavedModel and read it back."""
        tf = self.tf

        class Doubler(tf.Module):  # type: ignore[misc,name-defined]  # the base is whatever is installed here
            """Something to save."""

            # Without annotations: TensorFlow 2.0 would have to save them, and can't.
            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def __call__(self, x):  # type: ignore[no-untyped-def]  # see above
                """Double a number."""
                return x * 2.0

        folder = tempfile.mkdtemp(dir=os.getcwd())
        tf.saved_model.save(Doubler(), folder)
        loaded = tf.saved_model.load(folder)
        return self.close(loaded(tf.constant([3.0])), [6.0])

    def check_keras_saved_model(self) -> str:
        """Write a Keras model as SavedModel: `save` of Keras 2, `export` of Keras 3."""
        model, x = self.trained(), self.tf.constant(self.numbers(4, 3))
        folder = os.path.join(tempfile.mkdtemp(dir=os.getcwd()), "saved")
        # 2.12 has `export` already, but fails with models that were trained, whatever is beside it.
        if self.version() >= (2, 16):
            model.export(folder)
            loaded = self.tf.saved_model.load(folder)  # kept: its variables live as long as it does
            return self.close(loaded.serve(x), model(x))
        model.save(folder, save_format="tf")
        return self.close(self.tf.keras.models.load_model(folder)(x), model(x))

    def check_h5(self) -> str:
        """Write a model as HDF5 and read it back, which is what breaks with a wrong h5py."""
        return self.save_and_load("model.h5")

    def check_keras_file(self) -> str:
        """Write a model as `.keras` and read it back."""
        if self.version() < (2, 12):
            raise DoesNotApplyError("the format came with 2.12")
        return self.save_and_load("model.keras")

    def check_tensorboard_callback(self) -> str:
        """Train with the TensorBoard callback and look for its events."""
        if "tensorboard" not in self.pins:
            raise DoesNotApplyError("this lock has no TensorBoard")
        callback = self.tf.keras.callbacks.TensorBoard(self.log, histogram_freq=1)
        self.dense().fit(self.numbers(8, 3), self.numbers(8, 1), epochs=1, verbose=0, callbacks=[callback])
        found = [name for _, _, names in os.walk(self.log) for name in names if "tfevents" in name]
        if not found:
            raise AssertionError("no event file was written")
        return "{} event files".format(len(found))

    def check_tensorboard_command(self) -> str:
        """Start the `tensorboard` command and ask it for the runs."""
        if "tensorboard" not in self.pins:
            raise DoesNotApplyError("this lock has no TensorBoard")
        command = [os.path.join(os.path.dirname(sys.executable), "tensorboard")]
        command += ["--logdir", self.log, "--host", "127.0.0.1", "--port", "0"]
        output = os.path.join(os.getcwd(), "tensorboard.log")
        with open(output, "wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            address = _wait_for_address(process, output)
            with urllib.request.urlopen(address + "/data/runs", timeout=TENSORBOARD_LIMIT) as answer:  # noqa: S310 - our own server
                runs = json.loads(answer.read().decode("utf-8"))
        finally:
            process.kill()
            process.wait()
        return "runs: {}".format(", ".join(runs) or "none yet")

    def check_keras_import(self) -> str:
        """Import `keras` by itself and through TensorFlow."""
        if "keras" not in self.pins:
            raise DoesNotApplyError("this lock has no keras")
        keras = importlib.import_module("keras")
        sequential = importlib.import_module("tensorflow.keras.models").Sequential
        dense = keras.layers.Dense(1)
        sequential([dense])
        return str(keras.__version__)

    def check_estimator(self) -> str:
        """Reach the estimators and feature columns of releases that have them."""
        if "tensorflow-estimator" not in self.pins:
            raise DoesNotApplyError("this lock has no estimators")
        return str(self.tf.estimator.Estimator.__name__)

    def check_lite(self) -> str:
        """Convert a function for TensorFlow Lite, which is what breaks with a wrong flatbuffers."""
        if self.version() < (2, 2):
            raise DoesNotApplyError("conversion of functions is tried from 2.2 on")
        tf = self.tf
        # Up to 2.2 the converter is a program that is looked for on PATH, where an activated environment has it.
        os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
        double = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([1], tf.float32)])
        function = double.get_concrete_function()
        create = tf.lite.TFLiteConverter.from_concrete_functions
        extra = {"trackable_obj": tf.Module()} if "trackable_obj" in inspect.signature(create).parameters else {}
        interpreter = tf.lite.Interpreter(model_content=create([function], **extra).convert())
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], self.np.array([3.0], "float32"))
        interpreter.invoke()
        return self.close(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), [6.0])

    def save_and_load(self, name: str) -> str:
        """Save a trained model, load it, and compare."""
        model, path = self.trained(), os.path.join(tempfile.mkdtemp(dir=os.getcwd()), name)
        model.save(path)
        x = self.tf.constant(self.numbers(4, 3))
        return self.close(self.tf.keras.models.load_model(path)(x), model(x))

    def dense(self) -> Any:
        """Return a small compiled model."""
        layers = self.tf.keras.layers
        inputs = self.tf.keras.Input(shape=(3,))
        outputs = layers.Dense(1, dtype="float32")(layers.Dense(4)(inputs))
        model = self.tf.keras.Model(inputs, outputs)
        model.compile(optimizer="sgd", loss="mean_squared_error")
        return model

    def trained(self) -> Any:
        """Return a small model after a step."""
        model = self.dense()
        model.train_on_batch(self.numbers(4, 3), self.numbers(4, 1))
        return model

    def fit(self, model: Any, *data: Any) -> str:
        """Train for an epoch; the loss must be a number."""
        loss = model.fit(*data, epochs=1, verbose=0).history["loss"][-1]
        if not self.np.isfinite(loss):
            raise AssertionError("loss {}".format(loss))
        return "loss {:.3g}".format(loss)

    def close(self, found: Any, expected: Any) -> str:
        """Compare numbers."""
        worst = float(self.np.max(self.np.abs(self.np.asarray(found) - self.np.asarray(expected))))
        if not worst < 1e-3:
            raise AssertionError("off by {:.1g}".format(worst))
        return "right"

    def numbers(self, *shape: int) -> Any:
        """Return numbers in that shape, the same each time."""
        return self.np.random.RandomState(7).rand(*shape).astype("float32")

    def version(self) -> Tuple[int, ...]:
        """Return major and minor."""
        return tuple(int(part) for part in self.tf.__version__.split(".")[:2])

    def check_text(self) -> str:
        """Split text into words with tensorflow-text, whose operations are compiled for one TensorFlow."""
        text = self.companion("tensorflow-text", "tensorflow_text")
        words = text.WhitespaceTokenizer().tokenize(["a companion"]).to_list()
        return str(len(words[0]))

    def check_probability(self) -> str:
        """Ask tensorflow-probability for a density."""
        probability = self.companion("tensorflow-probability", "tensorflow_probability")
        return self.close(probability.distributions.Normal(0.0, 1.0).prob(0.0), 0.39894)

    def check_hub(self) -> str:
        """Wrap a function with tensorflow-hub."""
        hub = self.companion("tensorflow-hub", "tensorflow_hub")
        return self.close(hub.KerasLayer(lambda x: x * 2.0)(self.tf.constant([1.0])), [2.0])

    def check_datasets(self) -> str:
        """List what tensorflow-datasets has."""
        datasets = self.companion("tensorflow-datasets", "tensorflow_datasets")
        return "{} data sets".format(len(datasets.list_builders(with_community_datasets=False)))

    def check_tf_keras(self) -> str:
        """Train a model of Keras 2 beside Keras 3."""
        keras = self.companion("tf-keras", "tf_keras")
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return self.fit(model, self.numbers(8, 3), self.numbers(8, 1))

    def companion(self, distribution: str, module: str) -> Any:
        """Import a companion that is locked, too."""
        if distribution not in self.pins:
            raise DoesNotApplyError("not in this lock")
        return importlib.import_module(module)


def _wait_for_address(process: Any, path: str) -> str:
    """Wait until TensorBoard prints its address."""
    end = time.time() + TENSORBOARD_LIMIT
    text = ""
    while time.time() < end:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        match = re.search(r"http://127\.0\.0\.1:\d+", text)
        if match:
            return match.group()
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError("it did not start: " + " ".join(text.splitlines()[-1:]))


CHECKS = (
    "import",
    "eager",
    "graph",
    "conv2d",
    "lstm",
    "ragged",
    "locally-connected",
    "mixed-precision",
    "xla",
    "saved-model",
    "keras-saved-model",
    "h5",
    "keras-file",
    "tensorboard-callback",
    "tensorboard-command",
    "keras-import",
    "estimator",
    "lite",
    "text",
    "probability",
    "hub",
    "datasets",
    "tf-keras",
)


def run_smoke(path: str, pins: Dict[str, str]) -> None:
    """Run every check; where the import fails, nothing else is tried."""
    smoke = Smoke(pins)
    with open(path, "a", encoding="utf-8", buffering=1) as report:
        for name in CHECKS:
            report.write(json.dumps({"begins": name}) + "\n")
            result = _try(name, getattr(smoke, "check_" + name.replace("-", "_")))
            report.write(json.dumps(result) + "\n")
            if name == "import" and result["status"] == "fail":
                return


def _try(name: str, check: Callable[[], str]) -> Dict[str, str]:
    try:
        return {"id": name, "status": "pass", "found": check()}
    except DoesNotApplyError as reason:
        return {"id": name, "status": "skip", "found": str(reason)}
    except Exception as error:  # noqa: BLE001 - whatever a broken TensorFlow raises is the finding
        lines: List[str] = str(error).split()
        return {"id": name, "status": "fail", "found": "{}: {}".format(type(error).__name__, " ".join(lines)[:600])}


if __name__ == "__main__":
    run_smoke(sys.argv[1], json.loads(sys.argv[2])["pins"])
