"""What the discovery sources tell: single observations for speed, resyncs for truth.

Floor 0: values only. The sources (``discovery``) make them, the ``inventory`` takes them in. A source's resync is
everything that it can see now and replaces all that it said before, so that whatever was lost or misunderstood on the
way is put right by the next one.
"""

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry
from udev_device_plugin.values import frozen


@frozen
class DeviceObserved:
    """Udev announced a device, or something new about it: any action but ``remove``."""

    device: HostDevice


@frozen
class DeviceRemoved:
    """Udev announced that the device at ``sys_path`` is gone."""

    sys_path: str


@frozen
class DeviceUnknown:
    """Udev was asked for the device with this number, and knows of none."""

    number: DeviceNumber


@frozen
class UdevResync:
    """All devices with a node that udev can see now.

    Attributes:
        interest: what they were described for: the number of ``discovery``'s interest, which grows with each reload.
    """

    devices: tuple[HostDevice, ...]
    interest: int = 0


@frozen
class NodeFinished:
    """Udevd is done with a node: its database has an entry for it. What the node is, only udev can tell."""

    number: DeviceNumber


@frozen
class PathObserved:
    """Something stands at a path that the configuration names."""

    entry: PathEntry


@frozen
class PathVanished:
    """Nothing stands at ``path`` any more."""

    path: str


@frozen
class PathsResync:
    """All that stands now at paths that the configuration names."""

    entries: tuple[PathEntry, ...]


Observation = (
    DeviceObserved
    | DeviceRemoved
    | DeviceUnknown
    | UdevResync
    | NodeFinished
    | PathObserved
    | PathVanished
    | PathsResync
)
