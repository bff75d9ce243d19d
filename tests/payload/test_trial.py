"""What the trial says of a TensorFlow that is not as it should be. That a good one passes is shown with a real one."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.locks import make_header
from tfbootstrap.lock import Lock
from tfbootstrap.payload.trial import TRIAL_CHECKS, Trial, _agree, _try, loaded_libraries, run_trial
from tfbootstrap.render import lock_data


def a_trial(tf: dict[str, Any], **changes: Any) -> Trial:
    """Return a trial in the middle of its work, with a TensorFlow that has only these things."""
    trial = Trial({**lock_data(Lock(header=make_header(**changes), pins=())), "visible_gpus": 2})
    trial.tf = SimpleNamespace(**{"__version__": "2.20.0", **tf})
    return trial


def build(**info: Any) -> dict[str, Any]:
    return {"sysconfig": SimpleNamespace(get_build_info=lambda: info)}


def gpus(*names: str) -> dict[str, Any]:
    devices = [SimpleNamespace(name=name) for name in names]
    experimental = SimpleNamespace(
        list_physical_devices=lambda _kind: devices, get_device_details=lambda gpu: {"device_name": gpu.name}
    )
    return {"config": SimpleNamespace(experimental=experimental)}


@pytest.mark.parametrize(
    ("info", "status", "found"),
    [
        ({"cuda_version": "12.5.1", "cudnn_version": "9"}, "pass", "cuda 12.5.1, cudnn 9"),
        ({"cuda_version": "12.3", "cudnn_version": "9"}, "fail", "cuda_version 12.3"),
        ({"cuda_version": "12.5.1", "cudnn_version": "8"}, "fail", "cudnn_version 8"),
        ({"cuda_version": "12.5.1", "cuda_compute_capabilities": ["sm_60"]}, "fail", "cuda_compute_capabilities sm_60"),
        ({"is_cuda_build": False}, "skip", "neither"),
    ],
)
def test_the_build_is_compared_with_the_lock(info: dict[str, Any], status: str, found: str) -> None:
    trial = a_trial(build(**info), build_cuda="12.5.1", build_cudnn="9.3", build_capabilities=("sm_60", "sm_70"))
    result = _try(trial, "build")
    assert result["status"] == status
    assert found in result["found"]


def test_a_release_that_does_not_tell_its_build_is_skipped() -> None:
    assert _try(a_trial({"sysconfig": SimpleNamespace()}), "build")["status"] == "skip"


@pytest.mark.parametrize(
    ("version", "expected", "status"), [("3.10.0", 3, "pass"), ("2.15.0", 3, "fail"), ("3.1", None, "skip")]
)
def test_the_keras_of_tensorflow_is_the_locked_one(version: str, expected: int | None, status: str) -> None:
    result = _try(a_trial({"keras": SimpleNamespace(__version__=version)}, keras=expected), "keras")
    assert result["status"] == status
    assert ("TF_USE_LEGACY_KERAS" in result["hint"]) == (status == "fail")


@pytest.mark.parametrize(
    ("pins", "expected", "status"),
    [((), 3, "fail"), (("tf-keras",), 3, "pass"), ((), None, "skip")],
    ids=["not locked", "locked", "no Keras in the lock"],
)
def test_a_keras_that_tells_no_version_is_tf_keras(
    monkeypatch: pytest.MonkeyPatch, pins: tuple[str, ...], expected: int | None, status: str
) -> None:
    # What TF_USE_LEGACY_KERAS makes of `tf.keras`.
    module = ModuleType("tf_keras")
    monkeypatch.setattr(module, "__version__", "2.20.1", raising=False)
    monkeypatch.setitem(sys.modules, "tf_keras", module)
    trial = a_trial({"keras": SimpleNamespace(__version__=None)}, keras=expected)
    trial.lock["pins"] = pins
    result = _try(trial, "keras")
    assert (result["status"], "2.20.1" in result["found"]) == (status, status != "skip")
    assert ("TF_USE_LEGACY_KERAS" in result["hint"]) == (status == "fail")


def test_a_keras_that_tells_no_version_and_is_not_tf_keras_is_that_of_an_old_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TensorFlow 2.15's own."""
    monkeypatch.delitem(sys.modules, "tf_keras", raising=False)
    assert _try(a_trial({"keras": SimpleNamespace(__version__=None)}, keras=2), "keras")["status"] == "skip"


