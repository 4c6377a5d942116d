"""Why a stick that is plugged is not offered.

Floor 4, pure.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from udev_device_plugin.devices.candidates import Slot
from udev_device_plugin.host.model import HostDevice, Stick
from udev_device_plugin.reporting.list_devices.explain_paths import why_not
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.udev_rule.near_misses import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.usb.selector import UsbSelector


def misses_of_sticks(decided: Decided, slot: Slot, selector: UsbSelector) -> tuple[NearMisses, str]:
    """Sticks that a selector means and does not offer, and those that it almost means; what to say if there are none.

    The closest first: whose nodes are not all there, who has another serial number, who is another product.
    """
    sticks = _sticks(decided)
    offered = {
        candidate.stick_path
        for formed in decided.formation.formed
        if (formed.group, formed.member) == slot
        for candidate in formed.members
        if candidate is not None
    }
    ranked: list[tuple[int, NearMiss]] = []
    for stick, devices in sticks.items():
        if stick.sys_path in offered:
            continue
        rank, why = _why_not(decided, slot, selector, stick, devices)
        if why:
            ranked.append((rank, NearMiss(_name(stick), why)))
    ranked.sort(key=lambda one: (one[0], len(one[1].name), one[1].name))
    remark = "no USB device matches" if ranked else f"no USB device of the vendor {selector.vendor} is plugged"
    return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark


def _sticks(decided: Decided) -> Mapping[Stick, Collection[HostDevice]]:
    """Those that udev knows a node of, with the devices that have these."""
    sticks: dict[Stick, list[HostDevice]] = {}
    for device in decided.host.inventory.devices():
        if device.stick is not None:
            sticks.setdefault(device.stick, []).append(device)
    return sticks


def _why_not(
    decided: Decided, slot: Slot, selector: UsbSelector, stick: Stick, devices: Collection[HostDevice]
) -> tuple[int, str]:
    """How far it is from being offered, and why it is not; "" if it does not even come close."""
    if selector.matches_stick(stick):
        return 0, _what_lacks(decided, slot, selector, stick, devices)
    if stick.vendor != selector.vendor:
        return 3, ""
    if stick.product != selector.product:
        return 2, f"product is {stick.product}, wanted {selector.product}"
    return 1, f"serial is {stick.serial or 'missing'}, wanted {selector.serial}"


def _what_lacks(
    decided: Decided, slot: Slot, selector: UsbSelector, stick: Stick, devices: Collection[HostDevice]
) -> str:
    """Which nodes are missing, and what is the matter with those that are there and do not count."""
    own = [candidate for candidate in decided.found[slot].values() if candidate.stick_path == stick.sys_path]
    here = Counter(candidate.subsystem for candidate in own)
    lacking = selector.lacks(here.elements())
    if not lacking:
        return "another selector offers the same stick already"
    paths = {candidate.path for candidate in own}
    excuses = [
        f"{device.devnode} {_why_no_node(decided, slot, device)}"
        for device in sorted(devices, key=lambda device: (len(device.devnode), device.devnode))
        if selector.matches(device) and device.devnode not in paths
    ]
    numbers = [f"{name}: {here[name]} of {number}" for name, number in selector.nodes if name in lacking]
    return f"nodes are missing, {', '.join(numbers)}{''.join(f'; {excuse}' for excuse in excuses)}"


def _why_no_node(decided: Decided, slot: Slot, device: HostDevice) -> str:
    entry = decided.host.inventory.entries.get(device.devnode)
    return "is not there" if entry is None else why_not(decided, slot, entry)


def _name(stick: Stick) -> str:
    """Its port, and what it is: what ``lsusb -t`` and ``lsusb`` have in common."""
    return f"{stick.sys_path.rpartition('/')[2]} ({stick.vendor}:{stick.product})"
