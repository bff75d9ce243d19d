"""The hardware files' lookups: which GPU code runs where, which driver serves what, which wheel carries it."""

from __future__ import annotations

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.cuda import CudaMatrix, DriverSystem
from tfbootstrap.matrix.cuda_wheels import CudaWheelsMatrix
from tfbootstrap.matrix.cudnn import CudnnMatrix
from tfbootstrap.matrix.gpu_code import CodeGroup, GpuCodeMatrix, GpuCodeRow, GpuSupport, LibraryCode, runs_machine_code
from tfbootstrap.matrix.libraries import LibrariesMatrix

MATRIX = REPOSITORY / "compat_matrix"
CODE = load(GpuCodeMatrix, MATRIX)
CUDA = load(CudaMatrix, MATRIX)
CUDNN = load(CudnnMatrix, MATRIX)
LIBRARIES = load(LibrariesMatrix, MATRIX)
CUDA_WHEELS = load(CudaWheelsMatrix, MATRIX)

SUPPORT = {
    # K80 and P100: machine code, until it was dropped.
    ("2.14.1", "3.7"): GpuSupport(coverage="binary"),
    ("2.15.0", "3.7"): GpuSupport(coverage="none", collectives=False),
    ("2.16.1", "5.2"): GpuSupport(coverage="binary"),
    ("2.17.0", "5.2"): GpuSupport(coverage="none", collectives=False),
    ("2.22.0rc0", "6.0"): GpuSupport(coverage="binary"),
    # Turing runs the code for 7.0.
    ("2.21", "7.5"): GpuSupport(coverage="binary"),
    # A100: all machine code up to 2.7 and from 2.16 on, in between the generated kernels are PTX.
    ("2.3.0", "8.0"): GpuSupport(coverage="ptx", isa="6.4", collectives=False),
    ("2.7.0", "8.0"): GpuSupport(coverage="binary"),
    ("2.14.0", "8.0"): GpuSupport(coverage="partly-ptx", isa="7.1"),
    ("2.16.1", "8.6"): GpuSupport(coverage="binary"),
    # H100: always partly PTX.
    ("2.16.2", "9.0"): GpuSupport(coverage="partly-ptx", isa="8.0"),
    ("2.17.1", "9.0"): GpuSupport(coverage="partly-ptx", isa="8.3"),
    ("2.20.0", "9.0"): GpuSupport(coverage="partly-ptx", isa="8.5"),
    # Blackwell: PTX only; NCCL's kernels came with the wheel up to 2.20, without PTX.
    ("2.20.0", "12.0"): GpuSupport(coverage="ptx", isa="8.5", collectives=False),
    ("2.21.0", "12.0"): GpuSupport(coverage="ptx", isa="8.5"),
    # 2.3 has code for 5.2, none that 5.0 runs.
    ("2.3.4", "5.0"): GpuSupport(coverage="none", collectives=False),
}


@pytest.mark.parametrize(("release", "support"), SUPPORT.items(), ids=[f"{tf}-on-{cc}" for tf, cc in SUPPORT])
def test_support_of_a_gpu(release: tuple[str, str], support: GpuSupport) -> None:
    assert CODE.support(*release) == support


def test_support_of_what_was_not_read_is_unknown() -> None:
    assert CODE.support("1.15.0", "7.0") is None
    assert CODE.row("2.0.4") is None


def test_leftovers_of_the_linker_take_no_part() -> None:
    kernels = CodeGroup(containers=2, machine=("7.0",), ptx=("8.0",), isa="7.1")
    leftover = CodeGroup(containers=9, ptx=("8.0",), isa="7.8")
    row = GpuCodeRow(
        tensorflow="2.14.1", source="wheel: x", libraries=(LibraryCode(library="libx.so", code=(leftover, kernels)),)
    )
    assert row.support("7.5") == GpuSupport(coverage="binary")
    assert row.support("8.0") == GpuSupport(coverage="ptx", isa="7.1")


def test_a_row_without_kernels_serves_nothing() -> None:
    row = GpuCodeRow(tensorflow="2.14.1", source="wheel: x", libraries=())
    assert row.support("7.5").coverage == "none"


@pytest.mark.parametrize(
    ("machine", "capability", "runs"),
    [
        (("7.0",), "7.5", True),
        (("7.5",), "7.0", False),
        (("8.6",), "8.0", False),
        (("8.0",), "9.0", False),
        ((), "7.5", False),
    ],
    ids=["newer minor", "older minor", "older minor of Ampere", "next major", "none"],
)
def test_machine_code_runs_within_its_major(machine: tuple[str, ...], capability: str, runs: bool) -> None:
    assert runs_machine_code(machine, capability) is runs


@pytest.mark.parametrize(
    ("cuda", "linux", "windows"),
    [
        ("12.5.1", "525.60.13", "528.33"),
        ("11.2", "450.80.02", "452.39"),
        ("10.1", "418.39", "418.96"),
        ("13.1", "580.65.06", None),
        ("9.2", None, None),
    ],
)
def test_driver_floor(cuda: str, linux: str | None, windows: str | None) -> None:
    assert (CUDA.driver_floor(cuda), CUDA.driver_floor(cuda, "windows")) == (linux, windows)


@pytest.mark.parametrize(
    ("isa", "driver"),
    [
        ("8.5", "555.42.02"),
        ("8.3", "545.23.06"),
        ("8.0", "525.60.13"),
        ("7.1", "455.23"),
        ("6.4", "418.39"),
        ("99.0", None),
    ],
)
def test_driver_that_compiles_ptx(isa: str, driver: str | None) -> None:
    assert CUDA.ptx_driver(isa) == driver


