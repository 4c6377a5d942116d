"""What is true of the host of a chaos run: what is plugged, what of it must be offered, and which node is whose."""

import glob
import os
import stat
import time

from tests.lab.chaos.park import Plugged
from tests.lab.chaos.resources import GLOBS, STICKS

HELD_BACK = 2.5
"""Seconds after which a node that udevd has not finished with may be offered all the same: a little under 3."""


class Truth:
    """What `Stage` keeps account of.

    Attributes:
        plugged: what is there, or has vanished and udevd has not done its part yet.
        is_hidden: there is no udevd.
    """

    def __init__(self) -> None:
        self.plugged: list[Plugged] = []
        self.is_hidden = False

    def present(self) -> list[Plugged]:
        """What is there."""
        return [one for one in self.plugged if not one.has_vanished]

    def offered(self, resource: str) -> tuple[set[str], set[str]]:
        """The nodes that a resource must offer now, and those that it may offer besides."""
        reached = {os.path.realpath(path) for pattern in GLOBS[resource] for path in glob.glob(pattern)}
        nodes = {path for path in reached if os.path.exists(path) and stat.S_ISCHR(os.stat(path).st_mode)}
        done = {path for path in nodes if self.owner(path).is_finished}
        return done, nodes - done

    def whole(self, resource: str) -> tuple[set[Plugged], set[Plugged]]:
        """The sticks that a resource must offer now, and those that it may offer besides."""
        fitting = {one for one in self.present() if any(map(one.fits, STICKS[resource]))}
        done = {one for one in fitting if one.is_finished}
        return done, fitting - done

    def owner(self, node: str) -> Plugged:
        """Whose node it is."""
        return next(one for one in self.present() if node in one.nodes())

    def has(self, node: str) -> bool:
        """Whether a node is a stick's that is plugged."""
        return any(node in one.nodes() for one in self.present())

    def node_at(self, path: str) -> str | None:
        """The node that a path leads to now."""
        try:
            return os.path.realpath(path, strict=True)
        except OSError:
            return None

    def claims(self, link: str) -> int:
        """How many of those present claim a link, or may: udevd is at work on them."""
        at_it = (one for one in self.present() if one.is_finished or one.work is not None)
        return sum(link in device.devlinks for one in at_it for device in one.stick)

    def note_age(self) -> None:
        """Some of those that are not finished may be offered by now, as what is known of them."""
        for one in self.plugged:
            if not one.is_finished and (self.is_hidden or time.monotonic() - one.began > HELD_BACK):
                one.is_nameless = True
