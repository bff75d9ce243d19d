"""Brings weights back where a cell runs anew."""

import os
from typing import Any


def restore_or_init(model: Any, path: str) -> Any:
    """Load the newest weights at `path`, a file or a folder of them, into a model; where there are none it stays new.

    `model` may be a tf.train.Checkpoint. What can't be read, for its writing was cut off, is passed over.
    """
    names = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path, path + ".index"]
    endings = (".h5", ".keras", ".index")
    files = [name for name in names if os.path.isfile(name) and name.endswith(endings)]
    problem = None
    for file in sorted(files, key=os.path.getmtime, reverse=True):
        source = file[: -len(".index")] if file.endswith(".index") else file
        try:
            getattr(model, "restore" if hasattr(model, "restore") else "load_weights")(source)
        except (OSError, ValueError) as error:
            print(f"can't load {source}: {error}")
            problem = problem or error
        else:
            print(f"continues from {source}")
            return model
    if problem:
        raise problem
    print(f"nothing saved at {path} yet: starts anew")
    return model
