"""Commands as they are typed on one machine: its interpreter, its installer, its shell's quoting. Layer 2: pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from tfbootstrap.facts import Facts
from tfbootstrap.inventory import Inventory

Kind = Literal["posix", "powershell", "cell"]
"""Where commands are typed: a shell of Linux or macOS, Windows' PowerShell, a cell of a hosted notebook."""

RESTART = "then restart the session, so that nothing of what was loaded before stays in memory"
_PLAIN = re.compile(r"[A-Za-z0-9_./:\\=@%+-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """How commands are typed for one environment."""

    kind: Kind = "posix"
    python: str = "python"
    pip: bool = True
    """Whether the environment has pip; uv serves it else."""
    prefix: str = ""
    conda: frozenset[str] = frozenset()
    """The distributions that conda installed: it must change them itself."""
    notebook: bool = False

    def line(self, *words: str) -> str:
        """Return words as one command."""
        first, *rest = (self.quote(word) for word in words)
        if self.kind == "powershell" and first.startswith("'"):
            first = f"& {first}"
        return " ".join([f"!{first}" if self.kind == "cell" and not first.startswith("%") else first, *rest])

    def quote(self, word: str) -> str:
        """Return one word so that the shell takes it as it is."""
        if self.kind != "powershell":
            return word if word == "%pip" else shlex.quote(word)
        return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "''") + "'"

    def install(self, *requirements: str) -> str:
        """Return the command that installs requirements; by conda where it has installed all of these packages."""
        names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
        if names <= self.conda:
            return self.line("conda", "install", "--yes", "--prefix", self.prefix, *requirements)
        return self._installer("install", requirements)

    def reinstall(self, name: str, version: str) -> str:
        """Return the command that makes an installed distribution whole again, and leaves all others alone."""
        if name in self.conda:
            return self.line("conda", "install", "--yes", "--force-reinstall", "--prefix", self.prefix, name)
        options = ["--force-reinstall"] if self.pip or self.kind == "cell" else ["--reinstall"]
        return self._installer("install", (*options, "--no-deps", f"{name}=={version}"))

    def overwrite(self, name: str, version: str) -> str:
        """Return the command that installs over a distribution which can't be removed, because it lacks its list."""
        if not self.pip and self.kind != "cell":
            return self.reinstall(name, version)
        return self._installer("install", ("--ignore-installed", "--no-deps", f"{name}=={version}"))

    def uninstall(self, *names: str) -> str:
        """Return the command that removes distributions without asking."""
        if set(names) <= self.conda:
            return self.line("conda", "remove", "--yes", "--force", "--prefix", self.prefix, *names)
        yes = ("--yes",) if self.pip or self.kind == "cell" else ()
        return self._installer("uninstall", (*yes, *names))

    def _installer(self, verb: str, words: tuple[str, ...]) -> str:
        if self.kind == "cell":
            return self.line("%pip", verb, *words)
        if self.pip:
            return self.line(self.python, "-m", "pip", verb, *words)
        return self.line("uv", "pip", verb, "--python", self.python, *words)

    def variable(self, name: str, value: str | None) -> str:
        """Return the command that sets a variable, or (None) takes it away, for what is started after it."""
        if self.kind == "powershell":
            return f"Remove-Item Env:{name}" if value is None else f"$env:{name} = {self._literal(value)}"
        if self.kind == "cell":
            return f"%env {name}={value}" if value is not None else f"import os; os.environ.pop({name!r}, None)"
        return f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"

    @staticmethod
    def _literal(value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    def remove(self, path: str) -> str:
        """Return the command that removes a folder."""
        if self.kind == "powershell":
            return self.line("Remove-Item", "-Recurse", "-Force", path)
        return self.line("rm", "-rf", path)


def shell_of(facts: Facts, inventory: Inventory, *, here: bool = True) -> Shell:
    """Return how commands are typed; `here`: the environment is that of a notebook's own kernel, where there is one."""
    hosted = facts.host.kind in ("colab", "kaggle")
    kind: Kind = "powershell" if facts.platform.system == "windows" else "cell" if hosted and here else "posix"
    return Shell(
        kind=kind,
        python=facts.python.executable or "python",
        pip="pip" in facts.distributions,
        prefix=inventory.prefix,
        conda=frozenset(one.name for one in inventory.installed if one.installer == "conda"),
        notebook=facts.host.kind != "plain",
    )
