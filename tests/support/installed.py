"""Library folders with distributions in them, as an installer leaves them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.support.wheel_factory import Project, build_wheel
from tfbootstrap.payload.distributions import Installed


def install(folder: Path, project: Project) -> Installed:
    """Unpack a project's wheel into a library folder."""
    zipfile.ZipFile(io.BytesIO(build_wheel(project).content)).extractall(folder)
    return Installed(project.name, project.version, str(folder), f"{project.file_stem}.dist-info")
