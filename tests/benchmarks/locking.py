"""How long `tfbootstrap lock` takes beside the resolvers alone, six targets beside one, and what must answer at once.

Everything is asked of an index on this machine, with warm caches. Its pages are as long as real ones: packages like
NumPy list thousands of files, and reading those is most of what a resolver does. The goals: `lock` at most 1.15 times
`uv pip compile` of the same closure plus 0.4 s, and at least five times as fast as `pip-compile`; six targets at most
2.5 times one; `--check` under 0.3 s. Run with `python -m tests.benchmarks.locking [ROUNDS]`.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.timing import Action, line, medians
from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex, Reply, Request
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tests.support.wheel_factory import Project, build_wheel

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUEST = ("--tensorflow", "2.20", "--runtime", "linux-cpu", "--python", PYTHON)
TARGETS = "".join(
    f'[tool.tfbootstrap.targets.{name}]\nruntime = "{runtime}"\npython = "{python}"\nlock = "{name}.txt"\n'
    for name, runtime, python in (
        ("a", "linux-cpu", "3.10"),
        ("b", "linux-cpu", "3.11"),
        ("c", "linux-cpu", "3.12"),
        ("d", "linux-aarch64", "3.12"),
        ("e", "macos-arm64", "3.12"),
        ("f", "windows", "3.12"),
    )
)


HISTORY = 60
"""Old releases of each package beside those that fit."""
OLD_FILES = tuple(f"cp3{minor}-cp3{minor}-{platform}" for minor in (7, 8, 9) for platform in ("win32", "win_amd64"))
"""The wheels of an old release: for other machines, so that a resolver has to read and to leave them."""


def add_history(index: LoopbackIndex) -> None:
    """Give every package of the index the past that a real one has."""
    names = {artefact.project.name for artefact in index._artefacts.values()}
    for name in sorted(names):
        for release in range(HISTORY):
            for tag in OLD_FILES:
                index.add(build_wheel(Project(name=name, version=f"0.0.{release}", tag=tag)))


def may_be_cached(request: Request, reply: Reply) -> Reply:
    """Say what real indexes say of their answers: they hold for ten minutes."""
    return replace(reply, headers={**reply.headers, "Cache-Control": "max-age=600, public"})


def main() -> None:
    """Print the medians and whether the goals are met."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with LoopbackIndex() as index, tempfile.TemporaryDirectory() as folder:
        fill_with_tensorflow(index)
        add_history(index)
        index.misbehave(may_be_cached)
        sandbox = Sandbox.below(Path(folder) / "sandbox")
        variables = {"UV_DEFAULT_INDEX": index.simple_url, "PIP_INDEX_URL": index.simple_url}
        for text in _report(sandbox, variables, rounds):
            print(text, flush=True)


def _report(sandbox: Sandbox, variables: dict[str, str], rounds: int) -> list[str]:
    found = medians(_actions(sandbox, variables), rounds=rounds)
    uv, ours, pip = found["uv pip compile"], found["tfbootstrap lock"], found["pip-compile"]
    return [
        line("uv pip compile", uv),
        line("pip-compile", pip),
        line("tfbootstrap lock", ours, 1.15 * uv + 0.4),
        line("tfbootstrap lock (beside pip-compile)", ours, pip / 5),
        line("one target of a project", found["one"]),
        line("six targets of a project", found["six"], 2.5 * found["one"]),
        line("lock --check", found["check"], 0.3),
        line("detect", found["detect"]),
        line("explain", found["explain"]),
        line("--help", found["help"]),
    ]


def _actions(sandbox: Sandbox, variables: dict[str, str]) -> dict[str, Action]:
    work = sandbox.work
    (work / "requirements.in").write_text("tensorflow==2.20.*\n", encoding="utf-8")
    for name, targets in (("one", 1), ("six", 6)):
        tables = TARGETS.split("[tool")[1 : targets + 1]
        (work / name).mkdir()
        text = '[tool.tfbootstrap]\ntensorflow = "2.20"\n' + "".join(f"[tool{table}" for table in tables)
        (work / name / "pyproject.toml").write_text(text, encoding="utf-8")
    (work / "checked").mkdir()

    def run(*command: str, folder: str = ".") -> None:
        result = sandbox.run(sys.executable, "-m", *command, variables=variables, folder=folder)
        assert result.returncode == 0, result.stderr

    def fresh(folder: str) -> None:
        for path in (work / folder).glob("*.txt"):
            path.unlink()

    def lock(*arguments: str, folder: str) -> None:
        fresh(folder)
        run("tfbootstrap", "lock", *arguments, folder=folder)

    uv = ("uv", "pip", "compile", "--generate-hashes", "--python-version", PYTHON, "--python-platform")
    lock(*REQUEST, "-o", "requirements.txt", folder="checked")
    return {
        "uv pip compile": lambda: run(*uv, "x86_64-manylinux_2_28", "-q", "-o", "uv.out", "requirements.in"),
        "tfbootstrap lock": lambda: run("tfbootstrap", "lock", *REQUEST, "-o", "ours.txt"),
        "pip-compile": lambda: run(
            "piptools", "compile", "-q", "--generate-hashes", "--allow-unsafe", "-o", "pip.out", "requirements.in"
        ),
        "one": lambda: lock(folder="one"),
        "six": lambda: lock(folder="six"),
        "check": lambda: run("tfbootstrap", "lock", "--check", folder="checked"),
        "detect": lambda: run("tfbootstrap", "detect", "--json"),
        "explain": lambda: run("tfbootstrap", "explain", "--runtime", "linux-gpu", "--gpu", "T4", "--driver", "550.54"),
        "help": lambda: run("tfbootstrap", "--help"),
    }


if __name__ == "__main__":
    main()
