"""Whether one of udev's events can change anything: most cannot, and must cost next to nothing.

Pure. Host thread only.
"""

from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.nodes import Nodes
from udev_device_plugin.host.udev.monitor import UdevEvent


def is_relevant(event: UdevEvent, interest: Interest, nodes: Nodes) -> bool:
    """Whether an event about a node of no USB device can change anything.

    It cannot if no selector can match the node, and its claimed links are as known: a claim decides whether a selected
    device can be identified by that link.
    """
    node = None if event.number is None else nodes.get(event.number)
    known = None if node is None else node.description
    links, is_remove = event.devlinks.split(), event.action == "remove"
    if node is not None and (known is None or known.is_wanted or is_remove):
        return True
    if set(links) != set(known.devlinks if known is not None else ()):
        return True
    return not is_remove and (bool(interest.rules_for(event.subsystem)) or interest.is_named((event.devnode, *links)))
