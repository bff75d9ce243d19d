"""GPUs by name: however `nvidia-smi` and people write them, and what could be several is not guessed."""

from __future__ import annotations

import pytest

from tests.support.environment import REPOSITORY
from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.gpus import GpuMatrix

GPUS = load(GpuMatrix, REPOSITORY / "compat_matrix")

KNOWN = {
    "Tesla T4": "7.5",
    "NVIDIA T4": "7.5",
    "t4": "7.5",
    "GRID T4-16C": "7.5",
    "NVIDIA L4": "8.9",
    "NVIDIA L40S": "8.9",
    "NVIDIA H100 80GB HBM3": "9.0",
    "NVIDIA H100 PCIe": "9.0",
    "NVIDIA H100 NVL": "9.0",
    "NVIDIA H200 MIG 1g.18gb": "9.0",
    "NVIDIA GH200 480GB": "9.0",
    "NVIDIA A100-SXM4-40GB MIG 1g.5gb": "8.0",
    "NVIDIA A100 80GB PCIe": "8.0",
    "Tesla A100": "8.0",
    "NVIDIA A10-24Q": "8.6",
    "NVIDIA A10G": "8.6",
    "Tesla V100-SXM2-16GB": "7.0",
    "Tesla V100-DGXS-32GB": "7.0",
    "GRID V100D-8C": "7.0",
    "Tesla P100-PCIE-16GB": "6.0",
    "Tesla K80": "3.7",
    "Tesla K40c": "3.5",
    "NVIDIA B200": "10.0",
    "NVIDIA B300 SXM6 AC": "10.3",
    "DGX Spark": "12.1",
    "NVIDIA GeForce RTX 5090": "12.0",
    "NVIDIA GeForce RTX 5090 Laptop GPU": "12.0",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "12.0",
    "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition": "12.0",
    "RTX PRO 6000": "12.0",
    "NVIDIA RTX 6000 Ada Generation": "8.9",
    "Quadro RTX 6000": "7.5",
    "NVIDIA RTX A6000": "8.6",
    "A6000": "8.6",
    "NVIDIA GeForce RTX 4070 Laptop GPU": "8.9",
    "NVIDIA GeForce RTX 4090 D": "8.9",
    "NVIDIA GeForce RTX 3050 A Laptop GPU": "8.9",
    "NVIDIA GeForce RTX 3050 6GB Laptop GPU": "8.6",
    "NVIDIA GeForce RTX 2050": "8.6",
    "rtx3090": "8.6",
    "RTX 3080ti": "8.6",
    "NVIDIA GeForce RTX 2070 Super with Max-Q Design": "7.5",
    "NVIDIA GeForce GTX 1650": "7.5",
    "GeForce GTX 1080 Ti": "6.1",
    "GeForce GTX 1060 3GB": "6.1",
    "Quadro P4000": "6.1",
    "NVIDIA TITAN X (Pascal)": "6.1",
    "NVIDIA GeForce GTX TITAN X": "5.2",
    "Orin": "8.7",
    "Orin (nvgpu)": "8.7",
    "Xavier": "7.2",
    "Jetson Nano": "5.3",
    "NVIDIA Thor": "11.0",
}

AMBIGUOUS_OR_UNKNOWN = {
    "RTX 4000": "Quadro RTX 4000",
    "RTX 6000": "Quadro RTX 6000",
    "TITAN X": "NVIDIA TITAN X (Pascal)",
    "GeForce GTX 860M": "NVIDIA GeForce GTX 850M",
    "GeForce RTX 5091": "NVIDIA GeForce RTX 5090",
}


@pytest.mark.parametrize(("name", "capability"), KNOWN.items(), ids=KNOWN)
def test_name_finds_its_gpu(name: str, capability: str) -> None:
    found = GPUS.find_gpu(name)
    assert found is not None
    assert found.compute_capability == capability


@pytest.mark.parametrize(("name", "near"), AMBIGUOUS_OR_UNKNOWN.items(), ids=AMBIGUOUS_OR_UNKNOWN)
def test_name_that_could_be_several_finds_nothing_but_has_neighbours(name: str, near: str) -> None:
    assert GPUS.find_gpu(name) is None
    assert near in GPUS.nearest_gpus(name)


@pytest.mark.parametrize("name", ["", "NVIDIA", "GPU", "NVIDIA Graphics Device", "Voodoo 2"])
def test_name_of_nothing_has_no_neighbours(name: str) -> None:
    assert GPUS.find_gpu(name) is None
    assert GPUS.nearest_gpus(name) == ()


def test_nearest_are_the_best_ones_in_order() -> None:
    assert GPUS.nearest_gpus("GeForce RTX 4080 XT", 2) == ("NVIDIA GeForce RTX 4080", "NVIDIA GeForce RTX 4080 SUPER")


def test_every_part_of_the_issue_is_there() -> None:
    capabilities = {row.compute_capability for row in GPUS.rows}
    old = {"3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2"}
    new = {"7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "12.1"}
    assert capabilities == old | new
    assert {row.family for row in GPUS.rows} == {"datacenter", "workstation", "geforce", "jetson"}
    assert len(GPUS.rows) > 250
