"""Makes the record of one environment: which TensorFlow, and what belongs to it. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfbootstrap.diagnose.context import DISTRIBUTIONS
from tfbootstrap.doctor.records import Case, InstalledTensorflow, Tables
from tfbootstrap.doctor.shell import shell_of
from tfbootstrap.facts import Facts
from tfbootstrap.inventory import Inventory
from tfbootstrap.lock import Lock
from tfbootstrap.matrix.gpu_code import minor_of
from tfbootstrap.matrix.markers import applies, parsed
from tfbootstrap.matrix.tensorflow import TensorflowMatrix, TensorflowRow
from tfbootstrap.plan.markers import runtime_environment

OTHER_BUILDS: Final = (
    *("tensorflow-tpu", "tensorflow-rocm", "tensorflow-aarch64", "tensorflow-cpu-aws", "tensorflow-directml"),
    *("tf-nightly-cpu", "tf-nightly-gpu"),
)
"""Distributions that bring a TensorFlow of which the matrix has no rows."""


def make_case(
    facts: Facts,
    inventory: Inventory,
    tables: Tables,
    *,
    lock: Lock | None = None,
    lock_path: str = "",
    venv: str | None = None,
) -> Case:
    """Put together what is examined."""
    versions = {name: found.version for name, found in facts.distributions.items()}
    tensorflow = find_tensorflow(versions, tables.tensorflow)
    closure = frozenset(_closure(facts, [tensorflow.distribution] if tensorflow else []))
    companions = {row.name for row in tables.companions.rows if row.name in versions}
    cuda = {name for name in versions if name.startswith("nvidia-")}
    return Case(
        facts=facts,
        inventory=inventory,
        tables=tables,
        shell=shell_of(facts, inventory, here=venv is None),
        tensorflow=tensorflow,
        versions=versions,
        closure=closure,
        family=closure | companions | cuda,
        lock=lock,
        lock_path=lock_path,
        venv=venv,
    )


def find_tensorflow(versions: Mapping[str, str], matrix: TensorflowMatrix) -> InstalledTensorflow | None:
    """Return the TensorFlow among installed distributions (normalised name -> version)."""
    name = next((name for name in (*DISTRIBUTIONS, *OTHER_BUILDS) if name in versions), None)
    if name is None:
        return None
    row = None if name in OTHER_BUILDS else _row(versions[name], matrix)
    return InstalledTensorflow(distribution=name, version=versions[name], row=row)


def _row(version: str, matrix: TensorflowMatrix) -> TensorflowRow | None:
    try:
        if Version(version).local:
            return None  # a build of NVIDIA's or one's own: what the published wheels hold says nothing about it
        own = matrix.row(version)
        rows = matrix.of_minor(minor_of(version))
    except (InvalidVersion, IndexError):
        return None
    return own or (rows[-1] if rows else None)


def requirements_of(facts: Facts, name: str) -> Iterator[Requirement]:
    """Yield what an installed distribution requires here, those of its extras left out; what can't be read too."""
    environment = runtime_environment(facts)
    for line in facts.distributions[name].requires:
        try:
            requirement = parsed(line)
        except InvalidRequirement:
            continue
        if applies(requirement, environment):
            yield requirement


def _closure(facts: Facts, names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in found and name in facts.distributions:
            found.add(name)
            queue += [canonicalize_name(requirement.name) for requirement in requirements_of(facts, name)]
    return found
