"""Makes virtual environments, with the Python that a lock needs."""

import glob
import os
import shutil
import sys
from typing import Iterator, Optional

from tfbootstrap.payload.install import BootstrapError, Say, find_uv, run_and_show, runs_well
from tfbootstrap.payload.judge import version_numbers

_PLACES = ("~/.pyenv/versions/{}.*/bin", "/usr/local/bin", "/usr/bin", "/opt/*/bin", "~/*conda*/envs/*/bin")
"""Where Pythons lie that may not be on PATH; `{}` stands for X.Y."""


def interpreter_in(folder: str) -> str:
    """Return where the interpreter of a virtual environment lies."""
    return os.path.join(folder, "Scripts", "python.exe") if os.name == "nt" else os.path.join(folder, "bin", "python")


def make_environment(folder: str, version: str, say: Say) -> None:
    """Make a virtual environment of Python X.Y; raises BootstrapError, and leaves nothing, where that can't be done."""
    base = find_python(version)
    try:
        if base:
            _make_with(base, folder, say)
        else:
            _make_with_uv(version, folder, say)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _make_with(base: str, folder: str, say: Say) -> None:
    say("making {} with {}".format(folder, base))
    command = [base, "-m", "venv", folder]
    # Debian's Python comes without ensurepip; where uv installs, an environment does without pip.
    if not runs_well(command) and not (find_uv() and runs_well([*command, "--without-pip"])):
        hint = "install Python's venv module (Debian: apt install python3-venv) or uv (pip install uv)"
        raise BootstrapError("{} could not make the environment {}".format(base, folder), hint, 2)


def _make_with_uv(version: str, folder: str, say: Say) -> None:
    """Let uv find or fetch a Python; the environment gets pip, for pip knows where its user's packages come from."""
    uv, problem = find_uv(), "there is no uv that could fetch one"
    if uv:
        say("making {} with a Python {} that uv finds or fetches".format(folder, version))
        command = [*uv, "venv", "--no-project", "--python", version, folder]
        if run_and_show(command, say)[0] == 0:
            runs_well([interpreter_in(folder), "-m", "ensurepip"])
            return
        problem = "uv fetched none, see above"
    here = "{}.{}".format(*sys.version_info[:2])
    found = "the lock is for Python {}, this is {}, and there is no other: {}".format(version, here, problem)
    hint = "install Python {}, or uv (pip install uv), which fetches it where the network allows; or make a lock for "
    raise BootstrapError(found, (hint + "this one: tfbootstrap lock --python {}").format(version, here), 2)


def find_python(version: str) -> Optional[str]:
    """Return an interpreter of version X.Y on this machine: this one, else the first that works."""
    if version_numbers(version) == sys.version_info[:2]:
        return sys.executable
    code = "import sys; sys.exit('%d.%d' % sys.version_info[:2] != {!r})".format(version)
    # What is found may be a version manager's stand-in for a Python that is not there.
    return next((path for path in _candidates("python" + version, version) if runs_well([path, "-c", code])), None)


def _candidates(name: str, version: str) -> Iterator[str]:
    yield from filter(None, [shutil.which(name)])
    own = os.environ.get("PYENV_ROOT", "")
    for place in (os.path.join(own, "versions", "{}.*", "bin") if own else "", *_PLACES):
        yield from sorted(glob.glob(os.path.expanduser(os.path.join(place.format(version), name))), reverse=True)
