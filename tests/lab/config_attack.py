"""The configuration file of a running plugin, replaced at random by what it should not be, and at times by a good one.

Whatever it is, the plugin goes on, takes the next good one, needs no more memory for it, and ends when it is asked to.
`hack/attack` does it thousands of times, the tests a few.
"""

import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.lab.fuzzing import TARGETS, bend
from tests.lab.node import every, is_listed
from tests.lab.plugin import PATIENCE, PluginProcess
from udev_device_plugin.config.yaml_document import MAX_TEXT
from udev_device_plugin.testing.kubelet import Kubelet

BURST = 20
"""Replacements after which the plugin must take a good file."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of the plugin.

    Attributes:
        replacements: how often its file was replaced.
        exit_code: at the end, after SIGTERM.
        most_memory: bytes that it ever used beyond those at the beginning.
    """

    replacements: int
    exit_code: int
    most_memory: int


def good(name: str) -> bytes:
    """A configuration with one resource."""
    return json.dumps({"devices": [json.loads(every("/dev/null", name=name))]}).encode()


def _fifo(path: Path, _: Random) -> None:
    os.mkfifo(path)


def _endless(path: Path, _: Random) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path, _: Random) -> None:
    with path.open("wb") as file:
        file.truncate(300 << 20)


def _socket(path: Path, _: Random) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def _directory(path: Path, _: Random) -> None:
    path.mkdir()


def _to_itself(path: Path, _: Random) -> None:
    path.symlink_to("config.yaml")


def _nothing(_: Path, __: Random) -> None:
    pass


def _large(path: Path, chance: Random) -> None:
    piece = chance.choice(
        (b"#", b"[", b"- a\n", b"a: &a [*a]\n", b'"', b"\xff", b"{a: ", b"\t", b"- {type: a, paths: [/a]}\n")
    )
    path.write_bytes((b"devices:\n" + piece * MAX_TEXT)[:MAX_TEXT])


def _bent(path: Path, chance: Random) -> None:
    path.write_bytes(bend(TARGETS["config"], chance))


def _many_devices(path: Path, _: Random) -> None:
    path.write_bytes(
        json.dumps({"devices": [{"type": f"r{index}", "paths": ["/dev/*"]} for index in range(50)]}).encode()
    )


KINDS: tuple[Callable[[Path, Random], None], ...] = (
    *(_fifo, _endless, _huge, _socket, _directory, _to_itself, _nothing, _bent, _bent, _bent, _large, _many_devices),
)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _replace(file: Path, make: Callable[[Path, Random], None], chance: Random) -> None:
    new = file.with_name("new")
    make(new, chance)
    if file.is_dir() and not file.is_symlink():
        file.rmdir()
    if not os.path.lexists(new) or (new.is_dir() and not new.is_symlink()):
        file.unlink(missing_ok=True)
    if os.path.lexists(new):
        new.rename(file)


async def _is_taken(name: str, file: Path, kubelet: Kubelet) -> None:
    _replace(file, lambda path, _: _write(path, good(name)), Random(0))
    await kubelet.wait_until(lambda kubelet: is_listed(kubelet, f"squat.ai/{name}"), timeout=PATIENCE)


@asynccontextmanager
async def _configured(directory: Path) -> AsyncIterator[tuple[Kubelet, PluginProcess, Path]]:
    file, plugins = directory / "config.yaml", directory / "plugins"
    plugins.mkdir()
    file.write_bytes(good("first"))
    options = ("--plugin-directory", str(plugins), "--listen=", "--config", str(file), "--log-level=warn")
    async with Kubelet(plugins) as kubelet, PluginProcess(*options) as plugin:
        plugin.is_quiet = True
        await kubelet.wait_for_devices("squat.ai/first", healthy=1)
        yield kubelet, plugin, file


async def attack(times: int, seed: int = 0) -> Seen:
    """Replace the file so often, and see."""
    chance = Random(seed)
    directory = Path(tempfile.mkdtemp(prefix="c-", dir="/run"))
    try:
        async with _configured(directory) as (kubelet, plugin, file):
            before, most = plugin.cost().rss_bytes, 0
            for number in range(1, times + 1):
                _replace(file, chance.choice(KINDS), chance)
                await asyncio.sleep(chance.choice((0, 0.001, 0.15)))  # some are seen, some only in passing
                assert plugin.is_running(), plugin.said()
                most = max(most, plugin.cost().rss_bytes - before)
                if number % BURST == 0 or number == times:
                    await _is_taken(f"good-{number}", file, kubelet)
            _replace(file, _fifo, chance)
            return Seen(times, await plugin.terminate(), most)
    finally:
        shutil.rmtree(directory)