@pytest.mark.parametrize(
    ("names", "status", "found"),
    [
        (("Tesla T4", "Tesla T4"), "pass", "Tesla T4, Tesla T4"),
        (("Tesla T4",), "fail", "Tesla T4"),
        ((), "fail", "none"),
    ],
)
def test_every_gpu_of_the_machine_must_be_there(names: tuple[str, ...], status: str, found: str) -> None:
    result = _try(a_trial(gpus(*names), cuda_provider="wheels"), "gpu")
    assert (result["status"], result["found"]) == (status, found)


MAPS = """\
7f00-7f01 r-xp 00000000 08:01 1    /env/lib/python3.12/site-packages/nvidia/cuda_runtime/lib/libcudart.so.12
7f01-7f02 r--p 00000000 08:01 1    /env/lib/python3.12/site-packages/nvidia/cuda_runtime/lib/libcudart.so.12
7f02-7f03 r-xp 00000000 08:01 2    /env/with blank/libcublas.so.12.5.3.2
7f03-7f04 r-xp 00000000 08:01 3    /usr/lib/x86_64-linux-gnu/libcudnn.so.9
7f04-7f05 r-xp 00000000 08:01 4    /env/nvidia/cudnn/lib/libcudnn_graph.so.9
7f05-7f06 r-xp 00000000 08:01 5    /env/nvidia/cublas/lib/libcublasLt.so.12
7f06-7f07 rw-p 00000000 00:00 0    [heap]
"""


class Library:
    """Stands for a loaded CUDA library of some version; the real ones were asked by hand."""

    def __init__(self, *version: int) -> None:
        self.version = version

    def cudaRuntimeGetVersion(self, pointer: Any) -> None:  # noqa: N802 - its name there
        pointer._obj.value = self.version[0] * 1000 + self.version[1] * 10

    def cudnnGetVersion(self) -> int:  # noqa: N802 - likewise
        major, minor, patch = self.version
        return major * (10000 if major > 8 else 1000) + minor * 100 + patch

    def cublasGetProperty(self, kind: int, pointer: Any) -> None:  # noqa: N802 - likewise
        pointer._obj.value = self.version[kind]


def loaded(tmp_path: Path, cudart: tuple[int, ...], cublas: tuple[int, ...], cudnn: tuple[int, ...]) -> Any:
    (tmp_path / "maps").write_text(MAPS)
    versions = {"libcudart": cudart, "libcublas": cublas, "libcudnn": cudnn}
    return loaded_libraries(str(tmp_path / "maps"), lambda path: Library(*versions[Path(path).name.split(".")[0]]))


def test_loaded_libraries_tell_their_versions(tmp_path: Path) -> None:
    assert loaded(tmp_path, (12, 5), (12, 5, 3), (9, 10, 2)) == [
        ("cudart", "12.5", "/env/lib/python3.12/site-packages/nvidia/cuda_runtime/lib/libcudart.so.12"),
        ("cublas", "12.5.3", "/env/with blank/libcublas.so.12.5.3.2"),
        ("cudnn", "9.10.2", "/usr/lib/x86_64-linux-gnu/libcudnn.so.9"),
    ]
    assert loaded(tmp_path, (12, 5), (12, 5, 3), (8, 9, 7))[2][1] == "8.9.7"
    assert loaded_libraries(str(tmp_path / "nothing")) == []
    assert loaded_libraries() == []  # of this process


