"""What runs in a fresh process: imports TensorFlow as a user's program does, and tries what such programs do.

A bootstrap carries it as text, for a notebook cell has no file that could be run again.
"""

import ctypes
import importlib
import inspect
import json
import os
import re
import sys
import tempfile
from typing import Any, Callable, Dict, List, Tuple

REINSTALL = "run the bootstrap again; if that does not help: tfbootstrap lock --upgrade"
LIBRARIES = "a CUDA library or the driver is missing or too old; the output names it"


class SkipError(Exception):
    """A check makes no sense here; the text says why."""


class WrongError(Exception):
    """A check failed: what was found, what was expected, what to do."""

    def __init__(self, found: Any, expected: Any, hint: str = REINSTALL) -> None:
        super().__init__(str(found))
        self.expected = str(expected)
        self.hint = hint


class Trial:
    """The checks, in their order; each returns what it found."""

    def __init__(self, lock: Dict[str, Any]) -> None:
        self.lock = lock
        self.uses_gpu = lock["cuda"]["provider"] != "none"
        self.tf: Any = None
        self.np: Any = None
        self.model: Any = None

    def check_import(self) -> str:
        """Import NumPy and TensorFlow in the locked version."""
        self.np = importlib.import_module("numpy")
        self.tf = importlib.import_module("tensorflow")
        if self.version() < (2, 0):
            self.tf.compat.v1.enable_v2_behavior()
        for gpu in self.gpus():
            # Other processes, a notebook's kernel first of all, need memory on the GPU, too.
            self.tf.config.experimental.set_memory_growth(gpu, True)
        found, expected = str(self.tf.__version__), self.lock["tensorflow"].split(".post", 1)[0]
        if found.replace("-", "") != expected:
            raise WrongError(f"{found} from {self.tf.__file__}", expected)
        return found

    def check_build(self) -> str:
        """Compare what the build says of itself with the lock."""
        if not hasattr(self.tf.sysconfig, "get_build_info"):
            raise SkipError("this release does not tell how it was built")
        cuda, info = self.lock["cuda"], self.tf.sysconfig.get_build_info()
        expected = {
            "cuda_version": cuda["version"],
            "cudnn_version": cuda["cudnn"],
            "cuda_compute_capabilities": " ".join(cuda["capabilities"]),
        }
        found = {
            key: info[key] if isinstance(info[key], str) else " ".join(info[key]) for key in expected if info.get(key)
        }
        both = [key for key in expected if expected[key] and found.get(key)]
        for key in both:
            if not _agree(expected[key], found[key]):
                raise WrongError(f"{key} {found[key]}", expected[key])
        if not both:
            raise SkipError("neither CUDA nor cuDNN is named")
        return ", ".join("{} {}".format(key.split("_")[0], found[key]) for key in both if key.endswith("version"))

    def check_keras(self) -> str:
        """Look which Keras `tf.keras` is; where TF_USE_LEGACY_KERAS says so, it is tf-keras, and tells no version."""
        expected = str(self.lock["keras"] or "")
        if not expected:
            raise SkipError("no Keras is locked")
        found: str = getattr(self.tf.keras, "__version__", "")
        if not found:
            if "tf_keras" not in sys.modules:
                raise SkipError("this release's Keras tells no version")
            found = "tf-keras " + sys.modules["tf_keras"].__version__
        if not _agree(expected, found) and found.split(" ")[0] not in self.lock["pins"]:
            raise WrongError(found, expected, "unset TF_USE_LEGACY_KERAS; then " + REINSTALL)
        return found

    def check_eager(self) -> str:
        """Compute something at once."""
        return self.compare(self.tf.reduce_sum(self.tf.range(10)), 45)

    def check_matmul(self) -> str:
        """Multiply matrices."""
        left, right = self.numbers(64, 64), self.numbers(64, 64)
        return self.compare(self.tf.linalg.matmul(left, right), left @ right)

    def check_fit(self) -> str:
        """Train a small convolutional model."""
        layers = self.tf.keras.layers
        inputs = self.tf.keras.Input(shape=(8, 8, 1))
        hidden = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(inputs))
        self.model = self.tf.keras.Model(inputs, layers.Dense(2)(hidden))
        self.model.compile(optimizer="sgd", loss="mse")
        history = self.model.fit(self.numbers(8, 8, 8, 1), self.numbers(8, 2), batch_size=4, verbose=0)
        loss = history.history["loss"][0]
        if not self.np.isfinite(loss):
            raise WrongError(f"loss {loss}", "a finite loss", LIBRARIES)
        return f"loss {loss:.3g}"

    def check_save_load(self) -> str:
        """Save the model in its release's format, load it, and compare the predictions."""
        if self.model is None:
            raise SkipError("there is no trained model")
        name = "model.keras" if self.version() >= (2, 13) else "model.h5"
        path, data = os.path.join(tempfile.mkdtemp(dir=os.getcwd()), name), self.numbers(4, 8, 8, 1)
        self.model.save(path)
        loaded = self.tf.keras.models.load_model(path)
        self.compare(loaded.predict_on_batch(data), self.model.predict_on_batch(data))
        return name

    def check_xla(self) -> str:
        """Compile a function with XLA."""
        offered = inspect.signature(self.tf.function).parameters
        options = [name for name in ("jit_compile", "experimental_compile") if name in offered]
        if not options or self.version() < (2, 3):
            raise SkipError("this release can't be asked for XLA")
        data = self.numbers(16, 16)
        compiled = self.tf.function(lambda x: self.tf.tanh(x) + 1, **{options[0]: True})
        result = compiled(self.tf.constant(data))
        if self.uses_gpu and self.gpus() and "GPU" not in result.device:
            raise WrongError(result.device, "a GPU", LIBRARIES)
        return self.compare(result, self.np.tanh(data) + 1)

    def check_gpu(self) -> str:
        """Count the GPUs that TensorFlow has."""
        if not self.uses_gpu:
            raise SkipError("the lock is for the CPU")
        ask: Any = getattr(self.tf.config.experimental, "get_device_details", lambda _: {})
        names = [str(ask(gpu).get("device_name", gpu.name)) for gpu in self.gpus()]
        expected = max(1, self.lock["visible_gpus"])
        if len(names) < expected:
            raise WrongError(", ".join(names) or "none", f"{expected} of them", LIBRARIES)
        return ", ".join(names)

    def check_gpu_placement(self) -> str:
        """Convolve and multiply on each GPU: the work must be done there, and be right."""
        if not self.uses_gpu or not self.gpus():
            raise SkipError("there is no GPU to use")
        image, kernel = self.numbers(1, 16, 16, 3), self.numbers(3, 3, 3, 4)
        with self.tf.device("/CPU:0"):
            expected = self.tf.nn.conv2d(image, kernel, 1, "SAME").numpy()
        for number in range(len(self.gpus())):
            with self.tf.device(f"/GPU:{number}"):
                result = self.tf.nn.conv2d(image, kernel, 1, "SAME")
            self.compare(result, expected)
            if f"GPU:{number}" not in result.device:
                raise WrongError(result.device, f"GPU:{number}", LIBRARIES)
        placed = str(self.tf.linalg.matmul(image[0], image[0], transpose_b=True).device)
        if "GPU" not in placed:
            raise WrongError(placed, "a GPU without being told", LIBRARIES)
        return placed.rsplit("device:", maxsplit=1)[-1]

    def check_libraries(self) -> str:
        """Look which CUDA libraries have been loaded, from where, and whether the build can use them."""
        if not self.uses_gpu or not self.gpus():
            raise SkipError("there is no GPU to use")
        found, needs = loaded_libraries(), library_needs(self.lock["cuda"])
        if not found:
            raise SkipError("this system does not tell what is loaded")
        for name, version, path in found:
            if needs[name] and not serves(version, needs[name]):
                hint = "another copy is found first: see LD_LIBRARY_PATH, and packages that bring their own"
                raise WrongError(f"{name} {version} from {path}", f"{needs[name]} or newer, same major", hint)
        return ", ".join(f"{name} {version} ({path})" for name, version, path in found)

    def gpus(self) -> Any:
        """Return the GPUs that TensorFlow has; 2.0 has the function elsewhere."""
        config = self.tf.config
        return getattr(config, "list_physical_devices", config.experimental.list_physical_devices)("GPU")

    def version(self) -> Tuple[int, ...]:
        """Return major and minor."""
        return tuple(int(part) for part in self.tf.__version__.split(".")[:2])

    def numbers(self, *shape: int) -> Any:
        """Return numbers in that shape, the same each time."""
        return self.np.random.RandomState(7).rand(*shape).astype("float32")

    def compare(self, found: Any, expected: Any) -> str:
        """Compare with NumPy's result; a GPU rounds to ten bits."""
        worst = float(self.np.max(self.np.abs(self.np.asarray(found) - expected) / (1 + self.np.abs(expected))))
        if not worst < 0.01:
            raise WrongError(f"off by {worst:.1g}", "NumPy's result", LIBRARIES)
        return f"off by {worst:.1g}"


