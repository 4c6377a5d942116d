"""A program: the least that receives udev's events in Python, and says when it did.

`python -m hack.benchmarks.listener SUBSYSTEM`; without a subsystem it receives everything, and says nothing.

Each line is `SECONDS ACTION NAME`, with CLOCK_MONOTONIC, which all processes share. It is what the plugin is held
against: nobody can act on an event sooner than a bare listener receives it.
"""

import contextlib
import os
import sys
import time

import pyudev

READY = "ready"
BUFFER = 128 * 1024 * 1024  # as the plugin's


def main() -> None:
    """Listen until killed."""
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
    monitor.set_receive_buffer_size(BUFFER)
    is_silent = len(sys.argv) == 1
    if not is_silent:
        # Kept waiting for a CPU, it would make the plugin look faster than it is.
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        monitor.filter_by(sys.argv[1])
    monitor.start()
    print(READY, flush=True)
    while True:
        device = monitor.poll()
        if not is_silent and device is not None:
            print(f"{time.monotonic():.6f} {device.action} {device.sys_name}", flush=True)


if __name__ == "__main__":
    main()
