"""A selector of a kind that nothing else knows is matched, offered, listed and recorded like any other."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.reporting.list_devices.explain import explain
from udev_device_plugin.reporting.list_devices.model import Host
from udev_device_plugin.selectors.kind import MatchFacts, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMisses, bounded
from udev_device_plugin.selectors.records import DeviceRecord, UsbDeviceRecord


@dataclass(frozen=True)
class SerialSelector(SelectorKind):
    """The nodes of whatever USB device has a serial number."""

    serial: str

    kind: ClassVar[str] = "serial"

    def __str__(self) -> str:
        return f"serial number {self.serial}"

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        return usb_device.serial == self.serial

    def selects(self, device: DeviceRecord) -> bool:
        return device.usb_device is not None and self.wants_usb_device(device.usb_device)

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        misses = bounded(facts.not_offered())
        return misses, "" if misses.closest else "no USB device has that number"


A, B = (ResourceSpec(f"squat.ai/{serial}", (GroupSpec((PathSpec(SerialSelector(serial)),)),)) for serial in "AB")
USB_DEVICE = UsbDevice("/sys/devices/usb1/1-1", "10c4", "ea60", "A", "2")
LINK, TTY = "/dev/serial/by-id/usb-a", "/dev/ttyUSB0"
NUMBER = DeviceNumber("c", inventories.TTY_USB, 0)
DEVICE = HostDevice("/sys/devices/x", "tty", NUMBER, TTY, (LINK,), (LINK,), serial="A", usb_device=USB_DEVICE)


def host() -> Host:
    inventory = MadeUpInventory(A.selectors | B.selectors)
    inventory.described(DEVICE)
    inventory.stands(inventories.node(TTY, 0))
    return Host(inventory)


def test_its_devices_are_described_in_full_and_watched() -> None:
    assert Interest.of([A]).wants_usb_device(USB_DEVICE)
    assert Interest.of([A]).selects(DEVICE)
    assert not Interest.of([B]).selects(DEVICE)


def test_what_it_selects_is_offered_and_listed_and_the_reason_is_its_own() -> None:
    offering, empty = (one.selectors[0] for one in explain([A, B], host(), "/links/").resources)
    assert [(one.device.identity, one.member.node) for one in offering.offered] == [((LINK,), TTY)]
    assert (empty.path_spec.selector.kind, empty.remark) == ("serial", "no USB device has that number")


def test_what_was_offered_is_known_to_the_next_process(tmp_path: Path) -> None:
    given = AssemblyContext(1.0, 300.0, "/links/", frozenset())
    formed = assemble(A, host().inventory, AssembledResource(), given)
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(A, formed)
    assert [one.identity for one in IdentityRecord(OwnDirectory(str(tmp_path))).recall(A).devices] == [(LINK,)]
