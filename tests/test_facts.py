"""Facts as records, and the strict reader of facts files."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbootstrap.errors import ExitCode, InputError
from tfbootstrap.facts import (
    CudaInstall,
    Distribution,
    DriverFacts,
    Facts,
    Gpu,
    HostFacts,
    PlatformFacts,
    PythonFacts,
    facts_from_mapping,
    facts_to_mapping,
)

WHOLE = Facts(
    python=PythonFacts(version="3.12.13", executable="/usr/bin/python3"),
    platform=PlatformFacts(
        system="linux", machine="x86_64", libc="glibc 2.35", release="Ubuntu 22.04", cpu_flags=("avx",), container=True
    ),
    gpu_status="present",
    gpus=(Gpu(name="Tesla T4", compute_capability="7.5", memory_mib=15360, uuid="GPU-1", source="nvidia-smi"),),
    driver=DriverFacts(version="550.54.15", cuda_version="12.4", source="nvidia-smi"),
    cuda_toolkits=(CudaInstall(version="12.5.1", path="/usr/local/cuda-12.5", source="system"),),
    cudnn=(CudaInstall(version="9.3.0.75", path="/site", source="nvidia-cudnn-cu12"),),
    host=HostFacts(kind="colab", release="release-colab_20260714"),
    distributions={
        "keras": Distribution(version="3.10.0", requires=("numpy",)),
        "numpy": Distribution(version="2.0.2"),
    },
    environment={"XLA_FLAGS": "--x"},
    unknown={"platform.cpu_flags.fma": "Windows has no answer for it"},
)

SMALLEST = {
    "schema": 1,
    "python": {"version": "3.11"},
    "platform": {"system": "linux", "machine": "x86_64"},
}

MISSING = object()


def test_a_whole_file_is_read_as_it_was_written() -> None:
    assert facts_from_mapping(facts_to_mapping(WHOLE), path="lab.json") == WHOLE


def test_the_keys_that_tools_rely_on() -> None:
    document = facts_to_mapping(WHOLE)
    assert document["schema"] == 1
    assert document["python"]["version"] == "3.12.13"
    assert (document["platform"]["system"], document["platform"]["machine"]) == ("linux", "x86_64")
    assert document["platform"]["libc"] == "glibc 2.35"
    gpu = document["gpus"][0]
    assert (gpu["name"], gpu["compute_capability"], gpu["memory_mib"]) == ("Tesla T4", "7.5", 15360)
    assert document["driver"] == {"version": "550.54.15", "cuda_version": "12.4", "source": "nvidia-smi"}
    assert document["host"]["kind"] == "colab"
    assert document["distributions"]["keras"] == {"version": "3.10.0", "requires": ["numpy"]}
    assert document["unknown"] == {"platform.cpu_flags.fma": "Windows has no answer for it"}


def test_a_file_by_hand_needs_little() -> None:
    facts = facts_from_mapping(SMALLEST, path="lab.json")
    assert (facts.gpu_status, facts.gpus, facts.driver, facts.host.kind) == ("unknown", (), None, "plain")
    with_gpu = facts_from_mapping({**SMALLEST, "gpus": [{"name": "NVIDIA L4"}]}, path="lab.json")
    assert with_gpu.gpu_status == "present"
    assert with_gpu.gpus == (Gpu(name="NVIDIA L4"),)


def changed(dotted: str, value: object) -> dict[str, Any]:
    """Return the whole document with one value changed, added or (MISSING) taken out."""
    document = copy.deepcopy(facts_to_mapping(WHOLE))
    *parents, last = [int(part) if part.isdigit() else part for part in dotted.split("/")]
    place: Any = document
    for part in parents:
        place = place[part]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("dotted", "value", "message"),
    [
        ("schema", 2, "schema: is 2, newer than 1, which this version reads"),
        ("schema", 0, "schema: must be 1, not 0"),
        ("schema", True, "schema: must be a whole number, not true or false (True)"),
        ("schema", MISSING, "schema: is missing"),
        ("gpuz", [], "gpuz: unknown key; known are cuda_toolkits, cudnn, distributions, driver, environment"),
        ("python", MISSING, "python: is missing"),
        ("python", "3.12", "python: must be a mapping, not text ('3.12')"),
        ("python/version", 3.12, "python.version: must be a Python version such as '3.12.1', not a number (3.12)"),
        ("python/version", "three", "python.version: must be a Python version such as '3.12.1', not 'three'"),
        ("python/minor", "3.12", "python.minor: unknown key; known are executable, implementation, version"),
        ("platform/system", "", "platform.system: is empty"),
        ("platform/machine", None, "platform.machine: is missing"),
        ("platform/libc", "glibc", "platform.libc: must be a C library such as 'glibc 2.35', not 'glibc'"),
        ("platform/cpu_flags", "avx", "platform.cpu_flags: must be a list, not text ('avx')"),
        ("platform/cpu_flags", ["avx", 2], "platform.cpu_flags[1]: must be text, not a number (2)"),
        ("platform/wsl", "no", "platform.wsl: must be true or false, not text ('no')"),
        ("gpu_status", "fine", "gpu_status: must be one of present, absent, broken, unknown, not 'fine'"),
        ("gpu_status", "absent", "gpu_status: says 'absent', but gpus has 1"),
        ("gpus", [], "gpu_status: says 'present', but gpus has 0"),
        ("gpus", {"name": "x"}, "gpus: must be a list, not a mapping ({'name': 'x'})"),
        ("gpus/0", "Tesla T4", "gpus[0]: must be a mapping, not text ('Tesla T4')"),
        ("gpus/0/name", MISSING, "gpus[0].name: is missing"),
        ("gpus/0/compute_capability", 7.5, "gpus[0].compute_capability: must be a compute capability such as"),
        ("gpus/0/compute_capability", "sm_75", "gpus[0].compute_capability: must be a compute capability such as"),
        ("gpus/0/memory_mib", "15360", "gpus[0].memory_mib: must be a whole number, not text ('15360')"),
        ("gpus/0/memory_mib", 0, "gpus[0].memory_mib: must be above zero, not 0"),
        ("driver/version", "new", "driver.version: must be a driver version such as '550.54.15', not 'new'"),
        ("driver/cuda_version", "12", "driver.cuda_version: must be a CUDA version such as '12.4', not '12'"),
        ("cudnn/0/path", MISSING, "cudnn[0].path: is missing"),
        ("cudnn/0/version", "nine", "cudnn[0].version: must be a version such as '12.5.1', not 'nine'"),
        ("host/kind", "cloud", "host.kind: must be one of colab, kaggle, jupyter, plain, not 'cloud'"),
        ("distributions/Tf_Keras", {}, "distributions.Tf_Keras: is not a normalised name; write tf-keras"),
        ("distributions/keras", "3.10.0", "distributions.keras: must be a mapping, not text ('3.10.0')"),
        ("distributions/keras", None, "distributions.keras: is missing"),
        ("distributions/keras/requires", "numpy", "distributions.keras.requires: must be a list, not text ('numpy')"),
        ("environment/XLA_FLAGS", 1, "environment.XLA_FLAGS: must be text, not a number (1)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_dotted_path(dotted: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        facts_from_mapping(changed(dotted, value), path="lab.json")
    assert str(caught.value).startswith(f"lab.json: {message}")
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_newer_schema_says_what_to_do() -> None:
    with pytest.raises(InputError) as caught:
        facts_from_mapping({"schema": 2, "novelty": {}}, path="lab.json")
    assert caught.value.hint is not None
    assert "upgrade tfbootstrap" in caught.value.hint


@pytest.mark.parametrize("document", [None, [], "facts", 3])
def test_a_document_that_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(InputError, match="must be a mapping"):
        facts_from_mapping(document, path="lab.json")


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(facts_to_mapping(WHOLE))), Json)
def test_no_value_anywhere_is_more_than_an_input_error(key: str, value: object) -> None:
    try:
        facts = facts_from_mapping(changed(key, value), path="lab.json")
    except InputError:
        return
    assert facts_from_mapping(facts_to_mapping(facts), path="again") == facts


@pytest.mark.parametrize(
    ("libc", "glibc"),
    [("glibc 2.35", (2, 35)), ("glibc 2.17.1", (2, 17)), ("musl 1.2", None), ("musl", None), (None, None)],
)
def test_glibc_as_numbers(libc: str | None, glibc: tuple[int, int] | None) -> None:
    assert PlatformFacts(system="linux", machine="x86_64", libc=libc).glibc == glibc


def test_minor_of_a_python() -> None:
    assert PythonFacts(version="3.14.0rc2").minor == "3.14"
