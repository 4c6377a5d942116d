"""Writes a listing to stdout, in the form that fits who reads it.

What draws tables is imported only where there is a terminal.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from udev_device_plugin.config.settings import OutputFormat
from udev_device_plugin.reporting.list_devices.json_form import to_json
from udev_device_plugin.reporting.list_devices.model import Listing
from udev_device_plugin.reporting.list_devices.text import lines


def show(listing: Listing, output: OutputFormat) -> None:
    """Write a listing to stdout: JSON, tables on a terminal, or plain lines."""
    with _whoever_reads() as stdout:
        if output is OutputFormat.JSON:
            stdout.write(f"{to_json(listing)}\n")
        elif stdout.isatty():
            from udev_device_plugin.reporting.list_devices import table  # noqa: PLC0415 - rich: 10 MiB that no daemon needs

            table.draw(listing, stdout)
        else:
            stdout.writelines(f"{line}\n" for line in lines(listing))
        stdout.flush()


@contextlib.contextmanager
def _whoever_reads() -> Iterator[TextIO]:
    """Stdout, for readers of another character set too, and for those who have read enough (``head``)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield sys.stdout
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
