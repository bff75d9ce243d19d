"""Keywords read from definitions: what is not certain is open, and what is missing is surely refused."""

from __future__ import annotations

import pytest

from tfbootstrap.upkeep.python_sources import PythonSources
from tfbootstrap.upkeep.signatures import SignatureReader

BASE = """
from outside import AutoTrackable, Foreign
class Checks:
    def __init__(self, name=None, **kwargs):
        if "dim" in kwargs and "shape" not in kwargs:
            self.dim = kwargs["dim"]
        self.extra = kwargs.pop("extra", None)
        self.notes = kwargs.get("notes", [])
        if kwargs:
            raise ValueError(f"unknown: {kwargs}")
class Lists:
    def __init__(self, **kwargs):
        allowed = {"lr", "decay"}
        for name in kwargs:
            if name not in allowed:
                raise TypeError(name)
class Validates:
    def __init__(self, **kwargs):
        utils.validate_kwargs(kwargs, {"weights", "batch_size"})
class ListedElsewhere:
    def __init__(self, **kwargs):
        utils.validate_kwargs(kwargs, ALLOWED)
class HandsOn(AutoTrackable, Checks):
    def __init__(self, units, *, seed=None, **kwargs):
        super().__init__(**kwargs)
class ByMethod:
    def __init__(self, rate, **kwargs):
        self._process(kwargs)
    def _process(self, kwargs):
        kwargs.pop("legacy", None)
        if len(kwargs) > 0:
            raise TypeError
class Keeps:
    def __init__(self, **kwargs):
        self.kwargs = kwargs
class Silent:
    def __init__(self, **kwargs):
        kwargs.pop("some", None)
class Inherits(HandsOn):
    pass
class BelowForeign(Foreign):
    pass
class PassedUp(Foreign):
    def __init__(self, **kwargs):
        super(PassedUp, self).__init__(**kwargs)
class Made:
    def __new__(cls, shape, dtype=None):
        return object.__new__(cls)
class MadeAndSet(Made):
    def __init__(self, other):
        pass
class Laid(object):
    @inject_mesh
    @utils.allow_initializer_layout
    def __init__(self, kernel_initializer=None):
        pass
"""
FILES = {
    "pkg/__init__.py": "from .base import HandsOn as Renamed\nfrom . import functions as f\nshort = f.plain\n",
    "pkg/base.py": BASE,
    "pkg/functions.py": """
import pkg.base as base
@tf_export("plain")
def plain(x, /, y, *rest, name=None): pass
@dispatch.add_dispatch_support(1)
def decorated(x, axis): pass
@functools.lru_cache
def cached(x): pass
def anything(x, **kwargs): pass
exported = tf_export("other")(plain)
one = two = decorated
if x:
    def twice(a): pass
else:
    def twice(b): pass
if backend() == "tensorflow":
    def chosen(a): pass
else:
    def chosen(b): pass
if typing.TYPE_CHECKING:
    from elsewhere import typed
try:
    from pkg.base import Checks as tried
except ImportError:
    pass
deep = base.HandsOn
constant = 3
""",
    "pkg/broken.py": "def f(:\n",
    "tensorflow_core/python/ops.py": "def op(x): pass\n",
}
READER = SignatureReader(PythonSources(FILES, FILES.__getitem__))


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("pkg.functions", "plain", "name y"),
        ("pkg.functions", "exported", "name y"),
        ("pkg.functions", "decorated", "axis x"),
        ("pkg.functions", "two", "axis x"),
        ("pkg.functions", "cached", "**"),
        ("pkg.functions", "anything", "** x"),
        ("pkg.functions", "twice", None),
        ("pkg.functions", "chosen", "a"),
        ("pkg.functions", "typed", None),
        ("pkg.functions", "constant", None),
        ("pkg.functions", "tried", "dim extra name notes shape"),
        ("pkg.functions", "deep", "dim extra name notes seed shape units"),
        ("pkg", "Renamed", "dim extra name notes seed shape units"),
        ("pkg", "short", "name y"),
        ("pkg", "f.decorated", "axis x"),
        ("pkg", "base.Checks", "dim extra name notes shape"),
        ("pkg.base", "Lists", "decay lr"),
        ("pkg.base", "Validates", "batch_size weights"),
        ("pkg.base", "ListedElsewhere", "**"),
        ("pkg.base", "ByMethod", "legacy rate"),
        ("pkg.base", "Keeps", "**"),
        ("pkg.base", "Silent", "**"),
        ("pkg.base", "Inherits", "dim extra name notes seed shape units"),
        ("pkg.base", "BelowForeign", "**"),
        ("pkg.base", "PassedUp", "**"),
        ("pkg.base", "Made", "dtype shape"),
        ("pkg.base", "MadeAndSet", "**"),
        ("pkg.base", "Laid", "kernel_initializer kernel_layout mesh"),
        ("pkg.broken", "f", None),
        ("tensorflow.python.ops", "op", "x"),
        ("outside", "x", None),
    ],
)
def test_keywords_of_a_definition(module: str, name: str, expected: str | None) -> None:
    found = READER.keywords(module, name)
    assert (None if found is None else " ".join(sorted(found))) == expected


def test_names_that_lead_in_a_circle_end() -> None:
    files = {"a.py": "from b import x\n", "b.py": "from a import x\n"}
    assert SignatureReader(PythonSources(files, files.__getitem__)).keywords("a", "x") is None
