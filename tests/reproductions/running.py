"""Runs one recipe: break, run, diagnose, follow the printed step, run again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.diagnose.support import MATRIX, read
from tests.support.interpreters import PAYLOAD_PYTHONS, find_interpreter
from tests.support.programs import UV
from tfbootstrap.diagnose.findings import Report

RECIPES: Final = Path(__file__).with_name("recipes.yaml")
_TIMEOUT: Final = 900


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one class is made to happen, and what its printed fix makes somebody do; see the head of the file."""

    name: str
    run: str
    proof: str | None = None
    python: str | None = None
    mount: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    damage: tuple[str, ...] = ()
    fix: str | None = None
    says: str | None = None
    apply: tuple[str, ...] = ()
    rerun: str | None = None

    @property
    def interpreter(self) -> str:
        """The Python that the environment is made of: X.Y."""
        if self.python:
            return self.python
        digits = re.search(r"-cp3(\d+)-", self.proof or "")
        assert digits, f"{self.name} names neither a proof nor a Python"
        return f"3.{digits[1]}"

    @property
    def words(self) -> str:
        """What a printed step must hold."""
        words = self.fix or self.says
        assert words, f"{self.name} does not tell what is to be printed"
        return words


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened: the first thing that went otherwise than the recipe says, if there is one."""

    problem: str | None
    output: str
    report: Report | None = None


def load_recipes() -> tuple[Recipe, ...]:
    """Read all recipes."""
    documents: list[dict[str, Any]] = yaml.safe_load(RECIPES.read_text(encoding="utf-8"))
    return tuple(_recipe(document) for document in documents)


def _recipe(document: dict[str, Any]) -> Recipe:
    damage, apply = tuple(document.pop("break", ())), tuple(document.pop("apply", ()))
    return Recipe(name=document.pop("class"), damage=damage, apply=apply, **document)


@dataclass(frozen=True)
class Place:
    """A folder to work in, and the environment whose programs come first on PATH."""

    folder: Path
    environment: Path

    def call(self, command: str) -> tuple[int, str]:
        """Run a line of shell; return its exit code and all that it printed."""
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "TF_"))
        }
        others = [str(found.parent) for found in map(find_interpreter, PAYLOAD_PYTHONS) if found]
        ours = [str(Path(sys.executable).parent), str(UV.parent)]
        search = os.pathsep.join([str(self.environment / "bin"), os.environ["PATH"], *ours, *others])
        variables |= {"PATH": search, "VIRTUAL_ENV": str(self.environment), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env={**variables, "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
        )
        return done.returncode, done.stdout


def reproduce(recipe: Recipe, folder: Path) -> Outcome:
    """Do what a recipe says. The folder keeps an environment for each proof, which the next recipe has put right again:
    making a TensorFlow ready to be imported takes longest.
    """
    environment = folder / f"{recipe.proof or recipe.interpreter}"
    _make(recipe, environment)
    work = folder / "work"
    work.mkdir()
    try:
        with _mounted(work / recipe.mount if recipe.mount else None):
            return _break_and_mend(recipe, Place(work, environment))
    finally:
        shutil.rmtree(work)


def remove(folder: Path) -> None:
    """Remove all that recipes left in a folder."""
    shutil.rmtree(folder)


def _break_and_mend(recipe: Recipe, place: Place) -> Outcome:
    for name, text in recipe.files.items():
        (place.folder / name).write_text(text, encoding="utf-8")
    for command in recipe.damage:
        code, output = place.call(command)
        if code != 0:
            return Outcome(problem=f"could not be broken: {command}", output=output)
    code, output = place.call(recipe.run)
    report = read(output)
    problem = _misjudged(recipe, code, report)
    if problem:
        return Outcome(problem=problem, output=output, report=report)
    commands = [recipe.fix] if recipe.fix else []
    for command in [*commands, *recipe.apply]:
        code, mended = place.call(command)
        if code != 0:
            return Outcome(problem=f"the fix fails: {command}", output=mended, report=report)
    code, again = place.call(recipe.rerun or recipe.run)
    problem = "it fails after the fix" if code != 0 else None
    return Outcome(problem=problem, output=again if problem else output, report=report)


def _misjudged(recipe: Recipe, code: int, report: Report) -> str | None:
    if code == 0:
        return "it does not fail"
    serious = [finding for finding in report.findings if not finding.harmless]
    finding = next((finding for finding in serious if finding.id == recipe.name), None)
    if finding is None:
        return f"it is taken for {[one.id for one in serious] or 'nothing known'}"
    if not any(recipe.words in step for step in finding.fix):
        return f"no step says {recipe.words!r}: {finding.fix}"
    return None


def _make(recipe: Recipe, environment: Path) -> None:
    """Make an environment, or put right what an earlier recipe broke in it."""
    if recipe.python or not environment.exists():
        interpreter = find_interpreter(recipe.interpreter)
        assert interpreter, f"this machine has no Python {recipe.interpreter}"
        subprocess.run([UV, "venv", "-q", "--seed", "--clear", "--python", interpreter, environment], check=True)
    if recipe.proof:
        pins = environment / "pins.txt"
        pins.write_text("\n".join(["pip", *_pins(recipe.proof)]), encoding="utf-8")
        again = ["--reinstall-package", "tensorflow"] if "tensorflow" in " ".join(recipe.damage) else []
        python = environment / "bin" / "python"
        subprocess.run([UV, "pip", "sync", "-q", *again, "--python", python, pins], check=True)


@contextmanager
def _mounted(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _pins(proof: str) -> Iterator[str]:
    document = yaml.safe_load((MATRIX / "proofs" / f"{proof}.yaml").read_text(encoding="utf-8"))
    for line in document["pins"].splitlines():
        yield line.split()[0]
