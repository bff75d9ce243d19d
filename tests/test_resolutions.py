"""Situations that take a resolution against the real index; nothing is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.resolutions import (
    PUBLIC,
    RESOLUTIONS,
    check_outcome,
    read_resolution,
    resolution_names,
    resolve_it,
)
from tfbootstrap.errors import TfbootstrapError


@pytest.mark.online
@pytest.mark.parametrize("name", resolution_names(RESOLUTIONS))
def test_resolution(name: str) -> None:
    found = read_resolution(RESOLUTIONS / f"{name}.yaml")
    check_outcome(resolve_it(replace(found.options, dry_run=True, bootstrap=False)), found.expect)


@pytest.mark.online
@pytest.mark.parametrize("name", resolution_names(PUBLIC))
def test_public_requirements_lock_or_are_rejected_truly(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_resolution(PUBLIC / f"{name}.yaml")
    monkeypatch.chdir(tmp_path)
    Path("requirements.in").write_text("\n".join(found.lines) + "\n", encoding="utf-8")
    options = replace(found.options, files=("requirements.in",), dry_run=True, bootstrap=False)
    if found.expect.error is not None:
        with pytest.raises(TfbootstrapError) as raised:
            resolve_it(options)
        assert found.expect.error in str(raised.value)
        return
    check_outcome(resolve_it(options), found.expect)


@pytest.mark.parametrize("name", resolution_names(PUBLIC))
def test_public_requirements_name_tensorflow_and_their_source(name: str) -> None:
    found = read_resolution(PUBLIC / f"{name}.yaml")
    assert found.source
    assert any("tensorflow" in line for line in found.lines)


def test_there_are_twenty_public_requirement_sets() -> None:
    assert len(resolution_names(PUBLIC)) >= 20
