"""What a conflict means for the user: the ways out are those that a further resolution confirms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.test_admission import KNOWLEDGE, ask, facts
from tests.plan.test_markers import wanted
from tfbootstrap.app.conflicts import explain_conflict
from tfbootstrap.errors import EngineConflictError, PackageIndexError
from tfbootstrap.explain import rejections_text
from tfbootstrap.plan.admission import admit
from tfbootstrap.plan.records import Admission

BOUNDS = """\
Because all versions of oldnumpy depend on numpy<1.25 and tensorflow>=2.19.0,<=2.19.1
         depends on numpy>=1.26.0,<2.2.0, we can conclude that all versions of oldnumpy and
         tensorflow>=2.19.0,<=2.19.1 are incompatible.
         And because you require oldnumpy and pandas[excel]>=3, we can conclude that your requirements are
         unsatisfiable.
"""


def admission(*lines: str, tensorflow: str = "2.19") -> Admission:
    request = wanted(*lines)
    return admit(facts(), KNOWLEDGE, replace(request, tensorflow=(*ask(tensorflow).tensorflow, *request.tensorflow)))


def test_an_index_without_tensorflow_is_no_conflict() -> None:
    conflict = EngineConflictError("no", "Because tensorflow was not found in the package registry")
    with pytest.raises(PackageIndexError, match=r"index\.test/simple: it has no tensorflow"):
        explain_conflict(conflict, admission(), KNOWLEDGE, lambda _: "2.20.0", "https://index.test/simple")


def test_the_ways_out_are_those_that_resolve() -> None:
    def resolve(tried: Admission) -> str:
        if any(str(one.requirement.specifier) for one in tried.request.packages):
            raise EngineConflictError("no", "no")
        return tried.candidates[0].row.version

    conflict = EngineConflictError("no", BOUNDS)
    found = explain_conflict(conflict, admission("oldnumpy", "pandas>=3"), KNOWLEDGE, resolve, "the default index")
    assert [(way.text, way.command) for way in found.ways_out] == [
        ("without the bound of pandas>=3 (a.in:2): TensorFlow 2.19.1 can be had then", "")
    ]
    text = rejections_text(found, runtime="here")
    assert text.startswith("the requirements can't all be met together\n  oldnumpy is asked for by a.in:1\n")
    assert "  without the bound of pandas>=3 (a.in:2): TensorFlow 2.19.1 can be had then\nthe resolver's" in text
    assert text.endswith("  unsatisfiable.")
    free = explain_conflict(conflict, admission("oldnumpy"), KNOWLEDGE, resolve, "the default index")
    (way,) = free.ways_out
    assert way.text.startswith("another TensorFlow: ")
    assert "--tensorflow=" in way.command
    undecided = replace(admission("oldnumpy"), request=wanted("oldnumpy"))
    assert explain_conflict(conflict, undecided, KNOWLEDGE, resolve, "the default index").ways_out == ()
