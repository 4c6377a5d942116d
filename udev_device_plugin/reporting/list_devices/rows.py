"""A listing as rows for a person, which `output` and `table` share.

Pure. Texts of devices and of the configuration are untrusted: control characters and line breaks are escaped here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from udev_device_plugin.config.faults import printable
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.reporting.json_values import readable
from udev_device_plugin.reporting.list_devices.model import Offered, ResourceListing, SelectorListing

HEALTHY, UNHEALTHY, NOT_OFFERED, NOTHING = "Healthy", "Unhealthy", "not offered", "no match"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing on the host.

    Attributes:
        status: one of those above.
        name: its path, or the kernel's name.
        details: names and texts; a text without a name is a sentence.
    """

    status: str
    name: str
    details: tuple[tuple[str, str], ...]


def rows(resource: ResourceListing, selector: SelectorListing) -> Iterator[Row]:
    """Yield what a selector gives to devices, then what it does not."""
    for offered in selector.offered:
        status = HEALTHY if offered.device.is_healthy else UNHEALTHY
        yield Row(status, _escaped(offered.member.node), tuple(_details(resource, offered)))
    if selector.remark:
        yield Row(NOTHING, "", (("", _escaped(selector.remark)),))
    for miss in selector.misses.closest:
        yield Row(NOT_OFFERED, _escaped(miss.name), (("", _escaped(miss.why)),))
    if selector.misses.more:
        yield Row(NOT_OFFERED, "", (("", f"and {selector.misses.more} more"),))


def _details(resource: ResourceListing, offered: Offered) -> Iterator[tuple[str, str]]:
    device, member = offered.device, offered.member
    first = device_id(resource.devices.resource, device.identity, 0)
    yield "ID", first if device.count == 1 else f"{first} and {device.count - 1} more for the same device"
    yield "identity", _escaped(" + ".join(device.identity))
    yield "host path", _escaped(member.host_path)
    yield "container path", _escaped(member.container_path)
    for remark in offered.remarks:
        yield "", _escaped(remark)


def heading(resource: ResourceListing) -> str:
    """Return one line about a resource."""
    devices = resource.devices
    replicas = f", {devices.count} with replicas" if devices.count != len(devices.devices) else ""
    plural = "" if len(devices.devices) == 1 else "s"
    return f"{devices.resource}: {len(devices.devices)} device{plural}{replicas}"


def shown(selector: SelectorListing) -> str:
    """Return a selector as text."""
    return _escaped(str(selector.path_spec.selector))


def _escaped(text: str) -> str:
    return printable(readable(text))
