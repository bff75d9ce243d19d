"""Saves what lives in a kernel's memory before it restarts."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List

_FRAMEWORKS = ("keras", "tf_keras", "tensorflow")


def rescue_objects(namespace: Dict[str, Any]) -> List[str]:
    """Save models, optimizers, variables and what else TensorFlow can save; return the lines that load them back."""
    if not any(name in sys.modules for name in _FRAMEWORKS):
        return []
    named = {id(value): name for name, value in sorted(namespace.items(), reverse=True) if not name.startswith("_")}
    folder = tempfile.mkdtemp(prefix=time.strftime("tfbootstrap-rescued-%Y%m%d-%H%M%S-"), dir=os.getcwd())
    lines = [line for name in sorted(named.values()) for line in _try_to_save(name, namespace[name], folder)]
    if not lines:
        shutil.rmtree(folder)
        return []
    with open(os.path.join(folder, "load_back.py"), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return lines


def _try_to_save(name: str, value: Any, folder: str) -> List[str]:
    try:
        return list(_save_object(name, value, os.path.join(folder, name)))
    except Exception as error:  # noqa: BLE001 - a model's own code may raise anything, and the others are to be saved
        reason = " ".join(str(error).split())[:200]
        return [f"# {name} could not be saved: {type(error).__name__}: {reason}"]


def _save_object(name: str, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, type):
        return
    roots = [kind.__module__.partition(".")[0] for kind in type(value).__mro__]
    framework = next((root for root in roots if root in _FRAMEWORKS), "")
    if framework and hasattr(value, "save_weights") and value.weights:
        # Keras 3 demands this name; with it, Keras 2 writes a format that most other releases can't read.
        weights = path + ("." if sys.modules[framework].__version__ >= "3" else "-") + "weights.h5"
        value.save_weights(weights)
        yield f"{name}.load_weights({weights!r})"
        framework = framework.replace("tensorflow", "tensorflow.keras")
        for ending in (".keras", ".h5"):
            # Classes of one's own, and old releases, can't be saved in every format.
            with contextlib.suppress(Exception):
                value.save(path + ending)
                load = f"{framework}.models.load_model({path + ending!r}, custom_objects=globals())"
                yield f"# or all of it: import {framework}; {name} = {load}"
                return
        return
    tf = sys.modules.get("tensorflow")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
    names = ("_trackable_children", "_checkpoint_dependencies")  # since 2.8 and before
    if tf and any(hasattr(part, name) for part in parts for name in names):
        tf.train.Checkpoint(saved=value).write(path)
        if len(tf.train.list_variables(path)) > 1:  # one entry is the description of the others
            load = f"tf.train.Checkpoint(saved={name}).read({path!r}).assert_existing_objects_matched()"
            yield f"import tensorflow as tf; {load}"
