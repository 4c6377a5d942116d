"""A made-up host, for tests in `hack/lib/in-world`: real to those who look at it, without hardware.

Libudev, pyudev, the netlink socket, nodes and links are real; kernel, udevd and rules are played here, in
their order: the kernel's part first (sysfs and node), then udevd's (`udevd_steps`). Nodes cannot be opened.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.lab import sysfs
from tests.lab.netlink import Injector, datagram, overflow
from tests.lab.records import FakeDevice, Stick
from tests.lab.udevd_steps import FakeUdevd, Step, Version, finish

Pluggable = FakeDevice | Stick

# What /dev holds without any hardware; a process cannot live without it.
BARE_DEV = frozenset({"null", "zero", "full", "random", "urandom", "tty", "shm", "fd"})
CONTROL = "/run/udev/control"
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
        self.clear()

    def clear(self) -> None:
        """Makes it as new, without an event."""
        sysfs.make_bare()
        sysfs.empty("/dev", keep=BARE_DEV)
        sysfs.empty("/run/udev")
        self._udevd = FakeUdevd(self.send)
        self._present: dict[str, FakeDevice] = {}
        self._sequences: dict[tuple[str, str], int] = {}  # of the kernel's latest event, by action and devpath
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
        finish(self._appearing(device))

    def finish(self, device: FakeDevice, *, silent: bool = False, action: str = "add", version: Version = 252) -> None:
        """udevd's part of a plug: mode, links, database, event; in this order."""
        finish(self.finishing(device, silent=silent, action=action, version=version))

    def vanish(self, device: FakeDevice) -> None:
        """The kernel's part of an unplug: device and node are gone, links and database are still there."""
        finish(self._vanishing(device))

    def forget(self, device: FakeDevice, *, silent: bool = False) -> None:
        """udevd's part of an unplug. A link that another device claims as well now leads to that one."""
        finish(self.forgetting(device, silent=silent))

    def finishing(
        self, device: FakeDevice, *, silent: bool = False, action: str = "add", version: Version = 252
    ) -> Iterator[Step]:
        """udevd's part of a plug, of which each step is done when it is asked for."""
        return self._udevd.adding(device, version, action, silent=silent)

    def forgetting(self, device: FakeDevice, *, silent: bool = False) -> Iterator[Step]:
        """udevd's part of an unplug, of which each step is done when it is asked for."""
        return self._udevd.removing(device, silent=silent)

    def adding(self, device: FakeDevice, version: Version = 252, *, silent: bool = False) -> Iterator[Step]:
        """A plug, of which each step is done when it is asked for: the kernel's, then those of a udevd of a version."""
        yield from self._appearing(device)
        yield from self.finishing(device, silent=silent, version=version)

    def removing(self, device: FakeDevice, *, silent: bool = False) -> Iterator[Step]:
        """An unplug, of which each step is done when it is asked for."""
        yield from self._vanishing(device)
        yield from self.forgetting(device, silent=silent)

    def _appearing(self, device: FakeDevice) -> Iterator[Step]:
        sysfs.add(device)
        self._present[device.devpath] = device
        self._udevd.see(device)
        yield "sysfs"
        if device.node:
            sysfs.make_node(device.node, sysfs.MODE)
        self._announce("add", device)
        if device.node:
            yield "node"

    def _vanishing(self, device: FakeDevice) -> Iterator[Step]:
        if device.node:
            sysfs.remove_node(device.node)
            yield "node"
        self._announce("remove", device)
        sysfs.remove(device)
        del self._present[device.devpath]
        yield "sysfs"

    def change(self, device: FakeDevice, *, silent: bool = False) -> None:
        """A present device (the same devpath) is from now on as described here."""
        before = self._present[device.devpath]
        assert before.node == device.node, "a device cannot change its node"
        sysfs.write_attributes(device)
        self._present[device.devpath] = device
        self._announce("change", device)
        self.finish(device, silent=silent, action="change")

    def sequence(self, action: str, device: FakeDevice) -> int:
        """The number of the kernel's latest event of this kind about a device; one of its own for what never was."""
        if (action, device.devpath) not in self._sequences:
            self._announce(action, device)
        return self._sequences[action, device.devpath]

    def _announce(self, action: str, device: FakeDevice) -> None:
        """The kernel's own event, which only udevd hears."""
        self._sequences[action, device.devpath] = number = self._injector.next_sequence()
        sysfs.write("/sys/kernel/uevent_seqnum", f"{number}\n")

    def send(self, action: str, device: FakeDevice, properties: Mapping[str, str] | None = None) -> None:
        """An event only, true or not: a second add, a remove of what never was; with more properties."""
        told = {"SEQNUM": str(self.sequence(action, device)), "USEC_INITIALIZED": str(self._udevd.moment(device))}
        self.send_properties({"ACTION": action, **told, **device.message(), **(properties or {})})

    def send_properties(self, properties: Mapping[str, str]) -> None:
        """An event with exactly these properties, however incomplete."""
        self._injector.send(properties)

    def storm(self, device: FakeDevice, count: int, action: str = "change") -> None:
        """The same event over and over, a few hundred thousand a second."""
        moment = str(self._udevd.moment(device))
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
        self.show_queue(is_busy=True)
        yield
        self.show_queue(is_busy=False)

    def show_queue(self, *, is_busy: bool) -> None:
        """Shows whether udevd has events in its queue."""
        if is_busy:
            sysfs.write(QUEUE, "")
        elif os.path.exists(QUEUE):
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
