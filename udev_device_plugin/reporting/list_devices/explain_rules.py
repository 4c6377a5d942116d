"""Why what a udev rule matches, or almost matches, is not offered.

Floor 4, pure.
"""

from udev_device_plugin.devices.candidates import Slot
from udev_device_plugin.reporting.list_devices.explain_paths import misses_of_matches
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.udev_rule.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector


def misses_of_rule(decided: Decided, slot: Slot, selector: UdevSelector) -> tuple[NearMisses, str]:
    """What comes close to a rule; and what to say if nothing matches."""
    near = decided.host.near.get(selector.rule, NearMisses())
    own = bounded([*misses_of_matches(decided, slot), *nodes_not_there(decided, selector)])
    misses = NearMisses((*own.closest, *near.closest), own.more + near.more)
    return misses, "" if own.closest else _remark(selector.rule, near)


def nodes_not_there(decided: Decided, selector: UdevSelector) -> list[NearMiss]:
    """Devices that a rule means, whose node is not where the kernel has it."""
    inventory = decided.host.inventory
    gone = [device for device in inventory.selected(selector) if device.devnode not in inventory.entries]
    gone.sort(key=lambda device: device.sys_path)
    return [
        NearMiss(device.sys_path.rpartition("/")[2], f"matches, but its node {device.devnode} is not there")
        for device in gone
    ]


def _remark(rule: Rule, near: NearMisses) -> str:
    if near.of_subsystem is None or rule.subsystems is None:
        return "no device with a node matches"
    names = " or ".join(sorted(rule.subsystems))
    if near.of_subsystem == 0:
        return f"no device is of the subsystem {names}"
    if not near.closest:
        return f"no device matches, and none of the {near.of_subsystem} of the subsystem {names} comes close"
    return "no device with a node matches"