@pytest.mark.parametrize(
    ("cudart", "cublas", "cudnn", "found"),
    [
        ((12, 5), (12, 5, 3), (9, 3, 0), None),
        ((12, 9), (12, 9, 1), (9, 20, 0), None),
        ((12, 3), (12, 3, 4), (9, 3, 0), "cudart 12.3 from /env/lib"),
        ((12, 5), (12, 5, 3), (9, 1, 0), "cudnn 9.1.0 from /usr/lib"),
        ((12, 5), (12, 5, 3), (8, 9, 7), "cudnn 8.9.7 from /usr/lib"),
        ((12, 5), (11, 11, 3), (9, 3, 0), "cublas 11.11.3 from /env/with blank"),
    ],
)
def test_what_is_loaded_must_serve_the_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cudart: tuple[int, ...],
    cublas: tuple[int, ...],
    cudnn: tuple[int, ...],
    found: str | None,
) -> None:
    trial = a_trial(gpus("Tesla T4"), cuda_provider="wheels", build_cuda="12.5.1", build_cudnn="9.3.0")
    monkeypatch.setattr("tfbootstrap.payload.trial.loaded_libraries", lambda: loaded(tmp_path, cudart, cublas, cudnn))
    result = _try(trial, "libraries")
    assert result["status"] == ("fail" if found else "pass")
    assert (found or "cudnn 9.") in result["found"]
    assert ("same major" in result["expected"]) == bool(found)


def test_compiled_work_must_be_done_on_the_gpu() -> None:
    def function(_body: Any, *, jit_compile: bool) -> Any:
        return lambda _data: SimpleNamespace(device="/device:CPU:0")

    trial = a_trial({**gpus("Tesla T4"), "function": function, "constant": float}, cuda_provider="wheels")
    trial.numbers = lambda *_shape: 0  # type: ignore[method-assign]  # there is no NumPy here
    result = _try(trial, "xla")
    assert (result["status"], result["found"], result["expected"]) == ("fail", "/device:CPU:0", "a GPU")


def test_gpus_do_not_matter_to_a_cpu_lock() -> None:
    trial = a_trial(gpus("Tesla T4"))
    assert _try(trial, "gpu")["status"] == "skip"
    assert _try(trial, "gpu-placement")["status"] == "skip"


def test_what_tensorflow_raises_is_the_finding() -> None:
    def broken(*_arguments: Any) -> None:
        raise RuntimeError("no such\n  symbol")

    result = _try(a_trial({"reduce_sum": broken, "range": range}), "eager")
    assert (result["status"], result["found"]) == ("fail", "RuntimeError: no such symbol")
    assert result["hint"]


def test_wrong_numbers_fail() -> None:
    trial = a_trial({"reduce_sum": sum, "range": range})
    trial.np = SimpleNamespace(max=lambda x: x, abs=abs, asarray=lambda x: x)
    assert _try(trial, "eager") == {"id": "eager", "status": "pass", "found": "off by 0", "expected": "", "hint": ""}
    trial.tf.range = lambda _count: [1, 2]
    assert _try(trial, "eager")["status"] == "fail"
    trial.tf.range = lambda _count: [math.nan]
    assert _try(trial, "eager")["status"] == "fail"


def test_without_tensorflow_only_the_import_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("")
    (tmp_path / "tensorflow.py").write_text("__version__ = '2.3.0'\nimport types\nconfig = types.SimpleNamespace()\n")
    monkeypatch.syspath_prepend(tmp_path)
    lock = {**lock_data(Lock(header=make_header(), pins=())), "visible_gpus": 0}
    try:
        run_trial(str(tmp_path / "report"), lock)
    finally:
        del sys.modules["numpy"], sys.modules["tensorflow"]
    first, second = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    assert first == {"begins": "import"}
    assert second["status"] == "fail"


def test_every_check_has_its_method() -> None:
    assert {f"check_{name.replace('-', '_')}" for name in TRIAL_CHECKS} == {
        name for name in vars(Trial) if name.startswith("check_")
    }


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [("9", "9.3", True), ("9.3", "9", True), ("12.5.1", "12.5.1", True), ("1", "12", False), ("12.5", "12.3", False)],
)
def test_versions_agree_as_far_as_both_are_exact(one: str, other: str, agree: bool) -> None:
    assert _agree(one, other) is agree
