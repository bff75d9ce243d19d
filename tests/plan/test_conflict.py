"""What a resolver says when requirements can't meet, retold; the derivations are uv's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from tests.plan.test_bounds import KNOWLEDGE, ask, linux
from tfbootstrap.errors import Location
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.conflict import conflict_rejections, lacks_tensorflow, retell, tied
from tfbootstrap.plan.records import Admission
from tfbootstrap.request import WantedPackage

NUMPY = (
    "Because tensorflow==2.20.0 depends on numpy>=1.26.0 and you require\n    numpy<1.26, we can conclude that your "
    "requirements and tensorflow==2.20.0 are incompatible."
)


def admission(*packages: str, constraint: str | None = None) -> Admission:
    request = ask("2.20.0", *packages)
    if constraint:
        wanted = WantedPackage(requirement=Requirement(constraint), location=Location("bounds.txt", 3))
        request = replace(request, constraints=(wanted,))
    return admit(linux("3.12"), KNOWLEDGE, request)


def test_who_asked_is_told_before_who_needs() -> None:
    told = retell(NUMPY, admission("numpy<1.26 ; python_version > '3'", "six", constraint="numpy<1.25"))
    assert told.lines == (
        "numpy<1.26 is asked for by x",
        "numpy<1.25 is asked for by bounds.txt:3",
        "tensorflow==2.20.0 is asked for by --tensorflow",
        "tensorflow==2.20.0 needs numpy>=1.26.0 (compat_matrix: tensorflow.yaml)",
    )
    assert told.derivation == NUMPY


@pytest.mark.parametrize(
    ("derivation", "line"),
    [
        ("Because six was not found in the package registry", "the index has no six at all"),
        ("Because six was not found in the provided package locations", "the index has no six at all"),
        ("Because there is no version of six>=9", "the index has no six>=9"),
        ("Because only six<=1.17.0 is available", "the index has six<=1.17.0 only"),
        (
            "Because only the following versions of numpy are available: numpy==1",
            "the index has no other versions of numpy",
        ),
        (
            "Because all versions of tensorflow-addons have no wheels with a matching Python ABI tag (e.g., `cp312`)",
            "the index has no wheel of tensorflow-addons for",
        ),
        ("Because jaxlib==0.4 has no wheels with a matching platform tag", "the index has no wheel of jaxlib==0.4 for"),
        ("Because all versions of addons depend on numpy<1.24", "every version of addons needs numpy<1.24"),
    ],
)
def test_what_the_index_lacks_is_told(derivation: str, line: str) -> None:
    (told,) = retell(derivation, admission()).lines
    assert told.startswith(line)


def test_words_that_nobody_knows_stay_with_the_derivation() -> None:
    told = retell("The moon is full", admission("six"))
    assert (told.lines, told.derivation) == ((), "The moon is full")


def test_a_candidate_is_rejected_for_what_the_derivation_speaks_of() -> None:
    (rejected,) = conflict_rejections(NUMPY, admission("numpy<1.26"))
    assert (rejected.rule, rejected.found, rejected.needed) == ("requirements", "numpy<1.26 (x)", "numpy>=1.26.0")


def test_a_derivation_of_nothing_known_still_rejects() -> None:
    (rejected,) = conflict_rejections("The moon is full", admission())
    assert rejected.found == "the other requirements"
    assert rejected.needed == "requirements that can be met together"


def test_an_index_without_tensorflow_is_told_apart() -> None:
    assert lacks_tensorflow("Because tensorflow was not found in the\npackage registry")
    assert not lacks_tensorflow("Because six was not found in the package registry")


def test_only_requirements_with_a_version_are_worth_loosening() -> None:
    found = tied("six and numpy and pandas", admission("numpy<1.26", "six", "rich<14"))
    assert [one.name for one in found] == ["numpy"]
