"""What runs `%%tf` cells: a process of the environment, with variables of its own that last from cell to cell.

A cell carries it as text. It reads tasks, a line of JSON each, from its standard input, and ends where that ends. What
cells print goes straight to its output; in between, after a mark that nothing else prints, stands a line of JSON: what
to display, or that the task is done.
"""

import ast
import base64
import io
import json
import linecache
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
import types
import warnings
from typing import Any, Dict, Optional

from tfbootstrap.payload.restore import restore_or_init

_RICH = (("text/html", "_repr_html_"), ("image/svg+xml", "_repr_svg_"), ("image/png", "_repr_png_"))
"""What a notebook can show -> the method with which IPython's protocol asks a value for it."""


class Worker:
    """The namespace of the cells, and the way back to the notebook."""

    def __init__(self, mark: str, folder: str) -> None:
        self.mark, self.folder = mark, folder
        self.place = ""
        self.shown = 0
        self.output = os.dup(1)
        self.main = types.ModuleType("__main__")
        vars(self.main).update(display=self.display, restore_or_init=restore_or_init)
        sys.modules["__main__"] = self.main

    def report(self, **news: Any) -> None:
        """Send news, after all that was printed."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.write(self.output, (self.mark + json.dumps(news) + "\n").encode())

    def display(self, *values: Any) -> None:
        """Show values: rich where they can be, else their text."""
        for value in values:
            rich = {} if isinstance(value, type) else {mime: getattr(value, name, None) for mime, name in _RICH}
            bundle = {mime: method() for mime, method in rich.items() if method}
            if bundle:
                self.send_bundle(dict(bundle, **{"text/plain": repr(value)}))
            else:
                print(repr(value))

    def send_bundle(self, bundle: Dict[str, Any]) -> None:
        """Let the notebook show what is in a file, for it may be too long for a line that others write between."""
        data = {
            mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for mime, value in bundle.items()
        }
        self.shown += 1
        path = os.path.join(self.folder, "%d.json" % self.shown)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(data, file)
        self.report(show=path)

    def show_figures(self) -> None:
        """Show what matplotlib has drawn, as notebooks do at the end of a cell."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        for number in pyplot.get_fignums() if pyplot else ():
            picture = io.BytesIO()
            pyplot.figure(number).savefig(picture, format="png", bbox_inches="tight")
            self.send_bundle({"image/png": picture.getvalue(), "text/plain": "<Figure %d>" % number})
        if pyplot:
            pyplot.close("all")

    def run(self, task: Dict[str, Any]) -> str:
        """Run a cell; return its error in one line, empty where there is none."""
        name = "<tf-%d>" % task["number"]
        # Where tracebacks, and TensorFlow's AutoGraph, look for the source.
        linecache.cache[name] = (len(task["code"]), None, task["code"].splitlines(True), name)
        if task["folder"] != self.place:
            self.place = task["folder"]
            os.chdir(self.place)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.execute(task["code"], name)
            self.show_figures()
        except BaseException as error:  # noqa: BLE001 - whatever a cell raises is shown, and the next one runs
            return _show_error(error, name)
        finally:
            signal.signal(signal.SIGINT, _ignore)
        return ""

    def execute(self, code: str, name: str) -> None:
        """Run code, and display the value of its last expression unless a semicolon follows."""
        tree, names = ast.parse(code, name), vars(self.main)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec", dont_inherit=True), names)  # noqa: S102 - it is the user's own
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), names)  # noqa: S307 - likewise
            if value is not None and not code.rstrip().endswith(";"):
                names["_"] = value
                self.display(value)


def _ignore(*_: Any) -> None:
    pass


def _show_error(error: BaseException, name: str) -> str:
    trace: Optional[types.TracebackType] = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != name:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
    return ": ".join(filter(None, [type(error).__name__, " ".join(str(error).split())[:500]]))


def _listen(stream: Any, tasks: Any, folder: str) -> None:
    for line in stream:
        tasks.put(json.loads(line.decode("utf-8")))
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # the notebook's kernel is gone, or does not want this any longer


def run_worker(mark: str, folder: str) -> None:
    """Run the cells that come until no more can come."""
    stream, nothing = os.fdopen(os.dup(0), "rb"), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # who reads from the standard input must not take a task
    sys.path.insert(0, "")
    sys.argv = [""]
    os.environ["MPLBACKEND"] = "agg"
    warnings.filterwarnings("ignore", ".*non-(GUI|interactive)")  # plt.show(): it is shown all the same
    signal.signal(signal.SIGINT, _ignore)
    tasks: Any = queue.Queue()
    threading.Thread(target=_listen, args=(stream, tasks, folder), daemon=True).start()
    worker = Worker(mark, folder)
    while True:
        task = tasks.get()
        try:
            problem = worker.run(task)
        except KeyboardInterrupt:  # a second one, while the first was told
            problem = "KeyboardInterrupt"
        worker.report(done=task["number"], error=problem)
