"""Every hash of a lock belongs to a file that its target can install, by the file's own name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.pylock import Package, Pylock
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from tfbootstrap.app.lock import lock
from tfbootstrap.app.requests import LockOptions
from tfbootstrap.toml import parse_toml

LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def on_linux(machine: str, glibc: tuple[int, int]) -> Callable[[str], bool]:
    def fits(platform: str) -> bool:
        match = re.fullmatch(rf"(manylinux\w*?)(?:_(\d+)_(\d+))?_{machine}", platform)
        if match is None:
            return platform == f"linux_{machine}"
        floor = LEGACY.get(match[1]) or (int(match[2]), int(match[3]))
        return floor <= glibc

    return fits


def on_macos(platform: str) -> bool:
    return bool(re.fullmatch(r"macosx_\d+_\d+_(arm64|universal2)", platform))


def on_windows(platform: str) -> bool:
    return platform == "win_amd64"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A target of the project and which platform tags it takes; all of them run CPython 3.12."""

    runtime: str
    options: str
    fits: Callable[[str], bool]


PROJECT = {
    "colab": Project(runtime="colab-2026.07", options='gpu = "T4"', fits=on_linux("x86_64", (2, 35))),
    "server": Project(
        runtime="linux-gpu",
        options='gpu = "A100"\ndriver = "535.183.01"\ncuda = "wheels"',
        fits=on_linux("x86_64", (2, 28)),
    ),
    "cpu": Project(runtime="linux-cpu", options="", fits=on_linux("x86_64", (2, 28))),
    "mac": Project(runtime="macos-arm64", options="", fits=on_macos),
    "windows": Project(runtime="windows", options="", fits=on_windows),
    "arm": Project(runtime="linux-aarch64", options="", fits=on_linux("aarch64", (2, 28))),
}


@pytest.mark.online
def test_six_targets_in_one_call_hold_fitting_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tables = "".join(
        f'\n[tool.tfbootstrap.targets.{name}]\nruntime = "{one.runtime}"\nlock = "{name}.txt"\n{one.options}\n'
        for name, one in PROJECT.items()
    )
    Path("pyproject.toml").write_text(f'[tool.tfbootstrap]\ntensorflow = ">=2.18"\n{tables}', encoding="utf-8")
    hashes = {outcome.name: pinned(outcome) for outcome in lock(LockOptions(bootstrap=False))}
    outcomes = lock(LockOptions(bootstrap=False, dry_run=True, format="pylock"))
    assert {outcome.name for outcome in outcomes} == set(PROJECT)
    for outcome in outcomes:
        (text,) = outcome.texts.values()
        packages = Pylock.from_dict(parse_toml(text)).packages
        files = dict(named(packages))
        assert hashes[outcome.name] == set(files)
        unfitting = [name for name in files.values() if not installable(name, PROJECT[outcome.name].fits)]
        assert not unfitting


def pinned(outcome: object) -> set[str]:
    found = getattr(outcome, "lock", None)
    assert found is not None, outcome
    return {digest.removeprefix("sha256:") for pin in found.pins for digest in pin.hashes}


def named(packages: Iterable[Package]) -> list[tuple[str, str]]:
    """Return sha256 and name of every file."""
    files = [file for package in packages for file in (*(package.wheels or ()), package.sdist) if file]
    return [(str(file.hashes["sha256"]), str(file.filename)) for file in files]


def installable(name: str, fits: Callable[[str], bool]) -> bool:
    if not name.endswith(".whl"):
        return True
    return any(runs(tag) and (tag.platform == "any" or fits(tag.platform)) for tag in parse_wheel_filename(name)[3])


def runs(tag: Tag) -> bool:
    """Say whether CPython 3.12 takes a tag's interpreter and ABI."""
    match = re.fullmatch(r"(cp|py)3(\d*)", tag.interpreter)
    if match is None:
        return False
    minor = int(match[2] or 0)
    if tag.abi == "cp312":
        return tag.interpreter == "cp312"
    if tag.abi == "abi3":
        return match[1] == "cp" and minor <= 12
    return tag.abi == "none" and (minor <= 12 if match[1] == "py" else minor == 12)


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("numpy-2.0.2-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", {"colab", "server", "cpu"}),
        ("numpy-2.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", set()),
        ("tensorflow-2.21.0-cp312-cp312-manylinux_2_35_x86_64.whl", {"colab"}),
        ("numpy-2.0.2-cp312-cp312-macosx_14_0_arm64.whl", {"mac"}),
        ("h5py-3.14.0-cp312-cp312-win_amd64.whl", {"windows"}),
        ("grpcio-1.70.0-cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", {"arm"}),
        ("nvidia_cudnn_cu12-9.10.2.21-py3-none-manylinux_2_27_x86_64.whl", {"colab", "server", "cpu"}),
        ("six-1.17.0-py2.py3-none-any.whl", set(PROJECT)),
    ],
)
def test_the_judgement_of_a_name(name: str, fitting: set[str]) -> None:
    assert {target for target, one in PROJECT.items() if installable(name, one.fits)} == fitting
