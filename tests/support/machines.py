"""Captured machines: what a machine answered to the probe and the survey, replayed without that machine.

One folder below `tests/machines` is one machine, named `<system>-<runtime>-<gpu>`. `capture.yaml` holds the raw texts
as programs and files gave them, `facts.json` what we make of them. The keys of a capture:

    story, source   what it shows; where each text is from, and what was composed from a tool's known format
    python          version, and the path of the interpreter
    uname, glibc    as `platform` and the C library tell them
    environment     all variables
    programs        name or path -> the path where PATH finds it
    commands        command, with the program's bare name -> exit, stdout, stderr; or `hangs: true`
    libraries       what the query of libcuda and NVML printed; `hangs` where it never did
    files, folders  path -> text, path -> names
    links           path -> where it leads
    search_path     the folders that Python imports from
    processor       the numbers that Windows' IsProcessorFeaturePresent affirms
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from tfbootstrap.payload.probe import DRIVER_QUERY
from tfbootstrap.payload.survey import SurveyIO

MACHINES = Path(__file__).resolve().parents[1] / "machines"

KEYS = frozenset(
    {
        *("story", "source", "python", "uname", "glibc", "environment", "programs", "commands"),
        *("libraries", "files", "folders", "links", "search_path", "processor"),
    }
)


def captured_machines() -> list[str]:
    """Return the names of all captured machines."""
    return sorted(path.parent.name for path in MACHINES.glob("*/capture.yaml"))


class CapturedMachine(SurveyIO):
    """A machine that answers from its capture. A question that was not captured fails the test."""

    def __init__(self, capture: dict[str, Any]) -> None:
        self.capture = capture
        self.asked: list[str] = []

    @classmethod
    def named(cls, name: str) -> CapturedMachine:
        """Load a captured machine."""
        return cls(yaml.safe_load((MACHINES / name / "capture.yaml").read_text(encoding="utf-8")))

    def interpreter(self) -> dict[str, str | None]:
        python = self.capture["python"]
        return {
            "version": python["version"],
            "implementation": "cpython",
            "executable": python["executable"],
        }

    def uname(self) -> tuple[str, str]:
        system, machine = self.capture["uname"]
        return system, machine

    def glibc(self) -> str | None:
        return self.capture.get("glibc")

    def environment(self) -> dict[str, str]:
        return dict(self.capture.get("environment", {}))

    def getenv(self, name: str) -> str | None:
        return self.environment().get(name)

    def which(self, program: str) -> str | None:
        found: str | None = self.capture.get("programs", {}).get(program)
        return found

    def read_text(self, path: str) -> str:
        text: str = self.capture.get("files", {}).get(path, "")
        return text

    def listdir(self, path: str) -> list[str]:
        return sorted(self.capture.get("folders", {}).get(path, []))

    def search_path(self) -> list[str]:
        return list(self.capture.get("search_path", []))

    def real_path(self, path: str) -> str:
        return str(self.capture.get("links", {}).get(path, path))

    def has_processor_feature(self, number: int) -> bool:
        return number in self.capture["processor"]

    def write_programs(self, folder: Path) -> None:
        """Write programs that answer from the capture, for processes that can't be given this object."""
        folder.mkdir()
        answers = json.dumps(self.capture["commands"])
        for name in {line.split()[0] for line in self.capture["commands"]}:
            program = (
                f"#!{sys.executable}\nimport json, sys\n"
                f"answer = json.loads({answers!r})[' '.join([{name!r}, *sys.argv[1:]])]\n"
                "sys.stdout.write(answer.get('stdout', ''))\nsys.stderr.write(answer.get('stderr', ''))\n"
                "sys.exit(answer.get('exit', 0))\n"
            )
            (folder / name).write_text(program, encoding="utf-8")
            (folder / name).chmod(0o755)

    def run(self, command: Sequence[str], timeout: float) -> tuple[int, str, str]:
        if list(command[1:]) == ["-c", DRIVER_QUERY]:
            self.asked.append("libraries")
            return self._answer(
                {"stdout": self.capture.get("libraries", '{"source": "nvml", "gpus": []}')}, command, timeout
            )
        flavour = PureWindowsPath if command[0][1:2] == ":" else PurePosixPath
        line = " ".join([flavour(command[0]).name, *command[1:]])
        self.asked.append(line)
        return self._answer(self.capture["commands"][line], command, timeout)

    @staticmethod
    def _answer(answer: dict[str, Any], command: Sequence[str], timeout: float) -> tuple[int, str, str]:
        if answer.get("hangs") or answer.get("stdout") == "hangs":
            raise subprocess.TimeoutExpired(list(command), timeout)
        return answer.get("exit", 0), answer.get("stdout", ""), answer.get("stderr", "")
