"""The device's side of USB/IP, to the guest's own virtual host controller (vhci_hcd), over a pair of sockets.

To usbcore and the drivers this is a controller and a device like any other. A thread for each plugged device answers
the kernel. See Documentation/usb/usbip_protocol.rst; of it, only what follows the attaching is spoken here.
"""

import errno
import os
import socket
import struct
import threading
import time
from typing import Protocol

from tests.vm.machine import descriptors
from tests.vm.machine.places import Place

CONTROLLER = "/sys/devices/platform/vhci_hcd.0"  # the first answers for all of them
PORTS_OF_A_BUS = 15
PORTS_OF_A_CONTROLLER = 2 * PORTS_OF_A_BUS  # the first half of them leads to the bus for all but SuperSpeed
PORTS = 3 * PORTS_OF_A_BUS  # those of three controllers
FULL_SPEED, SUPER_SPEED = 2, 5  # enum usb_device_speed
PATIENCE = 300.0  # seconds
FIRST_DEVICE_ID = 0x10002  # bus 1, device 2; any will do

SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
HEADER = struct.Struct(">IIIII")  # command, sequence number, device, direction (1: IN), endpoint
SUBMIT_REST = struct.Struct(">Iiiii8s")  # flags, length, start frame, packets, interval, setup
UNLINK_REST = struct.Struct(">I24x")
SUBMITTED_REST = struct.Struct(">iiiii8x")
UNLINKED_REST = struct.Struct(">i24x")

GET_STATUS, GET_CONFIGURATION = 0, 8
TYPE, TO_STANDARD, FROM_DEVICE = 0x60, 0x00, 0x80  # bits of the request type


class Model(Protocol):
    """What a device is: its descriptors, and how it answers its driver."""

    @property
    def identity(self) -> descriptors.Identity: ...

    @property
    def configuration(self) -> bytes: ...

    def answer(self, request: int, value: int, index: int, length: int) -> bytes | None:
        """A read by the driver, of class or vendor; None: there is no such request."""


class Port:
    """A socket of the virtual controllers: plug a device, unplug it. It has a port on a bus of USB 2 and one of USB 3.

    Args:
        number: from 0 to ``PORTS`` - 1.
    """

    def __init__(self, number: int) -> None:
        controller, port = divmod(number, PORTS_OF_A_BUS)
        self.number = controller * PORTS_OF_A_CONTROLLER + port
        self.place = Place(rf"/vhci_hcd\.{controller}/usb\d+/\d+-{port + 1}")
        self._device: _Device | None = None
        self._attached = self.number

    def plug(self, model: Model, *, is_super_speed: bool = False) -> None:
        """Plugs it, as a device of USB 2 or 3; the kernel sees to the rest in its own time."""
        assert self._device is None, f"there is a device in port {self.number} already"
        kernels, ours = socket.socketpair()
        self._device = _Device(ours, model)
        self._device.start()
        with kernels:  # the kernel keeps its end open by itself
            self._attach(kernels.fileno(), is_super_speed=is_super_speed)

    def unplug(self) -> None:
        """Unplugs what is in there, if anything is."""
        device, self._device = self._device, None
        if device is not None:
            _write("detach", str(self._attached))
            device.join()

    def _attach(self, descriptor: int, *, is_super_speed: bool) -> None:
        """Tries again while the kernel is still at work on what was unplugged before."""
        deadline, speed = time.monotonic() + PATIENCE, SUPER_SPEED if is_super_speed else FULL_SPEED
        self._attached = self.number + PORTS_OF_A_BUS * is_super_speed
        while True:
            try:
                _write("attach", f"{self._attached} {descriptor} {FIRST_DEVICE_ID + self._attached} {speed}")
            except OSError as error:
                if error.errno not in {errno.EBUSY, errno.EINVAL} or time.monotonic() > deadline:
                    raise
            else:
                return


class _Device(threading.Thread):
    """A plugged device: answers the kernel until it is detached. It never has data of its own."""

    def __init__(self, kernel: socket.socket, model: Model) -> None:
        super().__init__(name=f"usb {model.identity.name}", daemon=True)
        self._kernel = kernel
        self._model = model
        self._waiting: set[int] = set()  # reads that nothing will ever come of

    def run(self) -> None:
        with self._kernel:
            try:
                while True:
                    self._serve()
            except (EOFError, ConnectionError):
                pass  # unplugged

    def _serve(self) -> None:
        command, number, _, direction, endpoint = HEADER.unpack(self._read(HEADER.size))
        if command == UNLINK:
            (victim,) = UNLINK_REST.unpack(self._read(UNLINK_REST.size))
            self._unlink(number, victim)
            return
        _, length, _, _, _, setup = SUBMIT_REST.unpack(self._read(SUBMIT_REST.size))
        if not direction:
            self._read(length)
        if endpoint == 0:
            self._control(number, setup)
        elif direction:
            self._waiting.add(number)
        else:
            self._reply(number, length=length)

    def _control(self, number: int, setup: bytes) -> None:
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if not kind & FROM_DEVICE:
            self._reply(number, length=length)
            return
        is_standard = kind & TYPE == TO_STANDARD
        is_standard &= (request, value >> 8) != (descriptors.GET_DESCRIPTOR, descriptors.HID_REPORT)
        data = self._standard(request, value) if is_standard else self._model.answer(request, value, index, length)
        if data is None:
            self._reply(number, status=-errno.EPIPE)
        else:
            self._reply(number, data[:length])

    def _standard(self, request: int, value: int) -> bytes | None:
        if request == GET_STATUS:
            return b"\0\0"
        if request == GET_CONFIGURATION:
            return b"\1"
        return self._descriptor(value >> 8, value & 0xFF) if request == descriptors.GET_DESCRIPTOR else None

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        identity = self._model.identity
        if kind == descriptors.DEVICE:
            return descriptors.device(identity)
        if kind == descriptors.CONFIGURATION:
            return self._model.configuration
        if kind != descriptors.STRING:
            return None
        if number == 0:
            return descriptors.ENGLISH
        text = identity.strings[number] if number < len(identity.strings) else None
        return None if text is None else descriptors.string(text)

    def _unlink(self, number: int, victim: int) -> None:
        status = -errno.ECONNRESET if victim in self._waiting else 0
        self._waiting.discard(victim)
        self._kernel.sendall(HEADER.pack(UNLINKED, number, 0, 0, 0) + UNLINKED_REST.pack(status))

    def _reply(self, number: int, data: bytes = b"", *, length: int | None = None, status: int = 0) -> None:
        done = len(data) if length is None else length
        rest = SUBMITTED_REST.pack(status, done, 0, 0, 0)
        self._kernel.sendall(HEADER.pack(SUBMITTED, number, 0, 0, 0) + rest + data)

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._kernel.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def _write(attribute: str, value: str) -> None:
    descriptor = os.open(f"{CONTROLLER}/{attribute}", os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
