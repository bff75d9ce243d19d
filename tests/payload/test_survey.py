"""The survey's parsers, what it takes from a real folder of packages, and what it never tells."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.machines import CapturedMachine
from tfbootstrap.payload.survey import (
    SurveyIO,
    choose_environment,
    is_container,
    normalise_name,
    parse_cpuinfo,
    parse_cudnn_header,
    parse_cudnn_names,
    parse_egg_requires,
    parse_metadata,
    parse_musl,
    parse_nvcc,
    parse_os_release,
    parse_sysctl,
    parse_version_json,
    read_cpu_flags,
    read_distributions,
    read_toolkits,
    redact_value,
    survey_machine,
)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx fma avx2\nprocessor\t: 1\nflags\t\t: fpu\n", ["avx", "avx2", "fma"]),
        ("flags\t\t: fpu avx512bw avx512f\n", ["avx512f"]),
        ("flags\t\t: fpu\n", []),
        ("Features\t: fp asimd\n", None),
        ("", None),
    ],
)
def test_cpuinfo(text: str, flags: list[str] | None) -> None:
    assert parse_cpuinfo(text) == flags


def test_sysctl_spells_avx_otherwise() -> None:
    assert parse_sysctl("SSE4.2 FMA AVX1.0\nAVX2 AVX512F\n") == ["avx", "avx2", "fma", "avx512f"]


def test_flags_that_could_not_be_asked_have_a_reason() -> None:
    machine = CapturedMachine({"uname": ["Linux", "x86_64"]})
    assert read_cpu_flags(machine, "linux", "x86_64") == (
        None,
        {"platform.cpu_flags": "/proc/cpuinfo lists no flags"},
    )
    assert read_cpu_flags(machine, "freebsd", "x86_64") == (
        None,
        {"platform.cpu_flags": "no way known to ask freebsd"},
    )
    hanging = "sysctl -n machdep.cpu.features machdep.cpu.leaf7_features"
    machine = CapturedMachine({"uname": ["Darwin", "x86_64"], "commands": {hanging: {"hangs": True}}})
    flags, reasons = read_cpu_flags(machine, "macos", "x86_64")
    assert flags is None
    assert reasons["platform.cpu_flags"].startswith("sysctl: ")


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n', "Ubuntu 22.04"),
        ('NAME="Debian GNU/Linux"\nVERSION_ID="12"\n', "Debian 12"),
        ("NAME=Fedora\nVERSION_ID=41\n", "Fedora 41"),
        ('NAME="Arch Linux"\nID=arch\n', "Arch"),
        ("NAME='Rocky Linux'\nVERSION_ID='9.4'\n", "Rocky 9.4"),
        ("", None),
    ],
)
def test_os_release(text: str, release: str | None) -> None:
    assert parse_os_release(text) == release


def test_musl() -> None:
    assert parse_musl("musl libc (x86_64)\nVersion 1.2.5\nDynamic Program Loader\n") == "musl 1.2"
    assert parse_musl("no such thing") == "musl"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('{"cuda": {"name": "CUDA SDK", "version": "12.5.1"}}', "12.5.1"),
        ('{"cuda": {"version": 12.5}}', None),
        ('{"cuda": "12.5"}', None),
        ("[]", None),
        ("no json", None),
        ("", None),
    ],
)
def test_version_json(text: str, version: str | None) -> None:
    assert parse_version_json(text) == version


def test_nvcc() -> None:
    assert parse_nvcc("Cuda compilation tools, release 12.5, V12.5.82\n") == "12.5.82"
    assert parse_nvcc("Cuda compilation tools, release 10.1\n") == "10.1"
    assert parse_nvcc("command failed") is None


def test_cudnn_header_and_names() -> None:
    header = "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 9\n#define CUDNN_PATCHLEVEL 7\n"
    assert parse_cudnn_header(header) == "8.9.7"
    assert parse_cudnn_header("#define CUDNN_MAJOR 8\n") is None
    assert parse_cudnn_names(["libcudnn.so", "libcudnn.so.9", "libcudnn.so.9.8.0", "libcudnn_adv.so.9.9.9"]) == "9.8.0"
    assert parse_cudnn_names(["libcuda.so.1"]) is None


def test_old_toolkits_have_version_txt_and_links_count_once() -> None:
    machine = CapturedMachine(
        {
            "folders": {"/usr/local": ["cuda", "cuda-10.1", "cudax", "bin"]},
            "links": {"/usr/local/cuda": "/usr/local/cuda-10.1"},
            "files": {f"/usr/local/{name}/version.txt": "CUDA Version 10.1.243\n" for name in ("cuda", "cuda-10.1")},
        }
    )
    row = {"version": "10.1.243", "path": "/usr/local/cuda-10.1", "source": "system"}
    assert read_toolkits(machine, {"CUDA_HOME": "/usr/local/cuda"}) == [row]


@pytest.mark.parametrize(
    ("capture", "environment", "container"),
    [
        ({}, {}, False),
        ({"folders": {"/": [".dockerenv", "usr"]}}, {}, True),
        ({"folders": {"/run": [".containerenv"]}}, {}, True),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
        ({}, {"APPTAINER_CONTAINER": "/image.sif"}, True),
        ({"files": {"/proc/1/cgroup": "0::/system.slice/containerd.service\n"}}, {}, True),
        ({"files": {"/proc/1/cgroup": "0::/init.scope\n"}}, {}, False),
    ],
)
def test_containers(capture: dict[str, object], environment: dict[str, str], container: bool) -> None:
    assert is_container(CapturedMachine(capture), environment) is container


# Packages


def test_metadata_is_read_up_to_its_description() -> None:
    text = (
        "Metadata-Version: 2.1\nName: My_Package\nVersion: 1.0\nLicense: one\n        two\n"
        'Requires-Dist: numpy <2,>=1.26\nRequires-Dist: nvidia-cudnn-cu12==9.3 ; extra == "and-cuda"\n'
        "\nName: wrong\nRequires-Dist: wrong\n"
    )
    assert parse_metadata(text) == {
        "name": "My_Package",
        "version": "1.0",
        "requires": ["numpy <2,>=1.26", 'nvidia-cudnn-cu12==9.3 ; extra == "and-cuda"'],
    }
    assert parse_metadata(text.replace("\n", "\r\n")) == parse_metadata(text)


@pytest.mark.parametrize("text", ["", "Name: x\n", "Version: 1\n", "Name:\nVersion: 1\n"])
def test_metadata_without_name_or_version_is_no_distribution(text: str) -> None:
    assert parse_metadata(text) is None


def test_requirements_of_an_egg() -> None:
    text = '\nsix>=1.9\n\n[:python_version < "3"]\nenum34\n\n[gpu]\ncupy\n\n[gpu:sys_platform == "win32"]\npywin\n'
    assert parse_egg_requires(text) == [
        "six>=1.9",
        'enum34; python_version < "3"',
        'cupy; extra == "gpu"',
        'pywin; (sys_platform == "win32") and extra == "gpu"',
    ]


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_packages_of_real_folders(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    put(first / "Tf_Keras-2.20.dist-info" / "METADATA", "Name: Tf_Keras\nVersion: 2.20\nRequires-Dist: tensorflow\n")
    put(first / "old.egg-info" / "PKG-INFO", "Name: old\nVersion: 1.0\n")
    put(first / "old.egg-info" / "requires.txt", "six\n")
    put(first / "flat-3.0.egg-info", "Name: flat\nVersion: 3.0\n")
    put(first / "broken-1.0.dist-info" / "RECORD", "")
    put(second / "tf_keras-2.15.dist-info" / "METADATA", "Name: tf-keras\nVersion: 2.15\n")
    found = read_distributions(SurveyIO(), ["", str(first), str(tmp_path / "none"), str(second), str(second / "a.zip")])
    assert {name: (row["version"], row["requires"]) for name, row in found.items()} == {
        "tf-keras": ("2.20", ["tensorflow"]),
        "old": ("1.0", ["six"]),
        "flat": ("3.0", []),
    }
    assert found["tf-keras"]["path"] == str(first)


def test_names_are_normalised() -> None:
    assert normalise_name("Foo.Bar__baz-_.qux") == "foo-bar-baz-qux"


# Environment


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("PIP_INDEX_URL", "https://index.test/simple", "https://index.test/simple"),
        ("PIP_INDEX_URL", "https://user:pass@index.test/simple", "https://index.test/simple"),
        ("PIP_INDEX_URL", "https://user:p@ss/w:o@index.test/simple", "https://index.test/simple"),
        ("PIP_INDEX_URL", "https://token@index.test:8443/simple/?sig=abc#x", "https://index.test:8443/simple/"),
        ("PIP_EXTRA_INDEX_URL", "https://a:b@one.test/ https://c:d@two.test/", "https://one.test/ https://two.test/"),
        ("UV_INDEX", "lab=https://a:b@one.test/simple", "lab=https://one.test/simple"),
        ("PIP_PROXY", "http://me:secret@proxy.test:3128", "http://proxy.test:3128"),
        ("PIP_TRUSTED_HOST", "index.test", "index.test"),
        ("UV_INDEX_LAB_PASSWORD", "hunter2", "(set)"),
        ("UV_INDEX_LAB_USERNAME", "me", "(set)"),
        ("UV_PUBLISH_TOKEN", "abc", "(set)"),
        ("TF_API_KEY", "abc", "(set)"),
        ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/usr/local/cuda", "--xla_gpu_cuda_data_dir=/usr/local/cuda"),
        ("LD_LIBRARY_PATH", "/a:/b?c#d", "/a:/b?c#d"),
    ],
)
def test_secrets_are_removed(name: str, value: str, shown: str) -> None:
    assert redact_value(name, value) == shown


def test_only_variables_that_matter_are_told() -> None:
    chosen = choose_environment(
        {
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "HOME": "/home/me",
            "AWS_SECRET_ACCESS_KEY": "x",
            "UV_LINK_MODE": "copy",
            "PATH": "/",
        }
    )
    assert list(chosen.items()) == [("TF_CPP_MIN_LOG_LEVEL", "2"), ("UV_LINK_MODE", "copy")]


def test_survey_of_this_machine() -> None:
    facts = survey_machine()
    assert facts["schema"] == 1
    assert facts["python"]["executable"] == sys.executable
    assert "pytest" in facts["distributions"]
    assert not (set(facts["environment"]) & {"HOME", "PATH"} & set(os.environ))
