"""Stories, told in the virtual machine: several at a time, each with ports of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from tests.vm.machine.gadget import Arduino
from tests.vm.machine.node import VmNode
from tests.vm.machine.qemu import Hub, Monitor
from tests.vm.machine.usbip import Port

HUB_PORT = 1


class Stage:
    """What a story is told with. What is still plugged in the end is unplugged.

    Args:
        node: the kubelet and the plugin, for all stories.
        free: ports that no story has had: who has none of its own is known by its port, also when it is out.
    """

    def __init__(self, node: VmNode, free: Iterator[Port]) -> None:
        self.node = node
        self._free = free
        self._end = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end.close()

    def ports(self, count: int) -> tuple[Port, ...]:
        """Ports to plug devices in."""
        ports = tuple(next(self._free) for _ in range(count))
        for port in ports:
            self._end.callback(port.unplug)
        return ports

    def hub(self) -> Hub:
        """The hub; only one story can have it."""
        hub = Hub(self._end.enter_context(Monitor()), HUB_PORT)
        self._end.callback(hub.unplug)
        return hub

    async def arduino(self, serial: str) -> Arduino:
        """An Arduino; only one story can have it."""
        arduino = await asyncio.to_thread(Arduino, serial)  # loads modules
        self._end.callback(arduino.unplug)
        return arduino


Story = Callable[[Stage], Coroutine[Any, Any, None]]


def name(story: Story) -> str:
    """Its sentence."""
    return str(getattr(story, "__name__", story))
