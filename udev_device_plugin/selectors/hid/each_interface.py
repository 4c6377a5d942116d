"""Makes a device of each match: every HID interface that one of a group's entries selects.

Pure. Any thread.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from udev_device_plugin.selectors.grouping import Composition, Group, GroupDevices, M, Moment, Parts
from udev_device_plugin.selectors.records import GroupPath, Match


class EachInterface:
    """A match is known by its USB device and its interface, and is a device by itself."""

    is_by_usb_device = True
    needs_every_path = False

    def path_of(self, member: int, number: int) -> int:  # noqa: ARG002 - a device has one match
        """The path that selects it."""
        return member

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether it has one match, and the path that selects it exists."""
        return len(device.members) == 1 and 0 <= device.member < paths

    def group(
        self,
        index: int,  # noqa: ARG002 - nothing settles here
        paths: Sequence[GroupPath],  # noqa: ARG002 - what they match says all
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],  # noqa: ARG002 - they are given again
    ) -> Group[M]:
        """Return a group of single matches."""
        return _GroupOfInterfaces(found)


class _GroupOfInterfaces(Generic[M]):
    def __init__(self, found: Sequence[Mapping[str, M]]) -> None:
        self._now = {
            identity: Parts((identity,), (match,), member=member)
            for member, matches in reversed(list(enumerate(found)))
            for identity, match in matches.items()
        }

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """As it is matched now; as it was matched last if it is not."""
        now = self._now.get(device.identity[0])
        return now or Parts(device.identity, device.members, is_healthy=False, member=device.member)

    def assembled(self, known: Sequence[Composition[M]], moment: Moment, /) -> GroupDevices[M]:  # noqa: ARG002 - at any moment
        """New is what is not known."""
        identities = {device.identity for device in known}
        return GroupDevices(known, [one for one in self._now.values() if one.identity not in identities])
