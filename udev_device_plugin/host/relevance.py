"""Which of udev's events are hints at all: most mean nothing to the configuration, and must cost next to nothing.

Host thread only.
"""

from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.udev.monitor import UdevEvent


def is_relevant(event: UdevEvent, interest: Interest, memory: Memory) -> bool:
    """Whether an event about a node of no USB device can change anything.

    It cannot if no selector could ask for the node and the links that it claims are as they are known: another
    device's claim on a link decides what a selected one is known by.
    """
    node = None if event.number is None else memory.node(event.number)
    description = None if node is None else node.description
    if node is not None and (description is None or description.is_wanted or event.action == "remove"):
        return True
    known = "" if description is None else " ".join(description.devlinks)
    if event.devlinks != known and set(event.devlinks.split()) != set(known.split()):
        return True
    if event.action == "remove":
        return False
    names = (event.devnode, *event.devlinks.split())
    return bool(interest.rules_for(event.subsystem)) or interest.is_named(names)