TRIAL_CHECKS = (
    "import",
    "build",
    "keras",
    "eager",
    "matmul",
    "fit",
    "save-load",
    "xla",
    "gpu",
    "gpu-placement",
    "libraries",
)


def _agree(one: str, other: str) -> bool:
    """Compare versions of which one may be less exact: 9 and 9.3."""
    return (one + ".").startswith(other + ".") or (other + ".").startswith(one + ".")


def library_needs(cuda: Dict[str, Any]) -> Dict[str, str]:
    """Return library -> the version that a build was made with; cuBLAS counts its minors in its own way."""
    version = cuda["version"] or ""
    return {"cudart": ".".join(version.split(".")[:2]), "cublas": version.split(".")[0], "cudnn": cuda["cudnn"] or ""}


def serves(version: str, need: str) -> bool:
    """Say whether a library is of the needed major and not older, as far as the need is exact."""
    have, wanted = ([int(part) for part in text.split(".")] for text in (version, need))
    return have[0] == wanted[0] and have[: len(wanted)] >= wanted


def loaded_libraries(maps: str = "/proc/self/maps", load: Callable[[str], Any] = ctypes.CDLL) -> List[Tuple[str, ...]]:
    """Return name, version and path of each CUDA library that this process has loaded, as it tells itself."""
    if not os.path.exists(maps):
        return []
    with open(maps, encoding="utf-8", errors="replace") as file:
        found = re.findall(r"(/.*/lib(cudart|cublas|cudnn)[-.].*)", file.read())
    return [(name, _ask_version(name, load(path)), path) for path, name in dict.fromkeys(found) if ".so" in path]


