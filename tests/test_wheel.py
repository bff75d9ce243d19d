"""What is shipped: exact file sets, and that the shipped data is found however tfbootstrap was installed."""

from __future__ import annotations

import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from tests.support.environment import REPOSITORY, Sandbox
from tests.support.programs import UV
from tests.support.sources import repository_files
from tfbootstrap import __version__

DATA = ("compat_matrix", "templates")
SHIPPED = ("tfbootstrap", *DATA)
SDIST = (
    *SHIPPED,
    "tests",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "pyproject.toml",
    ".gitignore",
)

FIND_DATA = """
import sys
import tfbootstrap
from tfbootstrap.edges.resources import find_data, load
from tfbootstrap.matrix.tensorflow import TensorflowMatrix

for name in sys.argv[1:]:
    print(name, *sorted(entry.name for entry in find_data(name).iterdir() if entry.is_file()))
load(TensorflowMatrix)
print(tfbootstrap.__file__, file=sys.stderr)
"""

BUILD_EDITABLE = """
import os, sys
from hatchling.build import build_editable
os.chdir(sys.argv[1])
build_editable(sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Built:
    """The files that two builds left."""

    sdist: Path
    wheel: Path
    wheel_of_sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build as a release does (sdist, then the wheel of it), and as `pip install .` does (the wheel at once)."""
    sandbox = Sandbox.below(tmp_path_factory.mktemp("build") / "sandbox")
    for folder, options in (("by_sdist", ()), ("direct", ("--wheel",))):
        command = (sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", folder, REPOSITORY)
        result = sandbox.run(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    (sdist,), (wheel_of_sdist,) = (list(sandbox.work.glob(f"by_sdist/{kind}")) for kind in ("*.tar.gz", "*.whl"))
    (wheel,) = sandbox.work.glob("direct/*.whl")
    return Built(sdist, wheel, wheel_of_sdist)


def differences(found: Collection[str], expected: Collection[str]) -> list[str]:
    """Return a line for each file that is missing and each that is unexpected."""
    missing = [f"missing {name}" for name in sorted(set(expected) - set(found))]
    return missing + [f"unexpected {name}" for name in sorted(set(found) - set(expected))]


def python_files_in_data(files: Iterable[PurePosixPath]) -> list[str]:
    """Return the Python files below the data folders: one of them breaks `pip install --editable`."""
    return [str(file) for file in files if file.parts[0] in DATA and file.suffix == ".py"]


def tracked(folders: Collection[str]) -> list[PurePosixPath]:
    return [PurePosixPath(path.as_posix()) for path in repository_files() if path.parts[0] in folders]


def data() -> dict[str, list[PurePosixPath]]:
    return {folder: files for folder in DATA if (files := tracked([folder]))}


def version_of(built: Built) -> str:
    return built.wheel.name.split("-")[1]


def test_the_wheel_holds_the_package_and_its_data(built: Built) -> None:
    info = f"tfbootstrap-{version_of(built)}.dist-info"
    expected = [str(file) if file.parts[0] == "tfbootstrap" else f"tfbootstrap/{file}" for file in tracked(SHIPPED)]
    expected += [f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")]
    for wheel in (built.wheel, built.wheel_of_sdist):
        with zipfile.ZipFile(wheel) as archive:
            assert differences(archive.namelist(), expected) == []


def test_the_sdist_holds_what_is_needed_to_build_and_test(built: Built) -> None:
    stem = f"tfbootstrap-{version_of(built)}"
    with tarfile.open(built.sdist) as archive:
        found = [member.name for member in archive if member.isfile()]
    assert differences(found, [f"{stem}/PKG-INFO", *(f"{stem}/{file}" for file in tracked(SDIST))]) == []


def test_both_wheels_are_the_same(built: Built) -> None:
    assert built.wheel.read_bytes() == built.wheel_of_sdist.read_bytes()


def test_the_version_is_said_once(built: Built) -> None:
    assert version_of(built) == __version__


def test_no_python_below_the_data_folders() -> None:
    assert python_files_in_data(tracked(DATA)) == []


def test_notices_wrong_file_sets() -> None:
    assert differences(["a", "b"], ["b", "c"]) == ["missing c", "unexpected a"]
    files = [PurePosixPath("templates/cell.py"), PurePosixPath("templates/cell.py.j2"), PurePosixPath("tests/x.py")]
    assert python_files_in_data(files) == ["templates/cell.py"]


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment: its interpreter and where its packages lie."""

    python: Path
    site_packages: Path


@pytest.fixture
def environment(sandbox: Sandbox) -> Environment:
    """Return a new virtual environment that sees our dependencies behind its own packages."""
    folder = sandbox.root / "venv"
    made = sandbox.run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    assert made.returncode == 0, made.stderr
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    asked = sandbox.run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    site_packages = Path(asked.stdout.strip())
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "zz_dependencies.pth").write_text("\n".join(ours), encoding="utf-8")
    return Environment(python, site_packages)


def install(sandbox: Sandbox, environment: Environment, wheel: Path) -> None:
    result = sandbox.run(UV, "pip", "install", "--no-deps", "--offline", "--python", environment.python, wheel)
    assert result.returncode == 0, result.stderr


def assert_finds_data(
    sandbox: Sandbox, environment: Environment, *, package_in: Path, python_path: Path | None = None
) -> None:
    """Fail unless the package is loaded from there and finds all its data."""
    names = {folder: sorted(file.name for file in files if len(file.parts) == 2) for folder, files in data().items()}
    variables = {"PYTHONPATH": str(python_path) if python_path else None}
    result = sandbox.run(environment.python, "-c", FIND_DATA, *names, variables=variables)
    assert result.returncode == 0, result.stderr
    assert Path(result.stderr.strip()).is_relative_to(package_in)
    assert result.stdout.splitlines() == [" ".join([folder, *names[folder]]) for folder in names]


def test_data_is_found_in_a_checkout(sandbox: Sandbox, environment: Environment) -> None:
    assert_finds_data(sandbox, environment, package_in=REPOSITORY, python_path=REPOSITORY)


def test_data_is_found_when_installed(sandbox: Sandbox, environment: Environment, built: Built) -> None:
    install(sandbox, environment, built.wheel)
    assert_finds_data(sandbox, environment, package_in=environment.site_packages)


def test_data_is_found_in_a_zipped_wheel(sandbox: Sandbox, environment: Environment, built: Built) -> None:
    assert_finds_data(sandbox, environment, package_in=built.wheel, python_path=built.wheel)


def test_data_is_found_when_editable(sandbox: Sandbox, environment: Environment) -> None:
    editable = sandbox.root / "editable"
    editable.mkdir()
    result = sandbox.run(sys.executable, "-c", BUILD_EDITABLE, REPOSITORY, editable)
    assert result.returncode == 0, result.stderr
    (wheel,) = editable.iterdir()
    install(sandbox, environment, wheel)
    assert_finds_data(sandbox, environment, package_in=REPOSITORY)
