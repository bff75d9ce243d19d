"""The programs that tests run: uv and pip of the environment that the tests run in."""

from __future__ import annotations

import sys
from pathlib import Path

from uv import find_uv_bin

UV = Path(find_uv_bin())
"""The uv that our dependency brought."""

PIP = (sys.executable, "-m", "pip")
"""pip of this interpreter; give it `--python` to work on another environment."""
