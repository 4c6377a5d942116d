"""A listing on a terminal, drawn by rich, which only this module imports: the daemon never does.

Texts are escaped (``rows``) and never parsed as rich's markup; what is too long is folded, not cut.
"""

from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from udev_device_plugin.reporting.list_devices.model import Listing, ResourceListing, SelectorListing
from udev_device_plugin.reporting.list_devices.rows import (
    HEALTHY,
    NOT_OFFERED,
    NOTHING,
    UNHEALTHY,
    heading,
    rows,
    shown,
)

_STYLES = {HEALTHY: "green", UNHEALTHY: "red", NOT_OFFERED: "yellow", NOTHING: "yellow"}
_NAME_WIDTH = len("container path ")


def draw(listing: Listing, file: TextIO) -> None:
    """Draw a listing in the width of the terminal."""
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    for resource in listing.resources:
        console.print(Text(heading(resource), style="bold", overflow="fold"))
        for selector in resource.selectors:
            console.print(Padding(Text(shown(selector), style="cyan", overflow="fold"), (0, 0, 0, 2), expand=False))
            console.print(Padding(_table(resource, selector), (0, 0, 1, 4), expand=False))


def _table(resource: ResourceListing, selector: SelectorListing) -> Table:
    table = Table(box=box.SIMPLE, show_header=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for row in rows(resource, selector):
        details = "\n".join(f"{name:{_NAME_WIDTH}}{text}" if name else text for name, text in row.details)
        table.add_row(Text(row.status, style=_STYLES[row.status]), Text(row.name), Text(details))
    return table
