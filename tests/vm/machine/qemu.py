"""QEMU's own USB devices: a real hub, and serial adapters (FTDI) behind it; plugged over QEMU's monitor (QMP)."""

import itertools
import json
import os
from types import TracebackType
from typing import Any, Self

from tests.vm.machine.places import Place


class MonitorError(Exception):
    """QEMU refused a command."""


class Monitor:
    """QEMU's monitor, which `hack/lib/in-vm` gives the guest as a port."""

    def __init__(self) -> None:
        self._port = os.open(os.environ["IN_VM"], os.O_RDWR)
        self._unread = b""
        self._numbers = itertools.count(1)
        self.execute("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._port)

    def execute(self, command: str, **arguments: object) -> None:
        """Has QEMU do something, and waits until it is done."""
        number = next(self._numbers)
        request = {"execute": command, "arguments": arguments, "id": number}
        os.write(self._port, json.dumps(request).encode() + b"\n")
        while True:
            answer = self._next()
            if answer.get("id") == number:  # the others are events
                break
        if "error" in answer:
            raise MonitorError(f"{command} {arguments}: {answer['error']['desc']}")

    def _next(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            self._unread += os.read(self._port, 4096)
        line, self._unread = self._unread.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer


class Hub:
    """A hub of eight ports in a port of QEMU's host controller, and the adapters in it."""

    def __init__(self, monitor: Monitor, port: int) -> None:
        self._monitor = monitor
        self._port = port
        self._numbers = itertools.count(1)
        self.place = Place(r"/pci[^/]*/.*/usb\d+/\d+-\d+")  # nothing else is plugged in there
        self._is_plugged = False

    def plug(self) -> None:
        """Plugs the hub, empty."""
        self._add("usb-hub", "hub", str(self._port))
        self._is_plugged = True

    def plug_adapter(self, port: int, serial: str) -> None:
        """Plugs a serial adapter in a port of the hub."""
        unique = next(self._numbers)
        self._monitor.execute("chardev-add", id=f"null{unique}", backend={"type": "null", "data": {}})
        # QEMU plugs it only while somebody listens at the other end, unless told so.
        options = {"chardev": f"null{unique}", "serial": serial, "always-plugged": True}
        self._add("usb-serial", f"adapter{unique}", f"{self._port}.{port}", **options)

    def unplug(self) -> None:
        """Unplugs the hub, and with it all that is in it."""
        if self._is_plugged:
            self._monitor.execute("device_del", id="hub")
            self._is_plugged = False

    def _add(self, driver: str, name: str, port: str, **options: object) -> None:
        self._monitor.execute("device_add", driver=driver, id=name, bus="xhci.0", port=port, **options)
