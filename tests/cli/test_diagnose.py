"""`tfbootstrap diagnose` as a user runs it: from files, notebooks and standard input."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import Sandbox
from tests.support.machines import MACHINES
from tfbootstrap.errors import ExitCode

ALIAS = "AttributeError: module 'numpy' has no attribute 'object'."
ONEDNN = "oneDNN custom operations are on. You may see slightly different numerical results\n"


def diagnose(sandbox: Sandbox, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return sandbox.tfbootstrap("diagnose", *arguments, stdin=stdin)


def found(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert result.stderr == ""
    return [finding["class"] for finding in json.loads(result.stdout)["findings"]]


def test_json_has_its_keys(sandbox: Sandbox) -> None:
    result = diagnose(sandbox, "--json", stdin=f"{ONEDNN}{ALIAS}\n")
    first, second = json.loads(result.stdout)["findings"]
    assert (first["class"], first["harmless"]) == ("numpy-alias-removed", False)
    assert (second["class"], second["harmless"]) == ("harmless-onednn", True)
    assert "np.object" in first["cause"]
    assert "'numpy<1.24'" in first["fix"][0]
    assert first["lines"] == [{"number": 2, "text": ALIAS}]
    assert result.returncode == ExitCode.WANTING


def test_words_say_what_matters_and_what_does_not(sandbox: Sandbox) -> None:
    result = diagnose(sandbox, stdin=f"{ONEDNN}{ALIAS}\n")
    assert result.stdout.startswith("1. numpy-alias-removed: stops the program\n")
    assert f"   line 2: {ALIAS}\n" in result.stdout
    assert "harmless-onednn: harmless\n" in result.stdout


@pytest.mark.parametrize("text", ["", "all is well\n", "\x00\xff" * 1000])
def test_nothing_known_is_said_plainly(sandbox: Sandbox, text: str) -> None:
    result = diagnose(sandbox, "-", stdin=text)
    assert result.stdout.startswith("nothing known here")
    assert (result.returncode, result.stderr) == (ExitCode.DONE, "")


def test_noise_alone_is_no_failure(sandbox: Sandbox) -> None:
    result = diagnose(sandbox, stdin=ONEDNN)
    assert "not the cause of a failure" in result.stdout
    assert result.returncode == ExitCode.DONE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_of_windows_are_read(sandbox: Sandbox, encoding: str) -> None:
    log = sandbox.work / "log.txt"
    log.write_bytes(
        "你好 ImportError: DLL load failed while importing _pywrap_tensorflow_internal: 例程失败。\r\n".encode(encoding)
    )
    assert found(diagnose(sandbox, log, "--json")) == ["windows-dll-load-failed"]


def test_bytes_that_are_no_text_do_not_hide_an_error(sandbox: Sandbox) -> None:
    log = sandbox.work / "log.txt"
    log.write_bytes("DLL load failed while importing _pywrap_tensorflow_internal: 动态".encode("gbk") + b"\xff\n")
    assert found(diagnose(sandbox, log, "--json")) == ["windows-dll-load-failed"]


def notebook(*outputs: dict[str, Any]) -> str:
    code = {"cell_type": "code", "execution_count": 7, "metadata": {}, "source": [ALIAS], "outputs": list(outputs)}
    words = {"cell_type": "markdown", "metadata": {}, "source": "Illegal instruction"}
    return json.dumps({"cells": [words, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_gives_its_outputs_and_nothing_else(sandbox: Sandbox) -> None:
    error = {
        "output_type": "error",
        "ename": "E",
        "evalue": "x",
        "traceback": ["\x1b[31mImportError\x1b[0m", "DNN library is not found."],
    }
    stream = {"output_type": "stream", "name": "stderr", "text": ["oneDNN custom ", "operations are on\n"]}
    shown = {"output_type": "execute_result", "data": {"text/plain": "Illegal instruction"}}
    path = sandbox.work / "train.ipynb"
    path.write_text(notebook(stream, error, shown), encoding="utf-8")
    expected = ["dnn-library-not-found", "illegal-instruction-avx", "harmless-onednn"]
    assert found(diagnose(sandbox, path, "--json")) == expected
    assert found(diagnose(sandbox, "--json", stdin=path.read_text(encoding="utf-8"))) == expected


def test_a_log_that_begins_like_a_notebook_is_a_log(sandbox: Sandbox) -> None:
    path = sandbox.work / "log.json"
    path.write_text(f'{{"cells": 3, "message": "{ALIAS}"}}\n{{"cells": 4}}\n' * 2, encoding="utf-8")
    assert found(diagnose(sandbox, path, "--json")) == ["numpy-alias-removed"]


def test_an_error_without_traceback_is_read_too(sandbox: Sandbox) -> None:
    path = sandbox.work / "train.ipynb"
    path.write_text(
        notebook({"output_type": "error", "ename": "AttributeError", "evalue": ALIAS[16:]}), encoding="utf-8"
    )
    assert found(diagnose(sandbox, path, "--json")) == ["numpy-alias-removed"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("{", "is no notebook: it is no JSON"),
    ],
)
def test_what_cannot_be_read_is_named(sandbox: Sandbox, content: str | None, message: str) -> None:
    path = sandbox.work / "train.ipynb"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    result = diagnose(sandbox, path)
    assert result.returncode == ExitCode.USAGE
    assert message in result.stderr


def test_a_folder_is_no_log(sandbox: Sandbox) -> None:
    result = diagnose(sandbox, sandbox.work)
    assert (result.returncode, "this is a folder" in result.stderr) == (ExitCode.USAGE, True)


def test_a_notebook_without_cells_is_empty(sandbox: Sandbox) -> None:
    path = sandbox.work / "x.ipynb"
    path.write_text('{"cells": 3, "x": [1]}', encoding="utf-8")
    assert found(diagnose(sandbox, path, "--json")) == []


def test_facts_of_the_machine_are_heeded(sandbox: Sandbox) -> None:
    text = "failed call to cuInit: CUDA_ERROR_NO_DEVICE"
    facts = MACHINES / "linux-plain-cpu" / "facts.json"
    assert diagnose(sandbox, "--facts", facts, stdin=text).returncode == ExitCode.DONE
    assert diagnose(sandbox, stdin=text).returncode == ExitCode.WANTING
