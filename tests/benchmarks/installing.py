"""What a first run, a rerun, and a run after a restart of the kernel cost: seconds, and megabytes from the index.

The cell (in a kernel) and bootstrap.py beside `pip install -r` and `uv pip install -r` of the same lock: that of
TensorFlow 2.20 for Python 3.12 and the CPU. Each has an environment of its own with a kernel in it, and empty caches
before the first run. They take turns. A proxy on this machine, through which all of them reach the default index,
counts what they receive. The cell verifies where something changed, bootstrap.py always does; pip and uv never do.

Run with `python -m tests.benchmarks.installing [ROUNDS]` on a quiet machine; a round downloads 2.5 GB.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.environment import Sandbox
from tests.support.interpreters import find_interpreter
from tests.support.kernels import Kernel
from tests.support.programs import UV

PYTHON, TENSORFLOW = "3.12", "2.20"
STEPS = ("first run", "rerun", "after restart")
Tool = Callable[["Place"], Coroutine[Any, Any, list[float]]]
"""Takes the steps in a place, and returns the seconds of each; it tells the place when a step has ended."""


class CountingProxy(socketserver.ThreadingTCPServer):
    """Passes connections on, and counts the bytes that come back; it reads none of them."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received = 0
        super().__init__(("127.0.0.1", 0), _Tunnel)

    @property
    def address(self) -> str:
        """What HTTPS_PROXY is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    server: CountingProxy

    def handle(self) -> None:
        _, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60) as remote:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with suppress(ConnectionError):  # a client may hang up at any time
                self._pump({self.request: remote, remote: self.request}, remote)

    def _pump(self, ends: dict[socket.socket, socket.socket], remote: socket.socket) -> None:
        while True:
            for source in select.select(list(ends), [], [])[0]:
                data = source.recv(1 << 16)
                if not data:
                    return
                ends[source].sendall(data)
                self.server.received += len(data) if source is remote else 0


@dataclass(slots=True)
class Place:
    """A new environment with a kernel, empty caches, and the lock."""

    sandbox: Sandbox
    proxy: CountingProxy
    megabytes: list[float] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.sandbox.root / "environment" / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """What all contestants run with."""
        return self.sandbox.environment(
            PATH=f"{UV.parent}:/usr/bin:/bin",
            PYTHONPATH=None,
            HTTPS_PROXY=self.proxy.address,
            TF_CPP_MIN_LOG_LEVEL="3",
            PIP_CERT=os.environ.get("PIP_CERT"),
        )

    def run(self, *command: str | Path) -> float:
        """Run a program; return its seconds."""
        began = time.perf_counter()
        options = {"env": self.variables, "cwd": self.sandbox.work, "capture_output": True, "encoding": "utf-8"}
        result = subprocess.run([str(part) for part in command], timeout=900, check=False, **options)  # type: ignore[call-overload] # mypy can't spread them
        assert result.returncode == 0, result.stdout + result.stderr
        return time.perf_counter() - began

    @contextmanager
    def step(self) -> Iterator[None]:
        """Count what is received meanwhile."""
        before = self.proxy.received
        yield
        self.megabytes.append((self.proxy.received - before) / 1e6)


async def cell(place: Place) -> list[float]:
    """Run the cell in a kernel: twice, and after a restart."""
    code = (place.sandbox.work / "cell.py").read_text(encoding="utf-8")
    times = []
    async with Kernel(place.python, place.sandbox.work, place.variables) as kernel:
        for step in STEPS:
            if step == "after restart":
                await kernel.restart()
            with place.step():
                ran = await kernel.run(code)
            assert ran.error is None, ran
            times.append(ran.seconds)
    return times


def program(*command: str) -> Tool:
    """Return what runs a program of the environment at each step; to those a restart means nothing."""

    async def tool(place: Place) -> list[float]:
        times = []
        for _ in STEPS:
            with place.step():
                times.append(place.run(*(str(place.python) if part == "python" else part for part in command)))
        return times

    return tool


TOOLS: dict[str, Tool] = {
    "the cell": cell,
    "bootstrap.py": program("python", "bootstrap.py"),
    "uv pip install -r": program(str(UV), "pip", "install", "--python", "python", "-r", "requirements.txt"),
    "pip install -r": program("python", "-m", "pip", "install", "-r", "requirements.txt"),
}


def make_place(folder: Path, proxy: CountingProxy, lock: Path) -> Place:
    """Return a place that has what a notebook's machine has."""
    place = Place(Sandbox.below(folder), proxy)
    shutil.copytree(lock, place.sandbox.work, dirs_exist_ok=True)
    interpreter = find_interpreter(PYTHON)
    assert interpreter is not None, f"this needs Python {PYTHON}"
    environment = place.python.parents[1]
    subprocess.run([UV, "venv", "--quiet", "--seed", "--python", interpreter, environment], check=True)
    # Where a kernel has another version of a locked package loaded, the cell asks for a restart: not what is measured.
    pins = re.findall(r"^\S+==\S+(?= )", (lock / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    (folder / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", place.python]
    subprocess.run([*install, "--constraints", folder / "pins.txt", "ipykernel"], check=True)
    return place


def make_lock(folder: Path) -> None:
    """Write the lock, its bootstrap and its cell."""
    tool = [sys.executable, "-m", "tfbootstrap"]
    wish = ["--tensorflow", TENSORFLOW, "--python", PYTHON, "--gpu", "none"]
    subprocess.run([*tool, "lock", *wish], cwd=folder, check=True, capture_output=True)
    with (folder / "cell.py").open("w", encoding="utf-8") as file:
        subprocess.run([*tool, "cell"], cwd=folder, check=True, stdout=file)


def main() -> None:
    """Print a line for each contestant of each round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(f"{'':<20}" + "".join(f"{step:>24}" for step in STEPS) + f"{'load':>8}")
    with tempfile.TemporaryDirectory() as name, CountingProxy() as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        lock = Path(name, "lock")
        lock.mkdir()
        make_lock(lock)
        for number in range(rounds):
            for tool_name, tool in TOOLS.items():
                folder = Path(name, f"{number}-{tool_name}".replace(" ", "-"))
                place = make_place(folder, proxy, lock)
                times = asyncio.run(tool(place))
                if tool_name == "bootstrap.py":
                    seconds = place.run(place.python, "-c", "import tensorflow")
                    print(f"{'(import tensorflow)':<20}{seconds:>13.1f} s")
                pairs = zip(times, place.megabytes, strict=True)
                row = "".join(f"{seconds:>13.1f} s {megabytes:>6.1f} MB" for seconds, megabytes in pairs)
                print(f"{tool_name:<20}{row}{os.getloadavg()[0]:>8.1f}", flush=True)
                shutil.rmtree(folder)  # a TensorFlow is large
        proxy.shutdown()


if __name__ == "__main__":
    main()
