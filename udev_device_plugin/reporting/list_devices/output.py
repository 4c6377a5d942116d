"""Writes a listing to stdout, in the form that fits who reads it.

Floor 4. Imports only what that form takes.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from udev_device_plugin.config.settings import OutputFormat
from udev_device_plugin.reporting.list_devices.model import Listing


def show(listing: Listing, output: OutputFormat) -> None:
    """Write a listing to stdout: JSON, tables on a terminal, or plain lines."""
    with _whoever_reads() as stdout:
        if output is OutputFormat.JSON:
            from udev_device_plugin.reporting.list_devices import json_form  # noqa: PLC0415

            stdout.write(f"{json_form.to_json(listing)}\n")
        elif stdout.isatty():
            from udev_device_plugin.reporting.list_devices import table as terminal  # noqa: PLC0415  rich takes its time and memory

            terminal.draw(listing, stdout)
        else:
            from udev_device_plugin.reporting.list_devices import text as plain  # noqa: PLC0415

            stdout.writelines(f"{line}\n" for line in plain.lines(listing))
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
