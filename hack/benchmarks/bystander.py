"""A program: the least that hears udev's events in Python, and says when it did. `python -m hack.benchmarks.bystander`.

Each line is `SECONDS ACTION NAME`, with CLOCK_MONOTONIC, which all processes share. It is what the plugin is held
against: an event cannot be acted on sooner than a bare listener hears of it.
"""

import contextlib
import os
import time

import pyudev

READY = "ready"


def main() -> None:
    """Listen until killed."""
    # It is to hear of an event first: were it kept waiting for a CPU, the plugin would look the better for it.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
    monitor.filter_by("macvtap")
    monitor.start()
    print(READY, flush=True)
    while True:
        device = monitor.poll()
        heard = time.monotonic()
        if device is not None:
            print(f"{heard:.6f} {device.action} {device.sys_name}", flush=True)


if __name__ == "__main__":
    main()
