"""The links in the made-up /dev. As with udevd, several devices may claim one; it leads to one of them."""

import os

from tests.lab.records import FakeDevice
from tests.lab.sysfs import prune


class Links:
    """Who claims which link, by number as udevd has it. The latest claim wins; when it goes, the one before it."""

    def __init__(self) -> None:
        self._claims: dict[str, list[FakeDevice]] = {}

    def claim(self, device: FakeDevice) -> None:
        """Makes all links of the device lead to it."""
        for link in device.devlinks:
            claims = self._claims.setdefault(link, [])
            claims[:] = [other for other in claims if other.database_name != device.database_name] + [device]
            _point(link, device)

    def release(self, device: FakeDevice, keep: tuple[str, ...] = ()) -> None:
        """Gives up its links but those to keep: to another claimant, else they go."""
        for link in set(device.devlinks) - set(keep):
            claims = [other for other in self._claims.pop(link, []) if other.database_name != device.database_name]
            if claims:
                self._claims[link] = claims
                _point(link, claims[-1])
            elif os.path.islink(link):
                os.unlink(link)
                prune(os.path.dirname(link), "/dev")


def _point(link: str, device: FakeDevice) -> None:
    """Like udevd: relative, and in one step (a rename), so that nobody sees the link missing."""
    assert device.node, f"{device.devpath} has links but no node for them to lead to"
    directory, name = os.path.split(link)
    os.makedirs(directory, exist_ok=True)
    temporary = f"{directory}/.#{name}{device.node.number}"
    os.symlink(os.path.relpath(device.node.path, directory), temporary)
    os.rename(temporary, link)
