"""`tfbootstrap init` as a user runs it, and what `lock` makes of it."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.conftest import User
from tfbootstrap.configuration import Configuration, read_configuration

COMMENTED = """\
# our project
[project]
name = "our-project"   # with a comment
dependencies = [ "pandas",
    'six' ]

[tool.ruff]
line-length = 99 # long
"""


def init(user: User, *arguments: str) -> str:
    result = user.sandbox.tfbootstrap("init", *arguments, variables=user.variables)
    assert result.returncode == 0, result.stderr
    return result.stderr


def configuration(user: User) -> Configuration:
    found = read_configuration(user.text("pyproject.toml"), "pyproject.toml")
    assert found is not None
    return found


def test_a_table_is_added_and_the_rest_kept(user: User) -> None:
    user.write("pyproject.toml", COMMENTED)
    (user.sandbox.work / "src").mkdir()
    said = init(user, "--runtime", "colab-2026.07", "--runtime", "linux-cpu", "--tensorflow", "2.20")
    assert "wrote pyproject.toml" in said
    assert user.text("pyproject.toml") == COMMENTED + (
        '\n[tool.tfbootstrap]\ntensorflow = "2.20"\ndependencies = true\nsources = ["src"]\n'
        '\n[tool.tfbootstrap.targets.colab]\nruntime = "colab-2026.07"\nlock = "requirements-colab.txt"\n'
        '\n[tool.tfbootstrap.targets.linux-cpu]\nruntime = "linux-cpu"\nlock = "requirements-linux-cpu.txt"\n'
    )


def test_what_init_writes_can_be_locked(user: User) -> None:
    user.write("requirements.in", "tensorflow==2.20.*\npandas\n")
    init(user)
    (target,) = configuration(user).targets
    assert target.requirements == ("requirements.in",)
    assert target.python in (None, f"{sys.version_info.major}.{sys.version_info.minor}")
    assert user.lock().returncode == 0
    assert "pandas==2.3.0" in user.text(target.lock)
    assert user.lock("--check").returncode == 0


def test_a_lock_of_ours_is_no_requirements_file(user: User) -> None:
    user.lock("--tensorflow", "2.20", "--runtime", "linux-cpu", "--python", "3.12")
    init(user, "--runtime", "linux-cpu")
    assert configuration(user).targets[0].requirements == ()


def test_a_facts_file_is_a_target_of_its_name(user: User) -> None:
    facts = user.sandbox.tfbootstrap("detect", "--json").stdout
    user.write("lab.server.json", facts)
    result = user.sandbox.tfbootstrap("init", "--runtime", "lab.server.json", "--json")
    assert json.loads(result.stdout) == {"targets": {"lab-server": "lab.server.json"}, "written": ["pyproject.toml"]}


def test_a_table_that_is_there_is_replaced_only_by_force(user: User) -> None:
    before = COMMENTED + '\n[tool.tfbootstrap.targets.old]\nruntime = "windows"\n\n[tool.other]\na = 1 # kept\n'
    user.write("pyproject.toml", before)
    refused = user.sandbox.tfbootstrap("init", "--runtime", "linux-cpu")
    assert refused.returncode == 2
    assert "has a [tool.tfbootstrap] already" in refused.stderr
    assert user.text("pyproject.toml") == before
    init(user, "--runtime", "linux-cpu", "--force")
    assert [target.name for target in configuration(user).targets] == ["linux-cpu"]
    text = user.text("pyproject.toml")
    assert text.startswith(COMMENTED)
    assert "a = 1 # kept" in text
    assert "old" not in text


def test_a_tool_table_with_keys_of_its_own_gets_ours(user: User) -> None:
    user.write("pyproject.toml", "[tool]\nx = 1\n")
    init(user, "--runtime", "linux-cpu")
    assert configuration(user).targets[0].runtime == "linux-cpu"
    assert "x = 1" in user.text("pyproject.toml")


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("[project\n", (), "pyproject.toml:1:9: this is no valid TOML"),
        ("tool = 1\n", (), "pyproject.toml: tool: must be a table"),
        ("", ("--runtime", "linux-gpus"), "there is no runtime 'linux-gpus'"),
        ("", ("--runtime", "missing.json"), "missing.json: there is no such facts file"),
        ("", ("--tensorflow", "newest"), "is no TensorFlow version"),
    ],
)
def test_bad_input_is_exit_2_and_changes_nothing(
    user: User, text: str, arguments: tuple[str, ...], message: str
) -> None:
    user.write("pyproject.toml", text)
    result = user.sandbox.tfbootstrap("init", *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert user.text("pyproject.toml") == text
    user.sandbox.assert_nothing_left(expected=["pyproject.toml"])
