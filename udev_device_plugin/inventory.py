"""What the host has: the observations of all sources, joined.

Floor 3, pure: no I/O, no clock; the same observations always give the same inventory. Runs on the main loop. Udev
decides what a device is and which names it claims; the filesystem decides what exists. Any sequence of observations
followed by both resyncs equals the resyncs alone.
"""

from collections.abc import Iterable, Mapping
from typing import assert_never

from udev_device_plugin.device import HostDevice, PathEntry
from udev_device_plugin.globs import Glob
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
    Observation,
    PathObserved,
    PathsResync,
    PathVanished,
    UdevResync,
)


class Inventory:
    """The host as last observed: udev's devices, and the paths that match one of ``globs``."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._matches: dict[Glob, dict[str, PathEntry]] = {glob: {} for glob in globs}
        self._entries: dict[str, PathEntry] = {}
        self._devices: dict[str, HostDevice] = {}
        self._awaited: set[type[Observation]] = {UdevResync, PathsResync}

    @property
    def is_complete(self) -> bool:
        """Whether every source has had its first complete look at the host."""
        return not self._awaited

    @property
    def devices(self) -> Mapping[str, HostDevice]:
        """Udev's devices with a node, by sysfs path."""
        return self._devices

    @property
    def entries(self) -> Mapping[str, PathEntry]:
        """What stands at the paths that the configuration names."""
        return self._entries

    def matches(self, glob: Glob) -> Mapping[str, PathEntry]:
        """What stands at the paths that ``glob`` matches; ``glob`` is one of the constructor's."""
        return self._matches[glob]

    def names(self, sys_path: str) -> tuple[str, ...]:
        """The paths that may lead to a device's node, as far as udev told; empty if it is unknown."""
        device = self._devices.get(sys_path)
        return device.names if device else ()

    def observe(self, observation: Observation) -> frozenset[Glob]:
        """Take one observation in.

        Returns:
            The globs whose matches changed by it.
        """
        self._awaited.discard(type(observation))
        match observation:
            case DeviceObserved(device):
                self._devices[device.sys_path] = device
            case DeviceRemoved(sys_path):
                self._devices.pop(sys_path, None)
            case UdevResync(devices):
                self._devices = {device.sys_path: device for device in devices}
            case PathObserved(entry):
                return self._put(entry)
            case PathVanished(path):
                return self._drop(path)
            case PathsResync(entries):
                return self._replace(entries)
            case _:
                assert_never(observation)
        return frozenset()

    def _put(self, entry: PathEntry) -> frozenset[Glob]:
        if self._entries.get(entry.path) == entry:
            return frozenset()
        touched = frozenset(glob for glob in self._matches if glob.matches(entry.path))
        if touched:
            self._entries[entry.path] = entry
        for glob in touched:
            self._matches[glob][entry.path] = entry
        return touched

    def _drop(self, path: str) -> frozenset[Glob]:
        if self._entries.pop(path, None) is None:
            return frozenset()
        return frozenset(glob for glob, matches in self._matches.items() if matches.pop(path, None))

    def _replace(self, entries: Iterable[PathEntry]) -> frozenset[Glob]:
        present = {entry.path: entry for entry in entries}
        touched: set[Glob] = set()
        for path in self._entries.keys() - present.keys():
            touched |= self._drop(path)
        for entry in present.values():
            touched |= self._put(entry)
        return frozenset(touched)
