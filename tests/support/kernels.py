"""Real kernels under the manager that Jupyter's server uses: one that starts a kernel again when it is gone."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_client.kernelspec import KernelSpec

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(slots=True)
class Ran:
    """What one cell did: its text, its error as one sees it, what it displayed, and whether its kernel went away."""

    text: str = ""
    error: str | None = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    restarted: bool = False
    seconds: float = 0.0

    def status_of(self, check: str) -> str:
        """Return the status of a check in the table that the cell displayed."""
        for display in self.displays:
            for line in display.get("text/plain", "").splitlines():
                if line.split()[:1] == [check]:
                    return str(line.split()[1])
        return "not checked"


class Kernel:
    """A kernel of some interpreter, in some folder; use it with `async with`."""

    def __init__(self, python: Path, folder: Path, variables: Mapping[str, str]) -> None:
        self.restarts = 0
        self._folder, self._variables = folder, dict(variables)
        self._manager = AsyncIOLoopKernelManager()
        command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # The specification is given, not looked up among those that this machine has.
        self._manager._kernel_spec = KernelSpec(argv=command, display_name="under test", language="python")

    async def __aenter__(self) -> Self:
        await self._manager.start_kernel(cwd=str(self._folder), env=self._variables)
        self._manager.add_restart_callback(self._note_restart, "restart")
        self._client = self._manager.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=60)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.stop_channels()
        await self._manager.shutdown_kernel(now=True)

    def _note_restart(self) -> None:
        self.restarts += 1

    async def restart(self) -> None:
        """Restart it as its user does."""
        await self._manager.restart_kernel(now=True)
        await self._client.wait_for_ready(timeout=60)

    async def interrupt(self) -> None:
        """Interrupt it as its user does."""
        await self._manager.interrupt_kernel()

    async def run(self, code: str, limit: float = 600) -> Ran:
        """Run a cell until it ends or its kernel is started again."""
        ran, began, before = Ran(), time.monotonic(), self.restarts
        # Kernels drop, without a word, what follows too closely on a cell that failed; a person is slower.
        identity = self._client.execute(code, allow_stdin=False, stop_on_error=False)
        while True:
            try:
                message = await self._client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                if self.restarts > before:
                    ran.restarted = True
                    await self._client.wait_for_ready(timeout=60)
                    break
                assert time.monotonic() - began < limit, f"no end after {limit} s: {ran.text}"
                continue
            if message["parent_header"].get("msg_id") == identity and _is_end(message, ran):
                break
        ran.seconds = time.monotonic() - began
        return ran


def _is_end(message: Mapping[str, Any], ran: Ran) -> bool:
    """Take one message into `ran`; say whether it is the last."""
    content = message["content"]
    match message["msg_type"]:
        case "stream":
            ran.text += content["text"]
        case "error":
            ran.error = "\n".join(content["traceback"])
        case "display_data" | "execute_result":
            ran.displays.append(content["data"])
        case "status":
            return bool(content["execution_state"] == "idle")
    return False


def in_kernel(story: Any) -> None:
    """Run what happens in a kernel to its end."""
    asyncio.run(story)
