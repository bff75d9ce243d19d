"""What is known about the machine that a text is about: from facts, and from the text itself. Layer 2: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from tfbootstrap.diagnose.reading import Sighting
from tfbootstrap.facts import Facts
from tfbootstrap.matrix.diagnoses import Mark, Situation
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow, sort_versions

DISTRIBUTIONS = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tf-nightly")
"""Every distribution that is a TensorFlow."""

_OF_TENSORFLOW = r"(?P<tensorflow>[12]\.\d{1,2}(?:\.\d{1,2})?(?:rc\d)?)"
_TENSORFLOW_MARKS = (
    Mark(
        phrase="version",
        patterns=(
            (
                r"\b(?:tensor ?flow|tf)(?:[ ._]{1,3}(?:full )?version_{0,2})['\"]?[ :=]{1,4}v?['\"]?"
                rf"{_OF_TENSORFLOW}\b"
            ),
        ),
    ),
    Mark(phrase="successfully installed", patterns=(rf"\btensorflow(?:-gpu|-cpu|-intel|-macos)?-{_OF_TENSORFLOW}\b",)),
    Mark(phrase="but you have tensorflow", patterns=(rf"but you have tensorflow(?:-gpu|-cpu)? {_OF_TENSORFLOW}\b",)),
    Mark(
        phrase="tensorflow",
        patterns=(
            rf"^tensorflow(?:-gpu|-cpu|-intel|-macos)? {{1,40}}{_OF_TENSORFLOW}\b",
            rf"\btensorflow[= ]{{1,3}}v?{_OF_TENSORFLOW}\b(?!\.\*)(?! requires)",
        ),
    ),
)
_PYTHON_MARKS = (
    Mark(phrase="packages", patterns=(r"python(?P<python>[23]\.\d{1,2})[\\/](?:site|dist)-packages",)),
    Mark(phrase="packages", patterns=(r"[\\/]Python(?P<digits>3\d{1,2})[\\/](?:lib[\\/])?site-packages",)),
    Mark(phrase="python", patterns=(r"\bpython(?: version)?[ :]{1,3}(?P<python>3\.\d{1,2})(?:\.\d{1,2})?\b",)),
    Mark(phrase="python", patterns=(r"\bpython(?P<python>3\.\d{1,2})\b",)),
)
_SITUATION_MARKS: Mapping[Situation, tuple[Mark, ...]] = {
    "colab": (
        Mark(phrase="colab", patterns=(r"google[.-]colab|colab\.research|\bin colab\b|/content/drive",)),
        Mark(phrase="content", patterns=(r"(?:^|[\s'\"])/content/",)),
    ),
    "kaggle": (Mark(phrase="kaggle", patterns=(r"/kaggle/(?:working|input|lib)", r"kaggle[ -](?:notebook|kernel)")),),
    "windows": (
        Mark(phrase="users", patterns=(r"\b[A-Z]:\\{1,2}Users\\",)),
        Mark(phrase="dll", patterns=(r"\b\w{1,40}64_\d{1,3}\.dll\b|DLL load failed",)),
        Mark(phrase="packages", patterns=(r"[A-Z]:\\[^:]{0,200}site-packages",)),
        Mark(phrase="win_amd64"),
    ),
    "wsl": (Mark(phrase="wsl", patterns=(r"/usr/lib/wsl|microsoft-standard-wsl|\bwsl2?\b",)),),
    "macos": (
        Mark(phrase="dylib", patterns=(r"\.dylib\b",)),
        Mark(phrase="users", patterns=(r"(?:^|[\s'\"(])/Users/",)),
        Mark(phrase="macosx", patterns=(r"macosx_\d",)),
        Mark(phrase="zsh", patterns=(r"^`?zsh: ",)),
    ),
    "apple": (Mark(phrase="apple", patterns=(r"apple m\d|apple silicon|\bmacosx_\d{2}_\d_arm64",)),),
    "conda": (
        Mark(phrase="anaconda", patterns=(r"[\\/](?:ana|mini)conda\d?[\\/]",)),
        Mark(phrase="miniconda", patterns=(r"[\\/]miniconda\d?[\\/]",)),
        Mark(phrase="conda", patterns=(r"^(?:\$ )?conda (?:install|env|create)\b|\bCONDA_PREFIX\b",)),
    ),
    "notebook": (
        Mark(phrase="ipython", patterns=(r"<ipython-input-|ipykernel",)),
        Mark(phrase="cell in", patterns=(r"^Cell In ?\[\d{1,5}\]",)),
        Mark(phrase="traceback (most recent call last)", patterns=(r"Error {10,80}Traceback",)),
    ),
    "torch": (Mark(phrase="torch", patterns=(r"\btorch(?:vision|audio)?\b",)),),
}  # fmt: skip
_IMPLIED: Mapping[Situation, tuple[Situation, ...]] = {
    "colab": ("notebook", "linux"),
    "kaggle": ("notebook", "linux"),
    "wsl": ("linux",),
    "apple": ("macos",),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What holds for sure, and the versions that are known; what is not known is missing, never guessed."""

    situations: frozenset[Situation] = frozenset()
    tensorflow: str | None = None
    python: str | None = None
    facts: Facts | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """Values that causes and fixes may name."""

    def holds(self, when: Iterable[Situation], unless: Iterable[Situation], tensorflow: str | None) -> bool:
        """Say whether conditions hold."""
        if not self.situations.issuperset(when) or not self.situations.isdisjoint(unless):
            return False
        if tensorflow is None:
            return True
        return self.tensorflow is not None and SpecifierSet(tensorflow).contains(self.tensorflow, prereleases=True)


