"""What does not answer: an attribute of sysfs whose driver's probe hangs, a network mount whose server is away."""

import ctypes
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tests.lab.host import FakeHost
from tests.lab.records import Stick
from tests.lab.sysfs import write

MNT_DETACH = 2
FUSE = os.makedev(10, 229)


class HungStick:
    """A USB device whose attribute `serial` cannot be read from now on before `answer`.

    The attribute is a FIFO: opening it takes until somebody opens it for writing.
    """

    def __init__(self, stick: Stick) -> None:
        self.stick = stick
        self.sys_path = stick.devices[0].sys_path
        self._serial = f"{self.sys_path}/serial"
        with open(self._serial) as file:
            self._text = file.read()
        os.mkfifo(f"{self._serial}.fifo")
        os.rename(f"{self._serial}.fifo", self._serial)

    @classmethod
    def plug(cls, host: FakeHost, stick: Stick) -> Self:
        """Plug one that hangs from the start; udevd is done with it all the same."""
        for device in stick:
            host.appear(device)
        hung = cls(stick)
        for device in stick:
            host.finish(device)
        return hung

    def answer(self) -> None:
        """The probe is over: whoever waits is told, and nobody waits from now on. Somebody must be waiting."""
        os.link(self._serial, f"{self._serial}.fifo")
        write(f"{self._serial}.file", self._text)
        os.rename(f"{self._serial}.file", self._serial)
        descriptor = os.open(f"{self._serial}.fifo", os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, self._text.encode())
        os.close(descriptor)
        os.unlink(f"{self._serial}.fifo")


@contextmanager
def hung_mount(directory: str) -> Iterator[None]:
    """A file system is mounted there that answers nothing (FUSE, whose server never reads a request)."""
    libc = ctypes.CDLL(None, use_errno=True)
    server = _fuse(f"{directory}.fuse")
    try:
        options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
        if libc.mount(b"hung", directory.encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount", directory)
        try:
            yield
        finally:
            libc.umount2(directory.encode(), MNT_DETACH)
    finally:
        os.close(server)


def has_fuse() -> bool:
    """Whether this kernel has FUSE."""
    with open("/proc/filesystems") as file:
        return "nodev\tfuse\n" in file


def _fuse(node: str) -> int:
    """The made-up /dev has no node of FUSE: one is made for a moment."""
    os.mknod(node, stat.S_IFCHR | 0o600, FUSE)
    try:
        return os.open(node, os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.unlink(node)
