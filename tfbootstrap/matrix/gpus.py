"""`gpus.yaml`: product names of GPUs and their compute capability, found however a name is written. Layer 1: pure.

`nvidia-smi` prints one product in many ways (`Tesla T4`, `NVIDIA H100 80GB HBM3`, `NVIDIA A100-SXM4-40GB MIG 1g.5gb`),
and people write others (`t4`, `RTX3090`). Compute capability does not depend on memory size, form factor, MIG slice,
vGPU profile or being in a laptop: those words are dropped; words that tell series apart (`Ada Generation`) are not.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

from tfbootstrap.matrix.cuda import GpuClass
from tfbootstrap.matrix.reader import ComputeCapabilityText, DateText, Lines, SourceText, Text

GPU_NAMES = Text(
    "a product name, aliases after ` | `",
    re.compile(r"^[A-Z0-9][\w().+-]*( [\w().+-]+)*( \| [A-Za-z0-9][\w().+-]*( [\w().+-]+)*)*$").match,
    "NVIDIA GB10 | DGX Spark",
)

_NOISE = re.compile(
    r"""\(nvgpu\) | \(tm\) | \(r\)
      | \bmig\s+\d+[a-z]?\.\S*.*$                          # MIG 1g.5gb
      | (?<=\w)-\d+[qcab]\b.*$                             # vGPU profiles: T4-16Q, V100D-8C
      | \bwith\s+max-q\s+design\b | \bmax-q\b(?!\s+workstation)
      | \b\d+\s*(?:gb?|gib|mib)\b                          # memory sizes
      | \bhbm\w* | \bpcie?\b | \bsxm\w* | \bnvl\d*\b | \bdgxs\b | \bfhhl\b
      | \bactive\b | \blc\b | \bac\b | \blaptop\b | \bmobile\b | \bnotebook\b | \bembedded\b | \bgpu\b | \bdesktop\b""",
    re.VERBOSE,
)
_MAKER = frozenset({"nvidia", "corporation", "inc"})
_GLUED = re.compile(r"\b(rtx|gtx|gt|mx)(?=\d)|(?<=\d)(?=(?:ti|super)\b)")
_BRANDS = frozenset({"tesla", "quadro", "geforce", "rtx", "gtx", "gt", "grid", "jetson", "agx"})
"""Words that people leave out."""
_PUT_BEFORE = frozenset({"tesla", "grid"})
"""Words that people and vGPU profiles put before names that have none: `Tesla A100`, `GRID A100-10C`."""
_SERIES = frozenset(
    {"ada", "generation", "pro", "blackwell", "edition", "workstation", "server", "max", "q", "sff", "pascal"}
    | {"super", "ti", "x", "xp", "v", "z", "black"}
)
"""Words that tell products apart which share their other words; a name that lacks one of them may be ambiguous."""

GpuNameLines = Annotated[tuple[str, ...], Lines(GPU_NAMES)]


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuRow:
    """One product: its name as `nvidia-smi` prints it, and what else it is called."""

    name: str
    aliases: tuple[str, ...]
    compute_capability: str
    generation: str
    family: GpuClass
    source: str
    checked: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuGroup:
    """Products that share everything but their names."""

    compute_capability: ComputeCapabilityText
    generation: str
    """A generation of `cuda.yaml`."""
    family: GpuClass
    source: SourceText
    """NVIDIA's list with these names; where NVIDIA lists none, the register of PCI devices that names their chip."""
    checked: DateText
    names: GpuNameLines

    @property
    def rows(self) -> tuple[GpuRow, ...]:
        """The products of this group, in the file's order."""
        split = [line.split(" | ") for line in self.names]
        return tuple(
            GpuRow(
                name=names[0],
                aliases=tuple(names[1:]),
                compute_capability=self.compute_capability,
                generation=self.generation,
                family=self.family,
                source=self.source,
                checked=self.checked,
            )
            for names in split
        )


@dataclass(frozen=True, kw_only=True)
class GpuMatrix:
    """The whole of `gpus.yaml`, newest generation first."""

    FILE: ClassVar[str] = "gpus.yaml"
    SCHEMA: ClassVar[int] = 1
    HEADER: ClassVar[str] = """\
GPUs that TensorFlow has ever run on through CUDA 10.1 and later: product names and compute capabilities.
A name is as `nvidia-smi` of a current driver prints it, without memory size and form factor where those are all that
differs (a lookup ignores them); aliases follow after ` | `. Names that were sold with different chips are left out.
"""

    groups: tuple[GpuGroup, ...] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Say which names are there twice: no two products may be told apart only by words that a lookup ignores."""
        seen: dict[frozenset[str], GpuRow] = {}
        for index, group in enumerate(self.groups):
            for line, row in enumerate(group.rows):
                for name in (row.name, *row.aliases):
                    known = seen.setdefault(_words(name), row)
                    if known.compute_capability != row.compute_capability:
                        yield (
                            f"groups[{index}].names",
                            f"line {line + 1}: {name} is {known.name} {known.compute_capability}",
                        )
                    elif known is not row:
                        yield f"groups[{index}].names", f"line {line + 1}: {name} is there already: {known.name}"

    @cached_property
    def rows(self) -> tuple[GpuRow, ...]:
        """Every product, in the file's order."""
        return tuple(row for group in self.groups for row in group.rows)

    @cached_property
    def _by_words(self) -> dict[frozenset[str], GpuRow]:
        return {_words(name): row for row in self.rows for name in (row.name, *row.aliases)}

    def find_gpu(self, name: str) -> GpuRow | None:
        """Return the product of a name however it is written; None where it is unknown or could be several."""
        words = _words(name)
        for exact in (words, words - _PUT_BEFORE):
            if exact and exact in self._by_words:
                return self._by_words[exact]
        words -= _PUT_BEFORE
        close = [row for known, row in self._by_words.items() if words < known and known - words <= _BRANDS | _SERIES]
        if not words or len({row.compute_capability for row in close}) != 1:
            return None
        return close[0]

    def nearest_gpus(self, name: str, count: int = 5) -> tuple[str, ...]:
        """Return the names of the products most like a name, best first: by shared words, then by spelling."""
        words = _words(name)
        scored = []
        for known, row in self._by_words.items():
            shared = len(words & known) / len(words | known) if words else 0.0
            spelling = difflib.SequenceMatcher(None, " ".join(sorted(words)), " ".join(sorted(known))).ratio()
            scored.append((shared, spelling, row.name))
        best = sorted(scored, key=lambda one: (-one[0], -one[1], one[2]))
        near = dict.fromkeys(name for shared, spelling, name in best if shared > 0 or spelling >= 0.6)
        return tuple(near)[:count]


def _words(name: str) -> frozenset[str]:
    """Return the words of a name that tell products apart.

    Every name of one product gives the same words: `NVIDIA A100-SXM4-40GB MIG 1g.5gb` and `a100` give {a100}.
    """
    text = _NOISE.sub(" ", name.lower())
    text = _GLUED.sub(lambda match: f"{match[0]} ", text)
    return frozenset(word for word in re.split(r"[\s_/(),-]+", text) if word and word not in _MAKER)
