"""Environments to examine: those of proofs, which are healthy, and what breaks them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from tests.support.environment import REPOSITORY
from tests.support.machines import MACHINES
from tfbootstrap.app.knowledge import load_hardware
from tfbootstrap.doctor.case import make_case
from tfbootstrap.doctor.examination import examine
from tfbootstrap.doctor.records import Case, Examination, Finding, Tables
from tfbootstrap.edges.resources import load, load_file
from tfbootstrap.facts import (
    Distribution,
    DriverFacts,
    Facts,
    Gpu,
    PlatformFacts,
    PythonFacts,
    facts_from_mapping,
)
from tfbootstrap.inventory import InstalledDistribution, Inventory, LibraryFolder
from tfbootstrap.lock import Lock
from tfbootstrap.matrix.bounds import BoundMatrix
from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.known_bad import KnownBadMatrix
from tfbootstrap.matrix.proofs import Proof
from tfbootstrap.matrix.tensorflow import TensorflowMatrix

MATRIX = REPOSITORY / "compat_matrix"
PROOFS = sorted(path.stem for path in (MATRIX / "proofs").glob("*.yaml") if not path.stem.endswith(".failed"))
HOME = "/opt/env/lib/python3/site-packages"
T4 = Gpu(name="Tesla T4", compute_capability="7.5", source="nvidia-smi")
DRIVER = DriverFacts(version="550.54.15", cuda_version="12.4", source="nvidia-smi")


@cache
def tables() -> Tables:
    """Return the shipped matrix, with the tables of hardware."""
    hardware = load_hardware(MATRIX)
    return Tables(
        tensorflow=load(TensorflowMatrix, MATRIX),
        bounds=load(BoundMatrix, MATRIX),
        known_bad=load(KnownBadMatrix, MATRIX),
        companions=load(CompanionsMatrix, MATRIX),
        libraries=hardware.libraries,
        hardware=hardware,
    )


@cache
def proven(name: str) -> Facts:
    """Return the facts of a proof's environment: its pins, and what TensorFlow's own metadata requires."""
    proof = load_file(Proof, MATRIX / "proofs" / f"{name}.yaml")
    row = tables().tensorflow.row(proof.tensorflow)
    metadata = row.metadata_for("linux-x86_64", proof.python) if row else None
    requires = {"tensorflow": metadata.requires if metadata else ()}
    pins = [line.split(" ")[0].split("==") for line in proof.pins]
    return Facts(
        python=PythonFacts(version=f"{proof.python}.5", executable="/opt/env/bin/python"),
        platform=PlatformFacts(
            system="linux",
            machine="x86_64",
            libc="glibc 2.35",
            cpu_flags=("avx", "avx2", "fma"),
            release="Ubuntu 22.04",
        ),
        gpu_status="absent",
        distributions={name: Distribution(version=version, requires=requires.get(name, ())) for name, version in pins}
        | {"pip": Distribution(version="25.0")},
    )


def with_packages(facts: Facts, changes: Mapping[str, str | tuple[str, Iterable[str]] | None]) -> Facts:
    """Return facts with packages in these versions (a pair: and with these requirements); None takes one away."""
    distributions = dict(facts.distributions)
    for name, change in changes.items():
        before = distributions.pop(name, Distribution(version=""))
        if isinstance(change, str):
            distributions[name] = replace(before, version=change)
        elif change is not None:
            distributions[name] = Distribution(version=change[0], requires=tuple(change[1]))
    return replace(facts, distributions=distributions)


def healthy_inventory(facts: Facts, **changes: Any) -> Inventory:
    """Return the inventory of an environment in which nothing is broken."""
    installed = tuple(
        InstalledDistribution(
            name=name,
            version=one.version,
            folder=HOME,
            info=f"{name}-{one.version}.dist-info",
            installer="pip",
            files=10,
            modules=(name.replace("-", "_"),),
        )
        for name, one in sorted(facts.distributions.items())
    )
    standard: dict[str, Any] = {"prefix": "/opt/env", "home": HOME, "virtual": True, "installed": installed}
    return Inventory(**{**standard, **changes})


def broken(facts: Facts, name: str, **changes: Any) -> Inventory:
    """Return an inventory in which one distribution is not as it should be."""
    inventory = healthy_inventory(facts)
    rows = tuple(replace(one, **changes) if one.name == name else one for one in inventory.installed)
    return replace(inventory, installed=rows)


def make(
    facts: Facts, inventory: Inventory | None = None, *, lock: Lock | None = None, venv: str | None = None
) -> Case:
    """Return the case of an environment, with the shipped matrix."""
    path = "requirements.txt" if lock else ""
    return make_case(facts, inventory or healthy_inventory(facts), tables(), lock=lock, lock_path=path, venv=venv)


def examined(facts: Facts, inventory: Inventory | None = None, *, lock: Lock | None = None) -> Examination:
    """Examine an environment."""
    return examine(make(facts, inventory, lock=lock))


def only(facts: Facts, inventory: Inventory | None = None, *, lock: Lock | None = None) -> Finding:
    """Return the one finding that there is."""
    (finding,) = examined(facts, inventory, lock=lock).findings
    return finding


def machine(name: str) -> Facts:
    """Return the facts of a captured machine."""
    return facts_from_mapping(json.loads((MACHINES / name / "facts.json").read_text(encoding="utf-8")), path=name)


def on_machine(name: str, proof: str) -> Facts:
    """Return the facts of a captured machine in which a proof's environment is installed."""
    captured, environment = machine(name), proven(proof)
    return replace(captured, python=environment.python, distributions=environment.distributions)


def with_gpu(proof: str, gpu: Gpu = T4, driver: DriverFacts | None = DRIVER, **changes: Any) -> Facts:
    """Return the facts of a proof's environment on a machine with a GPU."""
    return replace(proven(proof), gpu_status="present", gpus=(gpu,), driver=driver, **changes)


def library_folder(path: str, origin: Any, *names: str, below: str = "", **files: str) -> LibraryFolder:
    """Return a folder with libraries; those that are not named as files are files themselves."""
    return LibraryFolder(path=path, origin=origin, below=below, names={**{name: name for name in names}, **files})


DRIVER_FOLDER = library_folder("/usr/lib/x86_64-linux-gnu", "cache", "libcuda.so.1")


def wheel_folders(tensorflow: str) -> tuple[LibraryFolder, ...]:
    """Return the folders of the wheels that carry all that a TensorFlow loads, beside the driver's."""
    row = tables().tensorflow.row(tensorflow)
    assert row is not None
    carriers = tables().libraries.needed_carriers(tensorflow, (row.cuda or "").split(".")[0])
    assert carriers is not None
    folders = dict.fromkeys(one.folder for one in carriers)
    wheels = (
        library_folder(
            f"{HOME}/{folder}", "wheel", *(one.soname for one in carriers if one.folder == folder), below=folder
        )
        for folder in folders
    )
    return (*wheels, DRIVER_FOLDER)