@pytest.mark.parametrize(
    ("capability", "driver"), [("12.0", "570.26"), ("8.9", "520.61.05"), ("8.0", "450.51.05"), ("99.0", None)]
)
def test_driver_that_knows_a_gpu(capability: str, driver: str | None) -> None:
    assert CUDA.gpu_driver(capability) == driver


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [("535.104.05", "12.2"), ("566.03", "12.7"), ("580.95.05", "13.0"), ("999.0", "13.3"), ("390.48", None)],
)
def test_newest_cuda_of_a_driver(driver: str, cuda: str | None) -> None:
    assert CUDA.newest_cuda(driver) == cuda


@pytest.mark.parametrize(
    ("driver", "cuda", "system", "served"),
    [
        ("470.57.02", "12.5", "linux", "555.42.02"),
        ("470.57.02", "11.4", "linux", "470.57.02"),
        ("470.57.02", None, "linux", "470.57.02"),
        ("535.183.01", "12.2", "linux", "535.183.01"),
        ("470.57.02", "12.5", "windows", "470.57.02"),
        ("470.57.02", "99.9", "linux", "470.57.02"),
        ("300.1", "12.5", "linux", "300.1"),
    ],
)
def test_a_forward_compatibility_package_serves_what_the_kernel_driver_does_not(
    driver: str, cuda: str | None, system: DriverSystem, served: str
) -> None:
    assert CUDA.serving_driver(driver, cuda, system) == served


def test_a_driver_serves_its_major_and_older_ones() -> None:
    assert CUDA.serves("470.82.01", "11.8")
    assert not CUDA.serves("470.82.01", "12.2")
    assert CUDA.serves("580.95.05", "11.2")
    assert not CUDA.serves("527.41", "12.0", "windows")
    assert not CUDA.serves("999.0", "9.2")


def test_generations_and_what_toolkits_know() -> None:
    kepler = CUDA.generation("3.7")
    assert kepler is not None
    assert (kepler.generation, kepler.last_branch, kepler.last_cuda) == ("Kepler", "470", "11.8")
    assert CUDA.generation("2.1") is None
    assert CUDA.knows("12.5.1", "12.0") is False
    assert CUDA.knows("12.9", "12.0") is True
    assert CUDA.knows("12.7", "12.0") is None


@pytest.mark.parametrize(
    ("distribution", "capability", "bound"),
    [
        ("nvidia-cudnn-cu12", "6.0", "<9.11.0.98"),
        ("nvidia-cudnn-cu12", "7.5", ""),
        ("nvidia-cudnn-cu12", "3.7", None),
        ("nvidia-cudnn-cu11", "3.7", "<8.8.0.121"),
        ("nvidia-cudnn-cu13", "7.0", None),
    ],
)
def test_cudnn_bound_for_a_gpu(distribution: str, capability: str, bound: str | None) -> None:
    found = CUDNN.bound(distribution, capability)
    assert (None if found is None else str(found)) == bound


def test_cudnn_between_and_after_the_versions_that_were_read() -> None:
    assert CUDNN.runs_on("nvidia-cudnn-cu12", "9.5.1.17", "6.1") is True
    assert CUDNN.runs_on("nvidia-cudnn-cu12", "9.15.0.57", "6.1") is False
    assert CUDNN.runs_on("nvidia-cudnn-cu12", "9.99", "9.0") is True
    assert CUDNN.runs_on("nvidia-cudnn-cu12", "7.6", "7.5") is None


def test_releases_that_do_not_find_their_wheels_by_themselves() -> None:
    unfound = {
        row.tensorflow: {one.distribution for one in LIBRARIES.unfound(row.tensorflow, "12")}
        for row in LIBRARIES.loaded
    }
    assert {version for version, distributions in unfound.items() if distributions} == {"2.16.1", "2.21.0"}
    # tensorflow/tensorflow#63362 in 2.16.1; the same mistake for one library in 2.21.0.
    assert len(unfound["2.16.1"]) == 5
    assert unfound["2.21.0"] == {"nvidia-cusolver-cu12"}


def test_releases_without_a_search_path_find_no_wheel() -> None:
    assert LIBRARIES.row("2.13.1") == LIBRARIES.row("2.13")
    assert len(LIBRARIES.unfound("2.10.1", "11")) == 7
    assert LIBRARIES.unfound("2.14.1", "11") == ()


def test_wheels_that_carry_what_a_release_needs() -> None:
    carriers = LIBRARIES.needed_carriers("2.20.0", "12")
    assert carriers is not None
    assert [one.soname for one in carriers][-1] == "libcudnn.so.9"
    # CUDA 11.0's cusolver has another soname than that of the wheels, which start at 11.7.
    assert LIBRARIES.needed_carriers("2.4.4", "11") is None
    assert LIBRARIES.needed_carriers("1.15", "11") is None
    # The wheels of CUDA 13 carry one library of the same soname.
    assert [one.cuda for one in LIBRARIES.carriers_of("libcusparse.so.12")] == ["12", "13"]


def test_collisions() -> None:
    found = LIBRARIES.collides("nvidia-nccl-cu13", "nvidia-nccl-cu12")
    assert found is not None
    assert "nvidia/nccl/lib/libnccl.so.2" in found.files
    assert LIBRARIES.collides("nvidia-cublas-cu12", "nvidia-cublas") is None


def test_pin_sets_stand_in_for_missing_and_broken_extras() -> None:
    with_pins = ["2.5.0", "2.10.1", "2.13.1", "2.14.0", "2.14.1", "2.15.0"]
    assert [version for version in with_pins if CUDA_WHEELS.pin_set(version) is None] == []
    without = ["2.4.4", "2.15.0.post1", "2.15.1", "2.21.0"]
    assert [version for version in without if CUDA_WHEELS.pin_set(version)] == []
