"""A program: the least that hears udev's events in Python, and says when it did.

`python -m hack.benchmarks.bystander SUBSYSTEM`; without a subsystem it hears everything, and says nothing.

Each line is `SECONDS ACTION NAME`, with CLOCK_MONOTONIC, which all processes share. It is what the plugin is held
against: an event cannot be acted on sooner than a bare listener hears of it.
"""

import contextlib
import os
import sys
import time
from typing import NoReturn

import pyudev

READY = "ready"
BUFFER = 128 * 1024 * 1024  # as the plugin's


def main() -> None:
    """Listen until killed."""
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
    if len(sys.argv) == 1:
        _hear_everything(monitor)
    # It is to hear of an event first: were it kept waiting for a CPU, the plugin would look the better for it.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    monitor.filter_by(sys.argv[1])
    monitor.start()
    print(READY, flush=True)
    while True:
        device = monitor.poll()
        heard = time.monotonic()
        if device is not None:
            print(f"{heard:.6f} {device.action} {device.sys_name}", flush=True)


def _hear_everything(monitor: pyudev.Monitor) -> NoReturn:
    monitor.set_receive_buffer_size(BUFFER)
    monitor.start()
    print(READY, flush=True)
    while True:
        monitor.poll()


if __name__ == "__main__":
    main()