def observation_marks() -> Iterator[Mark]:
    """Yield the marks by which a text tells what machine it is about."""
    yield from _TENSORFLOW_MARKS
    yield from _PYTHON_MARKS
    for marks in _SITUATION_MARKS.values():
        yield from marks


def make_context(
    sightings: Mapping[Mark, Sighting], facts: Facts | None, matrix: TensorflowMatrix | None = None
) -> Context:
    """Put together what the text shows and what facts say; facts win."""
    situations = {name for name, marks in _SITUATION_MARKS.items() if any(mark in sightings for mark in marks)}
    tensorflow = _first(sightings, _TENSORFLOW_MARKS, "tensorflow")
    python = _first(sightings, _PYTHON_MARKS, "python") or _dotted(_first(sightings, _PYTHON_MARKS, "digits"))
    if facts is not None:
        situations = {name for name in situations if name in ("torch", "conda", "notebook")} | set(_of_facts(facts))
        tensorflow = tensorflow or _installed(facts)
        python = facts.python.minor
    if facts is not None and matrix is not None and _cuda_differs(facts, tensorflow, matrix):
        situations.add("cuda-differs")
    situations |= {more for name in situations for more in _IMPLIED.get(name, ())}
    values = _values(tensorflow, python, matrix)
    return Context(situations=frozenset(situations), tensorflow=tensorflow, python=python, facts=facts, values=values)


def with_wanted(context: Context, wanted: str | None, matrix: TensorflowMatrix | None) -> Context:
    """Return the context of a finding that captured a wanted TensorFlow: its Pythons, and whether ours is one."""
    row = _row(wanted, matrix)
    if row is None or not row.pythons:
        return context
    values = {**context.values, "tensorflow_pythons": f"{row.pythons[0]} to {row.pythons[-1]}"}
    situations = set(context.situations)
    if context.python is not None and Version(context.python) > Version(row.pythons[-1]):
        situations.add("python-too-new")
    if context.python is not None and Version(context.python) < Version(row.pythons[0]):
        situations.add("python-too-old")
    return replace(context, values=values, situations=frozenset(situations))


def _row(version: str | None, matrix: TensorflowMatrix | None) -> TensorflowRow | None:
    if version is None or matrix is None:
        return None
    try:
        exact = matrix.row(version)
    except InvalidVersion:
        return None
    rows = matrix.of_minor(".".join(version.split(".")[:2]))
    return exact or (rows[-1] if rows else None)


def _values(tensorflow: str | None, python: str | None, matrix: TensorflowMatrix | None) -> dict[str, str]:
    values = {}
    if tensorflow:
        values["installed"] = tensorflow
    if python:
        values["python"] = python
        final = [row for row in (matrix.rows if matrix else ()) if python in row.pythons and not row.prerelease]
        minors = sort_versions({row.minor for row in final})
        if minors:
            values["fitting"] = minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}"
            values["newest"] = minors[-1]
    return values


def _of_facts(facts: Facts) -> Iterator[Situation]:
    if facts.host.kind == "colab":
        yield "colab"
    if facts.host.kind == "kaggle":
        yield "kaggle"
    if facts.host.kind == "jupyter":
        yield "notebook"
    if facts.platform.system == "linux":
        yield "linux"
    if facts.platform.system == "macos":
        yield "macos"
        if facts.platform.machine == "arm64":
            yield "apple"
    if facts.platform.system == "windows":
        yield "windows"
    if facts.platform.wsl:
        yield "wsl"
    if facts.platform.container:
        yield "container"
    yield from _of_environment(facts)


def _of_environment(facts: Facts) -> Iterator[Situation]:
    if facts.gpu_status in ("present", "broken"):
        yield "gpu"
    if facts.gpu_status == "absent":
        yield "no-gpu"
    if "CONDA_PREFIX" in facts.environment:
        yield "conda"
    if "VIRTUAL_ENV" in facts.environment:
        yield "venv"
    if "torch" in facts.distributions:
        yield "torch"


def _installed(facts: Facts) -> str | None:
    found = (facts.distributions.get(name) for name in DISTRIBUTIONS)
    return next((distribution.version for distribution in found if distribution), None)


def _cuda_differs(facts: Facts, tensorflow: str | None, matrix: TensorflowMatrix) -> bool:
    row = _row(tensorflow, matrix)
    wanted = ".".join(((row.cuda if row else None) or "").split(".")[:2])
    have = {".".join(install.version.split(".")[:2]) for install in facts.cuda_toolkits}
    return bool(wanted and have) and wanted not in have


def _first(sightings: Mapping[Mark, Sighting], marks: Iterable[Mark], name: str) -> str | None:
    found = (sightings[mark].values.get(name) for mark in marks if mark in sightings)
    return next((values[-1] for values in found if values), None)


def _dotted(digits: str | None) -> str | None:
    return None if digits is None else re.sub(r"^3(\d{1,2})$", r"3.\1", digits)
