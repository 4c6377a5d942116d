"""Udev events without udevd: messages in libudev's own form, to all who listen in this network namespace.

Libudev takes them for udevd's because their sender is root. See `monitor_netlink_header` in systemd's
src/libsystemd/sd-device/device-monitor.c. The kernel's own events (the other source) cannot be made: libudev
drops them unless they come from the kernel.
"""

import itertools
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

NETLINK_KOBJECT_UEVENT = 15
UDEV_GROUP = 2
MAGIC = 0xFEEDCAFE
HEADER_SIZE = 40


def murmur2(text: str) -> int:
    """MurmurHash2, seed 0: what libudev's header has of subsystem and devtype, for filters in the kernel."""
    data, multiplier, mask = text.encode(), 0x5BD1E995, 0xFFFFFFFF
    value = len(data)
    whole = len(data) - len(data) % 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        mixed = word * multiplier & mask
        mixed = (mixed ^ mixed >> 24) * multiplier & mask
        value = value * multiplier & mask ^ mixed
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15


def datagram(properties: Mapping[str, str]) -> bytes:
    """One event as it goes over the wire."""
    body = b"".join(f"{key}={value}".encode(errors="surrogateescape") + b"\0" for key, value in properties.items())
    devtype = properties.get("DEVTYPE")
    hashes = (murmur2(properties.get("SUBSYSTEM", "")), murmur2(devtype) if devtype else 0)
    return (
        struct.pack("=8s", b"libudev\0")
        + struct.pack(">I", MAGIC)
        + struct.pack("=III", HEADER_SIZE, HEADER_SIZE, len(body))
        + struct.pack(">II", *hashes)
        + struct.pack("=II", 0, 0)  # a bloom filter of tags
        + body
    )


class Injector:
    """Sends udev events to all listeners of this network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
        self._socket.bind((0, 0))
        self._sequence = itertools.count(1_000_000)

    def close(self) -> None:
        self._socket.close()

    def send(self, properties: Mapping[str, str]) -> None:
        """Sends one event, with a sequence number of its own."""
        self.send_raw(datagram({"SEQNUM": str(self.next_sequence()), "USEC_INITIALIZED": "1", **properties}))

    def next_sequence(self) -> int:
        """The number of the kernel's next event."""
        return next(self._sequence)

    def send_raw(self, message: bytes, times: int = 1) -> None:
        """Sends these bytes, however wrong."""
        for _ in range(times):
            with suppress(ConnectionRefusedError):  # nobody listens
                self._socket.sendto(message, (0, UDEV_GROUP))


# A listener may have 128 MiB of buffer: few large events fill it sooner than many small ones.
LARGE = "x" * 65_536
OVERFLOW_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that hears udev's events in this network namespace, and how many it has lost."""

    inode: int
    drops: int


def listeners() -> tuple[Listener, ...]:
    """All who listen to udev now."""
    with open("/proc/net/netlink") as table:
        rows = [line.split() for line in table][1:]
    # sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    return tuple(
        Listener(int(row[9]), int(row[8]))
        for row in rows
        if int(row[1]) == NETLINK_KOBJECT_UEVENT and int(row[3], 16) & UDEV_GROUP
    )


def overflow(injector: Injector, subsystem: str = "tty") -> None:
    """Sends events of the subsystem until each listener has lost some. Suspend a reader that keeps up."""
    properties = {"ACTION": "change", "DEVPATH": f"/devices/virtual/{subsystem}/storm", "SUBSYSTEM": subsystem}
    message = datagram({"SEQNUM": "1", "USEC_INITIALIZED": "1", **properties, "LARGE": LARGE})
    before = {listener.inode: listener.drops for listener in listeners()}
    for _ in range(OVERFLOW_ROUNDS):
        injector.send_raw(message, 100)
        if all(now.drops > before.get(now.inode, 0) for now in listeners()):
            return
    raise AssertionError(f"a listener to udev did not overflow; does it hear {subsystem}? {listeners()}")
