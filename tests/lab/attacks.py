"""What the plugin does while its HTTP port is attacked: a made-up host, an embedded kubelet, all on loopback."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from tests.lab.attackers import ATTACKS
from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, wait_until_listed
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin.testing.kubelet import Kubelet

ONCE, MANY = every("/dev/once", name="once", count=10000), every("/dev/many/*", name="many")
CALM = 0.15  # seconds until a change of a resource is a single one again: the plugin gathers changes for 50 ms


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen during an attack.

    Attributes:
        probes: seconds that each took; infinite: no answer, or another one than ok.
        plugs: seconds from each plug to the list that has it.
        peak: bytes resident, at most.
    """

    probes: tuple[float, ...]
    plugs: tuple[float, ...]
    peak: int

    @property
    def answered(self) -> int:
        """How many probes were answered."""
        return sum(seconds < float("inf") for seconds in self.probes)


@dataclass(frozen=True, slots=True)
class Target:
    """A plugin that has registered."""

    host: FakeHost
    kubelet: Kubelet
    plugin: PluginProcess
    address: tuple[str, int]

    async def seen(self, attack: str | None, *, probes: int, plugs: int) -> Seen:
        """Probe it, and plug and unplug a stick, while it is attacked; None: while it is not."""
        async with _attacking(attack, self.address):
            self._forget_peak()
            answers, lists = await asyncio.gather(self._probe(probes), self._plug(plugs))
        return Seen(answers, lists, self._peak())

    async def _probe(self, times: int) -> tuple[float, ...]:
        """Probe it as a kubelet does, one after the other."""
        return tuple([await self._probe_once() for _ in range(times)])

    async def _probe_once(self) -> float:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(*self.address)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: node-1:19414\r\nConnection: close\r\n\r\n")
                answer = await reader.read()
                writer.close()
        except OSError:  # a timeout too
            answer = b""
        took = time.monotonic() - begun
        await asyncio.sleep(0.02)
        return took if answer.endswith(b"\r\n\r\nok\n") else float("inf")

    async def _plug(self, times: int) -> tuple[float, ...]:
        stick, took = serial_adapter(), []
        for _ in range(times):
            await asyncio.sleep(CALM)
            begun = time.monotonic()
            self.host.plug(stick)
            await self.kubelet.wait_for_devices(SERIAL, healthy=1, timeout=PATIENCE)
            took.append(time.monotonic() - begun)
            await asyncio.sleep(CALM)
            self.host.unplug(stick)
            await self.kubelet.wait_for_devices(SERIAL, unhealthy=1, timeout=PATIENCE)
        return tuple(took)

    def _forget_peak(self) -> None:
        with open(f"/proc/{self.plugin.pid}/clear_refs", "w") as file:
            file.write("5")  # proc(5)

    def _peak(self) -> int:
        with open(f"/proc/{self.plugin.pid}/status") as file:
            (line,) = (line for line in file if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def target(devices: int) -> AsyncIterator[Target]:
    """A plugin with a device that is offered 10,000 times, with so many devices, and with a resource of sticks."""
    with _host(devices) as host, tempfile.TemporaryDirectory(prefix="a-", dir="/run") as directory:
        specs = (every("/dev/ttyUSB*"), ONCE, MANY)
        plugin = PluginProcess.serving(*specs, directory=directory)
        async with Kubelet(directory) as kubelet, plugin:
            await wait_until_listed(kubelet, *specs)
            await kubelet.wait_for_devices("squat.ai/many", healthy=devices, timeout=PATIENCE)
            host_, _, port = (await plugin.address()).rpartition(":")
            yield Target(host, kubelet, plugin, (host_, int(port)))


@contextmanager
def _host(devices: int) -> Iterator[FakeHost]:
    host = FakeHost()
    os.mknod("/dev/once", 0o20600, os.makedev(240, 0))
    os.mkdir("/dev/many")
    for number in range(devices):
        os.mknod(f"/dev/many/{number}", 0o20600, os.makedev(241, number))
    yield host
    host.close()


@asynccontextmanager
async def _attacking(attack: str | None, address: tuple[str, int]) -> AsyncIterator[None]:
    if attack is None:
        yield
        return
    command = (sys.executable, "-m", "tests.lab.attackers", attack, f"{address[0]}:{address[1]}")
    attackers = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert attackers.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await attackers.stdout.readline() == b"begun\n", attack
        yield
        assert attackers.returncode is None, attack
    finally:
        if attackers.returncode is None:
            attackers.kill()
        await attackers.wait()


__all__ = ["ATTACKS", "Seen", "Target", "target"]
