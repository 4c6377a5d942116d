"""What the host has: the observations of all sources, joined.

Floor 3, pure: no I/O, no clock; the same observations always give the same inventory. Runs on the main loop. Udev
decides what a device is and which names it claims; the filesystem decides what exists. Any sequence of observations
followed by both resyncs equals the resyncs alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from udev_device_plugin.config.specs import DeviceSelector, Selector
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, Readiness, Stick
from udev_device_plugin.globs import Glob
from udev_device_plugin.host_devices import HostDevices, Touched, serial_key
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
    DeviceUnknown,
    NodeFinished,
    Observation,
    PathObserved,
    PathsResync,
    PathVanished,
    UdevResync,
)
from udev_device_plugin.path_entries import PathEntries
from udev_device_plugin.questions import Questions

_NOTHING: frozenset[Selector] = frozenset()
_NO_NODES: frozenset[str] = frozenset()


class Inventory:
    """The host as last observed: udev's devices, and what stands at the paths that ``selectors`` mean.

    Globs mean paths. Rules and sticks mean devices of udev's, whose nodes are looked for once it has told of them: see
    ``take_changed_nodes``.

    Attributes:
        entries: what stands at the paths that the configuration means.
    """

    def __init__(self, selectors: Iterable[Selector]) -> None:
        globs, others = _sorted_out(selectors)
        self._entries = PathEntries(globs)
        self.entries: Mapping[str, PathEntry] = self._entries.by_path
        self._devices = HostDevices(others)
        self._meant: set[str] = set()  # nodes that are looked for because of what they are
        self._questions = Questions()
        self._awaited: set[type[Observation]] = {UdevResync, PathsResync}

    @property
    def is_complete(self) -> bool:
        """Whether every source has had its first complete look at the host."""
        return not self._awaited

    @property
    def devices(self) -> Mapping[str, HostDevice]:
        """Udev's devices with a node, by sysfs path."""
        return self._devices.by_sys_path

    def matches(self, selector: Selector) -> Mapping[str, PathEntry]:
        """What stands at the paths that ``selector`` means; it is one of the constructor's."""
        if isinstance(selector, Glob):
            return self._entries.matches(selector)
        devices = self._devices.selected[selector].values()
        found = ((device, self.entries.get(device.devnode)) for device in devices)
        return {entry.path: entry for device, entry in found if entry is not None and self.device_at(entry) is device}

    def meant(self, selector: DeviceSelector) -> Collection[HostDevice]:
        """Udev's devices that ``selector`` means, whether or not their nodes are there."""
        return self._devices.selected[selector].values()

    def select(self, selectors: Iterable[Selector]) -> None:
        """Look for these from now on. Complete is what is new among them after the sources' next resyncs."""
        globs, others = _sorted_out(selectors)
        self._entries.select(globs)
        before, self._devices = self._devices, HostDevices(others)
        for device in before.by_sys_path.values():
            self._devices.put(device)
        self._devices.changed_nodes |= before.nodes.keys()
        for path in [path for path in self.entries if not self._is_meant(path)]:
            self._entries.drop(path)

    def take_changed_nodes(self) -> tuple[frozenset[str], frozenset[str]]:
        """Nodes to look for because of what they are, and those to look for no longer, since this was last asked."""
        if not self._devices.changed_nodes:  # as where only paths are configured
            return _NO_NODES, _NO_NODES
        changed, self._devices.changed_nodes = self._devices.changed_nodes, set()
        meant = frozenset(node for node in changed if node in self._devices.nodes)
        come, gone = meant - self._meant, frozenset(changed - meant) & self._meant
        self._meant = (self._meant | come) - gone
        for path in gone:
            if path in self.entries and not self._is_meant(path):
                self._entries.drop(path)
        return come, gone

    def _is_meant(self, path: str) -> bool:
        return path in self._devices.nodes or bool(self._entries.globs_of(path))

    def names(self, sys_path: str) -> tuple[str, ...]:
        """The paths that may lead to a device's node, as far as udev told; empty if it is unknown."""
        device = self.devices.get(sys_path)
        return device.names if device else ()

    def contenders(self, device: HostDevice) -> frozenset[str]:
        """The nodes of the devices that decide, by being there, what this one is known by."""
        return self._devices.contenders(device)

    def device(self, number: DeviceNumber | None) -> HostDevice | None:
        """Udev's device with this node number."""
        return self._devices.by_number.get(number) if number else None

    def is_sole_claim(self, device: HostDevice, link: str) -> bool:
        """Whether no other device that is present claims ``link`` too."""
        claims = self._devices.claims.get(link, set())
        is_undisputed = len(claims) == 1 and device.sys_path in claims  # as most are
        return is_undisputed or next(self.rivals(device, link), None) is None

    def rivals(self, device: HostDevice, link: str) -> Iterator[HostDevice]:
        """The other devices that are present and claim ``link`` too."""
        others = self._devices.claims.get(link, set()) - {device.sys_path}
        return (other for sys_path in others if self._may_be_present(other := self.devices[sys_path]))

    def is_sole_serial(self, stick: Stick) -> bool:
        """Whether no other stick that is present has the same vendor, product and serial number."""
        return next(self.clones(stick), None) is None

    def clones(self, stick: Stick) -> Iterator[Stick]:
        """The other sticks that are present and have the same vendor, product and serial number; by their nodes."""
        for sys_path in self._devices.sticks.get(serial_key(stick), ()):
            other = self.devices[sys_path]
            if other.stick and other.stick.sys_path != stick.sys_path and self._may_be_present(other):
                yield other.stick

    def _may_be_present(self, device: HostDevice) -> bool:
        """Whether nothing says that a device of udev's is gone: an enumeration can end after its node went."""
        entry = self.entries.get(device.devnode)
        if entry is None:
            return device.devnode not in self._meant and not self._entries.globs_of(device.devnode)
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
            return entry.number not in self._questions.doubted and not self._is_misdescribed(entry)
        return entry.number in self._questions.strangers

    def device_at(self, entry: PathEntry) -> HostDevice | None:
        """Udev's device whose node stands at a path; None as well while another that had its number is described.

        That may be one at the same place in sysfs: a stick that was plugged where its like was before. The making of a
        device shows by the time of its first word from udevd.
        """
        device = self._devices.by_number.get(entry.number) if entry.number else None
        return device if device is not None and _is_of(entry, device) else None

    def is_vouched_for(self, device: HostDevice, path: str) -> bool:
        """Whether what was last seen at a path is the very making of the device that udev now speaks of."""
        entry = self.entries.get(path)
        return (
            entry is not None
            and entry.number == device.number
            and entry.readiness is Readiness.DONE
            and 0 < entry.initialized_at == device.initialized_at
            and entry.sys_path == device.sys_path
            and (path == device.devnode or path in device.links)
        )

    def unidentified(self) -> frozenset[DeviceNumber]:
        """The nodes that udev must be asked about.

        Those that udevd is done with and that no source has described yet; those that may be gone, since a path that
        led to them leads elsewhere now; those that may have got a link back, since another device that claimed it is
        gone.
        """
        questions = self._questions
        questions.new = {number for number in questions.new if self._is_undescribed(number)}
        undescribed = (
            number
            for number in questions.new
            for path in self._entries.paths[number]
            if self.entries[path].readiness not in (Readiness.AWAITED, Readiness.UNKNOWN)
        )
        questions.finished -= self._devices.by_number.keys()
        return frozenset((*undescribed, *questions.finished, *questions.doubted, *questions.outdated))

    def _is_undescribed(self, number: DeviceNumber) -> bool:
        if number not in self._entries.paths or number in self._questions.strangers:
            return False
        return number not in self._devices.by_number or any(
            self._is_misdescribed(self.entries[path]) for path in self._entries.paths[number]
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
        return is_premature or not _is_of(entry, device)

    def observe(self, observation: Observation) -> frozenset[Selector]:
        """Take one observation in.

        Returns:
            The selectors for whose matches something changed by it.
        """
        self._awaited.discard(type(observation))
        match observation:
            case DeviceObserved() | DeviceRemoved() | DeviceUnknown() | UdevResync():
                return self._observe_udev(observation)
            case NodeFinished(number):
                self._questions.finish(number)
                return _NOTHING
            case PathObserved(entry):
                before = self.entries.get(entry.path)
                return self._put(entry) | self._left(before, entry)
            case PathVanished(path):
                before = self.entries.get(path)
                return self._drop(path) | self._left(before)
            case PathsResync(entries):
                return self._replace_entries(entries)

    def _observe_udev(
        self, observation: DeviceObserved | DeviceRemoved | DeviceUnknown | UdevResync
    ) -> frozenset[Selector]:
        match observation:
            case DeviceObserved(device):
                was_doubted = self._questions.describe(device.number)
                touched = self._devices.put(device)
                return self._touched_by(touched | Touched(frozenset({device.number})) if was_doubted else touched)
            case DeviceRemoved(sys_path):
                gone = self.devices.get(sys_path)
                if gone is not None and gone.number in self._entries.paths:
                    return _NOTHING  # an event only (``udevadm trigger``): its node is there, and goes before it does
                return self._touched_by(self._forget(gone)) if gone is not None else _NOTHING
            case UdevResync(devices):
                return self._replace_devices(devices)
            case DeviceUnknown(number):
                return self._observe_stranger(number)

    def _observe_stranger(self, number: DeviceNumber) -> frozenset[Selector]:
        device, touched = self._devices.by_number.get(number), Touched(frozenset({number}))
        if device is not None and number not in self._questions.doubted:  # it came after the question
            self._questions.describe(number)
            return _NOTHING
        readinesses = {self.entries[path].readiness for path in self._entries.paths.get(number, ())}
        if device is not None:
            touched |= self._forget(device)
        elif readinesses <= {Readiness.AWAITED}:  # the answer is about the number's former device
            self._questions.postpone(number)
            return _NOTHING
        elif number not in self._questions.puzzling and Readiness.DONE in readinesses:
            self._questions.puzzling.add(number)
            self._questions.new.add(number)
            return _NOTHING
        self._questions.answer_unknown(number)
        return self._touched_by(touched)

    def _forget(self, device: HostDevice) -> Touched:
        """Have a device no more; tells for whom that changes something."""
        touched = self._devices.drop(device.sys_path)
        self._questions.forget(device.number)
        self._questions.outdated |= touched.numbers - {device.number}
        return touched

    def _touched_by(self, touched: Touched) -> frozenset[Selector]:
        """The globs that match a name of one of these nodes, and the other selectors that are touched."""
        self._questions.new |= touched.numbers
        return touched.selectors | self._entries.globs_at(touched.numbers)

    def _replace_devices(self, devices: Iterable[HostDevice]) -> frozenset[Selector]:
        before, self._devices = self._devices, HostDevices(self._devices.selected.keys())
        for device in devices:
            self._devices.put(device)
        self._devices.changed_nodes |= before.changed_nodes | before.nodes.keys()
        self._questions.begin_anew(self._entries.paths)
        return self._touched_by(self._devices.difference(before))

    def _put(self, entry: PathEntry) -> frozenset[Selector]:
        before = self.entries.get(entry.path)
        if before == entry:
            return _NOTHING
        globs = self._entries.globs_of(entry.path)
        if not globs and entry.path not in self._devices.nodes:
            return _NOTHING
        touched = self._devices_at(before) | self._devices_at(entry)
        self._entries.put(entry, globs)
        if entry.number is not None:
            self._questions.new.add(entry.number)
        return frozenset(glob for glob in globs if not self._is_premature(glob, before, entry)) | touched

    def _is_premature(self, glob: Glob, before: PathEntry | None, entry: PathEntry) -> bool:
        """Whether a glob can make nothing of a new node yet: that is told when udevd is done with it, or has said what.

        A plug shows first as a node, then as an entry of udev's database, then as an event: forming devices at each
        would hold up the last.
        """
        if before is not None and before.readiness is not Readiness.AWAITED:
            return False
        if entry.readiness is Readiness.DONE and not glob.is_literal:
            return entry.number not in self._questions.strangers and self.device(entry.number) is None
        return entry.readiness is Readiness.AWAITED

    def _drop(self, path: str) -> frozenset[Selector]:
        touched = self._devices_at(self.entries.get(path))
        return self._entries.drop(path) | touched

    def _devices_at(self, entry: PathEntry | None) -> frozenset[Selector]:
        """What asks for the device at a path because of what it is."""
        return self._devices.selectors_of(entry.number) if entry is not None and entry.number else frozenset()

    def _left(self, before: PathEntry | None, now: PathEntry | None = None) -> frozenset[Selector]:
        """A path does not lead to ``before`` any more: if none does, whatever has its number now is another device.

        A link that leads to another node is no sign of that: twins take it from each other, and their claims count.
        """
        if before is None or before.number is None:
            return _NOTHING
        if any(self.entries[path].inode == before.inode for path in self._entries.paths.get(before.number, ())):
            return _NOTHING
        self._questions.strangers.discard(before.number)
        self._questions.puzzling.discard(before.number)
        device = self._devices.by_number.get(before.number)
        if device is None:
            return _NOTHING
        if now is not None and now.number != before.number:
            self._questions.doubted.add(before.number)
            return _NOTHING
        return self._touched_by(self._forget(device))

    def _replace_entries(self, entries: Iterable[PathEntry]) -> frozenset[Selector]:
        present = {entry.path: entry for entry in entries}
        touched: set[Selector] = set()
        for path in self.entries.keys() - present.keys():
            touched |= self._drop(path)
        for entry in present.values():
            touched |= self._put(entry)
        return frozenset(touched)


def _is_of(entry: PathEntry, device: HostDevice) -> bool:
    """Whether what stands at a path is what udev described, and not the former or next device with its number."""
    is_there = entry.sys_path in ("", device.sys_path)
    return is_there and not 0 < device.initialized_at < entry.initialized_at


def _sorted_out(selectors: Iterable[Selector]) -> tuple[Collection[Glob], Collection[DeviceSelector]]:
    """What is asked of paths, and what of devices."""
    selectors = tuple(selectors)
    globs = [selector for selector in selectors if isinstance(selector, Glob)]
    return globs, [selector for selector in selectors if not isinstance(selector, Glob)]
