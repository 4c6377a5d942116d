"""What the host has: the observations of all sources, joined.

Floor 3, pure: no I/O, no clock; the same observations always give the same inventory. Runs on the main loop. Udev
decides what a device is and which names it claims; the filesystem decides what exists. Any sequence of observations
followed by both resyncs equals the resyncs alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, Readiness
from udev_device_plugin.globs import Glob
from udev_device_plugin.identity import port
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
        self._devices = _Devices()
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

    def device(self, number: DeviceNumber) -> HostDevice | None:
        """Udev's device with this node number."""
        return self._devices.by_number.get(number)

    def is_sole_claim(self, device: HostDevice, link: str) -> bool:
        """Whether no other device that is present claims ``link`` too."""
        return self._devices.claims.get(link, set()) <= {device.sys_path}

    def ordinal(self, device: HostDevice) -> int:
        """Which of the nodes at its port a device is, in the kernel's order."""
        return self._devices.ordinal(device)

    def is_settled(self, entry: PathEntry) -> bool:
        """Whether all is known of what stands at a path that will be known."""
        if entry.number is None or entry.readiness is Readiness.UNKNOWN:
            return True
        if entry.readiness is Readiness.AWAITED:
            return False
        is_described = entry.number in self._devices.by_number and entry.number not in self._doubted
        return is_described or entry.number in self._strangers

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
        return number in self._paths and number not in self._devices.by_number and number not in self._strangers

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
        before, self._devices = self._devices, _Devices()
        for device in devices:
            self._devices.put(device)
        self._strangers.clear()
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


class _Devices:
    """Udev's devices, and whom they share what with."""

    def __init__(self) -> None:
        self.by_sys_path: dict[str, HostDevice] = {}
        self.by_number: dict[DeviceNumber, HostDevice] = {}
        self.claims: defaultdict[str, set[str]] = defaultdict(set)
        self._ports: defaultdict[str, set[str]] = defaultdict(set)

    def put(self, device: HostDevice) -> set[DeviceNumber]:
        """Have a device as described; returns the nodes for which that changes something."""
        if self.by_sys_path.get(device.sys_path) == device:
            return set()
        touched = self.drop(device.sys_path)
        other = self.by_number.get(device.number)
        if other is not None:  # its number was given anew, so it is gone, and its remove event is on the way
            touched |= self.drop(other.sys_path)
        self.by_sys_path[device.sys_path] = device
        self.by_number[device.number] = device
        self._ports[port(device)].add(device.sys_path)
        for link in device.devlinks:
            self.claims[link].add(device.sys_path)
        return touched | {device.number} | self.claimants(device.devlinks)

    def drop(self, sys_path: str) -> set[DeviceNumber]:
        """Have it no more; returns the nodes for which that changes something."""
        device = self.by_sys_path.pop(sys_path, None)
        if device is None:
            return set()
        del self.by_number[device.number]
        self._discard(self._ports, port(device), sys_path)
        for link in device.devlinks:
            self._discard(self.claims, link, sys_path)
        return {device.number} | self.claimants(device.devlinks)

    def claimants(self, links: Iterable[str]) -> set[DeviceNumber]:
        """The nodes of all that claim one of these links."""
        return {self.by_sys_path[sys_path].number for link in links for sys_path in self.claims.get(link, ())}

    def ordinal(self, device: HostDevice) -> int:
        """See ``Inventory.ordinal``."""
        siblings = sorted(self._ports.get(port(device), ()), key=lambda path: (len(path), path))
        return siblings.index(device.sys_path) if device.sys_path in siblings else 0

    @staticmethod
    def _discard(index: defaultdict[str, set[str]], key: str, sys_path: str) -> None:
        index[key].discard(sys_path)
        if not index[key]:
            del index[key]
