"""Selects devices by the match part of a udev rule, and explains why one is not offered. Pure; any thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.records import DeviceRecord
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True, slots=True)
class UdevSelector(SelectorKind):
    """Selects the devices that match a rule, each by itself."""

    rule: Rule

    kind: ClassVar[str] = "udev"

    def __str__(self) -> str:
        return str(self.rule)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule."""
        return (self.rule,)

    def selects(self, device: DeviceRecord) -> bool:
        """Whether the rule matched where the device was read."""
        return str(self.rule) in device.rules

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return what matches and is not offered or comes close, and why; and a remark if nothing matches."""
        near = facts.near_misses(self.rule)
        own = bounded([*facts.not_offered(), *self._without_node(facts)])
        misses = NearMisses((*own.closest, *near.closest), own.more + near.more)
        return misses, "" if own.closest else self._remark(near)

    def _without_node(self, facts: MatchFacts) -> Iterator[NearMiss]:
        """Devices that match, but whose node is not where the kernel has it."""
        for device in sorted(facts.devices(), key=lambda device: device.sys_path):
            if self.selects(device) and not facts.is_there(device.devnode):
                name = device.sys_path.rpartition("/")[2]
                yield NearMiss(name, f"matches, but its node {device.devnode} is not there")

    def _remark(self, near: NearMisses) -> str:
        names = " or ".join(sorted(self.rule.subsystems or ()))
        if near.of_subsystem == 0:
            return f"no device is of the subsystem {names}"
        if near.of_subsystem is not None and not near.closest:
            return f"no device matches, and none of the {near.of_subsystem} of the subsystem {names} comes close"
        return "no device with a node matches"
