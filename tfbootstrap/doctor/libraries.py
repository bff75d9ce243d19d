"""CUDA's libraries: missing, of another version, or where nobody looks for them. Layer 2: pure.

Where TensorFlow looks: `LD_LIBRARY_PATH`, then the search path that its own library carries (folders of the wheels),
then the loader's cache and default folders (ld.so(8)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

from tfbootstrap.doctor.packages import situation_of
from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.inventory import LibraryFolder
from tfbootstrap.matrix.libraries import CarrierRow, LoadedRow
from tfbootstrap.matrix.markers import parsed
from tfbootstrap.matrix.tensorflow import TensorflowRow
from tfbootstrap.plan.cuda_source import minimal_cudnn, system_cuda
from tfbootstrap.plan.gpu import Hardware

DRIVER_LIBRARY: Final = "libcuda.so.1"
PLATFORM: Final = "linux-x86_64"
"""The platform whose wheels were asked what they load."""
LAST_WITH_OWN_FOLDER: Final = Version("2.19")
"""The last minor whose libtensorflow_framework.so.2 has its own folder in its search path (run: `readelf -d` on the
wheels of 2.4.4 to 2.21.0): links beside it are found up to there."""
LINK_FOLDER: Final = "nvidia/cuda_runtime/lib"
"""A folder that every release since 2.14 looks into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a library lies: the folder, and the file that its name leads to."""

    folder: LibraryFolder
    file: str


def check_libraries(case: Case, row: TensorflowRow, hardware: Hardware) -> Iterator[Finding]:
    """Find which of the libraries that this TensorFlow loads it does not get."""
    if case.facts.platform.system == "windows":
        yield from _on_windows(case, row, hardware)
    loaded = hardware.libraries.row(row.version)
    if case.tensorflow and case.tensorflow.distribution in case.shell.conda:
        return  # conda's builds have another search path
    if loaded is None or f"{case.facts.platform.system}-{case.facts.platform.machine}" != PLATFORM:
        return
    yield from _driver_library(case, loaded)
    places = {name: find_library(name, case, loaded) for name in loaded.needed}
    lost = [name for name, place in places.items() if place is None]
    elsewhere = {name: place for name in lost if (place := _unsearched(name, case, loaded))}
    others = {name: found for name in lost if name not in elsewhere and (found := _other_versions(name, case))}
    gone = [name for name in lost if name not in elsewhere and name not in others]
    repair = _repair(case, row, hardware)
    if gone:
        yield _finding(
            case, "library-missing", f"{len(gone)} of {len(places)} CUDA libraries are missing", gone, repair
        )
    if others:
        yield _wrong_version(others, repair)
    if elsewhere:
        yield _wrong_path(case, elsewhere, loaded)
    yield from _hiding(case, places, loaded)
    yield from _old_cudnn(case, row, places, hardware, repair)


def _on_windows(case: Case, row: TensorflowRow, hardware: Hardware) -> Iterator[Finding]:
    """Find a CUDA or cuDNN that does not serve the last releases with CUDA for Windows, which load them from PATH."""
    own = system_cuda(row, case.facts, hardware)
    if own.serves:
        return
    present = [f"CUDA {one.version} in {one.path}" for one in case.facts.cuda_toolkits]
    present += [f"cuDNN {one.version} in {one.path}" for one in case.facts.cudnn]
    yield Finding(
        id="library-version" if present else "library-missing",
        severity="error",
        summary=f"TensorFlow {row.version} does not find the CUDA that it needs: {own.needed}",
        evidence=tuple(present) or ("neither CUDA nor cuDNN was found",),
        advice=(f"install {own.needed}, and put the folder bin of the toolkit on PATH",),
        link="library-version" if present else "library-missing",
        diagnosis="missing-cuda-dll",
    )


def find_library(name: str, case: Case, loaded: LoadedRow) -> Place | None:
    """Return where TensorFlow finds a library, None where it does not."""
    for folder in case.inventory.libraries:
        if name in folder.names and _is_searched(folder, loaded):
            return Place(folder=folder, file=folder.names[name])
    return None


def _is_searched(folder: LibraryFolder, loaded: LoadedRow) -> bool:
    if folder.origin == "wheel":
        return loaded.finds(folder.below)
    if folder.origin == "tensorflow":
        return _looks_beside_itself(loaded.tensorflow)
    return folder.origin != "other"


def _looks_beside_itself(tensorflow: str) -> bool:
    return Version(".".join(tensorflow.split(".")[:2])) <= LAST_WITH_OWN_FOLDER


def _unsearched(name: str, case: Case, loaded: LoadedRow) -> Place | None:
    folders = [one for one in case.inventory.libraries if name in one.names and not _is_searched(one, loaded)]
    best = min(folders, key=lambda one: one.origin != "wheel", default=None)
    return None if best is None else Place(folder=best, file=best.names[name])


def _other_versions(name: str, case: Case) -> list[str]:
    stem = name.partition(".so")[0]
    return sorted(
        f"{folder.path}/{other}"
        for folder in case.inventory.libraries
        for other in folder.names
        if other.partition(".so")[0] == stem and other != name and _is_a_major(other)
    )


def _is_a_major(name: str) -> bool:
    """Say whether this is a name that programs load: `libcudnn.so.8`, not the file `libcudnn.so.8.9.7` behind it."""
    return name.partition(".so.")[2].count(".") <= 1


def _finding(case: Case, name: str, summary: str, lost: Sequence[str], repair: tuple[str, ...]) -> Finding:
    tensorflow = case.tensorflow.version if case.tensorflow else ""
    return Finding(
        id=name,
        severity="error",
        summary=f"{summary}: TensorFlow {tensorflow} registers no GPU without them",
        evidence=tuple(f"{one} is nowhere" for one in lost),
        commands=repair,
        advice=("or lock with CUDA as wheels: tfbootstrap lock --cuda wheels",),
        link="library-missing",
        diagnosis="missing-cuda-lib",
    )


def _wrong_version(others: dict[str, list[str]], repair: tuple[str, ...]) -> Finding:
    return Finding(
        id="library-version",
        severity="error",
        summary="CUDA libraries are there, but of another version than this TensorFlow loads",
        evidence=tuple(f"{name} is needed, there is {', '.join(found)}" for name, found in others.items()),
        commands=repair,
        link="library-version",
        diagnosis="missing-cuda-lib",
    )


def _wrong_path(case: Case, elsewhere: dict[str, Place], loaded: LoadedRow) -> Finding:
    wheels = {name: place for name, place in elsewhere.items() if place.folder.below}
    folders = list(dict.fromkeys(place.folder.path for place in elsewhere.values() if not place.folder.below))
    commands = [_link(case, name, place.folder.below, loaded) for name, place in wheels.items()]
    if folders:
        present = case.facts.environment.get("LD_LIBRARY_PATH", "")
        commands.append(case.shell.variable("LD_LIBRARY_PATH", ":".join([*folders, *filter(None, [present])])))
    lasting = "for good, as root: write these folders into a file of /etc/ld.so.conf.d and run ldconfig"
    return Finding(
        id="library-path",
        severity="error",
        summary="CUDA libraries are there, but not where this TensorFlow looks for them",
        evidence=tuple(f"{name} is in {place.folder.path}" for name, place in elsewhere.items()),
        commands=tuple(commands),
        advice=(lasting,) if folders else (),
        link="library-path",
        diagnosis="and-cuda-not-found",
    )


def _link(case: Case, name: str, below: str, loaded: LoadedRow) -> str:
    """Return the command that links a wheel's library to where TensorFlow looks, for every later process."""
    folder = "tensorflow" if _looks_beside_itself(loaded.tensorflow) else LINK_FOLDER
    up = "../" * (folder.count("/") + 1)
    return case.shell.line("ln", "-sf", f"{up}{below}/{name}", f"{case.inventory.home}/{folder}/")


