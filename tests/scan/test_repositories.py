"""What public repositories that name their TensorFlow were found to need: the range holds what they pin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.scan.test_findings import scanned

TRIALS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "repositories.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("trial", TRIALS, ids=[trial["repository"] for trial in TRIALS])
def test_what_decides_gives_the_range_that_holds_the_pin(trial: dict[str, Any]) -> None:
    verdict, _ = scanned("\n".join(["import tensorflow as tf", *trial["decides"]]))
    assert verdict.fits == trial["fits"]
    assert SpecifierSet(trial["fits"]).contains(trial["pins"])
