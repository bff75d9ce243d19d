"""Named checks of what TensorFlow's page of tested configurations says, beside the releases."""

from __future__ import annotations

from collections.abc import Iterator

from tfbootstrap.edges.resources import load
from tfbootstrap.matrix.tensorflow import TensorflowMatrix
from tfbootstrap.matrix.tested import OfficialMatrix
from tfbootstrap.upkeep.lints import Finding, lint


@lint(OfficialMatrix)
def tested_releases_are_known(matrix: OfficialMatrix) -> Iterator[Finding]:
    """Every release of the page is in tensorflow.yaml."""
    releases = load(TensorflowMatrix)
    for index, row in enumerate(matrix.rows):
        if releases.row(row.tensorflow) is None:
            yield f"rows[{index}].tensorflow", f"tensorflow.yaml has no {row.tensorflow}"


@lint(OfficialMatrix)
def each_difference_has_its_word(matrix: OfficialMatrix) -> Iterator[Finding]:
    """Where the wheels say something else than the page, a word says why they are followed; and nowhere else."""
    releases = load(TensorflowMatrix)
    for index, row in enumerate(matrix.rows):
        release = releases.row(row.tensorflow)
        differences = row.differences(release) if release else ()
        if differences and not row.word:
            yield f"rows[{index}].word", f"is missing: the wheels say {'; '.join(differences)}"
        if release and row.word and not differences:
            yield f"rows[{index}].word", "explains nothing: the wheels agree with the page"
