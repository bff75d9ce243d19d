"""Packages of another TensorFlow than the installed one, and which Keras is there. Layer 2: pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from tfbootstrap.diagnose.context import DISTRIBUTIONS
from tfbootstrap.doctor.packages import keras_is_of_another_major
from tfbootstrap.doctor.records import Case, Finding
from tfbootstrap.matrix.companions import CompanionRow, Tie
from tfbootstrap.matrix.gpu_code import minor_of

SWITCH = "TF_USE_LEGACY_KERAS"
SWITCHED_ON = ("1", "true", "True")
LEGACY = "tf-keras"
BACKEND_MODULES = {"jax": "jax", "torch": "torch", "tensorflow": None, "openvino": "openvino"}
"""What KERAS_BACKEND may say -> the distribution that it takes; None: TensorFlow itself."""
_WORDS = {
    "abi": "is compiled for TensorFlow {tie}",
    "import-check": "refuses to be imported beside any TensorFlow but {tie}",
    "metadata": "requires TensorFlow {tie}",
    "tested": "was tested with TensorFlow {tie}",
    "needs": "needs TensorFlow {tie}",
}


def check_companions(case: Case) -> Iterator[Finding]:
    """Find packages that go with another TensorFlow."""
    if case.tensorflow is None:
        return
    for row in case.tables.companions.rows:
        version = case.versions.get(row.name)
        if version is None or (row.name == "keras" and keras_is_of_another_major(case)):
            continue
        try:
            broken = row.broken_ties(Version(version).public, case.tensorflow.version, _extras(row, version))
        except InvalidVersion:
            continue
        if broken:
            yield _companion(case, row, version, broken)


def _extras(row: CompanionRow, version: str) -> list[str]:
    """Return the extras that only bring TensorFlow: of what has ended, their bounds are the last word."""
    return [tie.extra for tie in row.ties_of(version) if row.ended and tie.extra and "tensorflow" in tie.extra]


def _companion(case: Case, row: CompanionRow, version: str, broken: tuple[Tie, ...]) -> Finding:
    assert case.tensorflow is not None
    tested_only = all(tie.kind == "tested" for tie in broken)
    fitting = fitting_versions(row, case.tensorflow.version)
    advice = tuple(filter(None, [_ended(row), *(tie.note for tie in broken)]))
    if not fitting:
        none = f"no {row.name} that we know of goes with TensorFlow {case.tensorflow.version}"
        advice = (f"{none}: do without it, or take the TensorFlow that it goes with", *advice)
    return Finding(
        id="companion-of-another-tensorflow",
        severity="note" if tested_only else "error",
        summary=f"{row.name} {version} does not go with TensorFlow {case.tensorflow.version}",
        evidence=tuple(
            f"{row.name} {version} {_WORDS[tie.kind].format(tie=tie.tensorflow)}"
            + (f" ({tie.source})" if tie.source else "")
            for tie in broken
        ),
        commands=(case.shell.install(f"{row.name}{fitting}"),) if fitting and not tested_only else (),
        advice=advice,
        diagnosis="abi-undefined-symbol" if any(tie.kind == "abi" for tie in broken) else None,
    )


def fitting_versions(row: CompanionRow, tensorflow: str) -> SpecifierSet | None:
    """Return the newest range of versions that goes with a TensorFlow; None where no row knows one."""
    ties = [tie for tie in row.all_ties() if tie.kind != "tested"]
    for tie in reversed(ties):
        versions = [clause.version for clause in SpecifierSet(tie.versions) if "*" not in clause.version]
        newest = max(versions, key=Version, default=None)
        if tie.allows(tensorflow) and newest and not row.broken_ties(newest, tensorflow):
            return SpecifierSet(tie.versions)
    return None


def _ended(row: CompanionRow) -> str | None:
    if row.ended is None:
        return None
    successor = f"; {row.successor} takes its place" if row.successor else ""
    return f"{row.name} has ended with {row.ended.last}: {row.ended.note}{successor}"


def check_keras(case: Case) -> Iterator[Finding]:
    """Find a Keras of another major, and Keras 2 that is wanted and not there."""
    if case.tensorflow is None:
        return
    if keras_is_of_another_major(case):
        yield _other_major(case)
    row = case.tables.companions.keras_of(case.tensorflow.version)
    switched = case.facts.environment.get(SWITCH) in SWITCHED_ON
    if row is not None and row.switch:
        yield from _legacy(case, switched=switched)
    elif switched:
        yield Finding(
            id="legacy-keras-switch-unused",
            severity="note",
            summary=f"{SWITCH} is set, and TensorFlow {case.tensorflow.version} does not know it",
            evidence=(f"{SWITCH}={case.facts.environment[SWITCH]}",),
        )
    yield from _backend(case)


def _other_major(case: Case) -> Finding:
    assert case.tensorflow is not None
    row = case.tables.companions.keras_of(case.tensorflow.version)
    assert row is not None
    minor = minor_of(case.tensorflow.version)
    wanted = f"keras=={minor}.*" if row.major == "2" else "keras>=3"
    beside = f"keras {case.versions['keras']} is beside TensorFlow {case.tensorflow.version}"
    return Finding(
        id="keras-major",
        severity="error",
        summary=f"{beside}, which takes Keras {row.major}",
        evidence=(f"{row.note or 'tf.keras is the distribution keras'} ({row.source})",),
        commands=(case.shell.install(wanted),),
        diagnosis="keras-import",
    )


def _legacy(case: Case, *, switched: bool) -> Iterator[Finding]:
    assert case.tensorflow is not None
    wanted = f"{LEGACY}~={minor_of(case.tensorflow.version)}.0"
    if switched and LEGACY not in case.versions:
        yield Finding(
            id="legacy-keras-missing",
            severity="error",
            summary=f"{SWITCH} asks for tf-keras, which is not installed: tf.keras can't be imported",
            evidence=(f"{SWITCH}={case.facts.environment[SWITCH]}",),
            commands=(case.shell.install(wanted),),
            advice=(f"or unset {SWITCH}",),
            diagnosis="keras-import",
        )
    needing = [
        row.name
        for row in case.tables.companions.rows
        if row.name in case.versions and row.needs_legacy_keras(case.versions[row.name])
    ]
    if minor_is_keras_3(case) and needing and not (switched and LEGACY in case.versions):
        yield Finding(
            id="legacy-keras-wanted",
            severity="note",
            summary=f"{', '.join(needing)} work with Keras 2 only, and tf.keras is Keras 3 here",
            evidence=tuple(f"{name} {case.versions[name]}" for name in needing),
            commands=(
                *([] if LEGACY in case.versions else [case.shell.install(wanted)]),
                case.shell.variable(SWITCH, "1"),
            ),
            advice=("set the variable before the first import of TensorFlow",),
        )


def minor_is_keras_3(case: Case) -> bool:
    """Say whether `tf.keras` of the installed TensorFlow is Keras 3."""
    row = case.tables.companions.keras_of(case.tensorflow.version) if case.tensorflow else None
    return row is not None and row.major == "3"


def _backend(case: Case) -> Iterator[Finding]:
    chosen = case.facts.environment.get("KERAS_BACKEND", "")
    needed = BACKEND_MODULES.get(chosen, chosen)
    keras_3 = case.versions.get("keras", "2").split(".")[0] == "3"
    if chosen and keras_3 and needed is not None and needed not in {*case.versions, *DISTRIBUTIONS}:
        yield Finding(
            id="keras-backend-missing",
            severity="error",
            summary=f"KERAS_BACKEND chooses {chosen}, which is not installed: keras can't be imported",
            evidence=(f"KERAS_BACKEND={chosen}",),
            commands=(case.shell.variable("KERAS_BACKEND", "tensorflow"),),
        )
