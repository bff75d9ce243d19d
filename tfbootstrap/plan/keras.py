"""Which Keras a plan ends up with, and what Keras 2 code has to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfbootstrap.matrix.companions import CompanionsMatrix
from tfbootstrap.matrix.gpu_code import minor_of
from tfbootstrap.plan.records import OTHER_TENSORFLOW, Admission, Plan, WayOut

LEGACY_DISTRIBUTION = "tf-keras"
SWITCH = "TF_USE_LEGACY_KERAS=1"
FIRST_WITH_KERAS_3 = Version("2.16")
"""From 2.16 on `tf.keras` is Keras 3 (TensorFlow's release notes of 2.16.1)."""


def keras_major(tensorflow: str) -> int:
    """Return the major version of the Keras that `tf.keras` is, unless TF_USE_LEGACY_KERAS says otherwise."""
    return 2 if Version(tensorflow) < FIRST_WITH_KERAS_3 else 3


def with_keras_notes(plan: Plan, companions: CompanionsMatrix) -> Plan:
    """Return a plan that says what Keras 2 needs, where something in it is Keras 2 or wants it."""
    tensorflow = plan.candidate.row.version
    if keras_major(tensorflow) == 2:
        return plan
    legacy = plan.pins.get(LEGACY_DISTRIBUTION)
    reasons = (
        (f"{LEGACY_DISTRIBUTION} {legacy} is Keras 2; set {SWITCH} before the first import, or tf.keras is Keras 3",)
        if legacy
        else ()
    )
    warnings = () if legacy else tuple(_wanting(plan.pins, tensorflow, companions))
    return replace(plan, reasons=(*plan.reasons, *reasons), warnings=(*plan.warnings, *warnings))


def keras_2_ways(admission: Admission) -> Iterator[WayOut]:
    """Yield what to ask for instead of keras<3 beside a TensorFlow that requires Keras 3."""
    newest = admission.candidates[0].row.version
    asked = [wanted for wanted in admission.request.packages if wanted.name == "keras"]
    only_2 = [wanted for wanted in asked if not wanted.requirement.specifier.contains("3.999", prereleases=True)]
    if keras_major(newest) > 2 and only_2 and _is_2(str(only_2[0].requirement.specifier)):
        minor = minor_of(newest)
        yield WayOut(
            text=(
                f"Keras 2 beside TensorFlow {minor} is {LEGACY_DISTRIBUTION}: ask for {LEGACY_DISTRIBUTION}~={minor}.0 "
                f"instead of {only_2[0].requirement}, and set {SWITCH} before the first import"
            ),
            command="",
            cost=OTHER_TENSORFLOW,
        )


def _is_2(specifier: str) -> bool:
    """Say whether every version that a specifier names as a ceiling or a pin is of Keras 2 or 3.0."""
    ceilings = [clause for clause in SpecifierSet(specifier) if clause.operator in ("<", "<=", "==", "~=")]
    return bool(ceilings) and all(Version(one.version.removesuffix(".*")) <= Version("3.0") for one in ceilings)


def _wanting(pins: Mapping[str, str], tensorflow: str, companions: CompanionsMatrix) -> Iterator[str]:
    for row in companions.rows:
        version = pins.get(row.name)
        if version and row.needs_legacy_keras(version):
            minor = minor_of(tensorflow)
            yield (
                f"{row.name} {version} works with Keras 2: ask for {LEGACY_DISTRIBUTION}~={minor}.0 too, and set "
                f"{SWITCH} before the first import"
            )
