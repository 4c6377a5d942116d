"""A listing as lines for a pipe or a file: no colours, no frames, no cuts; each says whose it is, so ``grep`` does.

Pure.
"""

from collections.abc import Iterator

from udev_device_plugin.reporting.list_devices.model import Listing
from udev_device_plugin.reporting.list_devices.rows import rows, shown

_HEADING = ("RESOURCE", "SELECTOR", "STATUS", "NAME", "DETAILS")


def lines(listing: Listing) -> Iterator[str]:
    """A heading, and a line for each thing on the host, in columns."""
    table = [_HEADING, *_cells(listing)]
    *widths, _ = (max(map(len, column)) for column in zip(*table, strict=True))
    for *cells, details in table:
        columns = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        yield "  ".join([*columns, details])


def _cells(listing: Listing) -> Iterator[tuple[str, ...]]:
    for resource in listing.resources:
        for selector in resource.selectors:
            for row in rows(resource, selector):
                details = ", ".join(f"{name} {text}" if name else text for name, text in row.details)
                yield resource.devices.resource, shown(selector), row.status, row.name or "-", details
