"""What an isolating cell does: TensorFlow in an environment of its own, and `%%tf` to run cells there."""

import atexit
import codecs
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from typing import Any, Dict, Optional

from tfbootstrap.payload.environment import interpreter_in, make_environment
from tfbootstrap.payload.install import BootstrapError, find_uv, run_and_show, wait_for_turn
from tfbootstrap.payload.judge import version_numbers
from tfbootstrap.payload.notebook import CellError, show, show_checks, tell
from tfbootstrap.payload.state import make_digest
from tfbootstrap.payload.verify import explain_death

WORKER_MARK = "_tfbootstrap_worker"
"""Where the kernel remembers, on `sys`, the process that runs `%%tf` cells: it outlives a rerun of the cell."""

_PLACE_MARK = "_tfbootstrap_place"
"""Likewise the folder in which it was when the cell ran first: a notebook may go to another."""

_HOOK = "import os; os.environ.get('MPLBACKEND', '').startswith('module:') and os.environ.pop('MPLBACKEND')\n"
"""Runs wherever the environment's Python starts: a kernel names a drawing module that is its own."""


def run_isolated(
    lock: Dict[str, Any], programs: Dict[str, str], on_restart: str, wheelhouse: Optional[str] = None
) -> str:
    """Bring an environment of its own to the lock, and let `%%tf` run cells there; return its interpreter.

    `programs` are the texts of what renews it, of the trial and of the worker. Where `%%tf` cells have loaded what was
    replaced, `on_restart` says what becomes of their process: `ask` for its end, `auto` (end it), `never` (a warning).
    """
    try:
        python = interpreter_in(_prepare_folder(lock))
    except (BootstrapError, OSError) as error:
        raise CellError("{}\nhint: {}".format(error, getattr(error, "hint", "see disk and permissions"))) from None
    report = _renew(python, lock, programs, wheelhouse)
    first = report["checks"][0]
    if first["id"] == "install":
        raise CellError("{found}\nhint: {hint}".format(**first))
    worker = getattr(sys, WORKER_MARK, None)
    if worker:
        worker.stale = worker.stale or bool(report["installed"]) or worker.python != python
    show_checks(report["checks"], lock["tensorflow"])
    if worker and worker.stale and worker.lives():
        _end_worker(worker, on_restart)
    _offer_magics(python, programs["worker"])
    tell("TensorFlow {} for {}: verified in {}".format(lock["tensorflow"], lock["target"], python))
    tell("%%tf at the top of a cell runs it there; !{tf_python} train.py runs a program")
    return python


def _prepare_folder(lock: Dict[str, Any]) -> str:
    """Return the environment of this target and folder; make it, and make it anew where that was cut off."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(os.path.join("~", ".cache"))
    root = os.path.join(cache, "tfbootstrap")
    place = getattr(sys, _PLACE_MARK, os.getcwd())
    setattr(sys, _PLACE_MARK, place)
    key = make_digest(place, lock["target"], lock["python"])[:12]
    folder = os.path.join(root, "python{}.{}-{}".format(*version_numbers(lock["python"])[:2], key))
    os.makedirs(root, exist_ok=True)
    with wait_for_turn(root, tell):
        whole = os.path.join(folder, "whole")
        if not os.path.exists(whole) or not os.path.exists(interpreter_in(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            make_environment(folder, lock["python"], tell)
            ask = [interpreter_in(folder), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
            library = subprocess.check_output(ask, timeout=60, stdin=subprocess.DEVNULL).decode().strip()
            for path, content in ((os.path.join(library, "tfbootstrap.pth"), _HOOK), (whole, "")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
    return folder


def _renew(python: str, lock: Dict[str, Any], programs: Dict[str, str], wheelhouse: Optional[str]) -> Dict[str, Any]:
    """Run `renew` with the environment's interpreter; return its report."""
    uv = find_uv()
    installer = uv[0] if uv and len(uv) == 1 else "auto"
    install = "install_from({!a})".format(wheelhouse) if wheelhouse else "install_lock"
    with tempfile.TemporaryDirectory(prefix="tfbootstrap-") as folder:
        report, program = os.path.join(folder, "report.json"), os.path.join(folder, "renew.py")
        call = "renew({!a}, {!a}, {!a}, {!a}, {})\n".format(lock, programs["trial"], report, installer, install)
        with open(program, "w", encoding="utf-8") as file:
            file.write(programs["renewal"] + "\n" + call)
        code, tail = run_and_show([python, program], tell)
        try:
            with open(report, encoding="utf-8") as file:
                return dict(json.load(file))
        except OSError:
            raise CellError(f"the environment's Python ended with {code} and no report: {tail}") from None


