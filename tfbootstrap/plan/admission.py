"""Which TensorFlow versions may serve a runtime and a request: rule by rule, each rejection with its reason. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from packaging.tags import Tag
from packaging.version import Version

from tfbootstrap.errors import UnsatisfiableError, UsageError
from tfbootstrap.facts import Facts, Gpu
from tfbootstrap.matrix.tensorflow import CUDA_EXTRA, TensorflowMatrix, TensorflowRow, tag_platforms, tag_pythons
from tfbootstrap.plan.bounds import missing_bounds, published_requirements
from tfbootstrap.plan.companions import companion_bounds
from tfbootstrap.plan.cuda_source import choose_cuda
from tfbootstrap.plan.distributions import (
    cpu_reason,
    naming_other_builds,
    needs_distributions,
    platform_of,
    stand_in_rejection,
)
from tfbootstrap.plan.gpu import judge_gpus
from tfbootstrap.plan.knowledge import Knowledge, Part
from tfbootstrap.plan.known_bad import known_bad_bounds, known_bad_rejection, situation_of
from tfbootstrap.plan.records import Admission, Candidate, Rejection, reject
from tfbootstrap.plan.tags import tag_fits, target_tags
from tfbootstrap.request import Request

Rule = Callable[[TensorflowRow, Facts, frozenset[Tag]], Rejection | None]


def admit(facts: Facts, knowledge: Knowledge, request: Request) -> Admission:
    """Return the versions that may serve, newest first, and why the others asked for may not.

    Raises UsageError where no release at all has a version that was asked for.
    """
    refuse_unknown_gpus(facts, request)
    asked = _asked(knowledge.tensorflow, request)
    _refuse_unknown_extras(request, asked)
    accepted = target_tags(facts)
    gpus = gpus_to_use(facts, request)
    judged = [
        _tightened(_judge(row, facts, accepted, gpus, knowledge, request), facts, gpus, knowledge, request)
        for row in reversed(asked)
    ]
    return Admission(
        facts=facts,
        request=request,
        gpus=gpus,
        candidates=tuple(one for one in judged if isinstance(one, Candidate)),
        rejected=tuple(one for one in judged if isinstance(one, Rejection)),
    )


def _judge(
    row: TensorflowRow,
    facts: Facts,
    accepted: frozenset[Tag],
    gpus: tuple[Gpu, ...],
    knowledge: Knowledge,
    request: Request,
) -> Candidate | Rejection:
    if rejection := _rejection(row, facts, accepted, knowledge):
        return rejection
    if not gpus and not _wants_wheels(request):
        reason = cpu_reason(row, facts, request, knowledge)
        return Candidate(row=row, cuda_provider="none", reasons=(reason,), warnings=_unused_tpu(facts))
    assert knowledge.hardware is not None, "who plans asks `parts_needed` first"
    verdict = judge_gpus(row, facts, gpus, knowledge.hardware)
    if isinstance(verdict, Rejection):
        return verdict
    source = choose_cuda(row, facts, gpus, request, knowledge.hardware)
    if isinstance(source, Rejection):
        return source
    return Candidate(
        row=row,
        cuda_provider=source.provider,
        cuda_requirements=source.requirements,
        loader_links=source.loader_links,
        driver_floor=verdict.driver_floor,
        reasons=(source.reason, *verdict.reasons),
        warnings=(*verdict.warnings, *source.warnings),
    )


def _rejection(row: TensorflowRow, facts: Facts, accepted: frozenset[Tag], knowledge: Knowledge) -> Rejection | None:
    """Return why no wheel of a release serves a runtime, GPUs apart."""
    rejections = (rule(row, facts, accepted) for rule in RULES)
    rejection = next((one for one in rejections if one), None)
    if rejection is None:
        return stand_in_rejection(row, facts, accepted, knowledge.distributions)
    if rejection.rule == "platform":
        return naming_other_builds(rejection, row, facts, knowledge.distributions)
    return rejection


def refuse_unknown_gpus(facts: Facts, request: Request) -> None:
    """Refuse to plan for the CPU where there may be a GPU: that would be the silent fall back that nobody wants.

    Raises UnsatisfiableError where a GPU or its driver does not answer, UsageError where nobody could ask. Where no
    TensorFlow in question uses a GPU anyway, there is nothing to lose.
    """
    platform = (facts.platform.system, facts.platform.machine)
    if request.gpu == "none" or request.cuda == "none" or platform != ("linux", "x86_64"):
        return
    reason = facts.unknown.get("gpus") or facts.unknown.get("driver") or "nothing answered"
    if facts.gpu_status == "broken":
        raise UnsatisfiableError(
            f"there is a GPU or a driver that does not answer: {reason}",
            hint="mend the driver, name the GPU (--gpu NAME --driver VERSION), or lock for the CPU with --gpu none",
        )
    if facts.gpu_status == "unknown":
        raise UsageError(
            f"whether that runtime has a GPU is not known: {reason}",
            hint="name the GPU and its driver (--gpu T4 --driver 550.54.15), or lock for the CPU with --gpu none",
        )


def _tightened(
    judged: Candidate | Rejection, facts: Facts, gpus: tuple[Gpu, ...], knowledge: Knowledge, request: Request
) -> Candidate | Rejection:
    """Return a candidate with the bounds that the matrix adds, or why a known-bad combination refuses it."""
    if isinstance(judged, Rejection):
        return judged
    situation = situation_of(judged.row.version, facts, judged.cuda_provider, gpus)
    requires = published_requirements(judged.row, facts, knowledge.distributions)
    return known_bad_rejection(situation, knowledge.known_bad) or replace(
        judged,
        bounds=missing_bounds(
            requires, judged.row.version, facts, knowledge.bounds, [wanted.name for wanted in request.packages]
        ),
        avoided=known_bad_bounds(situation, requires, knowledge.known_bad),
        companion_bounds=(
            companion_bounds(request, judged.row.version, knowledge.companions) if knowledge.companions else ()
        ),
    )


def gpus_to_use(facts: Facts, request: Request) -> tuple[Gpu, ...]:
    """Return the GPUs that TensorFlow is to use: those of the runtime that are not hidden, unless the CPU is asked for.

    `CUDA_VISIBLE_DEVICES` hides GPUs: empty or -1 all of them, else those that it does not name by number or UUID.
    """
    if request.gpu == "none" or request.cuda == "none":
        return ()
    visible = facts.environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None or request.gpu != "auto":
        return facts.gpus
    named: list[Gpu] = []
    for part in (part.strip() for part in visible.split(",")):
        found = [gpu for number, gpu in enumerate(facts.gpus) if part == str(number) or _is_uuid(part, gpu)]
        if not found:
            break  # CUDA takes no device that follows one it does not know
        named += found
    return tuple(named)


def _is_uuid(part: str, gpu: Gpu) -> bool:
    return bool(gpu.uuid) and part.startswith("GPU-") and (gpu.uuid or "").startswith(part)


TPU_SIGNS = ("COLAB_TPU_ADDR", "TPU_ACCELERATOR_TYPE", "TPU_NAME", "TPU_WORKER_ID")
"""Environment variables of hosts with a TPU."""


def _unused_tpu(facts: Facts) -> tuple[str, ...]:
    sign = next((name for name in TPU_SIGNS if name in facts.environment), None)
    if sign is None:
        return ()
    images = "; Colab's images for TPUs come without TensorFlow" if facts.host.kind == "colab" else ""
    return (f"this host has a TPU ({sign} is set), which TensorFlow's wheels don't use: the CPU is planned{images}",)


def parts_needed(facts: Facts, request: Request) -> frozenset[Part]:
    """Return the parts of the matrix that planning looks at besides the releases and their bounds."""
    needed: dict[Part, bool] = {
        "hardware": bool(gpus_to_use(facts, request)) or _wants_wheels(request),
        "distributions": needs_distributions(facts, request),
        "companions": bool(request.packages) or platform_of(facts) == "macos-arm64",
    }
    return frozenset(part for part, is_needed in needed.items() if is_needed)


def _wants_wheels(request: Request) -> bool:
    return request.gpu != "none" and (request.cuda in ("wheels", "system") or request.wants_cuda_extra)


def _asked(matrix: TensorflowMatrix, request: Request) -> tuple[TensorflowRow, ...]:
    """Return the rows that the request names, oldest first; pre-releases and yanked ones only where it names them."""
    rows = matrix.matching(request.specifier, prereleases=_names_prerelease(request))
    rows = tuple(row for row in rows if not row.yanked or _pins(request, row))
    if rows:
        return rows
    for wish in request.tensorflow:
        if not matrix.matching(wish.specifier, prereleases=True):
            raise UsageError(
                f"no TensorFlow release that the matrix knows ({matrix.rows[0].version} to {matrix.rows[-1].version}) "
                f"satisfies {wish.specifier} (asked for by {wish.said_by}); "
                f"nearest are {_words(_nearest(matrix, str(wish.specifier)))}",
                hint="see all releases with: tfbootstrap matrix show",
            )
    if hidden := matrix.matching(request.specifier, prereleases=True):
        raise UsageError(
            f"what satisfies {request.specifier} is a pre-release, or was withdrawn: "
            f"{_words([row.version for row in hidden])}",
            hint=f"name it to take it all the same: --tensorflow {hidden[-1].version}",
        )
    both = " and ".join(f"{wish.specifier} ({wish.said_by})" for wish in request.tensorflow)
    raise UsageError(f"no TensorFlow release satisfies all of {both}", hint="keep one of these wishes")


def _refuse_unknown_extras(request: Request, asked: tuple[TensorflowRow, ...]) -> None:
    """Raise UsageError for an extra that no version asked for has."""
    known = {extra for row in asked for metadata in row.metadata for extra in metadata.extras}
    for extra in request.extras:
        if extra not in known:
            raise UsageError(
                f"tensorflow has no extra {extra!r}; it has {_words(sorted(known))}",
                hint=f"write tensorflow[{CUDA_EXTRA}] for CUDA as wheels",
            )


def _names_prerelease(request: Request) -> bool:
    return any(wish.specifier.prereleases for wish in request.tensorflow)


def _pins(request: Request, row: TensorflowRow) -> bool:
    return any(
        specifier.operator == "==" and specifier.version == row.version
        for wish in request.tensorflow
        for specifier in wish.specifier
    )


def _nearest(matrix: TensorflowMatrix, text: str) -> list[str]:
    """Return up to four releases near a version that does not exist."""
    numbers = [part for part in text.strip("=<>!~ ").removesuffix(".*").split(".") if part.isdigit()]
    stable = [row.version for row in matrix.rows if not row.prerelease]
    wanted = tuple(int(part) for part in numbers)
    newest_first = stable[::-1]

    def distance(version: str) -> tuple[int, ...]:
        return tuple(abs(have - want) for have, want in zip(Version(version).release, wanted, strict=False))

    return sorted(sorted(newest_first, key=distance)[:4], key=Version)


def _python(row: TensorflowRow, facts: Facts, accepted: frozenset[Tag]) -> Rejection | None:
    del accepted
    implementation = facts.python.implementation
    if implementation != "cpython":
        found = f"Python {facts.python.minor} of {implementation}"
        return reject(row, "python", found, f"CPython {_range(row.pythons)}")
    if facts.python.minor in row.pythons:
        return None
    return reject(row, "python", f"Python {facts.python.minor}", f"Python {_range(row.pythons)}")


def _platform(row: TensorflowRow, facts: Facts, accepted: frozenset[Tag]) -> Rejection | None:
    del accepted
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    tags = [tag for tag in row.wheels if facts.python.minor in tag_pythons(tag)]
    if any(platform in tag_platforms(tag) for tag in tags):
        return None
    offered = sorted({name for tag in tags for name in tag_platforms(tag)})
    return reject(row, "platform", platform, _words(offered))


def _libc(row: TensorflowRow, facts: Facts, accepted: frozenset[Tag]) -> Rejection | None:
    if any(tag_fits(tag, accepted) for tag in row.wheels):
        return None
    platform = f"{facts.platform.system}-{facts.platform.machine}"
    tags = [tag for tag in row.wheels if facts.python.minor in tag_pythons(tag) and platform in tag_platforms(tag)]
    floors = sorted(floor for tag in tags for floor in glibc_floors(tag, facts.platform.machine))
    if facts.platform.system != "linux" or not floors:
        return reject(row, "platform", facts.platform.release or facts.platform.system, _words(sorted(set(tags))))
    needed = f"glibc {floors[0][0]}.{floors[0][1]} or newer"
    return reject(row, "libc", facts.platform.libc or "no known C library", needed)


def glibc_floors(tag: str, machine: str) -> Iterator[tuple[int, int]]:
    """Yield the oldest glibc that a wheel of this tag runs with on a processor, one for each of its platforms."""
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    for part in tag.split("-")[2].split("."):
        if not part.endswith(f"_{machine}"):
            continue
        name = part.removesuffix(f"_{machine}")
        if name in legacy:
            yield legacy[name]
        elif name.startswith("manylinux_"):
            major, minor = name.removeprefix("manylinux_").split("_")
            yield int(major), int(minor)


def _cpu(row: TensorflowRow, facts: Facts, accepted: frozenset[Tag]) -> Rejection | None:
    del accepted
    flags = facts.platform.cpu_flags
    if facts.platform.machine != "x86_64" or flags is None or "avx" in flags:
        return None
    # Every published x86_64 wheel since 1.6 uses AVX (TensorFlow's install guide, "Hardware requirements").
    return reject(
        row, "cpu", "a processor without AVX", "a processor with AVX", "https://www.tensorflow.org/install/pip"
    )


RULES: tuple[Rule, ...] = (_python, _platform, _libc, _cpu)
"""In the order in which they decide: the first that rejects names the reason."""


def _range(versions: tuple[str, ...]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"


def _words(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
