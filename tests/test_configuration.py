"""`[tool.tfbootstrap]`: what it may say, and how each way to get it wrong is answered."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from tfbootstrap.configuration import Configuration, ConfiguredTarget, read_configuration
from tfbootstrap.errors import InputError

WHOLE = """\
[project]
name = "Our.Project"
dependencies = [
    "numpy>=1.26",
    "pandas",
]

[project.optional-dependencies]
plot = ["matplotlib>=3"]
all_of-it = ["our-project[plot]", "rich"]

[dependency-groups]
base = ["pytest"]
Train = [{include-group = "base"}, "tqdm"]

[tool.tfbootstrap]
tensorflow = "2.20"
requirements = ["requirements.in"]
dependencies = true
extras = ["all-of-it"]
groups = ["train"]
sources = ["src"]

[tool.tfbootstrap.targets.colab]
runtime = "colab-2026.07"
gpu = "T4"
lock = "requirements/colab.txt"
notebooks = ["train.ipynb"]

[tool.tfbootstrap.targets.lab]
runtime = "lab.json"
python = "3.11.4"
platform = "linux-aarch64"
driver = "535.104.05"
cuda = "wheels"
tensorflow = ">=2.16,<2.21"
requirements = []
constraints = ["constraints.txt"]
"""


def read(text: str) -> Configuration:
    configuration = read_configuration(text, "pyproject.toml")
    assert configuration is not None
    return configuration


def test_a_whole_table_is_read() -> None:
    configuration = read(WHOLE)
    assert configuration.sources == ("src",)
    assert configuration.targets == (
        ConfiguredTarget(
            name="colab",
            runtime="colab-2026.07",
            lock="requirements/colab.txt",
            gpu="T4",
            notebooks=("train.ipynb",),
            tensorflow=SpecifierSet("==2.20.*"),
            tensorflow_said_by="pyproject.toml:17",
            requirements=("requirements.in",),
        ),
        ConfiguredTarget(
            name="lab",
            runtime="lab.json",
            lock="requirements-lab.txt",
            python="3.11",
            platform="linux-aarch64",
            driver="535.104.05",
            cuda="wheels",
            tensorflow=SpecifierSet(">=2.16,<2.21"),
            tensorflow_said_by="pyproject.toml:36",
            constraints=("constraints.txt",),
        ),
    )


def test_dependencies_extras_and_groups_come_with_their_lines() -> None:
    assert [(str(wanted.requirement), str(wanted.location)) for wanted in read(WHOLE).packages] == [
        ("numpy>=1.26", "pyproject.toml:4"),
        ("pandas", "pyproject.toml:5"),
        ("matplotlib>=3", "pyproject.toml:9"),
        ("rich", "pyproject.toml:10"),
        ("pytest", "pyproject.toml:13"),
        ("tqdm", "pyproject.toml:14"),
    ]


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.other]\n", "tool = 1\n"])
def test_a_project_that_says_nothing_of_us_has_no_configuration(text: str) -> None:
    assert read_configuration(text, "pyproject.toml") is None


CIRCLE = """\
[dependency-groups]
a = [{include-group = 'b'}]
b = [{include-group = 'a'}]
[tool.tfbootstrap]
groups = ['a']
"""
EXTRAS_CIRCLE = """\
[project]
name = 'p'
[project.optional-dependencies]
a = ['p[b]']
b = ['p[a]']
[tool.tfbootstrap]
extras = ['a']
"""
TARGET = '[tool.tfbootstrap.targets.cpu]\nruntime = "linux-cpu"\n'


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[tool.tfbootstrap\n", "pyproject.toml:1:18: this is no valid TOML", "mend the file"),
        ('a = 1\nb = "\n', "pyproject.toml:2:", "mend"),
        ("[tool]\ntfbootstrap = 1\n", "pyproject.toml:2: tool.tfbootstrap: must be a table, not 1", None),
        ("[tool.tfbootstrap]\n", "pyproject.toml:1: tool.tfbootstrap: there is no target", "targets.cpu"),
        (
            f'[tool.tfbootstrap]\ntensorfow = "2.20"\n{TARGET}',
            "pyproject.toml:2: tool.tfbootstrap.tensorfow: there is no such key",
            "did you mean tensorflow?",
        ),
        (f"[tool.tfbootstrap]\nxyz = 1\n{TARGET}", "tfbootstrap.xyz: there is no such key", "known keys: tensorflow,"),
        (f'{TARGET}gpus = "T4"\n', "pyproject.toml:3: tool.tfbootstrap.targets.cpu.gpus", "did you mean gpu?"),
        (f"{TARGET}python = 3.11\n", "python: must be a string, not 3.11", "write it in quotes"),
        (f"{TARGET}gpu = true\n", "gpu: must be a string, not true", None),
        (f'{TARGET}gpu = ""\n', "gpu: must not be empty", "leave the key out"),
        (f'{TARGET}python = "three"\n', "python: 'three' is no Python version", "write it as X.Y"),
        (f'{TARGET}driver = "new"\n', "driver: 'new' is no NVIDIA driver version", "nvidia-smi"),
        (f'{TARGET}cuda = "wheel"\n', "cuda: 'wheel' is none of", "did you mean wheels?"),
        (f'{TARGET}platform = "beos"\n', "platform: 'beos' is none of linux-aarch64, linux-x86_64", "known:"),
        (f'{TARGET}gpu = "none"\ncuda = "wheels"\n', "contradict each other", "leave out one"),
        (
            f'{TARGET}gpu = "none"\ndriver = "535"\n',
            'cpu.driver: gpu = "none" and a driver contradict',
            "leave out one",
        ),
        (
            f'{TARGET}lock = "a.txt"\n[tool.tfbootstrap.targets.b]\nruntime = "x"\nlock = "./b/../a.txt"\n',
            "b.lock: ./b/../a.txt belongs to the target cpu already",
            "name another file",
        ),
        (f'{TARGET}tensorflow = "newest"\n', "tensorflow: 'newest' is no TensorFlow version", "write a version"),
        (f'{TARGET}notebooks = "a.ipynb"\n', "notebooks: must be a list of strings, not 'a.ipynb'", None),
        (f"{TARGET}notebooks = [1]\n", "notebooks: must be a list of strings; 1 is none", None),
        (f"{TARGET}constraints = {{}}\n", "constraints: must be a list of strings, not a table", None),
        ('[tool.tfbootstrap.targets.cpu]\ngpu = "T4"\n', "targets.cpu: a target needs a runtime", "detect -o FILE"),
        ("[tool.tfbootstrap]\ntargets = []\n", "tool.tfbootstrap.targets: must be a table, not a list", None),
        ("[tool.tfbootstrap.targets]\ncpu = 1\n", "targets.cpu: must be a table, not 1", None),
        ('[tool.tfbootstrap.targets."a b"]\nruntime = "x"\n', "a target's name consists of letters", None),
        (
            f'{TARGET}lock = "a.txt"\n[tool.tfbootstrap.targets.b]\nruntime = "x"\nlock = "a.txt"\n',
            "pyproject.toml:6: tool.tfbootstrap.targets.b.lock: a.txt belongs to the target cpu already",
            "name another",
        ),
        (f"[tool.tfbootstrap]\ndependencies = 1\n{TARGET}", "dependencies: must be true or false, not 1", None),
        (f"[tool.tfbootstrap]\ndependencies = true\n{TARGET}", "there are no [project] dependencies", "list them"),
        (
            f"[project]\ndependencies = 'x'\n[tool.tfbootstrap]\ndependencies = true\n{TARGET}",
            "pyproject.toml:2: project.dependencies: must be a list of requirements",
            None,
        ),
        (
            f"[project]\ndependencies = ['numpy>>1']\n[tool.tfbootstrap]\ndependencies = true\n{TARGET}",
            "pyproject.toml:2:6: 'numpy>>1' is no requirement",
            "a requirement is",
        ),
        (
            f"[project.optional-dependencies]\nplot = []\n[tool.tfbootstrap]\nextras = [\n'plots']\n{TARGET}",
            "pyproject.toml:5: tool.tfbootstrap.extras: there is no optional dependencies 'plots'",
            "did you mean plot?",
        ),
        (f"[tool.tfbootstrap]\nextras = ['x']\n{TARGET}", "there is no optional dependencies 'x'", "there are: none"),
        (f"[tool.tfbootstrap]\ngroups = ['x']\n{TARGET}", "there is no dependency group 'x'", "there are: none"),
        (
            CIRCLE + TARGET,
            "dependency-groups.a: the groups include each other in a circle: a -> b -> a",
            None,
        ),
        (
            f"[dependency-groups]\na = [{{include = 'b'}}]\n[tool.tfbootstrap]\ngroups = ['a']\n{TARGET}",
            "a table is neither a requirement nor an include-group",
            None,
        ),
        (
            f"[dependency-groups]\na = 'b'\n[tool.tfbootstrap]\ngroups = ['a']\n{TARGET}",
            "pyproject.toml:2: dependency-groups.a: must be a list, not 'b'",
            None,
        ),
        (
            EXTRAS_CIRCLE + TARGET,
            "the extras require each other in a circle: a -> b -> a",
            None,
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert message in str(caught.value)
    assert (hint or "") in (caught.value.hint or "")
