"""What is said of the GPU, and of the machine and environment around TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.doctor.support import (
    DRIVER,
    DRIVER_FOLDER,
    HOME,
    T4,
    broken,
    examined,
    healthy_inventory,
    library_folder,
    machine,
    on_machine,
    only,
    proven,
    wheel_folders,
    with_gpu,
    with_packages,
)
from tests.support.locks import make_lock
from tfbootstrap.doctor.records import Finding
from tfbootstrap.facts import CudaInstall, DriverFacts, Facts, Gpu, HostFacts
from tfbootstrap.inventory import Device, DiskSpace, Inventory, LibraryFolder, LocalModule

PY = "/opt/env/bin/python"
TF220 = "2.20.0-cp312-linux-cpu"
SYSTEM = "/usr/local/cuda/lib64"


def served(tensorflow: str = "2.20.0", **changes: Any) -> tuple[Facts, dict[str, Any]]:
    """Return the facts of a machine whose GPU is served, and what its inventory says of libraries."""
    facts = with_gpu(f"{tensorflow}-cp312-linux-cpu", **changes)
    return facts, {"libraries": wheel_folders(tensorflow)}


def ids(facts: Facts, inventory: Inventory | None = None) -> dict[str, str]:
    return {one.id: one.severity for one in examined(facts, inventory).findings}


@pytest.mark.parametrize(
    ("name", "found", "link"),
    [
        ("linux-container-without-gpus", "container-without-gpu", "container"),
        ("linux-plain-broken-driver", "driver-not-running", "driver"),
        ("linux-plain-driver-mismatch", "driver-mismatch", "driver"),
        ("linux-plain-gpu-without-driver", "driver-missing", "driver"),
        ("linux-wsl2-blocked", "driver-blocked", "driver"),
    ],
)
def test_a_gpu_whose_driver_does_not_answer(name: str, found: str, link: str) -> None:
    facts = on_machine(name, TF220)
    finding = only(facts)
    assert (finding.id, finding.severity, finding.link) == (found, "error", link)
    assert finding.evidence[0] == machine(name).unknown["gpus"]


def test_device_nodes_that_this_user_may_not_use() -> None:
    reason = "nvidia-smi exited with 4: Failed to initialize NVML: Insufficient Permissions"
    facts = replace(proven(TF220), gpu_status="broken", unknown={"gpus": reason})
    assert (only(facts).id, only(facts).link) == ("device-nodes", "device-nodes")
    assert only(facts).commands == ('sudo usermod -aG video,render "$USER"',)


def test_a_gpu_that_could_not_be_asked() -> None:
    finding = only(on_machine("linux-plain-hung-smi", TF220))
    assert (finding.id, finding.severity) == ("gpu-unknown", "warning")


@pytest.mark.parametrize("name", ["linux-plain-cpu", "linux-plain-driver-without-gpu", "linux-colab-cpu"])
def test_without_a_gpu_nothing_is_said_of_it(name: str) -> None:
    assert all(one.link is None for one in examined(on_machine(name, TF220)).findings)


def test_a_driver_that_is_too_old() -> None:
    facts, libraries = served(driver=DriverFacts(version="470.57.02"))
    finding = only(facts, healthy_inventory(facts, **libraries))
    assert (finding.id, finding.severity, finding.link) == ("driver-too-old", "error", "driver")
    assert finding.commands == ("tfbootstrap explain --gpu 7.5 --driver 470.57.02",)


def test_a_driver_that_is_too_new() -> None:
    pascal = Gpu(name="Tesla P100-PCIE-16GB", compute_capability="6.0")
    facts, libraries = served(gpu=pascal, driver=DriverFacts(version="590.44.01"))
    finding = only(facts, healthy_inventory(facts, **libraries))
    assert (finding.id, finding.link) == ("driver-too-new", "driver")


def test_a_wheel_without_code_for_the_gpu() -> None:
    kepler = Gpu(name="Tesla K80", compute_capability="3.7")
    facts, libraries = served(gpu=kepler, driver=None)
    finding = only(facts, healthy_inventory(facts, **libraries))
    assert (finding.id, finding.severity, finding.link) == ("gpu-not-in-wheel", "error", "wheel")
    two = replace(facts, gpus=(kepler, T4))
    found = ids(two, healthy_inventory(two, **libraries))
    assert found["gpu-not-in-wheel"] == "warning", "the other one is served"


def test_a_gpu_of_unknown_compute_capability() -> None:
    facts, libraries = served(gpu=Gpu(name="NVIDIA Something New"))
    assert ids(facts, healthy_inventory(facts, **libraries)) == {"gpu-capability-unknown": "warning"}


def test_kernels_that_the_driver_compiles() -> None:
    facts, libraries = served(
        gpu=Gpu(name="NVIDIA H100", compute_capability="9.0"), driver=DriverFacts(version="570.1")
    )
    assert ids(facts, healthy_inventory(facts, **libraries)) == {"gpu-partly-served": "note"}
    unknown_driver = replace(facts, gpus=(T4,), driver=None)
    assert ids(unknown_driver, healthy_inventory(unknown_driver, **libraries)) == {}


def test_a_build_for_processors_only() -> None:
    facts = with_packages(with_gpu(TF220), {"tensorflow": None, "tensorflow-cpu": "2.20.0"})
    finding = only(facts)
    assert (finding.id, finding.severity, finding.link) == ("wheel-without-cuda", "warning", "wheel")
    assert finding.commands == (
        f"{PY} -m pip uninstall --yes tensorflow-cpu",
        f"{PY} -m pip install 'tensorflow[and-cuda]==2.20.0'",
    )


def test_windows_has_no_build_with_cuda() -> None:
    finding = only(on_machine("windows-plain-rtx2080s", TF220))
    assert (finding.id, finding.link, finding.diagnosis) == ("wheel-without-cuda", "wheel", "windows-native-gpu")
    assert "2.10 was the last" in finding.summary


def test_a_wheel_for_processors_of_another_platform() -> None:
    facts = with_gpu(TF220)
    arm = replace(facts, platform=replace(facts.platform, machine="aarch64", cpu_flags=()))
    assert ids(arm) == {"wheel-without-cuda": "warning"}


@pytest.mark.parametrize(("value", "hidden"), [("", True), ("-1", True), ("3", True), ("0", False), ("GPU-123", False)])
def test_gpus_hidden_by_a_variable(value: str, hidden: bool) -> None:
    facts, libraries = served(environment={"CUDA_VISIBLE_DEVICES": value})
    found = examined(facts, healthy_inventory(facts, **libraries)).findings
    assert [(one.id, one.commands) for one in found] == [("gpu-hidden", ("unset CUDA_VISIBLE_DEVICES",))] * hidden


def test_device_nodes() -> None:
    facts, libraries = served()
    nodes = (Device(name="nvidia0", usable=False), Device(name="nvidiactl", usable=True))
    first, second = examined(facts, healthy_inventory(facts, devices=nodes, **libraries)).findings
    assert (first.id, first.evidence) == ("device-nodes", ("/dev/nvidia0: no permission to read and write",))
    assert (second.link, second.commands) == ("device-nodes", ("sudo nvidia-modprobe -u -c=0",))
    inside = replace(facts, platform=replace(facts.platform, container=True))
    contained = examined(inside, healthy_inventory(inside, devices=nodes[1:], **libraries)).findings
    assert [(one.link, one.commands) for one in contained] == [("container", ())]
    whole = (*nodes[1:], Device(name="nvidia0", usable=True), Device(name="nvidia-uvm", usable=True))
    assert ids(facts, healthy_inventory(facts, devices=whole, **libraries)) == {}


def libraries_of(facts: Facts, *folders: LibraryFolder) -> list[Finding]:
    return list(examined(facts, healthy_inventory(facts, libraries=folders)).findings)


def test_no_library_at_all() -> None:
    facts, _ = served()
    (finding,) = libraries_of(facts, DRIVER_FOLDER)
    assert (finding.id, finding.severity, finding.link) == ("library-missing", "error", "library-missing")
    assert finding.evidence[0] == "libcudart.so.12 is nowhere"
    assert finding.commands == (f"{PY} -m pip install 'tensorflow[and-cuda]==2.20.0'",)


def test_the_extra_is_kept_from_what_is_known_bad() -> None:
    facts, _ = served(gpu=Gpu(name="Tesla V100", compute_capability="7.0"))
    (finding,) = libraries_of(facts, DRIVER_FOLDER)
    assert finding.commands == (f"{PY} -m pip install 'tensorflow[and-cuda]==2.20.0' 'nvidia-cudnn-cu12<9.11'",)


def test_libraries_for_a_release_without_the_extra() -> None:
    facts = with_gpu("2.10.1-cp310-linux-cpu")
    (finding,) = libraries_of(facts, DRIVER_FOLDER)
    install, *links = finding.commands
    assert "nvidia-cudnn-cu11==8.6.0.163" in install
    assert f"ln -sf ../nvidia/cudnn/lib/libcudnn.so.8 {HOME}/tensorflow/" in links


def test_libraries_of_another_version() -> None:
    facts, _ = served()
    folder = library_folder(SYSTEM, "cache", "libcudnn.so.8", "libcudart.so.11.0", "libcublas.so.11")
    found = {one.id: one for one in libraries_of(facts, folder, DRIVER_FOLDER)}
    assert set(found) == {"library-version", "library-missing"}
    assert "libcudnn.so.9 is needed, there is /usr/local/cuda/lib64/libcudnn.so.8" in found["library-version"].evidence
    assert found["library-version"].link == "library-version"


def test_libraries_where_nobody_looks() -> None:
    facts, _ = served(environment={"LD_LIBRARY_PATH": "/opt/lib"})
    names = [name for folder in wheel_folders("2.20.0") for name in folder.names]
    (finding,) = libraries_of(facts, library_folder(SYSTEM, "other", *names), DRIVER_FOLDER)
    assert (finding.id, finding.severity, finding.link) == ("library-path", "error", "library-path")
    assert finding.commands == (f"export LD_LIBRARY_PATH={SYSTEM}:/opt/lib",)


@pytest.mark.parametrize(
    ("version", "link"),
    [
        ("2.16.1", f"ln -sf ../nvidia/cudnn/lib/libcudnn.so.9 {HOME}/tensorflow/"),
        ("2.21.0", f"ln -sf ../../../nvidia/cusolver/lib/libcusolver.so.11 {HOME}/nvidia/cuda_runtime/lib/"),
    ],
)
def test_wheels_that_a_release_does_not_find(version: str, link: str) -> None:
    near = {"2.16.1": "2.16.2"}.get(version, version)
    facts = with_packages(with_gpu(f"{near}-cp312-linux-cpu"), {"tensorflow": version})
    if version == "2.16.1":
        folders = tuple(replace(one, names={name: name for name in one.names}) for one in wheel_folders("2.17.1"))
        folders = tuple(replace(one, names=dict.fromkeys(one.names, "x")) for one in folders)
        loaded_cudnn = "libcudnn.so.8"
        folders = (
            *folders,
            library_folder(f"{HOME}/nvidia/cudnn/lib", "wheel", loaded_cudnn, below="nvidia/cudnn/lib"),
        )
        link = link.replace("libcudnn.so.9", loaded_cudnn)
    else:
        folders = wheel_folders(version)
    found = next(one for one in libraries_of(facts, *folders) if one.id == "library-path")
    assert link in found.commands


def test_links_beside_tensorflow_are_found_up_to_2_19_only() -> None:
    beside = library_folder(f"{HOME}/tensorflow", "tensorflow", "libcusolver.so.11", below="tensorflow")
    for version, found in (("2.19.1", {}), ("2.20.0", {"library-path": "error"})):
        facts = with_gpu(f"{version}-cp312-linux-cpu")
        folders = [one for one in wheel_folders(version) if "cusolver" not in one.path]
        assert {one.id: one.severity for one in libraries_of(facts, beside, *folders)} == found


def test_a_path_that_hides_the_wheels() -> None:
    facts, _ = served(environment={"LD_LIBRARY_PATH": f"/opt/x:{SYSTEM}"})
    own = library_folder(SYSTEM, "LD_LIBRARY_PATH", **{"libcudnn.so.9": "libcudnn.so.9.8.0"})
    (finding,) = libraries_of(facts, own, *wheel_folders("2.20.0"))
    assert (finding.id, finding.severity, finding.link) == ("ld-library-path-hides-wheels", "warning", "library-path")
    assert finding.evidence == (f"libcudnn.so.9 comes from {SYSTEM} (libcudnn.so.9.8.0)",)
    assert finding.commands == ("export LD_LIBRARY_PATH=/opt/x",)


def test_an_older_cudnn_that_hides_the_wheels() -> None:
    facts, _ = served(environment={"LD_LIBRARY_PATH": SYSTEM})
    own = library_folder(SYSTEM, "LD_LIBRARY_PATH", **{"libcudnn.so.9": "libcudnn.so.9.1.0"})
    old, hides = libraries_of(facts, own, *wheel_folders("2.20.0"))
    assert (old.id, old.severity, old.diagnosis) == ("library-version", "error", "cudnn-version-mismatch")
    assert old.summary == "cuDNN 9.1.0 is older than TensorFlow 2.20.0 needs, which is 9.3"
    assert hides.commands == ("unset LD_LIBRARY_PATH",)


def test_an_older_cudnn_wheel() -> None:
    facts, libraries = served()
    old = with_packages(facts, {"nvidia-cudnn-cu12": "9.1.0.70"})
    finding = only(old, healthy_inventory(old, **libraries))
    assert (finding.id, finding.evidence) == ("library-version", ("libcudnn.so.9 comes from nvidia-cudnn-cu12",))


def test_a_cudnn_without_code_for_the_gpu() -> None:
    facts, libraries = served(gpu=Gpu(name="Tesla V100", compute_capability="7.0"))
    new = with_packages(facts, {"nvidia-cudnn-cu12": "9.12.0.46"})
    found = [one for one in examined(new, healthy_inventory(new, **libraries)).findings if one.id == "library-version"]
    assert [one.commands for one in found] == [(f"{PY} -m pip install 'nvidia-cudnn-cu12<9.11.0.98'",)]


def test_the_drivers_library() -> None:
    facts, _ = served()
    wheels = wheel_folders("2.20.0")[:-1]
    (missing,) = libraries_of(facts, *wheels)
    assert (missing.id, missing.link) == ("driver-library-missing", "driver")
    (elsewhere,) = libraries_of(facts, library_folder("/usr/lib/wsl/lib", "other", "libcuda.so.1"), *wheels)
    assert elsewhere.commands == ("export LD_LIBRARY_PATH=/usr/lib/wsl/lib",)
    inside = replace(facts, platform=replace(facts.platform, container=True))
    (container,) = libraries_of(inside, *wheels)
    assert (container.id, container.link) == ("container-without-compute", "container")
    answered = replace(facts, gpus=(replace(T4, source="libcuda"),))
    assert libraries_of(answered, *wheels) == []


def test_a_processor_without_avx() -> None:
    facts = proven(TF220)
    without = replace(facts, platform=replace(facts.platform, cpu_flags=()))
    assert (only(without).id, only(without).diagnosis) == ("no-avx", "illegal-instruction-avx")
    mac = replace(without, platform=replace(without.platform, system="macos"))
    assert next(one for one in examined(mac).findings if one.id == "no-avx").diagnosis == "illegal-instruction-arm-mac"


@pytest.mark.parametrize(("version", "old"), [("19.0.3", True), ("20.2.4", True), ("20.3", False), ("main", False)])
def test_an_old_pip(version: str, old: bool) -> None:
    facts = with_packages(proven(TF220), {"pip": version})
    found = examined(facts).findings
    assert [(one.id, one.severity, one.commands) for one in found] == [
        ("pip-old", "warning", (f"{PY} -m pip install 'pip>=20.3'",))
    ] * old


def test_an_old_python_has_no_newest_pip() -> None:
    facts = with_packages(proven("2.12.1-cp38-linux-cpu"), {"pip": "19.0.3"})
    assert only(facts).commands == (f"{PY} -m pip install 'pip>=20.3,<25.1'",)


def test_an_environment_that_can_not_be_changed() -> None:
    facts = proven(TF220)
    assert ids(facts, healthy_inventory(facts, managed=True, writable=False)) == {"managed-by-system": "note"}
    assert ids(facts, healthy_inventory(facts, writable=False)) == {"not-writable": "note"}


@pytest.mark.parametrize(("free", "severity"), [(100, "error"), (1000, "warning"), (5000, None)])
def test_disk_space(free: int, severity: str | None) -> None:
    facts = proven(TF220)
    places = (DiskSpace(path=HOME, free_mib=free), DiskSpace(path="/tmp/x", free_mib=free))
    assert len(examined(facts, healthy_inventory(facts, disk=places)).findings) == (severity is not None)
    found = ids(facts, healthy_inventory(facts, disk=places[:1]))
    assert found.get("disk-space") == severity
    without_pip = with_packages(facts, {"pip": None})
    inventory = healthy_inventory(without_pip, disk=(DiskSpace(path=HOME, free_mib=100),))
    assert only(without_pip, inventory).commands == ()


def test_a_path_to_packages_of_another_python() -> None:
    path = "/opt/mine:/usr/lib/python3.8/dist-packages"
    facts = replace(proven(TF220), environment={"PYTHONPATH": path})
    finding = only(facts)
    assert (finding.id, finding.commands) == ("pythonpath-of-another-python", ("unset PYTHONPATH",))
    own = replace(facts, environment={"PYTHONPATH": "/usr/lib/python3.12/site-packages"})
    assert examined(own).findings == ()


@pytest.mark.parametrize(
    ("way", "command"), [("user-site", "export PYTHONNOUSERSITE=1"), ("pythonpath", "unset PYTHONPATH")]
)
def test_packages_that_hide_those_of_the_environment(way: str, command: str) -> None:
    facts = replace(proven(TF220), environment={"PYTHONPATH": "/opt/first"} if way == "pythonpath" else {})
    inventory = healthy_inventory(facts, user_site="/opt/first" if way == "user-site" else None)
    (numpy,) = inventory.of("numpy")
    both = (replace(numpy, folder="/opt/first", version="2.4.0"), *inventory.installed)
    newer = with_packages(facts, {"numpy": "2.4.0"})
    finding = only(newer, replace(inventory, installed=both))
    assert (finding.id, finding.severity, finding.commands) == (f"hidden-by-{way}", "warning", (command,))
    base = replace(inventory, installed=both, virtual=False)
    assert only(newer, base).severity == ("note" if way == "user-site" else "warning")
    too_old = (replace(numpy, folder="/opt/first", version="1.10"), *inventory.installed)
    found = examined(with_packages(facts, {"numpy": "1.10"}), replace(inventory, installed=too_old)).findings
    assert [(one.id, one.severity) for one in found] == [(finding.id, "error"), ("requirement-broken", "error")]
    elsewhere = (replace(numpy, folder="/usr/lib", version="2.4.0"), *inventory.installed)
    assert ids(newer, replace(inventory, installed=elsewhere)) == {}


def test_local_files_that_hide_modules() -> None:
    facts = proven(TF220)
    local = (
        LocalModule(module="tensorflow", path="/home/me/tensorflow.py", why="the current folder"),
        LocalModule(module="random", path="/home/me/random.py", why="PYTHONPATH", standard=True),
        LocalModule(module="platform", path="/home/me/platform", why="the current folder", standard=True),
        LocalModule(module="unrelated", path="/home/me/unrelated.py", why="the current folder"),
    )
    first, second = examined(facts, healthy_inventory(facts, local=local)).findings
    assert (first.id, first.severity, first.diagnosis) == ("shadowed-module", "error", "shadowed-module")
    assert first.advice == ("rename /home/me/tensorflow.py, and what imports it",)
    assert (second.severity, second.evidence) == ("warning", ("Python looks there because it is named by PYTHONPATH",))


def test_what_is_left_over() -> None:
    facts = proven(TF220)
    first, second = examined(facts, healthy_inventory(facts, leftovers=(f"{HOME}/~umpy", f"{HOME}/keras"))).findings
    assert (first.severity, first.commands) == ("error", (f"rm -rf {HOME}/keras",))
    assert (second.severity, second.commands) == ("note", (f"rm -rf '{HOME}/~umpy'",))


def test_no_tensorflow() -> None:
    facts = replace(with_packages(proven(TF220), {"tensorflow": None}), environment={"VIRTUAL_ENV": "/other"})
    finding = only(facts)
    assert (finding.id, finding.severity) == ("tensorflow-missing", "error")
    assert "2.16 to 2.21 have wheels for it" in finding.evidence[0]
    assert finding.evidence[1] == "VIRTUAL_ENV=/other names another environment"
    assert finding.commands == ("tfbootstrap doctor --venv /other",)
    locked = next(iter(examined(facts, lock=make_lock([])).findings))
    assert locked.commands == ("tfbootstrap install requirements.txt",)
    ancient = replace(facts, python=replace(facts.python, version="3.2.1"), environment={})
    assert "no TensorFlow has wheels for it" in next(iter(examined(ancient).findings)).evidence[0]


def test_a_tensorflow_that_the_matrix_does_not_know() -> None:
    facts = with_packages(proven(TF220), {"tensorflow": "9.9.0"})
    assert ids(facts)["tensorflow-unknown"] == "note"
    nightly = with_packages(proven(TF220), {"tensorflow": None, "tf-nightly": "2.20.0.dev20250801"})
    assert "tensorflow-unknown" not in ids(nightly)
    odd = with_packages(proven(TF220), {"tensorflow": "built-here"})
    assert "tensorflow-unknown" in ids(odd)


def test_builds_of_others_are_not_judged_by_the_published_wheels() -> None:
    for name, version in (("tensorflow", "2.20.0+nv25.9"), ("tensorflow-tpu", "2.20.0"), ("tf-nightly-gpu", "2.20.0")):
        facts = with_packages(with_gpu(TF220), {"tensorflow": None, name: (version, [])})
        assert ids(facts) == {"tensorflow-unknown": "note"}


def test_condas_builds_look_elsewhere_for_libraries() -> None:
    facts, _ = served()
    assert "library-missing" in ids(facts)
    assert ids(facts, broken(facts, "tensorflow", installer="conda")) == {}


@pytest.mark.parametrize(
    ("toolkits", "cudnn", "link"),
    [
        ((), (), "library-missing"),
        (("12.5.1",), (), "library-version"),
        (("11.2.0",), (), "library-version"),
        (("11.2.0",), ("8.1.0",), None),
    ],
)
def test_cuda_on_windows(toolkits: tuple[str, ...], cudnn: tuple[str, ...], link: str | None) -> None:
    windows = machine("windows-plain-rtx2080s")
    own = proven("2.10.1-cp310-linux-cpu")
    facts = replace(
        windows,
        python=own.python,
        distributions=own.distributions,
        cuda_toolkits=tuple(CudaInstall(version=one, path="C:\\CUDA", source="system") for one in toolkits),
        cudnn=tuple(CudaInstall(version=one, path="C:\\CUDA", source="header") for one in cudnn),
    )
    found = [(one.link, one.diagnosis) for one in examined(facts).findings]
    assert found == ([(link, "missing-cuda-dll")] if link else [])


def test_the_empty_package() -> None:
    facts = with_packages(proven(TF220), {"tensorflow": None, "tensorflow-gpu": "2.12.0"})
    finding = next(one for one in examined(facts).findings if one.id == "tensorflow-gpu-removed")
    assert finding.severity == "error"


def test_a_hosted_notebook_is_told_to_restart() -> None:
    facts = replace(with_packages(proven(TF220), {"numpy": "1.0"}), host=HostFacts(kind="colab", release="2026.07"))
    finding = only(facts)
    assert finding.commands == ("%pip install 'numpy>=1.26.0'",)
    assert finding.advice[0].startswith("then restart the session")


def test_the_driver_is_told() -> None:
    facts, libraries = served()
    looked = {one.what: one.seen for one in examined(facts, healthy_inventory(facts, **libraries)).looked}
    assert looked["GPU"] == "Tesla T4"
    assert looked["driver"] == DRIVER.version
