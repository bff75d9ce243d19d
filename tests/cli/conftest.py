"""Somebody who locks: an empty folder, and an index on this machine with small TensorFlows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.environment import Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tests.support.wheel_factory import Project, build_wheel


@pytest.fixture
def user(sandbox: Sandbox, loopback_index: LoopbackIndex) -> User:
    fill_with_tensorflow(loopback_index)
    loopback_index.add(build_wheel(Project(name="pandas", version="2.3.0", requires=("numpy>=1.26",))))
    return User(sandbox, loopback_index)


class User:
    """Somebody in an empty folder with one index configured."""

    def __init__(self, sandbox: Sandbox, index: LoopbackIndex) -> None:
        self.sandbox = sandbox
        self.index = index
        self.variables: dict[str, str | None] = {"UV_DEFAULT_INDEX": index.simple_url, "UV_HTTP_RETRIES": "0"}

    def lock(self, *arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        return self.sandbox.tfbootstrap("lock", *arguments, variables={**self.variables, **variables})

    def write(self, name: str, text: str) -> Path:
        path = self.sandbox.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def text(self, name: str = "requirements.txt") -> str:
        return (self.sandbox.work / name).read_text(encoding="utf-8")
