"""Rejections and reasons in words. Layer 2: pure."""

from __future__ import annotations

from itertools import groupby

from packaging.version import Version

from tfbootstrap.plan.records import Rejection, Rejections

_SENTENCES = {
    "python": "has wheels for {needed} only; this runtime has {found}",
    "platform": "has wheels for {needed} only; this runtime is {found}",
    "stand-in": "only redirects there, to {needed}; this runtime has {found}",
    "libc": "needs {needed}; this runtime has {found}",
    "cpu": "needs {needed}; this runtime has {found}",
    "driver": "needs {needed}; this runtime has {found}",
    "ptx-driver": "needs {needed}; this runtime has {found}",
    "driver-branch": "can't be served: {found} needs {needed}",
    "compute-capability": "has no code for {found}: it needs {needed}",
    "gpu-build": "would not use {found}; it takes {needed}",
    "gpu-unknown": "can't be judged for {found}: name it with --gpu",
    "cuda-system": "needs {needed}; found {found}",
    "requirements": "needs {needed}; that can't be met together with {found}",
    "cuda-wheels": "can't take CUDA from wheels: {found}; it needs {needed}",
}
_ANY_RULE = "needs {needed}; found {found}"


def rejection_sentence(rejection: Rejection) -> str:
    """Return one rejection as a sentence: `TensorFlow 2.7.4 has wheels for Python 3.7 to 3.9 only; …`."""
    words = _SENTENCES.get(rejection.rule, _ANY_RULE).format(found=rejection.found, needed=rejection.needed)
    return f"TensorFlow {rejection.tensorflow} {words}"


def by_minor(rejections: tuple[Rejection, ...]) -> tuple[Rejection, ...]:
    """Return the deciding rejection of each minor: that of its newest release, named by the minor alone."""

    def minor(rejection: Rejection) -> str:
        release = Version(rejection.tensorflow).release
        return f"{release[0]}.{release[1]}"

    ordered = sorted(rejections, key=lambda rejection: Version(rejection.tensorflow), reverse=True)
    return tuple(next(group) for _, group in groupby(ordered, key=minor))


def rejections_text(rejections: Rejections, *, runtime: str) -> str:
    """Return why nothing fits, one line a minor, and the ways out."""
    conflict = rejections.conflict
    if conflict:
        lines = ["the requirements can't all be met together", *(f"  {line}" for line in conflict.lines)]
    else:
        lines = [f"no TensorFlow that was asked for fits {runtime}"]
        lines += [f"  {rejection_sentence(rejection)}" for rejection in by_minor(rejections.rejections)]
    if rejections.ways_out:
        lines.append("ways out:")
        lines += [f"  {way.text}" + (f"\n    {way.command}" if way.command else "") for way in rejections.ways_out]
    if conflict:
        lines += [
            "the resolver's derivation:",
            *(f"  {line.strip()}" for line in conflict.derivation.splitlines() if line.strip()),
        ]
    return "\n".join(lines)
