"""What udev must be asked about: nodes that are there, and that nothing or nothing certain is known of.

Floor 3, pure. Runs on the main loop, as the memory of the ``inventory`` for what it does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from udev_device_plugin.device import DeviceNumber


@dataclass(slots=True)
class Questions:
    """Open questions, and answers that said nothing.

    Attributes:
        new: nodes that may not have been described yet.
        finished: udevd is done with these, and did not tell.
        doubted: a path that led to these leads elsewhere now: their devices may be gone.
        outdated: these may have got a link back, since another device that claimed it is gone.
        strangers: udev was asked, and knows of none.
        puzzling: udev knew of none once, and its database has them: the answer may be about the number's former device.
    """

    new: set[DeviceNumber] = field(default_factory=set)
    finished: set[DeviceNumber] = field(default_factory=set)
    doubted: set[DeviceNumber] = field(default_factory=set)
    outdated: set[DeviceNumber] = field(default_factory=set)
    strangers: set[DeviceNumber] = field(default_factory=set)
    puzzling: set[DeviceNumber] = field(default_factory=set)

    def finish(self, number: DeviceNumber) -> None:
        """Udevd is done with a node."""
        self.strangers.discard(number)
        self.finished.add(number)

    def describe(self, number: DeviceNumber) -> bool:
        """A node's device was described; tells whether there was doubt about it."""
        was_doubted = number in self.doubted
        self._settle(number)
        self.strangers.discard(number)
        self.puzzling.discard(number)
        return was_doubted

    def postpone(self, number: DeviceNumber) -> None:
        """There is no node that udev could know of yet: it is asked when udevd is done with one."""
        self._settle(number)
        self.new.add(number)

    def answer_unknown(self, number: DeviceNumber) -> None:
        """Udev knows of no device with a node."""
        self._settle(number)
        self.strangers.add(number)

    def _settle(self, number: DeviceNumber) -> None:
        """What was asked about a node needs no answer any more."""
        for asked in (self.outdated, self.finished, self.doubted):
            asked.discard(number)

    def forget(self, number: DeviceNumber) -> None:
        """A node's device is gone."""
        self.doubted.discard(number)
        self.outdated.discard(number)

    def begin_anew(self, present: Iterable[DeviceNumber]) -> None:
        """Udev told of all that it knows, while these nodes were there."""
        for asked in (self.strangers, self.puzzling, self.finished, self.doubted, self.outdated):
            asked.clear()
        self.new.update(present)
