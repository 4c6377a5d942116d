"""Writes a listing to stdout: JSON, tables on a terminal, or plain lines."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from udev_device_plugin.config.settings import OutputFormat
from udev_device_plugin.reporting.list_devices.json_form import to_json
from udev_device_plugin.reporting.list_devices.model import Listing
from udev_device_plugin.reporting.list_devices.rows import rows, shown

_HEADING = ("RESOURCE", "SELECTOR", "STATUS", "NAME", "DETAILS")


def show(listing: Listing, output: OutputFormat) -> None:
    """Write a listing to stdout."""
    with _stdout() as stdout:
        if output is OutputFormat.JSON:
            stdout.write(f"{to_json(listing)}\n")
        elif stdout.isatty():
            from udev_device_plugin.reporting.list_devices import table  # noqa: PLC0415 - rich: 10 MiB that no daemon needs

            table.draw(listing, stdout)
        else:
            stdout.writelines(f"{line}\n" for line in lines(listing))
        stdout.flush()


def lines(listing: Listing) -> Iterator[str]:
    """Yield a listing in columns, for a pipe or a file: nothing is cut, and each line suffices for ``grep``."""
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


@contextlib.contextmanager
def _stdout() -> Iterator[TextIO]:
    """Stdout for readers of any character set, and for those that close the pipe early (``head``)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield sys.stdout
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
