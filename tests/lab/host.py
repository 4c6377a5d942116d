"""A made-up host, for tests in `hack/lib/in-world`: real to those who look at it, without hardware.

Libudev, pyudev, the netlink socket, nodes and links are real; kernel, udevd and rules are played here, in
their order: the kernel's part first (sysfs and node), then udevd's (links, database, event). Nodes cannot be
opened.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.lab import sysfs
from tests.lab.links import Links
from tests.lab.netlink import Injector, datagram, overflow
from tests.lab.records import FakeDevice, Stick

Pluggable = FakeDevice | Stick

# What /dev holds without any hardware; a process cannot live without it.
BARE_DEV = frozenset({"null", "zero", "full", "random", "urandom", "tty", "shm", "fd"})
CONTROL = "/run/udev/control"
DATABASE = "/run/udev/data"
QUEUE = "/run/udev/queue"

CONTROLLER = FakeDevice(
    devpath="/devices/pci0000:00/0000:00:14.0",
    subsystem="pci",
    driver="xhci_hcd",
    attributes={"numa_node": "0", "vendor": "0x8086", "device": "0x9d2f"},
    kernel={"PCI_SLOT_NAME": "0000:00:14.0"},
)


class FakeHost:
    """The host that all processes of this namespace see. It has a USB controller and nothing plugged."""

    def __init__(self) -> None:
        refuse_outside()
        self._injector = Injector()
        self._moments = itertools.count(1_000_000)
        self.clear()

    def clear(self) -> None:
        """Makes it as new, without an event."""
        sysfs.make_bare()
        sysfs.empty("/dev", keep=BARE_DEV)
        sysfs.empty("/run/udev")
        self._links = Links()
        self._present: dict[str, FakeDevice] = {}
        self._initialized: dict[str, int] = {}  # by devpath, as USEC_INITIALIZED
        os.makedirs(DATABASE)
        self.show_udevd()
        self.plug(CONTROLLER, silent=True)

    def close(self) -> None:
        """Takes everything away."""
        self.clear()
        self._injector.close()

    def plug(self, thing: Pluggable, *, silent: bool = False) -> None:
        """Plugs it; silent: everything is there, but no event says so."""
        for device in _devices(thing):
            self.appear(device)
        for device in _devices(thing):
            self.finish(device, silent=silent)
        if not silent:
            self._send_for_drivers("bind", thing)

    def unplug(self, thing: Pluggable, *, silent: bool = False) -> None:
        """Unplugs it; silent: it is gone, but no event says so."""
        for device in reversed(_devices(thing)):
            self.vanish(device)
        if not silent:
            self._send_for_drivers("unbind", thing)
        for device in reversed(_devices(thing)):
            self.forget(device, silent=silent)

    def appear(self, device: FakeDevice) -> None:
        """The kernel's part of a plug: device and node are there, udevd has not been at work yet."""
        sysfs.add(device)
        self._present[device.devpath] = device
        self._initialized[device.devpath] = next(self._moments)

    def finish(self, device: FakeDevice, *, silent: bool = False, action: str = "add") -> None:
        """udevd's part of a plug: links, database, event; in this order."""
        self._links.claim(device)
        temporary = f"{DATABASE}/.#{device.database_name}"
        sysfs.write(temporary, _database_entry(device, self._moment(device)))
        os.rename(temporary, f"{DATABASE}/{device.database_name}")
        if not silent:
            self.send(action, device)

    def vanish(self, device: FakeDevice) -> None:
        """The kernel's part of an unplug: device and node are gone, links and database are still there."""
        sysfs.remove(device)
        del self._present[device.devpath]

    def forget(self, device: FakeDevice, *, silent: bool = False) -> None:
        """udevd's part of an unplug. A link that another device claims as well now leads to that one."""
        self._links.release(device)
        if os.path.exists(f"{DATABASE}/{device.database_name}"):
            os.unlink(f"{DATABASE}/{device.database_name}")
        if not silent:
            self.send("remove", device)

    def change(self, device: FakeDevice, *, silent: bool = False) -> None:
        """A present device (the same devpath) is from now on as described here."""
        before = self._present[device.devpath]
        assert before.node == device.node, "a device cannot change its node"
        sysfs.write_attributes(device)
        self._links.release(before, keep=device.devlinks)
        self._present[device.devpath] = device
        self.finish(device, silent=silent, action="change")

    def send(self, action: str, device: FakeDevice, properties: Mapping[str, str] | None = None) -> None:
        """An event only, true or not: a second add, a remove of what never was; with more properties."""
        moment = {"USEC_INITIALIZED": str(self._moment(device))}
        self.send_properties({"ACTION": action, **moment, **device.message(), **(properties or {})})

    def _moment(self, device: FakeDevice) -> int:
        """When udevd had finished with it for the first time since it was plugged."""
        return self._initialized.get(device.devpath, 1)

    def send_properties(self, properties: Mapping[str, str]) -> None:
        """An event with exactly these properties, however incomplete."""
        self._injector.send(properties)

    def storm(self, device: FakeDevice, count: int, action: str = "change") -> None:
        """The same event over and over, a few hundred thousand a second."""
        moment = str(self._moment(device))
        message = datagram({"SEQNUM": "1", "ACTION": action, "USEC_INITIALIZED": moment, **device.message()})
        self._injector.send_raw(message, count)

    def overflow(self, subsystem: str = "tty") -> None:
        """Sends events of the subsystem until each listener has lost some. Suspend a reader that keeps up."""
        overflow(self._injector, subsystem)

    def hide_udevd(self) -> None:
        """Makes it as in a pod that udev's events cannot reach: monitors made from now on stay silent."""
        os.unlink(CONTROL)

    def show_udevd(self) -> None:
        """Undoes `hide_udevd`."""
        sysfs.write(CONTROL, "")

    @contextmanager
    def busy(self) -> Iterator[None]:
        """udevd has events in its queue, as during a boot."""
        sysfs.write(QUEUE, "")
        yield
        os.unlink(QUEUE)

    def _send_for_drivers(self, action: str, thing: Pluggable) -> None:
        for device in _devices(thing):
            if device.driver and device.is_on_bus:
                self.send(action, device)


def refuse_outside() -> None:
    """Raises unless this process is in a world of its own: the host's /sys and /dev would be emptied."""
    here = f"{os.readlink('/proc/self/ns/mnt')} {os.readlink('/proc/self/ns/net')}"
    outside = os.environ.get("UDEV_LAB_OUTSIDE", "")
    apart = outside and not set(here.split()) & set(outside.split())
    if not apart or os.environ.get("SYSTEMD_DEVICE_VERIFY_SYSFS") != "0":
        raise RuntimeError("this is no world of its own, and a made-up host would harm it; run: hack/test world")


def _devices(thing: Pluggable) -> tuple[FakeDevice, ...]:
    return thing.devices if isinstance(thing, Stick) else (thing,)


def _database_entry(device: FakeDevice, initialized: int) -> str:
    lines = [f"S:{link}" for link in device.links]
    lines += [f"I:{initialized}", *(f"E:{key}={value}" for key, value in device.properties.items())]
    lines += [f"{kind}:{tag}" for tag in device.tags for kind in "GQ"]
    return "\n".join([*lines, "V:1", ""])
