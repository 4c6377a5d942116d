"""The plugin as a process, as seen from outside: its log, its end, its web pages, what it costs.

What it said is printed when the process is left; pytest shows that with a test that failed.
"""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PLUGIN = (sys.executable, "-m", "udev_device_plugin")
PATIENCE = 20.0  # seconds; only a failing test waits that long
LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log: the text, and its fields if it is a JSON object (else none)."""

    text: str
    fields: Mapping[str, Any]

    @property
    def message(self) -> str:
        return str(self.fields.get("msg", ""))


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process uses at a moment."""

    rss_bytes: int
    threads: int
    descriptors: int
    cpu_seconds: float
    wakeups: int


class PluginProcess:
    """The plugin with these arguments; `async with` starts it, and in the end kills what is left of it."""

    def __init__(
        self, *arguments: str, command: Sequence[str] = PLUGIN, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = (*command, *arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._news = asyncio.Condition()
        self.log: list[LogLine] = []
        self.errors: list[str] = []
        self._open_streams = 0
        self.is_quiet = False  # True: what it said is not printed in the end

    @classmethod
    def serving(
        cls, *specs: str, directory: str, arguments: Sequence[str] = (), command: Sequence[str] = PLUGIN
    ) -> Self:
        """The plugin for these specs and a kubelet's directory; its web part takes any free port."""
        devices = [argument for spec in specs for argument in ("--device", spec)]
        return cls(*devices, "--plugin-directory", directory, "--listen", "127.0.0.1:0", *arguments, command=command)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Starts it, for the first time or again when it has ended; log and errors go on."""
        self._open_streams = 2
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            limit=LONGEST_LINE,
        )
        self._readers = [
            asyncio.create_task(self._read(self._process.stdout, self._keep_log)),
            asyncio.create_task(self._read(self._process.stderr, self.errors.append)),
        ]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.kill()
        if not self.is_quiet:
            sys.stdout.write(f"{shlex.join(self._command)} ended with {self._process.returncode}\n{self.said()}\n")

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.returncode is None

    def said(self) -> str:
        """Log and errors, for a person."""
        return "\n".join([*(line.text for line in self.log), *(f"stderr: {line}" for line in self.errors)])

    async def wait(self) -> int:
        """Its exit code, once it has ended and all that it said is read."""
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await asyncio.gather(*self._readers)
        return code

    async def terminate(self) -> int:
        """Asks it to end, as the kubelet does; its exit code."""
        self.signal(signal.SIGTERM)
        return await self.wait()

    async def kill(self) -> int:
        """Ends it without its doing."""
        self.signal(signal.SIGKILL)
        return await self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """It does nothing meanwhile: events pile up for it."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield
        self.signal(signal.SIGCONT)

    async def wait_for_log(self, predicate: Callable[[LogLine], bool], *, after: int = 0) -> LogLine:
        """The first such line of the log, counted from the line number `after`; not necessarily a new one."""
        seen = after
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), self._news:
                while True:
                    for line in self.log[seen:]:
                        if predicate(line):
                            return line
                    seen = len(self.log)
                    if not self._open_streams:
                        break
                    await self._news.wait()
        raise AssertionError(f"no such line in the log of {shlex.join(self._command)}:\n{self.said()}")

    async def wait_for_message(self, message: str, *, after: int = 0) -> LogLine:
        """The first line of the log with this `msg`."""
        return await self.wait_for_log(lambda line: line.message == message, after=after)

    async def address(self) -> str:
        """Where its web part listens, `127.0.0.1:12345`, as soon as it does."""
        line = await self.wait_for_message("listening")
        return str(line.fields["address"])

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its web pages."""
        return await asyncio.to_thread(_get, f"http://{await self.address()}{path}")

    def cost(self) -> Cost:
        """What it uses now, by /proc."""
        status = _status(self.pid)
        with open(f"/proc/{self.pid}/stat") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return Cost(
            rss_bytes=int(status.get("VmRSS", "0 kB").split()[0]) * 1024,  # none of a process that has just ended
            threads=int(status["Threads"]),
            descriptors=len(os.listdir(f"/proc/{self.pid}/fd")),
            cpu_seconds=(int(user) + int(system)) / os.sysconf("SC_CLK_TCK"),
            wakeups=sum(_wakeups(f"{self.pid}/task/{task}") for task in os.listdir(f"/proc/{self.pid}/task")),
        )

    async def _read(self, stream: asyncio.StreamReader | None, keep: Callable[[str], None]) -> None:
        assert stream
        async for line in stream:
            keep(line.decode(errors="replace").rstrip("\n"))
            await self._tell()
        self._open_streams -= 1
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _keep_log(self, text: str) -> None:
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        self.log.append(LogLine(text, fields if isinstance(fields, dict) else {}))


def _get(url: str) -> tuple[int, str]:
    import urllib.error  # noqa: PLC0415 - costs seconds where the CPU is emulated, and nobody asks for a page
    import urllib.request  # noqa: PLC0415 - as above

    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _wakeups(thread: str) -> int:
    try:
        return int(_status(thread)["voluntary_ctxt_switches"])
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0


def _status(process: int | str) -> Mapping[str, str]:
    with open(f"/proc/{process}/status") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
