"""A disk that fills up or turns read-only: a small tmpfs, where this user may mount one.

    def test_x(small_disk: SmallDisk) -> None:
        small_disk.grow_to("64m")

A test that asks for it where mounting is not permitted is not run, and named at the end of the report.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path


@cache
def can_mount() -> bool:
    """Say whether this user may mount a tmpfs, by mounting one."""
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory() as folder:
        if _call("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) != 0:
            return False
        return _call("umount", folder) == 0


class SmallDisk:
    """A tmpfs of four megabytes at `path`. A context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> SmallDisk:  # noqa: PYI034 - `typing.Self` is newer than Python 3.10
        self.path.mkdir()
        assert _call("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(self.path)) == 0
        return self

    def __exit__(self, *_: object) -> None:
        assert _call("umount", "--lazy", str(self.path)) == 0

    def grow_to(self, size: str) -> None:
        """Make it larger: `64m`."""
        self._change(f"size={size}")

    def set_writable(self, writable: bool) -> None:
        """Make it read-only, or writable again."""
        self._change("rw" if writable else "ro")

    def _change(self, option: str) -> None:
        assert _call("mount", "-o", f"remount,{option}", str(self.path)) == 0


def _call(*command: str) -> int:
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode
    except OSError:
        return 1
