"""What the controller calls: the rest of the program, as functions. Event loop only."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource
from udev_device_plugin.devices.device import DeviceSet, Holder
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.telemetry.event_log import EventLog

HeldIds = Mapping[str, Mapping[str, Holder | None]]
"""The IDs that pods hold, by resource; with the holder, if that is known."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the controller calls.

    Attributes:
        link: make the plugin's own links that these devices need.
        held: return which IDs pods hold: nothing at all if that never gets known; None if it is not known now.
        handed_out: return the IDs of a resource that were allocated at a moment (monotonic seconds) or later.
        links_directory: where the own links are; with a trailing slash.
        look_for: have the host looked at for another configuration.
        noted: return which IDs pods hold by the kubelet's checkpoint, which may have pods that have ended; None if it
            cannot be read.
        recall: return what an earlier process of the plugin offered, and the spec with the former groups of that.
        former: return the resources that an earlier process offered and that are not among these.
        keep: record what is offered, for the next process.
        forget_unheld: forget former resources of which pods hold nothing: what is held, and when, monotonic seconds.
        event_log: gets changes of devices.
    """

    link: Callable[[DeviceSet], None]
    held: Callable[[], Awaitable[HeldIds | None]]
    handed_out: Callable[[str, float], frozenset[str]]
    links_directory: str
    look_for: Callable[[Interest], None] = lambda _: None
    noted: Callable[[], Mapping[str, Collection[str]] | None] = lambda: None
    recall: Callable[[ResourceSpec], tuple[ResourceSpec, AssembledResource]] = lambda spec: (spec, AssembledResource())
    former: Callable[[Collection[str]], Collection[str]] = lambda _: ()
    keep: Callable[[ResourceSpec, AssembledResource], None] = lambda *_: None
    forget_unheld: Callable[[HeldIds, float], None] = lambda *_: None
    event_log: EventLog = field(default_factory=EventLog)
