"""The identity record, changed at random: what a start makes of it, up to the links and the answers to the kubelet.

A file as this program writes it is bent, byte by byte, or at the values of its JSON with the checksum made right again.
Whatever comes of that, a container gets nothing but what is on the host. `hack/attack` does it thousands of times, the
unit tests a few.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.controller import record_format
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.controller.own_links import OwnLinks
from udev_device_plugin.devices.allocation import allocate
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, PathEntry, PathKind, UsbDevice
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

PORT = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-{}"
BY_ID = "/dev/serial/by-id/usb-twin"

_BYTES = (b'"', b"\\", b"\0", b"\xff", b"\\ud800", b"[", b"]", b"{", b"}", b",", b"null", b"-1", b"1e9", b"../", b"\n")
_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        0,
        1,
        2**31,
        2**63,
        2**64,
        10**400,
        1.5,
        "",
        "/",
        ".",
        "..",
        "\0",
        "\ud800",
        "\udcff",
        "x" * 300,
    ),
    *(
        "/dev/mem",
        "../../kubelet.sock",
        "/etc/passwd",
        "/dev/ttyUSB0",
        "/dev/../dev/mem",
        "a\nb",
        "c1:1",
        "b8:0",
        "c188:1",
    ),
    *([], {}, [None], [[]], {"a": 1}, ["/dev/mem"], [["c1:1", 1, ""]], "x" * 5000, "٣", "c٣:1"),
)
_TEXTS = tuple(value for value in _VALUES if isinstance(value, str))


def _path(glob: str, **options: Any) -> PathSpec:
    return PathSpec(PathSelector(Glob.parse(glob)), **options)


SPEC = ResourceSpec(
    "squat.ai/attacked",
    (
        GroupSpec((_path("/dev/ttyUSB*"),)),
        GroupSpec(
            (_path("/dev/snd/pcm*", limit=2), _path("/etc/asound.conf", type=PathType.MOUNT, optional=True, limit=9)), 2
        ),
        GroupSpec((PathSpec(UsbSelector("2c7c", "0125", nodes=(("tty", 1), ("usbmisc", 1)))),)),
        GroupSpec((_path("/dev/unknown*"),)),
    ),
)


def host(*, is_described: bool) -> Inventory:
    """Twins, a sound card, a modem, a node that only a path names; udev may not have described some (yet)."""
    inventory = Inventory(SPEC.selectors)
    twins = [_device("ttyUSB", index, "1a86", links=(BY_ID,), serial="twin") for index in (0, 1)]
    modem = [
        _device("ttyACM", 0, "2c7c", port=3),
        _device("cdc-wdm", 0, "2c7c", port=3),
    ]
    sound = [_device("snd/pcm", index, "0d8c", port=4) for index in (0, 1)]
    for devices in (twins[:1], twins[1:], modem, sound):
        unit = devices[0].usb_device.sys_path if devices[0].usb_device else ""
        nodes = [_node(one, unit) for one in devices]
        if not is_described and devices in (twins[1:], sound):
            nodes = [replace(one, state=NodeState.UNFINISHED, description=None) for one in nodes]
        inventory.replace(HostLook({one.devnode: _entry(one) for one in devices}, {unit: tuple(nodes)}))
    unknown, mount = DeviceNumber("c", 500, 0), "/etc/asound.conf"
    entry = PathEntry("/dev/unknown0", PathKind.NODE, unknown, "/dev/unknown0", 77)
    inventory.replace(HostLook({entry.path: entry}, {unknown: (Node(unknown, unknown, NodeState.UNKNOWN),)}))
    inventory.replace(HostLook({mount: PathEntry(mount, PathKind.FILE, None, mount, 78)}, complete_for=0))
    return inventory


def _device(
    name: str, index: int, vendor: str, *, links: tuple[str, ...] = (), serial: str = "", port: int = 0
) -> HostDevice:
    port, subsystem = port or index, {"tty": "tty", "cdc": "usbmisc", "snd": "sound"}[name[:3]]
    product = {"2c7c": "0125"}.get(vendor, "7523")
    usb_device = UsbDevice(PORT.format(port), vendor, product, serial, "2")
    number = DeviceNumber("c", {"tty": 188, "usbmisc": 180, "sound": 116}[subsystem], index + 10 * port)
    sys_path = f"{PORT.format(port)}/1-{port}:1.{index}/{subsystem}/{os.path.basename(name)}{index}"
    return HostDevice(
        sys_path, subsystem, number, f"/dev/{name}{index}", links, links, serial=serial, place=index,
        usb_device=usb_device,
    )  # fmt: skip


def _node(device: HostDevice, unit: str | DeviceNumber) -> Node:
    return Node(device.number, unit, NodeState.FINISHED, _entry(device).inode, device.devnode, device)


def _entry(device: HostDevice) -> PathEntry:
    return PathEntry(device.devnode, PathKind.NODE, device.number, device.devnode, 1000 + device.number.minor)


class Attack:
    """A plugin directory with a record, and a host on which the next process starts with it, in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._own = OwnDirectory(str(directory))
        self._inventory = host(is_described=True)
        self._links = OwnLinks(self._own)
        IdentityRecord(self._own).keep(SPEC, self._offered(AssembledResource()))
        self._inventory = host(is_described=False)
        (name,) = (name for name in os.listdir(self._own.path) if name.startswith(".offered-"))
        self._file = Path(self._own.path + name)
        self.good = self._file.read_bytes()

    def close(self) -> None:
        """The descriptors go."""
        self._own.close()

    def start(self, content: bytes) -> bool:
        """A process starts with a record; True if it took it. Raises AssertionError if a path is not of this host."""
        self._file.write_bytes(content)
        recalled = IdentityRecord(self._own).recall(SPEC)
        assembled = recalled
        for _ in range(2):
            assembled = self._offered(assembled)
        return bool(recalled.devices)

    def _offered(self, before: AssembledResource) -> AssembledResource:
        """One assembly, with all that follows from it."""
        context = AssemblyContext(1000.0, 300.0, self._own.path, frozenset())
        assembled = assemble(SPEC, self._inventory, before, context)
        devices = device_set(SPEC, assembled, self._inventory)
        messages.device_list(devices).SerializeToString()
        self._links.keep_for(devices)
        targets = {entry.target for entry in self._inventory.entries.values()}
        links = {self._own.path + name for name in os.listdir(self._own.path) if not name.startswith(".")}
        for link in links:
            assert os.readlink(link) in targets, f"a link leads to {os.readlink(link)}"
        for id_ in devices.by_id:
            allocation = allocate(devices, [id_])
            messages.container_response(allocation).SerializeToString()
            for member in allocation.members:
                assert member.host_path in links | targets | {BY_ID}, f"a container gets {member.host_path}"
                assert member.container_path in self._inventory.entries, f"at {member.container_path}"
        return assembled


