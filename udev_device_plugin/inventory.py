"""What the host has: the observations of all sources, joined.

Floor 3, pure: no I/O, no clock; the same observations always give the same inventory. Runs on the main loop. Udev
decides what a device is and which names it claims; the filesystem decides what exists. Any sequence of observations
followed by both resyncs equals the resyncs alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, Readiness
from udev_device_plugin.globs import Glob
from udev_device_plugin.host_devices import HostDevices
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
    DeviceUnknown,
    Observation,
    PathObserved,
    PathsResync,
    PathVanished,
    UdevResync,
)

_NOTHING: frozenset[Glob] = frozenset()


class Inventory:
    """The host as last observed: udev's devices, and the paths that match one of ``globs``."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._matches: dict[Glob, dict[str, PathEntry]] = {glob: {} for glob in globs}
        self._entries: dict[str, PathEntry] = {}
        self._paths: defaultdict[DeviceNumber, set[str]] = defaultdict(set)
        self._devices = HostDevices()
        self._strangers: set[DeviceNumber] = set()
        self._new: set[DeviceNumber] = set()  # may not have been described yet
        self._doubted: set[DeviceNumber] = set()  # may be gone
        self._outdated: set[DeviceNumber] = set()  # may have got a link back
        self._awaited: set[type[Observation]] = {UdevResync, PathsResync}

    @property
    def is_complete(self) -> bool:
        """Whether every source has had its first complete look at the host."""
        return not self._awaited

    @property
    def devices(self) -> Mapping[str, HostDevice]:
        """Udev's devices with a node, by sysfs path."""
        return self._devices.by_sys_path

    @property
    def entries(self) -> Mapping[str, PathEntry]:
        """What stands at the paths that the configuration names."""
        return self._entries

    def matches(self, glob: Glob) -> Mapping[str, PathEntry]:
        """What stands at the paths that ``glob`` matches; ``glob`` is one of the constructor's."""
        return self._matches[glob]

    def names(self, sys_path: str) -> tuple[str, ...]:
        """The paths that may lead to a device's node, as far as udev told; empty if it is unknown."""
        device = self.devices.get(sys_path)
        return device.names if device else ()

    def device(self, number: DeviceNumber | None) -> HostDevice | None:
        """Udev's device with this node number."""
        return self._devices.by_number.get(number) if number else None

    def is_sole_claim(self, device: HostDevice, link: str) -> bool:
        """Whether no other device that is present claims ``link`` too."""
        others = self._devices.claims.get(link, set()) - {device.sys_path}
        return not any(self._may_be_present(self._devices.by_sys_path[sys_path]) for sys_path in others)

    def _may_be_present(self, device: HostDevice) -> bool:
        """Whether nothing says that a device of udev's is gone: an enumeration can end after its node went."""
        entry = self._entries.get(device.devnode)
        if entry is None:
            return not any(glob.matches(device.devnode) for glob in self._matches)
        return self.device_at(entry) is device

    def ordinal(self, device: HostDevice) -> int:
        """Which of the nodes at its port a device is, in the kernel's order."""
        return self._devices.ordinal(device)

    def is_settled(self, entry: PathEntry) -> bool:
        """Whether all is known of what stands at a path that will be known."""
        if entry.number is None or entry.readiness is Readiness.UNKNOWN:
            return True
        if entry.readiness is Readiness.AWAITED:
            return False
        if entry.number in self._devices.by_number:
            return entry.number not in self._doubted and not self._is_misdescribed(entry)
        return entry.number in self._strangers

    def device_at(self, entry: PathEntry) -> HostDevice | None:
        """Udev's device whose node stands at a path; None as well while another that had its number is described."""
        device = self.device(entry.number)
        return device if device is not None and entry.sys_path in ("", device.sys_path) else None

    def unidentified(self) -> frozenset[DeviceNumber]:
        """The nodes that udev must be asked about.

        Those that udev is done with and that no source has described yet; those that may be gone, since a path that led
        to them leads elsewhere now; those that may have got a link back, since another device that claimed it is gone.
        """
        self._new = {number for number in self._new if self._is_undescribed(number)}
        undescribed = (
            number
            for number in self._new
            for path in self._paths[number]
            if self._entries[path].readiness not in (Readiness.AWAITED, Readiness.UNKNOWN)
        )
        return frozenset((*undescribed, *self._doubted, *self._outdated))

    def _is_undescribed(self, number: DeviceNumber) -> bool:
        if number not in self._paths or number in self._strangers:
            return False
        return number not in self._devices.by_number or any(
            self._is_misdescribed(self._entries[path]) for path in self._paths[number]
        )

    def _is_misdescribed(self, entry: PathEntry) -> bool:
        """Whether what is known of a node's device is not, or not yet, what it is.

        An enumeration can fall between the node and the end of udevd's work; and a number can be given to another
        device before the last word on its former one is heard.
        """
        device = self.device(entry.number)
        if device is None:
            return False
        is_premature = entry.readiness is Readiness.DONE and not device.is_initialized
        return is_premature or self.device_at(entry) is None

    def observe(self, observation: Observation) -> frozenset[Glob]:
        """Take one observation in.

        Returns:
            The globs for whose matches something changed by it.
        """
        self._awaited.discard(type(observation))
        match observation:
            case DeviceObserved() | DeviceRemoved() | DeviceUnknown() | UdevResync():
                return self._observe_udev(observation)
            case PathObserved(entry):
                before = self._entries.get(entry.path)
                return self._put(entry) | self._left(before, entry)
            case PathVanished(path):
                before = self._entries.get(path)
                return self._drop(path) | self._left(before)
            case PathsResync(entries):
                return self._replace_entries(entries)

    def _observe_udev(
        self, observation: DeviceObserved | DeviceRemoved | DeviceUnknown | UdevResync
    ) -> frozenset[Glob]:
        match observation:
            case DeviceObserved(device):
                self._strangers.discard(device.number)
                self._outdated.discard(device.number)
                confirmed = {device.number} & self._doubted
                self._doubted -= confirmed
                return self._touched_by(self._devices.put(device) | confirmed)
            case DeviceRemoved(sys_path):
                gone = self.devices.get(sys_path)
                if gone is not None and gone.number in self._paths:
                    return _NOTHING  # an event only (``udevadm trigger``): its node is there, and goes before it does
                return self._touched_by(self._forget(gone)) if gone is not None else _NOTHING
            case UdevResync(devices):
                return self._replace_devices(devices)
            case DeviceUnknown(number):
                return self._observe_stranger(number)

    def _observe_stranger(self, number: DeviceNumber) -> frozenset[Glob]:
        device, touched = self._devices.by_number.get(number), {number}
        self._outdated.discard(number)
        if device is not None:
            if number not in self._doubted:
                return _NOTHING  # it came after the question
            touched |= self._forget(device)
        self._doubted.discard(number)
        self._strangers.add(number)
        return self._touched_by(touched)

    def _forget(self, device: HostDevice) -> set[DeviceNumber]:
        """Have a device no more; returns the nodes for which that changes something."""
        touched = self._devices.drop(device.sys_path)
        for asked in (self._doubted, self._outdated):
            asked.discard(device.number)
        self._outdated |= touched - {device.number}
        return touched

    def _touched_by(self, numbers: Iterable[DeviceNumber]) -> frozenset[Glob]:
        """The globs that match a name of one of these nodes."""
        numbers = frozenset(numbers)
        self._new |= numbers
        paths = {path for number in numbers for path in self._paths.get(number, ())}
        return frozenset(glob for glob, matches in self._matches.items() if not matches.keys().isdisjoint(paths))

    def _replace_devices(self, devices: Iterable[HostDevice]) -> frozenset[Glob]:
        before, self._devices = self._devices, HostDevices()
        for device in devices:
            self._devices.put(device)
        self._strangers.clear()
        self._new.update(self._paths)
        self._doubted.clear()
        self._outdated.clear()
        changed = {
            device.number
            for device in (*before.by_number.values(), *self._devices.by_number.values())
            if before.by_number.get(device.number) != self._devices.by_number.get(device.number)
        }
        links = {
            link
            for link in before.claims.keys() | self._devices.claims.keys()
            if before.claims.get(link) != self._devices.claims.get(link)
        }
        return self._touched_by(changed | self._devices.claimants(links))

    def _put(self, entry: PathEntry) -> frozenset[Glob]:
        before = self._entries.get(entry.path)
        if before == entry:
            return _NOTHING
        globs = frozenset(glob for glob in self._matches if glob.matches(entry.path))
        if not globs:
            return globs
        if before is not None:
            self._unlist(before)
        self._entries[entry.path] = entry
        for glob in globs:
            self._matches[glob][entry.path] = entry
        if entry.number is not None:
            self._paths[entry.number].add(entry.path)
            self._new.add(entry.number)
        return globs

    def _drop(self, path: str) -> frozenset[Glob]:
        before = self._entries.pop(path, None)
        if before is None:
            return _NOTHING
        self._unlist(before)
        return frozenset(glob for glob, matches in self._matches.items() if matches.pop(path, None))

    def _unlist(self, entry: PathEntry) -> None:
        if entry.number is not None:
            self._paths[entry.number].discard(entry.path)
            if not self._paths[entry.number]:
                del self._paths[entry.number]

    def _left(self, before: PathEntry | None, now: PathEntry | None = None) -> frozenset[Glob]:
        """A path does not lead to ``before`` any more: if none does, whatever has its number now is another device.

        A link that leads to another node is no sign of that: twins take it from each other, and their claims count.
        """
        if before is None or before.number is None:
            return _NOTHING
        if any(self._entries[path].inode == before.inode for path in self._paths.get(before.number, ())):
            return _NOTHING
        self._strangers.discard(before.number)
        device = self._devices.by_number.get(before.number)
        if device is None:
            return _NOTHING
        if now is not None and now.number != before.number:
            self._doubted.add(before.number)
            return _NOTHING
        return self._touched_by(self._forget(device))

    def _replace_entries(self, entries: Iterable[PathEntry]) -> frozenset[Glob]:
        present = {entry.path: entry for entry in entries}
        touched: set[Glob] = set()
        for path in self._entries.keys() - present.keys():
            touched |= self._drop(path)
        for entry in present.values():
            touched |= self._put(entry)
        return frozenset(touched)
