"""Attacks by what stands in files and directories: each says what is expected, and what was seen."""

import asyncio
import json
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.lab import config_attack
from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, metric
from tests.lab.plugin import PluginProcess
from tests.lab.record_attack import attack, bent_bytes, bent_values
from tests.lab.records import Stick
from tests.lab.sticks import serial_adapter
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY
from udev_device_plugin.testing.kubelet import Kubelet

RECORDS = 5000
REPLACEMENTS = 2000
SIGNALS = 1000
SOCKETS = 5000
NAMES = 300
PIECES = ("/dev/", "/", "..", ".", "odd", "*", "\\", "x" * 300)
"""Of names of nodes."""

MUCH = 64 << 20
"""Bytes: the memory limit of the manifests leaves as much, and more."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was expected, what was seen, and whether that is the same."""

    expected: str
    seen: str
    is_as_expected: bool


async def changed_by_accident() -> Row:
    """Each changed record is done without."""
    with _records() as directory, attack(directory) as one:
        taken = sum(one.start(bent_bytes(one.good, Random(seed))) for seed in range(RECORDS))
    return Row("none is taken", f"{taken} of {RECORDS} taken", taken == 0)


async def changed_on_purpose() -> Row:
    """Each record with a right checksum is done without, or harms nothing."""
    taken = failures = 0
    slowest = 0.0
    with _records() as directory, attack(directory) as one:
        for seed in range(RECORDS):
            begun = time.monotonic()
            try:
                taken += one.start(bent_values(one.good, Random(seed)))
            except Exception:  # whatever it is, it is one too many
                logging.getLogger(__name__).exception("seed %d", seed)
                failures += 1
            slowest = max(slowest, time.monotonic() - begun)
    seen = f"{failures} failures, {taken} of {RECORDS} taken, {slowest * 1000:.0f} ms at most"
    return Row("no failure, no path but of this host, 1 s", seen, failures == 0 and slowest < 1)


async def replaced_configuration() -> Row:
    """The plugin goes on, whatever its file is."""
    with _host():
        seen = await config_attack.attack(REPLACEMENTS)
    text = f"{seen.replacements} replacements, exit code {seen.exit_code}, {seen.most_memory / 2**20:.0f} MiB more"
    return Row(f"exit code 0, {MUCH >> 20} MiB", text, seen.exit_code == 0 and seen.most_memory < MUCH)


async def signals() -> Row:
    """So many SIGHUPs are a few reloads."""
    async with _registered() as (_, plugin):
        for _ in range(SIGNALS):
            plugin.signal(signal.SIGHUP)
        await plugin.wait_for_message("configuration reloaded")
        await asyncio.sleep(1)  # for those that would be too many
        reloads = await metric(plugin, "udev_device_plugin_config_reloads_total")
        code = await plugin.terminate()
    return Row("exit code 0, 20 reloads", f"exit code {code}, {reloads:.0f} reloads", code == 0 and reloads <= 20)


async def link_instead_of_the_own_directory() -> Row:
    """Nothing is removed where a link leads to, and the plugin waits."""
    lost, codes = 0, set()
    for target in (".", "/etc", "other"):
        with tempfile.TemporaryDirectory(prefix="l-", dir="/run") as name, _host():
            directory = Path(name)
            async with Kubelet(directory):  # which removes such things at its start
                (directory / "other").mkdir()
                for place in (directory, directory / "other"):
                    _dead_socket(place / "serial-01234567.sock")
                    (place / "port-0123456789").symlink_to("/dev/null")
                    (place / ".offered-0123456789.json").touch()
                (directory / OWN_DIRECTORY).symlink_to(target)
                before = {*directory.rglob("*"), *Path("/etc").iterdir()}
                async with _plugin(directory) as plugin:
                    await plugin.wait_for_log(lambda line: f"{OWN_DIRECTORY}: cannot be used" in line.message)
                    await plugin.wait_for_message("devices are here")
                    codes.add(await plugin.terminate())
                lost += len(before - {*directory.rglob("*"), *Path("/etc").iterdir()})
    return Row("nothing is lost, exit code 0", f"{lost} lost, exit codes {codes}", lost == 0 and codes == {0})


