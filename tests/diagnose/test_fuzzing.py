"""No text, however strange, makes it fail or takes long."""

from __future__ import annotations

import pytest

from tests.diagnose.fuzzing import fuzz


@pytest.mark.slow
def test_no_text_makes_it_fail_or_slow() -> None:
    assert fuzz(20, start=1) > 0


def test_a_few_texts_do_not_make_it_fail_or_slow() -> None:
    assert fuzz(0.1, start=0) > 0
