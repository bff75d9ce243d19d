"""`tfbootstrap lock` where a proof speaks: at once, offline, and told; never against the user's own indexes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.environment import REPOSITORY, Sandbox
from tests.support.loopback_index import LoopbackIndex
from tests.support.tiny_tensorflow import fill_with_tensorflow
from tfbootstrap.edges.proofs import read_proofs
from tfbootstrap.lock import read_lock
from tfbootstrap.matrix.proofs import Proof

MATRIX = REPOSITORY / "compat_matrix"
PROOFS = tuple(proof for proof in read_proofs(MATRIX) if proof.result == "passed")
NEWEST = PROOFS[-1]


def lock(sandbox: Sandbox, proof: Proof, *more: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    arguments = [f"--tensorflow={proof.tensorflow}", f"--python={proof.python}", "--runtime=linux-cpu", *more]
    return sandbox.tfbootstrap("lock", *arguments, variables={"UV_NO_CACHE": "1", **variables})


def written(sandbox: Sandbox) -> str:
    return (sandbox.work / "requirements.txt").read_text(encoding="utf-8")


def versions(text: str) -> Mapping[str, str]:
    return {pin.name: pin.version for pin in read_lock(text, "requirements.txt").pins}


@pytest.mark.parametrize("proof", PROOFS[:: max(1, len(PROOFS) // 6)], ids=lambda proof: proof.name)
def test_a_proven_lock_needs_no_index_and_no_cache(sandbox: Sandbox, proof: Proof) -> None:
    result = lock(sandbox, proof, "--offline")
    assert result.returncode == 0, result.stderr
    assert "every pin is proven" in result.stderr
    found = read_lock(written(sandbox), "requirements.txt")
    assert {pin.name: (pin.version, pin.hashes) for pin in found.pins} == {
        pin.name: (pin.version, pin.hashes) for pin in proof.packages
    }
    assert (found.header.proven, found.header.unproven) == (proof.proven, ())


def test_a_second_run_and_a_check_find_nothing_to_change(sandbox: Sandbox) -> None:
    lock(sandbox, NEWEST, "--offline")
    before = written(sandbox)
    assert "unchanged requirements.txt" in lock(sandbox, NEWEST, "--offline").stderr
    assert written(sandbox) == before
    assert sandbox.tfbootstrap("lock", "--check").returncode == 0


@pytest.mark.parametrize("variables", [{"UV_EXCLUDE_NEWER": "2020-01-01T00:00:00Z"}, {"PIP_NO_INDEX": "1"}])
def test_what_the_user_hides_of_the_public_index_is_no_proof_s_to_serve(
    sandbox: Sandbox, variables: Mapping[str, str]
) -> None:
    result = lock(sandbox, NEWEST, "--offline", **variables)
    assert result.returncode == 4, result.stderr
    assert not (sandbox.work / "requirements.txt").exists()


def test_json_names_the_proof(sandbox: Sandbox) -> None:
    (target,) = json.loads(lock(sandbox, NEWEST, "--offline", "--json").stdout)["targets"]
    assert (target["proven"], target["unproven"]) == (NEWEST.proven, [])


def test_upgrade_asks_the_index(sandbox: Sandbox) -> None:
    result = lock(sandbox, NEWEST, "--offline", "--upgrade")
    assert result.returncode == 4
    sandbox.assert_nothing_left()


def test_an_index_in_place_of_the_public_one_decides_and_what_deviates_is_named(
    sandbox: Sandbox, loopback_index: LoopbackIndex
) -> None:
    fill_with_tensorflow(loopback_index)
    proof = next(proof for proof in PROOFS if proof.tensorflow == "2.20.0")
    result = lock(sandbox, proof, UV_DEFAULT_INDEX=loopback_index.simple_url)
    assert result.returncode == 0, result.stderr
    assert "proven but for" in result.stderr
    header = read_lock(written(sandbox), "requirements.txt").header
    assert header.proven == proof.proven
    assert "numpy" in header.unproven
    assert "tensorflow" not in header.unproven


def test_a_proof_that_was_edited_is_refused(sandbox: Sandbox) -> None:
    copy = sandbox.root / "matrix"
    shutil.copytree(MATRIX, copy)
    path = copy / "proofs" / NEWEST.file_name
    path.write_text(path.read_text(encoding="utf-8").replace("six==1.17.0", "six==1.16.0"), encoding="utf-8")
    result = lock(sandbox, NEWEST, "--offline", f"--matrix={copy}")
    assert result.returncode == 2
    assert f"proofs/{NEWEST.file_name}" in result.stderr
    assert "not what was proven" in result.stderr
    sandbox.assert_nothing_left()


def test_a_matrix_without_proofs_asks_the_index(sandbox: Sandbox) -> None:
    copy = sandbox.root / "matrix"
    shutil.copytree(MATRIX, copy, ignore=shutil.ignore_patterns("proofs"))
    assert lock(sandbox, NEWEST, "--offline", f"--matrix={copy}").returncode == 4


def test_proofs_are_small_and_named_as_their_cells() -> None:
    files = list(Path(MATRIX / "proofs").iterdir())
    assert sum(file.stat().st_size for file in files) < 2 * 1024 * 1024
    assert {file.name for file in files} == {proof.file_name for proof in read_proofs(MATRIX)}


@pytest.fixture
def copied_matrix(sandbox: Sandbox) -> Path:
    """Return a copy of the shipped matrix that a test may change."""
    return Path(shutil.copytree(MATRIX, sandbox.root / "matrix"))


def test_a_changed_bound_makes_the_locks_stale_that_it_decided(sandbox: Sandbox, copied_matrix: Path) -> None:
    proof = next(proof for proof in PROOFS if proof.tensorflow == "2.20.0")
    lock(sandbox, proof, "--offline")
    path = copied_matrix / "bounds.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('bad: "82.0.0"', 'bad: "82.0.1"'), encoding="utf-8")
    result = sandbox.tfbootstrap("lock", "--check", f"--matrix={copied_matrix}")
    assert result.returncode == 1
    assert "the matrix row bounds:setuptools-82-tensorboard has changed" in result.stderr
    assert "hub" not in result.stderr


def test_pins_that_became_known_bad_make_a_lock_stale_and_are_not_locked_again(
    sandbox: Sandbox, copied_matrix: Path
) -> None:
    proof = next(proof for proof in PROOFS if proof.tensorflow == "2.20.0")
    lock(sandbox, proof, "--offline")
    path = copied_matrix / "known_bad.yaml"
    text = path.read_text(encoding="utf-8")
    row = text[text.index("  - id: tensorflow-cpu-beside") : text.index("  - id: tensorflow-gpu-beside")]
    row = row.replace("tensorflow-cpu-beside", "tensorflow-x").replace('tensorflow-cpu: ">=0"', 'six: ">=1"')
    path.write_text(text + row, encoding="utf-8")
    result = sandbox.tfbootstrap("lock", "--check", f"--matrix={copied_matrix}")
    assert result.returncode == 1
    assert "what it pins has become known to be broken" in result.stderr
    again = lock(sandbox, proof, "--offline", f"--matrix={copied_matrix}")
    assert again.returncode == 3
    assert "tensorflow-x" in again.stderr
    assert "Traceback" not in again.stderr