def _ask_version(name: str, library: Any) -> str:
    parts = [ctypes.c_int() for _ in range(3)]
    if name == "cublas":
        for kind, part in enumerate(parts):
            library.cublasGetProperty(kind, ctypes.byref(part))
        return ".".join(str(part.value) for part in parts)
    if name == "cudart":
        library.cudaRuntimeGetVersion(ctypes.byref(parts[0]))
        return "{}.{}".format(parts[0].value // 1000, parts[0].value % 1000 // 10)
    number = library.cudnnGetVersion()
    major = 10000 if number >= 90000 else 1000  # since cuDNN 9
    return f"{number // major}.{number % major // 100}.{number % 100}"


def _try(trial: Trial, name: str) -> Dict[str, str]:
    result = {"id": name, "status": "pass", "found": "", "expected": "", "hint": ""}
    try:
        result["found"] = getattr(trial, "check_" + name.replace("-", "_"))()
    except SkipError as reason:
        result.update(status="skip", found=str(reason))
    except WrongError as problem:
        result.update(status="fail", found=str(problem), expected=problem.expected, hint=problem.hint)
    except Exception as error:  # noqa: BLE001 - whatever a broken TensorFlow raises is the finding
        found = "{}: {}".format(type(error).__name__, " ".join(str(error).split())[:300])
        result.update(status="fail", found=found, expected="no error", hint=LIBRARIES if trial.uses_gpu else REINSTALL)
    return result


def run_trial(path: str, lock: Dict[str, Any]) -> None:
    """Run the checks; note each in the report when it begins and when it ends, for the process may die any time."""
    trial = Trial(lock)
    with open(path, "a", encoding="utf-8", buffering=1) as report:
        for name in TRIAL_CHECKS:
            report.write(json.dumps({"begins": name}) + "\n")
            result = _try(trial, name)
            report.write(json.dumps(result) + "\n")
            if name == "import" and result["status"] == "fail":
                return
