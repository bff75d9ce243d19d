"""What a text shows: which classes, in which order, harmless for whom, and what to do on that machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.diagnose.support import ROWS, ids, only, read
from tests.support.machines import MACHINES
from tfbootstrap.diagnose.findings import Diagnosis
from tfbootstrap.diagnose.reading import KEPT_LINES, LONGEST_LINE
from tfbootstrap.diagnose.redaction import redact
from tfbootstrap.edges.machine import read_facts
from tfbootstrap.facts import Facts

MISSING = "Could not load dynamic library '{}'; dlerror: {}: cannot open shared object file: No such file or directory"
HEALTHY = sorted(Path(__file__).with_name("healthy").glob("*.txt"))
"""What whole runs printed: training, saving, loading, TensorBoard."""
NUMA = "successful NUMA node read from SysFS had negative value (-1), but there must be at least one NUMA node"
NO_DEVICE = "failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected"


def test_what_ends_the_program_comes_first_then_what_comes_first() -> None:
    text = "\n".join([NUMA, MISSING.format("libcudnn.so.8", "libcudnn.so.8"), NO_DEVICE, "Illegal instruction"])
    assert ids(read(text)) == ["illegal-instruction-avx", "missing-cuda-lib", "cuda-no-device", "harmless-numa"]


def test_the_library_after_dlerror_is_the_missing_one() -> None:
    finding = only(read(MISSING.format("libcusolver.so.11", "libnvJitLink.so.12")))
    assert finding.cause.startswith("libnvJitLink.so.12 ")


def test_the_same_words_are_harmless_for_tensorrt_and_not_for_cuda() -> None:
    report = read("\n".join(MISSING.format(name, name) for name in ("libnvinfer.so.7", "libcudart.so.11.0")))
    assert {finding.id: finding.harmless for finding in report.findings} == {
        "missing-cuda-lib": False,
        "harmless-tensorrt": True,
    }


def test_versions_are_looked_up() -> None:
    finding = only(read("Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0."))
    assert "is 9.1.0" in finding.cause
    assert finding.remarks == ("compiled with cuDNN 9.3: TensorFlow 2.18 to 2.21",)
    finding = only(read(MISSING.format("libcudart.so.11.0", "libcudart.so.11.0")))
    assert "can't use a GPU without libcudart.so.11.0" in finding.remarks[0]


def test_the_list_of_versions_tells_the_python() -> None:
    text = (
        "ERROR: Could not find a version that satisfies the requirement tensorflow==2.13.0 (from versions: 2.20.0rc0, "
        "2.20.0)\nERROR: No matching distribution found for tensorflow==2.13.0"
    )
    finding = only(read(text))
    assert "a list that begins with TensorFlow 2.20.0rc0 is that of Python 3.13" in finding.remarks
    assert any("TensorFlow 2.13.0 is for Python 3.8 to 3.11" in step for step in finding.fix)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mModuleNotFoundError\x1b[39m: No module named \x1b[1m'keras.src.engine'\x1b[0m",
        "2025-01-01T10:00:00Z ModuleNotFoundError: No module named 'keras.src.engine'\r\n",
        "progress 1\rprogress 2\rModuleNotFoundError: No module named 'keras.src.engine'",
        '{"log":"' + "x" * 300 + "\\nModuleNotFoundError: No module named 'keras.src.engine'\\n\"}",
        "x" * 3 * LONGEST_LINE + "ModuleNotFoundError: No module named 'keras.src.engine'" + "y" * 3 * LONGEST_LINE,
    ],
    ids=["colours", "timestamp", "progress", "json", "long-line"],
)
def test_what_surrounds_an_error_does_not_hide_it(text: str) -> None:
    assert only(read(text)).id == "keras-import"


@pytest.mark.parametrize(
    "before",
    [
        "2024-06-19 16:06:44.996032: ",
        "2024-06-19 16:06:44.996032: E external/local_xla/xla/stream_executor/cuda/cuda_driver.cc:152] ",
        "E0000 00:00:1738697930.202924    7665 cuda_driver.cc:522] ",
    ],
)
def test_colours_timestamps_and_origin_are_not_shown(before: str) -> None:
    finding = only(read(f"{before}\x1b[33m{NO_DEVICE}\x1b[0m"))
    assert finding.lines[0].text == NO_DEVICE


def test_lines_are_counted_from_one_and_not_all_kept() -> None:
    report = read("fine\n" + f"{NUMA}\n" * 50, block=7)
    finding = only(report)
    assert (report.lines_read, finding.count, finding.lines[0].number) == (51, 50, 2)
    assert len(finding.lines) <= KEPT_LINES


@pytest.mark.parametrize(
    "secret",
    ["jane", "s3cr3tpassw0rd", "hf_abcdefghijklmnopqrstuvwx", "jane.doe@corp.example", "Jane Doe"],
)
def test_secrets_are_not_repeated(secret: str) -> None:
    text = (
        "ImportError: /home/jane/env/x.so: version `GLIBC_2.29' not found (required by /home/jane/y.so)\n"
        "  ERROR: Failed building wheel for x from https://jane:s3cr3tpassw0rd@index.test/simple\n"
        "HF_TOKEN=hf_abcdefghijklmnopqrstuvwx Illegal instruction jane.doe@corp.example\n"
        "DLL load failed while importing _pywrap_tensorflow C:\\Users\\Jane Doe\\env\n"
    )
    shown = json.dumps([finding.to_json() for finding in read(text).findings], ensure_ascii=False)
    assert len(read(text).findings) == 3
    assert secret not in shown


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("hf_AbCdEfGhIjKlMnOpQrStUvWxYz12345678", "hf_"),
        ("dckr_pat_abcdefghijklmnopqrstuvwx", "dckr"),
        ("nvapi-abcdefghijklmnopqrstuvwxyz0123", "nvapi"),
        ("wandb: Appending key 0123456789abcdef0123456789abcdef01234567", "0123456789"),
        ('{"username":"x","key":"0123kaggle4567"}', "kaggle"),
        ("-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKC", "MIIE"),
        ("mysql --password hunter2", "hunter2"),
        ('the password is "hunter2"', "hunter2"),
        ("AccountName=x;AccountKey=abcDEF0123456789==", "abcDEF"),
        ("/home/mallory/x.py", "mallory"),
        ("/home2/mallory/x.py", "mallory"),
        ("/nfs/homes/mallory/x.py", "mallory"),
        ("/home/users/mallory/x.py", "mallory"),
        ("/scratch/mallory/x.py", "mallory"),
        ("/Users/mallory/Library/x", "mallory"),
        (r"c:\users\mallory smith\appdata\x", "mallory"),
        (r"C:\\Users\\mallory\\x", "mallory"),
        ("/mnt/c/Users/mallory/x", "mallory"),
        ("mallory@box:~$ python x.py", "mallor"),
        ("(base) mallory@box % python x.py", "mallory"),
        ("retrieving CUDA diagnostic information for host: box.lab", "box"),
        ("connected to 10.1.2.3:8080", "10.1.2.3"),
        ("mallory.smith@corp.example wrote", "smith"),
    ],
)
def test_secrets_of_common_kinds_are_hidden(text: str, secret: str) -> None:
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "/usr/local/lib/python3.11/dist-packages/keras/src/users/x.py",
        "nvidia-cudnn-cu12==8.9.7.29",
        "TensorBoard 2.19.0 at http://127.0.0.1:6006/",
        "tensorflow/tensorflow@ad6d8cc177d0c868982e39e0823d0efbfb95f04c",
        "the token is too long",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def machine(name: str) -> Facts:
    return read_facts(MACHINES / name / "facts.json")


def test_a_missing_library_is_harmless_only_where_there_is_no_gpu() -> None:
    text = MISSING.format("libcudart.so.11.0", "libcudart.so.11.0")
    assert only(read(text, machine("linux-plain-cpu"))).harmless
    assert not only(read(text, machine("linux-plain-a100"))).harmless
    assert not only(read(text)).harmless


def test_steps_are_those_of_the_machine() -> None:
    in_colab = only(read(NO_DEVICE, machine("linux-colab-t4"))).fix
    in_a_container = only(read(NO_DEVICE, machine("linux-container-without-gpus"))).fix
    assert any("Runtime > Change runtime type" in step for step in in_colab)
    assert any("docker run --gpus all" in step for step in in_a_container)
    assert not any("Runtime >" in step for step in in_a_container)
    assert not any("docker" in step for step in in_colab)


def test_the_text_itself_tells_the_machine() -> None:
    report = read(f"/content/drive/MyDrive/x.py\ntensorflow version: 2.15.0\nC:/x\n{NO_DEVICE}")
    assert (report.context.tensorflow, "colab" in report.context.situations) == ("2.15.0", True)
    assert any("Runtime > Change runtime type" in step for step in only(report).fix)


def test_there_are_thirty_logs_of_runs_that_went_well() -> None:
    assert len(HEALTHY) >= 30


@pytest.mark.parametrize("path", HEALTHY, ids=[path.stem for path in HEALTHY])
def test_nothing_ended_a_run_that_went_well(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [finding.id for finding in read(text).findings if finding.effect == "stops"] == []
    # On the machine that they come from, which has no GPU; one data set was made too short on purpose.
    serious = [finding.id for finding in read(text, machine("linux-plain-cpu")).findings if not finding.harmless]
    assert set(serious) <= {"input-ran-out"}


def test_a_sentence_speaks_of_one_version() -> None:
    mismatch = "Loaded runtime CuDNN library: {}.1.0 but source was compiled with: {}.3.0."
    assert "is 9.1.0; this" in only(read("\n".join(mismatch.format(major, major) for major in (9, 8)))).cause
    missing = "\n".join(MISSING.format(name, name) for name in ("libcudart.so.11.0", "libcublas.so.11"))
    assert only(read(missing)).cause.startswith("libcudart.so.11.0, libcublas.so.11 can't")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("AttributeError: module 'tensorflow' has no attribute 'train'", "shadowed-module"),
        ("ImportError: cannot import name 'Variable' from 'tensorflow' (/x/tensorflow.py)", "shadowed-module"),
        ("AttributeError: module 'tensorflow' has no attribute 'Session'", "tf1-code"),
        ("AttributeError: module 'tensorflow._api.v2.train' has no attribute 'AdamOptimizer'", "tf1-code"),
        ("AttributeError: module 'tensorflow._api.v2.experimental' has no attribute 'numpy'", "symbol-not-in-release"),
        ("AttributeError: module 'tensorflow' has no attribute 'no_release_has_this'", "symbol-not-in-release"),
    ],
)
def test_the_releases_that_have_a_name_tell_why_it_is_not_there(error: str, expected: str) -> None:
    assert only(read(error)).id == expected


def test_a_name_is_told_with_the_releases_that_have_it() -> None:
    finding = only(read("AttributeError: module 'tensorflow._api.v2.experimental' has no attribute 'numpy'"))
    assert "has no tf.experimental.numpy" in finding.cause
    assert finding.remarks == ("tf.experimental.numpy is in TensorFlow 2.4 to 2.21",)
    finding = only(read("AttributeError: module 'tensorflow' has no attribute 'Session'"))
    assert finding.remarks == ("tf.Session is in TensorFlow 1.15; later releases have tf.compat.v1.Session",)


def test_without_the_table_of_names_nothing_is_said_about_them() -> None:
    diagnosis = Diagnosis(ROWS)
    diagnosis.feed("AttributeError: module 'tensorflow' has no attribute 'Session'")
    finding = only(diagnosis.report())
    assert (finding.id, finding.remarks) == ("symbol-not-in-release", ())


@pytest.mark.parametrize("empty", ["[]", "[ ]", "Out[3]: []", "[]\r"])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_an_empty_list_belongs_to_the_line_before_it(empty: str, block: int) -> None:
    text = f">>> import tensorflow\n>>> tf.config.list_physical_devices('GPU')\n{empty}\n>>> \n"
    assert only(read(text, block=block)).id == "and-cuda-not-found"
    assert read(text.replace("[", "[1"), block=block).findings == ()


def test_nothing_is_found_in_a_healthy_log() -> None:
    lines = [f"{step}/1875 [=====>....] - ETA: 3s - loss: 0.{step} - accuracy: 0.98" for step in range(1000)]
    report = read("\n".join(["Epoch 1/3", *lines, "Model saved to /tmp/model.keras, no error"]))
    assert (report.findings, report.wanting) == ((), False)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400), st.integers(1, 50))
def test_any_text_is_read_and_blocks_do_not_matter(text: str, block: int) -> None:
    example = "\n".join(ROWS[len(text) % len(ROWS)].matches[0].text)
    whole = f"{text}\n{example}\n{text}"
    assert ids(read(whole, block=block)) == ids(read(whole))