@contextmanager
def attack(directory: Path) -> Iterator[Attack]:
    """An attack in a directory."""
    one = Attack(directory)
    try:
        yield one
    finally:
        one.close()


def bent_bytes(good: bytes, chance: Random) -> bytes:
    """The content with a few bytes changed, cut out, put in or doubled; never as it was."""
    content = good
    while content == good:
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            start = chance.randint(0, len(content))
            end = min(len(content), start + chance.choice((0, 1, 1, 1, 5, 50)))
            piece = chance.choice((b"", bytes([chance.randrange(256)]), chance.choice(_BYTES), content[start:end] * 2))
            content = content[:start] + piece + content[end:]
    return content


def bent_values(good: bytes, chance: Random) -> bytes:
    """The content with a few values changed, and the checksum made right."""
    document = json.loads(good.partition(b"\n")[2])
    for _ in range(chance.choice((1, 1, 2, 5))):
        if chance.random() < 0.5:
            _bend(document, chance)
        else:
            document = _replaced(document, chance.choice(_texts_in(document)), chance.choice(_TEXTS))
    body = json.dumps(document).encode("ascii")
    checksum = record_format._checksum(record_format.FORMAT, body)
    return b"udev-device-plugin record %d sha256:%s\n%s" % (record_format.FORMAT, checksum, body)


def _texts_in(document: Any) -> list[str]:
    if isinstance(document, str):
        return [document]
    values = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [text for value in values for text in _texts_in(value)]


def _replaced(document: Any, text: str, by: str) -> Any:
    """It with one text exchanged wherever it stands, so that it still agrees with itself."""
    if isinstance(document, dict):
        return {key: _replaced(value, text, by) for key, value in document.items()}
    if isinstance(document, list):
        return [_replaced(value, text, by) for value in document]
    return by if document == text else document


def _bend(document: Any, chance: Random) -> None:
    """Change one value somewhere in it."""
    here = document
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice(keys)
        if isinstance(here[key], list | dict) and here[key] and chance.random() < 0.9:
            here = here[key]
            continue
        here[key] = chance.choice((chance.choice(_VALUES), here[chance.choice(keys)]))
        if isinstance(here, list) and chance.random() < 0.2:
            here.insert(key, chance.choice(_VALUES))
        return
