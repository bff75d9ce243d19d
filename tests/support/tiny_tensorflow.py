"""A tiny TensorFlow world: the real versions, wheel tags and requirements, a few bytes each.

The matrix says what each TensorFlow wheel requires, so that a lock made here meets the bounds of a real one. What is
required comes as pure wheels: in several versions where the choice matters, else in the versions that bounds name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from packaging.requirements import Requirement

from tests.support.loopback_index import LoopbackIndex
from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, tag_platforms, tag_pythons

VERSIONS = ("2.15.1", "2.18.1", "2.19.0", "2.19.1", "2.20.0", "2.21.0")
"""The TensorFlow versions of the world unless a test asks for others; all have rows in the matrix."""

WORLD: Mapping[str, tuple[str, ...]] = {
    "numpy": ("1.24.4", "1.26.4", "2.0.2", "2.1.3", "2.3.0"),
    "protobuf": ("4.25.8", "5.29.5", "6.31.1", "7.36.2"),
    "keras": ("2.15.0", "3.10.0", "3.13.2"),
    "six": ("1.16.0", "1.17.0"),
}
"""Packages whose several versions matter to tests; they are there beside the versions that bounds name."""


def fill_with_tensorflow(index: LoopbackIndex, versions: Iterable[str] = VERSIONS) -> None:
    """Let the index serve these TensorFlow versions and everything that they require."""
    projects = [project for version in versions for project in tensorflow_projects(version)]
    for project in (*projects, *_required_by(projects)):
        index.add(build_wheel(project))


def tensorflow_projects(version: str) -> Iterator[Project]:
    """Yield one project for each published wheel of a TensorFlow version."""
    row = _matrix().row(version)
    assert row is not None, f"the matrix has no TensorFlow {version}"
    for tag in row.wheels:
        metadata = row.metadata_for(tag_platforms(tag)[0], tag_pythons(tag)[0])
        assert metadata is not None
        yield Project(
            name="tensorflow",
            version=version,
            requires=metadata.requires,
            extras=dict.fromkeys(metadata.extras, ()),
            requires_python=metadata.requires_python,
            tag=tag,
        )


@cache
def _matrix() -> TensorflowMatrix:
    return load(TensorflowMatrix)


def _required_by(projects: Iterable[Project]) -> Iterator[Project]:
    wanted = {name: set(versions) for name, versions in WORLD.items()}
    for text in {text for project in projects for text in project.requires}:
        requirement = Requirement(text)
        wanted.setdefault(requirement.name, set()).update(_fitting_versions(requirement))
    yield from (Project(name=name, version=version) for name, versions in wanted.items() for version in versions)


def _fitting_versions(requirement: Requirement) -> set[str]:
    """Return versions that the specifier names and accepts, such as its floor; for a mere ceiling a low one."""
    named = {clause.version.removesuffix(".*") for clause in requirement.specifier}
    return {version for version in named if requirement.specifier.contains(version)} or {"0.1"}
