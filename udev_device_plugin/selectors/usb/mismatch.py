"""Why a USB device that is plugged is not offered.

Pure. Any thread.
"""

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from udev_device_plugin.selectors.kind import DeviceRecord, MatchFacts, UsbDeviceRecord
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded

if TYPE_CHECKING:  # it asks this module
    from udev_device_plugin.selectors.usb.selector import UsbSelector


def mismatches(selector: "UsbSelector", facts: MatchFacts) -> tuple[NearMisses, str]:
    """USB devices that a selector means and does not offer, and those that it almost means; a remark if there are none.

    The closest first: whose nodes are not all there, who has another serial number, who is another product.
    """
    offered = {match.usb_device_path for match in facts.offered()}
    usb_devices: dict[UsbDeviceRecord, list[DeviceRecord]] = {}
    for device in facts.devices():
        if device.usb_device is not None and device.usb_device.sys_path not in offered:
            usb_devices.setdefault(device.usb_device, []).append(device)
    ranked: list[tuple[int, NearMiss]] = []
    for usb_device, devices in usb_devices.items():
        rank, why = _why_not(selector, facts, usb_device, devices)
        if why:
            ranked.append((rank, NearMiss(_name(usb_device), why)))
    ranked.sort(key=lambda one: (one[0], len(one[1].name), one[1].name))
    remark = "no USB device matches" if ranked else f"no USB device of the vendor {selector.vendor} is plugged"
    return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark


def _why_not(
    selector: "UsbSelector", facts: MatchFacts, usb_device: UsbDeviceRecord, devices: Collection[DeviceRecord]
) -> tuple[int, str]:
    """How far it is from being offered, and why it is not; "" if it does not even come close."""
    if selector.wants_usb_device(usb_device):
        return 0, _what_lacks(selector, facts, usb_device, devices)
    if usb_device.vendor != selector.vendor:
        return 3, ""
    if usb_device.product != selector.product:
        return 2, f"product is {usb_device.product}, wanted {selector.product}"
    return 1, f"serial is {usb_device.serial or 'missing'}, wanted {selector.serial}"


def _what_lacks(
    selector: "UsbSelector", facts: MatchFacts, usb_device: UsbDeviceRecord, devices: Collection[DeviceRecord]
) -> str:
    """Which nodes are missing, and what is the matter with those that are there and do not count."""
    own = [match for match in facts.found() if match.usb_device_path == usb_device.sys_path]
    here = Counter(match.subsystem for match in own)
    lacking = Counter(dict(selector.nodes)) - here
    if not lacking:
        return "another selector offers the same stick already"
    paths = {match.path for match in own}
    excuses = [
        f"{device.devnode} {facts.why_not(device.devnode)}"
        for device in sorted(devices, key=lambda device: (len(device.devnode), device.devnode))
        if selector.selects(device) and device.devnode not in paths
    ]
    numbers = [f"{name}: {here[name]} of {number}" for name, number in selector.nodes if name in lacking]
    return f"nodes are missing, {', '.join(numbers)}{''.join(f'; {excuse}' for excuse in excuses)}"


def _name(usb_device: UsbDeviceRecord) -> str:
    """Its port, and what it is: what ``lsusb -t`` and ``lsusb`` have in common."""
    return f"{usb_device.sys_path.rpartition('/')[2]} ({usb_device.vendor}:{usb_device.product})"