def _repair(case: Case, row: TensorflowRow, hardware: Hardware) -> tuple[str, ...]:
    """Return the commands that bring CUDA as wheels: the release's extra, or the pins that stand in for it."""
    assert case.tensorflow is not None
    instead = hardware.cuda_wheels.pin_set(row.version)
    if instead is None and not row.nvidia:
        return ()
    own = f"{case.tensorflow.distribution}[and-cuda]=={case.tensorflow.version}"
    wanted = instead.pins if instead else (own, *_avoiding(case, row))
    loaded = hardware.libraries.row(row.version)
    unfound = hardware.libraries.unfound(row.version, (row.cuda or "").split(".")[0])
    links = (
        [_link(case, one.soname, one.folder, loaded) for one in _needed(unfound, hardware, loaded)] if loaded else []
    )
    return (case.shell.install(*wanted), *links)


def _avoiding(case: Case, row: TensorflowRow) -> tuple[str, ...]:
    """Return the bounds that keep the extra's open ranges out of combinations that are known to be bad."""
    named = {parsed(line).name for line in row.nvidia}
    avoidable = case.tables.known_bad.avoidable(situation_of(case, row.version, "wheels"), named)
    return tuple(one.bound for one in avoidable if one.bound)


def _needed(unfound: Sequence[CarrierRow], hardware: Hardware, loaded: LoadedRow) -> Iterator[CarrierRow]:
    wheels = {one.distribution for one in unfound}
    for name in loaded.needed:
        yield from (one for one in hardware.libraries.carriers_of(name) if one.distribution in wheels)


