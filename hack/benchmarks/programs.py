"""The processes that are measured, and those that help: started, waited for, observed by /proc.

The output goes into a file: reading a pipe would wake up the measuring process during the measurement.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

PATIENCE = 60.0  # seconds; only what is broken, or a machine with much else to do, takes that long
_PAUSE = 0.005
_REST, _AT_REST = 0.5, 0.01
"""Seconds of observation, and the part of a CPU up to which a program counts as doing nothing."""

_OF_GRPC = ("event_engine", "grpc", "lifeguard", "timer", "resolver")
"""How the names of gRPC's own threads begin."""


class Program:
    """`python -m MODULE ARGUMENT…` of a checkout, with its output in `output`; `async with` starts and ends it."""

    def __init__(self, module: str, *arguments: str, output: str, checkout: str = ".", nice: int = 0) -> None:
        self._module = module
        self._command = (*(("nice", "-n", str(nice)) if nice else ()), sys.executable, "-m", module, *arguments)
        self._output = output
        self._checkout = os.path.abspath(checkout)
        self._lines: list[str] = []
        self._position = 0

    async def __aenter__(self) -> Self:
        with open(self._output, "wb") as output:  # noqa: ASYNC230 - a file in memory does not block
            self.started = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._checkout,
                env={**os.environ, "PYTHONPATH": self._checkout},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.returncode is not None:
            raise RuntimeError(f"{self._module}: ended too soon, with {self._process.returncode}:\n{self._tail()}")
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    def lines(self) -> list[str]:
        """What it has said so far, in whole lines; always the same list, which grows."""
        with open(self._output, "rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        if newline:
            self._position += len(whole) + 1
            self._lines += whole.decode(errors="replace").split("\n")
        return self._lines

    async def said(self, is_met: Callable[[list[str]], bool]) -> None:
        """Wait until what it has said meets the condition."""
        deadline = time.monotonic() + PATIENCE
        while not is_met(self.lines()):
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._module}: has not said what was waited for, but:\n{self._tail()}")
            await asyncio.sleep(_PAUSE)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far; to the nanosecond, where /proc counts in steps of 10 ms."""
        return time.clock_gettime(~self._process.pid << 3 | 2)  # clock_getcpuclockid(3), which Python does not have

    def wake_ups(self) -> Mapping[str, int]:
        """Context switches of its threads so far, by their numbers, gRPC's own left out."""
        folder = f"/proc/{self._process.pid}/task"
        statuses = {task: _status(f"{folder}/{task}") for task in os.listdir(folder)}
        return {
            task: int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
            for task, status in statuses.items()
            if not status["Name"].startswith(_OF_GRPC)
        }

    def memory(self) -> float:
        """Resident memory, MiB."""
        return int(_status(f"/proc/{self._process.pid}")["VmRSS"].split()[0]) / 1024

    async def at_rest(self) -> float:
        """Its CPU time, once it does nothing any more."""
        before, now = -1.0, self.cpu_seconds()
        while now - before > _REST * _AT_REST:
            await asyncio.sleep(_REST)
            before, now = now, self.cpu_seconds()
        return now

    def _tail(self) -> str:
        return "\n".join(self.lines()[-20:])


def _status(folder: str) -> Mapping[str, str]:
    with open(f"{folder}/status") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