async def wrong_plugin_directories() -> Row:
    """A plugin directory that is none is said once, and waited for."""
    lines, codes = [], set()
    for make in (Path.touch, os.mkfifo, lambda path: path.symlink_to(path.name)):
        with tempfile.TemporaryDirectory(prefix="l-", dir="/run") as name, _host():
            make(Path(name) / "plugins")
            async with _plugin(Path(name) / "plugins") as plugin:
                await plugin.wait_for_message("devices are here")
                codes.add(await plugin.terminate())
            lines.append(sum("cannot be used" in line.message for line in plugin.log))
    seen = f"{'+'.join(map(str, lines))} lines, exit codes {codes}"
    return Row("a line each, exit code 0", seen, lines == [1, 1, 1] and codes == {0})


async def odd_names() -> Row:
    """A name in udev's database that no node can have costs its device alone."""
    chance, rule = Random(0), json.dumps({"name": "serial", "groups": [{"udev": ['SUBSYSTEM=="tty"']}]})
    with tempfile.TemporaryDirectory(prefix="l-", dir="/run") as name, _host() as host:
        async with Kubelet(name) as kubelet, PluginProcess.serving(rule, directory=name) as plugin:
            plugin.is_quiet = True
            for number in range(NAMES):
                *parents, main = serial_adapter("ttyUSB1", f"odd{number}", "1-1").devices
                odd = "".join(
                    chance.choices(("/dev/", "/", "..", ".", "odd", "*", "\\", "x" * 300), k=chance.randint(1, 20))
                )
                stick = Stick((*parents, replace(main, properties={**main.properties, "DEVNAME": odd})))
                host.plug(stick)
                await asyncio.sleep(0.005)
                host.unplug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            host.plug(serial_adapter("ttyUSB2", "good", "1-3"))
            await kubelet.wait_until(lambda kubelet: len(kubelet.resource(SERIAL).healthy) == 2)
            code = await plugin.terminate()
    return Row("the other sticks are offered, exit code 0", f"{NAMES} names, both offered, exit code {code}", code == 0)


async def dead_sockets() -> Row:
    """Many sockets of earlier runs cost a line and no time."""
    async with _registered(SOCKETS) as (seconds, plugin):
        lines = sum("earlier runs" in line.message for line in plugin.log)
        code = await plugin.terminate()
    seen = f"registered in {seconds:.1f} s, {lines} line, exit code {code}"
    return Row("registered in 3 s, one line", seen, seconds < 3 and lines == 1 and code == 0)


FILE_ATTACKS: Mapping[str, Callable[[], Awaitable[Row]]] = {
    "record-bytes": changed_by_accident,
    "record-values": changed_on_purpose,
    "configuration": replaced_configuration,
    "signals": signals,
    "own-directory": link_instead_of_the_own_directory,
    "plugin-directory": wrong_plugin_directories,
    "dead-sockets": dead_sockets,
    "odd-names": odd_names,
}


@contextmanager
def _records() -> Iterator[Path]:
    logging.disable(logging.WARNING)  # a line for each
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
    logging.disable(logging.NOTSET)


@asynccontextmanager
async def _registered(sockets: int = 0) -> AsyncIterator[tuple[float, PluginProcess]]:
    """A plugin beside a kubelet, and how many seconds it took from its start until its device was listed."""
    with tempfile.TemporaryDirectory(prefix="l-", dir="/run") as name, _host():
        async with Kubelet(name) as kubelet:
            os.mkdir(f"{name}/{OWN_DIRECTORY}")
            for number in range(sockets):
                place = OWN_DIRECTORY + "/-"[number % 2]
                _dead_socket(Path(f"{name}/{place}serial-{number:08x}.sock"))
            begun = time.monotonic()
            async with _plugin(Path(name)) as plugin:
                await kubelet.wait_for_devices(SERIAL, healthy=1)
                yield time.monotonic() - begun, plugin


def _plugin(directory: Path) -> PluginProcess:
    plugin = PluginProcess.serving(every("/dev/ttyUSB*"), directory=str(directory))
    plugin.is_quiet = True
    return plugin


@contextmanager
def _host() -> Iterator[FakeHost]:
    host = FakeHost()
    host.plug(serial_adapter())
    yield host
    host.close()


def _dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