def _driver_library(case: Case, loaded: LoadedRow) -> Iterator[Finding]:
    """Find a driver that answers nvidia-smi, and whose library programs don't get."""
    if not case.inventory.libraries or find_library(DRIVER_LIBRARY, case, loaded):
        return
    place = _unsearched(DRIVER_LIBRARY, case, loaded)
    asked = case.facts.environment.get("NVIDIA_DRIVER_CAPABILITIES", "")
    if place is not None:
        yield _wrong_path(case, {DRIVER_LIBRARY: place}, loaded)
    elif any(gpu.source == "libcuda" for gpu in case.facts.gpus):
        return  # the library has answered, from a folder that we don't know
    elif case.facts.platform.container:
        yield Finding(
            id="container-without-compute",
            severity="error",
            summary=f"this container was given the GPU, but not the driver's library {DRIVER_LIBRARY}",
            evidence=(f"NVIDIA_DRIVER_CAPABILITIES={asked!r}",),
            advice=("start it with: docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility …",),
            link="container",
            diagnosis="libcuda-missing",
        )
    else:
        yield Finding(
            id="driver-library-missing",
            severity="error",
            summary=f"nvidia-smi answers, but the driver's library {DRIVER_LIBRARY} is not found",
            evidence=(f"{DRIVER_LIBRARY} is nowhere",),
            advice=(
                "install the part of the driver that has it (Debian, Ubuntu: libnvidia-compute of the same version)",
            ),
            link="driver",
            diagnosis="libcuda-missing",
        )


def _hiding(case: Case, places: dict[str, Place | None], loaded: LoadedRow) -> Iterator[Finding]:
    """Find libraries on LD_LIBRARY_PATH that come before those of the wheels."""
    hidden = {
        name: place
        for name, place in places.items()
        if place and place.folder.origin == "LD_LIBRARY_PATH" and _in_wheels(name, case, loaded)
    }
    if not hidden:
        return
    folders = {place.folder.path for place in hidden.values()}
    present = case.facts.environment.get("LD_LIBRARY_PATH", "").split(":")
    kept = ":".join(folder for folder in present if folder and folder not in folders)
    yield Finding(
        id="ld-library-path-hides-wheels",
        severity="warning",
        summary="LD_LIBRARY_PATH puts other CUDA libraries before those of the installed wheels",
        evidence=tuple(f"{name} comes from {place.folder.path} ({place.file})" for name, place in hidden.items()),
        commands=(case.shell.variable("LD_LIBRARY_PATH", kept or None),),
        link="library-path",
    )


def _in_wheels(name: str, case: Case, loaded: LoadedRow) -> bool:
    wheels = (one for one in case.inventory.libraries if one.origin in ("wheel", "tensorflow"))
    return any(name in one.names and _is_searched(one, loaded) for one in wheels)


def _old_cudnn(
    case: Case, row: TensorflowRow, places: dict[str, Place | None], hardware: Hardware, repair: tuple[str, ...]
) -> Iterator[Finding]:
    """Find a cuDNN that is older than the one this TensorFlow was compiled with, or without code for the GPU."""
    name, place = next(((name, place) for name, place in places.items() if name.startswith("libcudnn.")), ("", None))
    if place is None:
        return
    needed, (version, wheel) = minimal_cudnn(row), _cudnn_version(case, name, place, hardware)
    if version is None:
        return
    if needed and not _serves(needed, version):
        yield Finding(
            id="library-version",
            severity="error",
            summary=f"cuDNN {version} is older than TensorFlow {row.version} needs, which is {needed}",
            evidence=(f"{name} comes from {wheel or place.folder.path}",),
            commands=repair if wheel or place.folder.origin != "LD_LIBRARY_PATH" else (),
            link="library-version",
            diagnosis="cudnn-version-mismatch",
        )
    for gpu in case.facts.gpus:
        if wheel and gpu.compute_capability and hardware.cudnn.runs_on(wheel, version, gpu.compute_capability) is False:
            bound = hardware.cudnn.bound(wheel, gpu.compute_capability)
            yield Finding(
                id="library-version",
                severity="error",
                summary=f"cuDNN {version} has no code for {gpu.name} (compute capability {gpu.compute_capability})",
                evidence=(f"{wheel} {version}",),
                commands=(case.shell.install(f"{wheel}{bound}"),) if bound is not None else (),
                link="library-version",
            )
            return


def _cudnn_version(case: Case, name: str, place: Place, hardware: Hardware) -> tuple[str | None, str]:
    """Return the version of a cuDNN and, where it is one, its wheel."""
    if place.folder.origin == "wheel":
        carriers = (one.distribution for one in hardware.libraries.carriers_of(name))
        wheel = next((one for one in carriers if one in case.versions), None)
        return (case.versions[wheel], wheel) if wheel else (None, "")
    match = re.search(r"\.so\.(\d+\.\d+[\d.]*)$", place.file)
    return (match[1] if match else None), ""


def _serves(needed: str, present: str) -> bool:
    try:
        need, have = Version(needed).release, Version(present).release
    except InvalidVersion:
        return True
    return need[0] == have[0] and have[: len(need)] >= need
