"""What a made-up host consists of: devices, and sticks made of several. Values only; `host` shows them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

# The kernel lists the devices of a bus below /sys/bus, all others below /sys/class.
BUSES = frozenset({"pci", "platform", "usb", "usb-serial", "hid"})


@dataclass(frozen=True, slots=True)
class FakeNode:
    """A device node. Its name is as the kernel's DEVNAME in sysfs, without /dev: `bus/usb/001/003`."""

    name: str
    major: int
    minor: int
    kind: Literal["b", "c"] = "c"
    mode: int = 0o660

    @property
    def path(self) -> str:
        return f"/dev/{self.name}"

    @property
    def number(self) -> str:
        return f"{self.kind}{self.major}:{self.minor}"


@dataclass(frozen=True, slots=True)
class FakeDevice:
    """One device of sysfs.

    Attributes:
        devpath: its place below /sys, `/devices/pci0000:00/…/ttyUSB0`.
        driver: the name of the driver that is bound to it.
        attributes: its files in sysfs; a name may have directories.
        kernel: what the kernel says of it (`PRODUCT`, `BUSNUM`), besides node, DEVTYPE and DRIVER.
        properties: what udev's rules found out (`ID_SERIAL_SHORT`).
        links: what udev's rules want to lead to its node; without /dev.
        symlinks: links in its directory in sysfs, and the places that these lead to, `/sys/devices/…`.
    """

    devpath: str
    subsystem: str
    devtype: str | None = None
    driver: str | None = None
    node: FakeNode | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    kernel: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    symlinks: Mapping[str, str] = field(default_factory=dict)

    @property
    def sys_path(self) -> str:
        return f"/sys{self.devpath}"

    @property
    def sys_name(self) -> str:
        return os.path.basename(self.devpath)

    @property
    def is_on_bus(self) -> bool:
        return self.subsystem in BUSES

    @property
    def collection(self) -> str:
        """The directory of sysfs that lists this device among its kind."""
        return f"/sys/bus/{self.subsystem}/devices" if self.is_on_bus else f"/sys/class/{self.subsystem}"

    @property
    def database_name(self) -> str:
        """The name of its file in /run/udev/data."""
        return self.node.number if self.node else f"+{self.subsystem}:{self.sys_name}"

    @property
    def devlinks(self) -> tuple[str, ...]:
        return tuple(f"/dev/{link}" for link in self.links)

    def uevent_file(self) -> dict[str, str]:
        """What sysfs shows in its file `uevent`."""
        node = self.node
        return {
            **({"MAJOR": str(node.major), "MINOR": str(node.minor), "DEVNAME": node.name} if node else {}),
            **({"DEVTYPE": self.devtype} if self.devtype else {}),
            **({"DRIVER": self.driver} if self.driver else {}),
            **self.kernel,
        }

    def message(self) -> dict[str, str]:
        """What udevd says of it in an event, but for the action."""
        return {
            "DEVPATH": self.devpath,
            "SUBSYSTEM": self.subsystem,
            **self.uevent_file(),
            **({"DEVNAME": self.node.path} if self.node else {}),
            **self.properties,
            **({"DEVLINKS": " ".join(self.devlinks)} if self.links else {}),
            **({"TAGS": ":" + ":".join(self.tags) + ":"} if self.tags else {}),
        }


@dataclass(frozen=True, slots=True)
class Stick:
    """What a person plugs: several devices, parents first; the last with a node is what it is bought for."""

    devices: tuple[FakeDevice, ...]

    def __iter__(self) -> Iterator[FakeDevice]:
        return iter(self.devices)

    @property
    def main(self) -> FakeDevice:
        return next(device for device in reversed(self.devices) if device.node)

    @property
    def devnode(self) -> str:
        assert self.main.node
        return self.main.node.path

    @property
    def by_id(self) -> str:
        return next(link for link in self.main.devlinks if "/by-id/" in link)

    @property
    def by_path(self) -> str:
        return next(link for link in self.main.devlinks if "/by-path/" in link)

    def nodes(self, subsystem: str) -> tuple[str, ...]:
        """The nodes of one subsystem, in order."""
        return tuple(d.node.path for d in self.devices if d.node and d.subsystem == subsystem)
