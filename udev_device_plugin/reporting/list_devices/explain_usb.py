"""Why a USB device that is plugged is not offered.

Floor 4, pure.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from udev_device_plugin.devices.candidates import Slot
from udev_device_plugin.host.model import HostDevice, UsbDevice
from udev_device_plugin.reporting.list_devices.explain_paths import why_not
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.udev_rule.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.usb.selector import UsbSelector


def misses_of_usb_devices(decided: Decided, slot: Slot, selector: UsbSelector) -> tuple[NearMisses, str]:
    """USB devices that a selector means and does not offer, and those that it almost means; a remark if there are none.

    The closest first: whose nodes are not all there, who has another serial number, who is another product.
    """
    usb_devices = _usb_devices(decided)
    offered = {
        candidate.usb_device_path
        for formed in decided.formation.formed
        if (formed.group, formed.member) == slot
        for candidate in formed.members
        if candidate is not None
    }
    ranked: list[tuple[int, NearMiss]] = []
    for usb_device, devices in usb_devices.items():
        if usb_device.sys_path in offered:
            continue
        rank, why = _why_not(decided, slot, selector, usb_device, devices)
        if why:
            ranked.append((rank, NearMiss(_name(usb_device), why)))
    ranked.sort(key=lambda one: (one[0], len(one[1].name), one[1].name))
    remark = "no USB device matches" if ranked else f"no USB device of the vendor {selector.vendor} is plugged"
    return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark


def _usb_devices(decided: Decided) -> Mapping[UsbDevice, Collection[HostDevice]]:
    """Those that udev knows a node of, with the devices that have these."""
    usb_devices: dict[UsbDevice, list[HostDevice]] = {}
    for device in decided.host.inventory.devices():
        if device.usb_device is not None:
            usb_devices.setdefault(device.usb_device, []).append(device)
    return usb_devices


def _why_not(
    decided: Decided, slot: Slot, selector: UsbSelector, usb_device: UsbDevice, devices: Collection[HostDevice]
) -> tuple[int, str]:
    """How far it is from being offered, and why it is not; "" if it does not even come close."""
    if selector.wants_usb_device(usb_device):
        return 0, _what_lacks(decided, slot, selector, usb_device, devices)
    if usb_device.vendor != selector.vendor:
        return 3, ""
    if usb_device.product != selector.product:
        return 2, f"product is {usb_device.product}, wanted {selector.product}"
    return 1, f"serial is {usb_device.serial or 'missing'}, wanted {selector.serial}"


def _what_lacks(
    decided: Decided, slot: Slot, selector: UsbSelector, usb_device: UsbDevice, devices: Collection[HostDevice]
) -> str:
    """Which nodes are missing, and what is the matter with those that are there and do not count."""
    own = [candidate for candidate in decided.found[slot].values() if candidate.usb_device_path == usb_device.sys_path]
    here = Counter(candidate.subsystem for candidate in own)
    lacking = selector.lacks(here.elements())
    if not lacking:
        return "another selector offers the same stick already"
    paths = {candidate.path for candidate in own}
    excuses = [
        f"{device.devnode} {_why_no_node(decided, slot, device)}"
        for device in sorted(devices, key=lambda device: (len(device.devnode), device.devnode))
        if selector.selects(device) and device.devnode not in paths
    ]
    numbers = [f"{name}: {here[name]} of {number}" for name, number in selector.nodes if name in lacking]
    return f"nodes are missing, {', '.join(numbers)}{''.join(f'; {excuse}' for excuse in excuses)}"


def _why_no_node(decided: Decided, slot: Slot, device: HostDevice) -> str:
    entry = decided.host.inventory.entries.get(device.devnode)
    return "is not there" if entry is None else why_not(decided, slot, entry)


def _name(usb_device: UsbDevice) -> str:
    """Its port, and what it is: what ``lsusb -t`` and ``lsusb`` have in common."""
    return f"{usb_device.sys_path.rpartition('/')[2]} ({usb_device.vendor}:{usb_device.product})"