def _end_worker(worker: "WorkerProcess", on_restart: str) -> None:
    """End the process that has run cells with other packages, or ask for it."""
    if on_restart == "ask":
        raise CellError("the process of the %%tf cells has the former packages: end it with %tf_restart, run all again")
    if on_restart == "auto":
        tell("ending the process of the %%tf cells: it has the former packages; run these cells again")
        worker.stop()
    else:
        tell("warning: the process of the %%tf cells has the former packages until it is ended: %tf_restart")


def _offer_magics(python: str, program: str) -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None

    def run(line: str, cell: str) -> None:
        if line.strip():
            raise CellError("%%tf stands alone in its line")
        worker = getattr(sys, WORKER_MARK, None)
        if not (worker and worker.lives()):
            try:
                worker = WorkerProcess(python, program)
            except OSError as error:
                raise CellError(f"can't start {python}: {error}; run the cell of tfbootstrap again") from None
            setattr(sys, WORKER_MARK, worker)
        worker.run(cell)

    def restart(_: str) -> None:
        worker = getattr(sys, WORKER_MARK, None)
        if worker:
            worker.stop()
        tell("the next %%tf cell starts anew")

    if shell:
        shell.register_magic_function(run, "cell", "tf")
        shell.register_magic_function(restart, "line", "tf_restart")


class WorkerProcess:
    """The process that runs `%%tf` cells, seen from the kernel."""

    def __init__(self, python: str, program: str) -> None:
        self.python, self.stale, self.number, self.interrupts = python, False, 0, 0
        self.mark, self.buffer = ("\x1e" + uuid.uuid4().hex).encode(), b""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.folder = tempfile.mkdtemp(prefix="tfbootstrap-")
        path = os.path.join(self.folder, "tfbootstrap_worker.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(program)
        # In a session of its own: an interruption of the kernel's group must not reach it twice.
        self.process = subprocess.Popen(
            [python, "-u", path, self.mark.decode(), self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONIOENCODING="utf-8"),
            start_new_session=True,
        )
        self.output: Any = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        atexit.register(self.stop)

    def lives(self) -> bool:
        """Say whether it can run a cell."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it; what it holds is gone."""
        stdin: Any = self.process.stdin
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def run(self, code: str) -> None:
        """Run a cell there and pass on what it prints; raise CellError where it fails."""
        self.number, self.interrupts = self.number + 1, 0
        task = {"code": code, "folder": os.getcwd(), "number": self.number}
        with self._interruptible():
            with contextlib.suppress(OSError):  # it has died just now, which `_next` finds
                stdin: Any = self.process.stdin
                stdin.write(json.dumps(task).encode() + b"\n")
                stdin.flush()
            news = self._next()
            while "show" in news:
                self._show_file(news["show"])
                news = self._next()
        if self.interrupts > 2:
            self.stop()
            raise CellError("interrupted: the process of the %%tf cells was ended, and what it held is gone")
        if not news:
            found, hint = explain_death(self.process.wait())
            self.stop()
            raise CellError(f"{found}, and what it held is gone; {hint}; run the %%tf cells again from the first")
        if news["error"]:
            raise CellError("in %%tf: " + news["error"])

    def _listen(self) -> None:
        stdout: Any = self.process.stdout
        with stdout:
            for chunk in iter(lambda: os.read(stdout.fileno(), 1 << 16), b""):
                self.output.put(chunk)

    def _next(self) -> Dict[str, Any]:
        """Pass on what is printed until there is news; return it, empty where the process is gone."""
        warned = False
        while True:
            text, mark, rest = self.buffer.partition(self.mark)
            line, end, after = rest.partition(b"\n")
            if end:
                self._print(text)
                self.buffer = after
                return dict(json.loads(line.decode()))
            begin = len(text) if mark else self.buffer.rfind(b"\x1e", -len(self.mark))
            if not mark and begin < 0:
                begin = len(self.buffer)
            self._print(self.buffer[:begin])
            self.buffer = self.buffer[begin:]  # perhaps the beginning of a mark
            try:
                self.buffer += self.output.get(timeout=0.2)
            except queue.Empty:
                if self.interrupts == 2 and not warned:
                    warned = True
                    tell("interrupt once more to end the process of the %%tf cells; what it holds is lost then")
                if not self.lives() and self.output.empty():
                    self._print(self.buffer)
                    return {}

    def _print(self, text: bytes) -> None:
        if text:
            print(self.decoder.decode(text), end="", flush=True)

    def _show_file(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            bundle = json.load(file)
        os.unlink(path)
        if "ipykernel" in sys.modules:
            show(bundle, raw=True)
        else:
            tell(bundle["text/plain"])

    @contextlib.contextmanager
    def _interruptible(self) -> Any:
        """Hand interruptions on, instead of stopping here while the cell runs on there."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before or signal.default_int_handler)

    def _interrupt(self, *_: Any) -> None:
        self.interrupts += 1
        if os.name == "nt" or self.interrupts > 2:
            self.process.kill()
            return
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGINT)
