"""A tiny TensorFlow world: the names, versions, tags and requirements of the real one, a few bytes each.

The other packages are pure wheels, in a handful of versions where the choice between them matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement

from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel

PYTHONS: Mapping[str, tuple[str, ...]] = {
    "2.15.1": ("3.9", "3.10", "3.11"),
    "2.18.0": ("3.9", "3.10", "3.11", "3.12"),
    "2.19.0": ("3.9", "3.10", "3.11", "3.12"),
    "2.20.0": ("3.9", "3.10", "3.11", "3.12", "3.13"),
    "2.21.0": ("3.10", "3.11", "3.12", "3.13"),
}
"""TensorFlow version -> the Pythons that it has wheels for."""

PLATFORMS = (
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "win_amd64",
    "macosx_12_0_arm64",
)

REQUIRES = ("numpy>=1.26.0", "protobuf>=5.28.0", "keras>=3.10.0", "six>=1.12.0")
"""What every TensorFlow here requires."""

AND_CUDA = ("nvidia-cudnn-cu12<10.0,>=9.3.0.75", "nvidia-cuda-runtime-cu12<13.0,>=12.5.82")

WORLD: Mapping[str, tuple[str, ...]] = {
    "numpy": ("1.24.4", "1.26.4", "2.0.2", "2.1.3", "2.3.0"),
    "protobuf": ("4.25.8", "5.29.5", "6.31.1", "7.36.2"),
    "keras": ("2.15.0", "3.10.0", "3.13.2"),
    "six": ("1.16.0", "1.17.0"),
}
"""Packages whose several versions matter to tests; everything else that is required comes in one version that fits."""


def fill_with_tensorflow(index: LoopbackIndex, versions: Iterable[str] = tuple(PYTHONS)) -> None:
    """Let the index serve these TensorFlow versions and everything that they require."""
    projects = [project for version in versions for project in tensorflow_projects(version)]
    for project in (*projects, *_closure(projects)):
        index.add(build_wheel(project))


def tensorflow_projects(version: str) -> Iterator[Project]:
    """Yield one project for each wheel of a TensorFlow version."""
    for python in PYTHONS[version]:
        interpreter = f"cp{python.replace('.', '')}"
        for platform in PLATFORMS:
            yield Project(
                name="tensorflow",
                version=version,
                requires=REQUIRES,
                extras={"and-cuda": AND_CUDA},
                requires_python=f">={PYTHONS[version][0]}",
                tag=f"{interpreter}-{interpreter}-{platform}",
            )


def _closure(projects: Iterable[Project]) -> Iterator[Project]:
    """Yield the packages of the world, and for each other requirement a version that fits all that ask for it."""
    yield from (Project(name=name, version=version) for name, versions in WORLD.items() for version in versions)
    wanted: dict[str, set[str]] = {}
    for project in projects:
        for text in (*project.requires, *(text for pins in project.extras.values() for text in pins)):
            requirement = Requirement(text)
            if requirement.name not in WORLD:
                wanted.setdefault(requirement.name, set()).update(_named_versions(requirement))
    yield from (Project(name=name, version=version) for name, versions in wanted.items() for version in versions)


def _named_versions(requirement: Requirement) -> set[str]:
    """Return versions that the specifier itself names and accepts, such as its floor; `1` where it names none."""
    named = {clause.version.removesuffix(".*") for clause in requirement.specifier}
    return {version for version in named if requirement.specifier.contains(version)} or {"1"}
