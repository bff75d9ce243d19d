"""A resolver's derivation in our words: which requirements of the user and which rows of the matrix meet. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from tfbootstrap.matrix.markers import applying
from tfbootstrap.plan.markers import runtime_environment
from tfbootstrap.plan.problem import DISTRIBUTION
from tfbootstrap.plan.records import Admission, Candidate, Conflict, Rejection
from tfbootstrap.request import WantedPackage

RULE = "requirements"

_BOUND = r"[\w.\-]+(?:\[[\w,.\- ]*\])?(?:[<>=!~]=?[\w.*+!]+(?:,[<>=!~]=?[\w.*+!]+)*)?"
_DEPENDS = re.compile(rf"(all versions of )?({_BOUND}) depends? on ({_BOUND})")
_FACTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(rf"({_BOUND}) was not found in the (?:package registry|provided package locations)"),
        "has no {0} at all",
    ),
    (re.compile(rf"there (?:is|are) no versions? of ({_BOUND})"), "has no {0}"),
    (re.compile(rf"only ({_BOUND}) is available"), "has {0} only"),
    (re.compile(rf"only the following versions of ({_BOUND}) are available"), "has no other versions of {0}"),
    (re.compile(rf"({_BOUND}) ha(?:s|ve) no (?:usable )?wheels"), "has no wheel of {0} for this runtime"),
)
"""What uv 0.8 to 0.13 says of the index, and how we say it after "the index"."""


def retell(derivation: str, admission: Admission) -> Conflict:
    """Return what meets: who asked for what, who needs what, and what the index lacks, each a sentence."""
    text = " ".join(derivation.split())
    named = _names_in(text)
    asked = [
        f"{_bare(wanted)} is asked for by {wanted.location}"
        for wanted in (*admission.request.packages, *admission.request.constraints)
        if wanted.name in named
    ]
    if DISTRIBUTION in named:
        asked += [f"tensorflow{wish.specifier} is asked for by {wish.said_by}" for wish in admission.request.tensorflow]
    lines = dict.fromkeys([*asked, *_needs(text), *_facts(text)])
    return Conflict(lines=tuple(lines), derivation=derivation)


def conflict_rejections(derivation: str, admission: Admission) -> tuple[Rejection, ...]:
    """Return one rejection for each candidate: what it needs of the packages that the derivation speaks of."""
    named = _names_in(" ".join(derivation.split()))
    asked = [
        f"{_bare(wanted)} ({wanted.location})"
        for wanted in (*admission.request.packages, *admission.request.constraints)
        if wanted.name in named
    ]
    return tuple(
        Rejection(
            tensorflow=candidate.row.version,
            rule=RULE,
            found=", ".join(asked) or "the other requirements",
            needed=", ".join(_bounds(candidate, admission, named)) or "requirements that can be met together",
            source=f"the published wheels of tensorflow {candidate.row.version}",
        )
        for candidate in admission.candidates
    )


def lacks_tensorflow(derivation: str) -> bool:
    """Say whether the derivation rests on an index that has no TensorFlow at all."""
    return any(_name(match[1]) == DISTRIBUTION for match in _FACTS[0][0].finditer(" ".join(derivation.split())))


def tied(derivation: str, admission: Admission) -> tuple[WantedPackage, ...]:
    """Return the user's requirements with a version that the derivation speaks of: loosening one may help."""
    named = _names_in(" ".join(derivation.split()))
    return tuple(
        wanted for wanted in admission.request.packages if wanted.name in named and str(wanted.requirement.specifier)
    )


def _names_in(text: str) -> frozenset[str]:
    return frozenset(canonicalize_name(word) for word in re.findall(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", text))


def _name(bound: str) -> str:
    return canonicalize_name(re.split(r"[\[<>=!~]", bound)[0])


def _bare(wanted: WantedPackage) -> str:
    return str(wanted.requirement).partition(";")[0].strip()


def _needs(text: str) -> Iterator[str]:
    for match in _DEPENDS.finditer(text):
        who = f"every version of {match[2]}" if match[1] else match[2]
        yield f"{who} needs {match[3]}" + (
            " (compat_matrix: tensorflow.yaml)" if _name(match[2]) == DISTRIBUTION else ""
        )


def _facts(text: str) -> Iterator[str]:
    for pattern, words in _FACTS:
        for match in pattern.finditer(text):
            yield f"the index {words.format(match[1])}"


def _bounds(candidate: Candidate, admission: Admission, named: frozenset[str]) -> Iterator[str]:
    facts = admission.facts
    metadata = candidate.row.metadata_for(f"{facts.platform.system}-{facts.platform.machine}", facts.python.minor)
    for requirement in applying(metadata.requires if metadata else (), runtime_environment(facts)):
        if canonicalize_name(requirement.name) in named:
            yield f"{requirement.name}{requirement.specifier}"
