"""The parts of the installation that need no installer; the whole is tested in `tests/test_bootstrap.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfbootstrap.payload.install import BootstrapError, mask_credentials, requirement_lines
from tfbootstrap.payload.links import link_libraries

DIGEST = "A" * 43
"""32 bytes of zeros in base64."""


def libraries(site: Path, *names: str) -> Path:
    for name in names:
        path = site / "nvidia" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (site / "tensorflow").mkdir(exist_ok=True)
    return site / "tensorflow"


def links(home: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in sorted(home.iterdir()) if path.is_symlink()}


def test_links_lead_to_the_libraries_of_the_wheels(tmp_path: Path) -> None:
    home = libraries(
        tmp_path, "cublas/lib/libcublas.so.12", "cudnn/lib/libcudnn.so.9", "cudnn/lib/__init__.py", "cudnn/include/x.so"
    )
    made = link_libraries(str(tmp_path))
    assert [Path(link).name for link in made] == ["libcublas.so.12", "libcudnn.so.9"]
    assert links(home) == {
        "libcublas.so.12": "../nvidia/cublas/lib/libcublas.so.12",
        "libcudnn.so.9": "../nvidia/cudnn/lib/libcudnn.so.9",
    }
    assert all(path.exists() for path in home.iterdir())


def test_links_are_made_once_and_follow_the_wheels(tmp_path: Path) -> None:
    home = libraries(tmp_path, "cublas/lib/libcublas.so.11", "cudnn/lib/libcudnn.so.8")
    link_libraries(str(tmp_path))
    assert link_libraries(str(tmp_path)) == []
    (tmp_path / "nvidia/cublas/lib/libcublas.so.11").unlink()
    libraries(tmp_path, "cublas/lib/libcublas.so.12")
    assert [Path(link).name for link in link_libraries(str(tmp_path))] == ["libcublas.so.12"]
    assert list(links(home)) == ["libcublas.so.12", "libcudnn.so.8"]


def test_links_lie_in_the_cuda_runtimes_folder_too(tmp_path: Path) -> None:
    """TensorFlow 2.21 searches that one, and neither its own nor cuSOLVER's."""
    runtime = tmp_path / "nvidia/cuda_runtime/lib"
    libraries(tmp_path, "cuda_runtime/lib/libcudart.so.12", "cusolver/lib/libcusolver.so.11")
    link_libraries(str(tmp_path))
    assert links(runtime) == {"libcusolver.so.11": "../../cusolver/lib/libcusolver.so.11"}
    assert link_libraries(str(tmp_path)) == []
    (tmp_path / "nvidia/cusolver/lib/libcusolver.so.11").unlink()
    link_libraries(str(tmp_path))
    assert links(runtime) == {}


def test_files_of_tensorflow_itself_are_left_alone(tmp_path: Path) -> None:
    home = libraries(tmp_path, "x/lib/libtensorflow_framework.so.2")
    (home / "libtensorflow_framework.so.2").write_text("its own")
    (home / "dangling").symlink_to("elsewhere")
    assert link_libraries(str(tmp_path)) == []
    assert (home / "libtensorflow_framework.so.2").read_text() == "its own"
    assert (home / "dangling").is_symlink()


def test_without_tensorflow_or_wheels_there_is_nothing_to_link(tmp_path: Path) -> None:
    assert link_libraries(str(tmp_path)) == []
    (tmp_path / "tensorflow").mkdir()
    assert link_libraries(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://me:secret@index.test/simple", "https://***@index.test/simple"),
        ("https://token@index.test/ and http://a:b@c.test/", "https://***@index.test/ and http://***@c.test/"),
        ("https://me:p@ss@index.test/", "https://***@index.test/"),
        ("mail me@index.test, see https://index.test/a@b", "mail me@index.test, see https://index.test/a@b"),
    ],
)
def test_credentials_are_masked(text: str, masked: str) -> None:
    assert mask_credentials(text) == masked


def test_only_what_differs_is_asked_for() -> None:
    lock = {"pins": {"six==1.17.0": f"{DIGEST} {'_' * 42}8", "numpy==2.0.2": DIGEST}}
    assert list(requirement_lines(lock, {"six": "missing"})) == [
        f"six==1.17.0 --hash=sha256:{'0' * 64} --hash=sha256:{'f' * 64}\n"
    ]


@pytest.mark.parametrize("pin", ["six==1.0 --index-url=https://x.test", "six==1.0\n-e .", "-r x==1", "six==1; x"])
def test_what_is_no_pin_never_reaches_an_installer(pin: str) -> None:
    with pytest.raises(BootstrapError, match="no pin with hashes"):
        list(requirement_lines({"pins": {pin: DIGEST}}, {pin.split("==", maxsplit=1)[0]: "missing"}))


@pytest.mark.parametrize("hashes", ["", "abc", DIGEST + " --pre", DIGEST + "\n", DIGEST[1:] + "é"])
def test_a_pin_without_a_good_hash_never_reaches_an_installer(hashes: str) -> None:
    with pytest.raises(BootstrapError, match="no pin with hashes"):
        list(requirement_lines({"pins": {"six==1.0": hashes}}, {"six": "missing"}))
