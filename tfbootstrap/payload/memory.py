"""What a running kernel has of an environment in memory."""

import os
import sys
from typing import Any, Dict, Iterable, Iterator, List

from tfbootstrap.payload.distributions import Installed, module_names, read_record
from tfbootstrap.payload.judge import version_at_least, version_numbers

STALE_MARK = "_tfbootstrap_stale"
"""Where this process remembers, on `sys`, which modules were replaced while they were loaded."""


def find_stale_modules(pins: Dict[str, str], distributions: List[Installed], replaced: Iterable[str]) -> Dict[str, str]:
    """Return the locked distributions of which this process has other code in memory than is or soon will be installed.

    With each goes a file that was loaded.
    """
    stale: Dict[str, str] = getattr(sys, STALE_MARK, {})
    # Every process has setuptools' hook loaded; it does no harm.
    modules = [module for name, module in list(sys.modules.items()) if name != "_distutils_hack"]
    files = {str(getattr(module, "__file__", None)) for module in modules}
    for distribution in distributions:
        if distribution.name in pins:
            paths = read_record(distribution) or [] if distribution.name in replaced else []
            loaded = files.intersection(os.path.join(distribution.folder, path) for path, _ in paths)
            stale.update((distribution.name, file) for file in loaded or _other_version(distribution))
    setattr(sys, STALE_MARK, stale)
    return stale


def _other_version(distribution: Installed) -> Iterator[str]:
    installed = distribution.version
    for module in filter(None, map(sys.modules.get, module_names([distribution]))):
        loaded: Any = getattr(module, "__version__", None)
        # Some modules say `v3.3`, or 3.3 where the distribution is 3.3.0.
        told = isinstance(loaded, str) and bool(version_numbers(loaded))
        if told and not (version_at_least(loaded, installed) and version_at_least(installed, loaded)):
            yield "{} {}".format(getattr(module, "__file__", None), loaded)
