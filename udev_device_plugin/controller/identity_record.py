"""Files with the identities that devices were offered under, for the next process of the plugin.

Event loop only. A node keeps its identity while it is present, also over a restart of the plugin. Most identities could
be computed again; some depend on what else was present when the node appeared: the first of two USB devices with one
serial number, a node that udevd had not finished with, the members of a zipped device. There is one file for each
resource. It counts within one boot, and for nodes with the same number and inode. A file with a fault (`record_format`)
is done without; one that cannot be read for want of descriptors or memory is not.
"""

import errno
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from udev_device_plugin.config.spec_parser import read_written_groups
from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.controller.record_format import (
    NewerRecordError,
    Offered,
    Record,
    RecordError,
    from_bytes,
    to_bytes,
)
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.former import carried_over
from udev_device_plugin.devices.identity import digest
from udev_device_plugin.devices.retention import PODS_ARE_KNOWN_AFTER
from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.own_directory import RECORD, OwnDirectory, UnusableDirectoryError
from udev_device_plugin.filesystem.small_files import EXHAUSTED

logger = logging.getLogger(__name__)

MAX_FILE = 16 * 1024 * 1024
"""Bytes: more than 30,000 devices take."""

MAX_FORMER = 100
"""Files of former resources that are read at once."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class IdentityRecord:
    """Keeps the files in ``directory``."""

    def __init__(self, directory: OwnDirectory) -> None:
        self._directory = directory
        self._boot = _boot_id()
        self._written: dict[str, bytes] = {}
        self._left_alone: set[str] = set()  # resources whose files a newer release has written
        self._former: dict[str, str] = {}  # resources that are not offered any more, by the names of their files
        self._unusable: set[str] = set()  # files of resources that are not known
        self._unheld_since: dict[str, float] = {}
        self._failing: set[str] = set()  # resources whose files could not be written; an older one may be there

    def recall(self, spec: ResourceSpec) -> AssembledResource:
        """Return what a resource offered by groups that select the same now; nothing if that is not known.

        Raises:
            StartError: it cannot be read for want of descriptors or memory.
        """
        _, known = self.recall_all(spec)
        return replace(known, devices=tuple(device for device in known.devices if not device.is_former))

    def recall_all(self, spec: ResourceSpec) -> tuple[ResourceSpec, AssembledResource]:
        """Return all that a resource offered, and its spec with the former groups for that (`devices.former`).

        Raises:
            StartError: it cannot be read for want of descriptors or memory.
        """
        record = self._read(_name(spec.resource))
        if spec.groups:
            self._former.pop(_name(spec.resource), None)  # it is offered again
        if record is None or not self._boot or (record.boot, record.resource) != (self._boot, spec.resource):
            return spec, AssembledResource()
        groups = {
            (name, entry): replace(group, is_recorded=True)
            for name, text in record.groups
            for entry, group in enumerate(read_written_groups(text))
        }
        groups |= {(_fingerprint(group), 0): group for group in spec.groups}
        before = ResourceSpec(spec.resource, tuple(groups.values()))
        places = {name: place for place, name in enumerate(groups)}
        devices = (
            replace(one.device, group=places[one.group, one.entry])
            for one in record.offered
            if (one.group, one.entry) in places
        )
        known = tuple(device for device in devices if _can_be_of(device, before.groups[device.group]))
        same = record.exclude == _exclusion(spec)
        now, assembled = carried_over(AssembledResource(known), before, spec, excludes_the_same=same)
        kept = (device for device in assembled.devices if device.is_healthy or device.is_former)
        return now, replace(assembled, devices=tuple(kept))

    def keep(self, spec: ResourceSpec, assembled: AssembledResource) -> None:
        """Write down what a resource offers now, and what it offered that is absent."""
        names = [_fingerprint(group) for group in spec.groups]
        offered = tuple(Offered(names[device.group], device) for device in assembled.devices)
        used = {device.group for device in assembled.devices}
        groups = {names[index]: spec.groups[index].written for index in sorted(used)}
        content = to_bytes(Record(self._boot, spec.resource, offered, tuple(groups.items()), _exclusion(spec)))
        if content != self._written.get(spec.resource):
            self._written[spec.resource] = content
            self._write(spec.resource, content)

    def restore(self) -> None:
        """Write the files again that another program removed, or that could not be written."""
        for resource, content in self._written.items():
            if resource in self._failing or not self._has(resource):
                self._write(resource, content)

    def former(self, offered: Collection[str]) -> Collection[str]:
        """Return the resources that have a file, and are not among those ``offered`` now."""
        names = {_name(resource) for resource in offered}
        try:
            others = set(self._directory.names(RECORD)) - names
        except OSError:  # which is said when something is written
            return ()
        self._former = {name: resource for name, resource in self._former.items() if name in others}
        for name in sorted(others - self._former.keys() - self._unusable)[:MAX_FORMER]:
            try:
                record = self._read(name)
            except StartError:  # it is not needed now
                continue
            if record is not None and _name(record.resource) == name:
                self._former[name] = record.resource
            else:
                self._unusable.add(name)  # which is said once
        return frozenset(self._former.values())

    def forget_unheld(self, held: Mapping[str, Collection[str]], now: float) -> None:
        """Remove the files of former resources of which no pod holds a device.

        Args:
            held: what the kubelet says: the held IDs by resource.
            now: monotonic seconds. A kubelet that has just started does not know all pods: its answer must be the same
                ``PODS_ARE_KNOWN_AFTER`` seconds later.
        """
        unheld = [name for name, resource in self._former.items() if resource in held and not held[resource]]
        self._unheld_since = {name: self._unheld_since.get(name, now) for name in unheld}
        for name, since in list(self._unheld_since.items()):
            if now - since >= PODS_ARE_KNOWN_AFTER:
                del self._unheld_since[name]
                resource = self._former.pop(name)
                self._written.pop(resource, None)
                self._failing.discard(resource)
                try:
                    self._directory.remove(name, RECORD)
                except OSError as error:
                    logger.warning("%s: cannot be removed: %s", self._directory.path + name, error.strerror)

    def _read(self, name: str) -> Record | None:
        """Return what a file says; None if that is nothing. Raises StartError as ``recall`` does."""
        path = self._directory.path + name
        try:
            return from_bytes(self._directory.read(name, MAX_FILE), self._directory.path, time.monotonic())
        except FileNotFoundError:
            return None
        except NewerRecordError as error:
            self._left_alone.add(name)
            logger.warning("%s: %s: it is left as it is, and done without, so some IDs may change", path, error)
        except RecordError as error:
            logger.warning("%s: cannot be used, and is done without: %s", path, error)
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise StartError(
                    f"{path}: cannot be read now: {error.strerror}: allow the process more open files or memory"
                ) from error
            if not isinstance(error, UnusableDirectoryError):
                logger.warning("%s: cannot be read, and is done without: %s", path, error.strerror)
        return None

    def _path(self, resource: str) -> str:
        return self._directory.path + _name(resource)

    def _has(self, resource: str) -> bool:
        try:
            return self._directory.has(_name(resource), RECORD)
        except OSError:  # which the attempt to write it reports
            return False

    def _write(self, resource: str, content: bytes) -> None:
        if _name(resource) in self._left_alone:
            return
        try:
            self._directory.write(_name(resource), content)
        except OSError as error:
            # A read-only directory keeps the sockets from being made, which is reported.
            is_known = error.errno == errno.EROFS or isinstance(error, UnusableDirectoryError)
            if not (self._failing or is_known):
                logger.warning(
                    "%s: cannot be written, so some IDs may change with a restart: %s",
                    self._path(resource),
                    error.strerror,
                )
            self._failing.add(resource)
        else:
            self._failing.discard(resource)


def _name(resource: str) -> str:
    return f".offered-{digest(resource)}.json"


def _boot_id() -> str:
    """Return the boot's ID; "" if there is none, and nothing can be known of it."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise StartError(f"{_BOOT_ID}: cannot be read now: {error.strerror}: allow more open files") from error
        return ""


def _fingerprint(group: GroupSpec) -> str:
    """Return a hash of what a group selects."""
    return digest(*(text for selector, *others in group.asks_for for text in (selector.record, *map(str, others))))


def _exclusion(spec: ResourceSpec) -> str:
    """Return a hash of what a spec excludes; "" if that is nothing."""
    return digest(*(selector.record for selector in spec.exclude)) if spec.exclude else ""


def _can_be_of(device: AssembledDevice, group: GroupSpec) -> bool:
    """Whether the group can have made such a device."""
    return group.is_of_usb_devices or len(device.members) == len(group.paths)
