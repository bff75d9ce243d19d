"""Tiny real wheels and sdists, built in memory. The same description gives the same bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can hold: without a clock the bytes stay the same."""

SDIST_BACKEND = """\
import pathlib
import shutil

FINISHED = pathlib.Path(__file__).parent / "finished"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    (wheel,) = FINISHED.iterdir()
    shutil.copy(wheel, wheel_directory)
    return wheel.name
"""
"""The build backend inside our sdists: the finished wheel travels along, so that building one needs no network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What to build. `files` is path -> content inside the wheel, by default one module that knows its version."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires_python: str | None = None
    tag: str = "py3-none-any"
    """Wheel tag; compressed sets (`cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64`) are allowed."""
    files: Mapping[str, str | bytes] | None = None
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Group -> name -> object reference."""

    @property
    def file_stem(self) -> str:
        """Name and version as file names spell them."""
        return f"{re.sub(r'[-_.]+', '_', self.name).lower()}-{self.version}"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A built file with what an index says about it."""

    filename: str
    content: bytes
    project: Project
    metadata: str

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def normalised(name: str) -> str:
    """Return a project name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def build_wheel(project: Project) -> Artefact:
    """Build the wheel of a project, with a RECORD that is right."""
    info = f"{project.file_stem}.dist-info"
    metadata = _metadata(project)
    members = _as_bytes(_module(project) if project.files is None else project.files)
    members[f"{info}/METADATA"] = metadata.encode()
    members[f"{info}/WHEEL"] = _wheel_file(project.tag).encode()
    if project.entry_points:
        members[f"{info}/entry_points.txt"] = _entry_points(project).encode()
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD").encode()
    return Artefact(f"{project.file_stem}-{project.tag}.whl", _zip(members), project, metadata)


def build_sdist(project: Project) -> Artefact:
    """Build a source distribution that any PEP 517 front end can turn into `build_wheel(project)` without a network."""
    wheel = build_wheel(project)
    build_system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    members = {
        "PKG-INFO": wheel.metadata.encode(),
        "pyproject.toml": build_system.encode(),
        "backend.py": SDIST_BACKEND.encode(),
        f"finished/{wheel.filename}": wheel.content,
    }
    return Artefact(f"{project.file_stem}.tar.gz", _tar(project.file_stem, members), project, wheel.metadata)


def _module(project: Project) -> dict[str, str]:
    package = re.sub(r"[-.]+", "_", project.name).lower()
    return {f"{package}/__init__.py": f"__version__ = {project.version!r}\n"}


def _metadata(project: Project) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project.name}", f"Version: {project.version}"]
    if project.requires_python is not None:
        lines.append(f"Requires-Python: {project.requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in project.requires]
    for extra, requirements in project.extras.items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_under_extra(requirement, extra)}" for requirement in requirements]
    return "\n".join(lines) + "\n"


def _under_extra(requirement: str, extra: str) -> str:
    bare, _, marker = (part.strip() for part in requirement.partition(";"))
    condition = f'extra == "{extra}"'
    return f"{bare}; ({marker}) and {condition}" if marker else f"{bare}; {condition}"


def _wheel_file(tag: str) -> str:
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    tags = [f"Tag: {python}-{abi}-{platform}" for python in pythons for abi in abis for platform in platforms]
    pure = "true" if platforms == ["any"] else "false"
    return "\n".join(["Wheel-Version: 1.0", "Generator: wheel_factory", f"Root-Is-Purelib: {pure}", *tags]) + "\n"


def _entry_points(project: Project) -> str:
    groups = []
    for group, entries in project.entry_points.items():
        groups.append("\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]))
    return "\n\n".join(groups) + "\n"


def _record(members: Mapping[str, bytes], own_path: str) -> str:
    lines = []
    for path, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{own_path},,"]) + "\n"


def _as_bytes(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tar(stem: str, members: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, content in members.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
