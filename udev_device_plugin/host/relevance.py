"""Which of udev's events are hints at all: most mean nothing to the configuration, and must cost next to nothing.

Host thread only.
"""

from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.nodes import Nodes
from udev_device_plugin.host.udev.monitor import UdevEvent


def is_relevant(event: UdevEvent, interest: Interest, nodes: Nodes) -> bool:
    """Whether an event about a node of no USB device can change anything.

    It cannot if no selector could ask for the node and the links that it claims are as they are known: another
    device's claim on a link decides what a selected one is known by.
    """
    node = None if event.number is None else nodes.get(event.number)
    known = None if node is None else node.description
    links, is_remove = event.devlinks.split(), event.action == "remove"
    if node is not None and (known is None or known.is_wanted or is_remove):
        return True
    if set(links) != set(known.devlinks if known is not None else ()):
        return True
    return not is_remove and (bool(interest.rules_for(event.subsystem)) or interest.is_named((event.devnode, *links)))
