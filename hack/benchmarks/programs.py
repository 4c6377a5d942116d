"""The processes that are measured, and those that help: started, waited for, looked at by /proc.

What a program says goes into a file: to read a pipe would wake up the process that measures, just when it matters.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PATIENCE = 60.0  # seconds; only what is broken, or a machine with much else to do, takes that long
_GLANCE = 0.005
_REST, _AT_REST = 0.5, 0.01
"""Seconds to look at, and the part of a CPU up to which a program counts as doing nothing."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory, MiB: all of it, and the part that is the process's own (the rest are pages of files)."""

    resident: float
    anonymous: float


class Program:
    """`python -m MODULE ARGUMENT…`, with its output in `output`; `async with` starts and ends it."""

    def __init__(self, module: str, *arguments: str, output: str) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._output = output
        self._lines: list[str] = []
        self._position = 0

    async def __aenter__(self) -> Self:
        with open(self._output, "wb") as output:  # noqa: ASYNC230 - a file in memory does not block
            self.started = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.returncode is not None:
            raise RuntimeError(f"{self._command[2]}: ended too soon, with {self._process.returncode}:\n{self.tail()}")
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def lines(self) -> list[str]:
        """What it has said so far, in whole lines; always the same list, which grows."""
        with open(self._output, "rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        if newline:
            self._position += len(whole) + 1
            self._lines += whole.decode(errors="replace").split("\n")
        return self._lines

    def tail(self) -> str:
        """The last that it said, for a person."""
        return "\n".join(self.lines()[-20:])

    async def said(self, is_met: Callable[[list[str]], bool]) -> None:
        """Wait until what it has said meets the condition."""
        deadline = time.monotonic() + PATIENCE
        while not is_met(self.lines()):
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[2]}: has not said what was waited for, but:\n{self.tail()}")
            await asyncio.sleep(_GLANCE)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far; to the nanosecond, where /proc counts in steps of 10 ms."""
        return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(3), which Python does not have

    def switches(self) -> Mapping[str, int]:
        """Context switches so far, wanted or not, by the threads' names; the main thread is `main`."""
        switches: Counter[str] = Counter()
        for task in os.listdir(f"/proc/{self.pid}/task"):
            status = _status(f"{self.pid}/task/{task}")
            name = "main" if task == str(self.pid) else status["Name"]
            switches[name] += int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
        return switches

    async def at_rest(self) -> float:
        """Its CPU time, once it does nothing any more."""
        before, now = -1.0, self.cpu_seconds()
        while now - before > _REST * _AT_REST:
            await asyncio.sleep(_REST)
            before, now = now, self.cpu_seconds()
        return now

    def memory(self) -> Memory:
        """What it holds now."""
        status = _status(str(self.pid))
        resident, anonymous = (int(status[key].split()[0]) / 1024 for key in ("VmRSS", "RssAnon"))
        return Memory(resident, anonymous)


def _status(process: str) -> Mapping[str, str]:
    with open(f"/proc/{process}/status") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
