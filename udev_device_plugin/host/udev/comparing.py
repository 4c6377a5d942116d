"""Compares udev rules with all devices that udev knows, for a person who wonders why one does not match.

Floor 4, on whichever thread it is called, and alone there: it has a libudev context of its own, and no pyudev object
leaves it. It changes nothing about what is offered: that is decided by ``describing``.
"""

from collections.abc import Collection, Iterable, Mapping

import pyudev

from udev_device_plugin.host.udev.rule_subject import UdevSubject
from udev_device_plugin.selectors.udev_rule.mismatch import Nearest, NearMisses
from udev_device_plugin.selectors.udev_rule.rule import Rule


def compare(rules: Iterable[Rule]) -> Mapping[Rule, NearMisses]:
    """What comes close to each rule: devices with and without a node.

    Those of another subsystem are tried only where nothing else comes close: reading sysfs takes its time.
    """
    nearest = {rule: Nearest(rule) for rule in rules}
    _try(nearest.values(), are_at_home=True)
    _try([one for one in nearest.values() if one.is_wanting], are_at_home=False)
    return {rule: one.result() for rule, one in nearest.items()}


def _try(collectors: Collection[Nearest], *, are_at_home: bool) -> None:
    if not collectors:
        return
    for device in pyudev.Context().list_devices():
        subject = UdevSubject(device)
        subsystem = subject.subsystem
        for collector in collectors:
            if collector.is_at_home(subsystem) is are_at_home:
                mismatch = collector.rule.mismatch(subject)
                collector.consider(
                    subject.name,
                    subsystem,
                    mismatch,
                    has_node=_has_node(device),
                    is_in_database=device.is_initialized,
                )


def _has_node(device: pyudev.Device) -> bool:
    try:
        return device.device_node is not None
    except (OSError, UnicodeError):  # gone, or a name that is no text: then it is passed over, see ``describing``
        return False
