"""The second engine and the comparison of both, as a user asks for them."""

from __future__ import annotations

import json
import platform
import sys

import pytest

from tests.cli.conftest import User
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.lock import read_lock

HERE = ("--runtime", "linux-cpu", "--python", f"{sys.version_info.major}.{sys.version_info.minor}")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="pip-tools locks for its own platform"
    ),
]


@pytest.fixture
def disputed(user: User) -> User:
    """Serve packages of which uv prefers the newest of one, pip the newest of the other."""
    user.index.add(
        build_wheel(Project(name="first", version="1.0")),
        build_wheel(Project(name="first", version="2.0", requires=("second<2",))),
        build_wheel(Project(name="second", version="1.0")),
        build_wheel(Project(name="second", version="2.0")),
    )
    return user


def test_pip_tools_makes_the_same_kind_of_lock(user: User) -> None:
    address = user.index.simple_url.replace("http://", "http://user:secret-word@")
    arguments = ("--tensorflow", "2.20", "pandas", *HERE)
    result = user.lock(*arguments, "--engine", "pip-tools", UV_DEFAULT_INDEX=address)
    assert result.returncode == 0, result.stderr
    text = user.text()
    assert "secret-word" not in text + result.stdout + result.stderr + user.text("bootstrap.py")
    by_pip = read_lock(text, "requirements.txt")
    tensorflow = by_pip.pin("tensorflow")
    assert tensorflow is not None
    assert len(tensorflow.hashes) == 1
    assert user.lock("--check").returncode == 0
    assert user.lock(*arguments).returncode == 0
    by_uv = read_lock(user.text(), "requirements.txt")
    assert {pin.name: pin.hashes for pin in by_uv.pins} == {pin.name: pin.hashes for pin in by_pip.pins}
    user.sandbox.assert_nothing_left(expected=["requirements.txt", "bootstrap.py"])


def test_pip_tools_refuses_another_target(user: User) -> None:
    result = user.lock("--engine", "pip-tools", "--tensorflow", "2.20", "--runtime", "macos-arm64")
    assert result.returncode == 2
    assert "pip-tools resolves for the Python that runs it only" in result.stderr
    assert "hint: use the engine uv" in result.stderr


def test_a_conflict_of_pip_s_is_retold_too(user: User) -> None:
    result = user.lock("--engine", "pip-tools", "--tensorflow", "2.20", "numpy<1.26", *HERE)
    assert result.returncode == 3
    assert "tensorflow==2.20.0 needs numpy>=1.26.0 (compat_matrix: tensorflow.yaml)" in result.stderr
    user.sandbox.assert_nothing_left()


def test_engines_that_agree_write_the_lock(user: User) -> None:
    result = user.lock("--cross-check", "--tensorflow", "2.20", *HERE)
    assert result.returncode == 0, result.stderr
    assert "both engines give the same pins" in result.stderr
    assert "wrote requirements.txt" in result.stderr


def test_engines_that_differ_are_exit_1_and_write_nothing(disputed: User) -> None:
    arguments = ("--cross-check", "--tensorflow", "2.20", "second", "first", *HERE)
    result = disputed.lock(*arguments)
    assert result.returncode == 1
    assert "first: uv 1.0, pip-tools 2.0" in result.stderr
    (target,) = json.loads(disputed.lock(*arguments, "--json").stdout)["targets"]
    assert target["cross_check"] == [
        {"name": "first", "uv": "1.0", "pip-tools": "2.0"},
        {"name": "second", "uv": "2.0", "pip-tools": "1.0"},
    ]
    disputed.sandbox.assert_nothing_left()
