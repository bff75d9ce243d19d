"""No tracked file names a package registry's host, or a path of the machine that it was written on.

The index is the user's: what uv and pip are configured with. The names below are put together at run time, because this
file is judged too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY
from tests.support.sources import repository_files

HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("pypi", "nvidia", "com"),
        ("anaconda", "org"),
        ("registry", "npmjs", "org"),
    )
)
HOST_PATTERN = re.compile("|".join(re.escape(host) for host in HOSTS), re.IGNORECASE)
MACHINE_FOLDERS = ("/root", "/work", "/tmp/w")
"""Folders that developers' machines have and users' don't."""


def naming_problems(texts: Mapping[str, str], machine_paths: tuple[str, ...]) -> Iterator[str]:
    """Yield each line (path, number) that names a registry's host or a path of this machine."""
    folders = "|".join(re.escape(folder) for folder in (*MACHINE_FOLDERS, *machine_paths))
    path_pattern = re.compile(rf"(?<![\w.}}])(?:{folders})/[\w.]")
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if found := HOST_PATTERN.search(line):
                yield f"{path}:{number}: names the registry host {found[0]}"
            if path_pattern.search(line):
                yield f"{path}:{number}: names a path of a machine"


def test_no_file_names_a_registry_or_a_machine_path() -> None:
    texts = {
        str(path): (REPOSITORY / path).read_text(encoding="utf-8", errors="replace") for path in repository_files()
    }
    assert texts
    assert list(naming_problems(texts, (str(REPOSITORY), str(Path.home())))) == []


@pytest.mark.parametrize("host", HOSTS)
def test_notices_a_registry_host(host: str) -> None:
    assert list(naming_problems({"a.py": f"x\nINDEX = 'https://{host}/simple'"}, ())) == [
        f"a.py:2: names the registry host {host}"
    ]


@pytest.mark.parametrize("path", ["/ro" + "ot/.cache", "/wo" + "rk/main", "/srv/checkout/x"])
def test_notices_a_machine_path(path: str) -> None:
    assert list(naming_problems({"a.md": f"cd {path}"}, ("/srv/checkout",))) == ["a.md:1: names a path of a machine"]


def test_leaves_other_addresses_alone() -> None:
    text = "https://index.test/simple http://127.0.0.1:80/simple/ https://example.test/root/x ./work/x $HOME/root/x"
    assert list(naming_problems({"a.md": text}, ("/srv/checkout",))) == []
