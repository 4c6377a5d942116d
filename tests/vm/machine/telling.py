"""Tells stories in the virtual machine, several at a time.

pytest stays outside, where a CPU is not emulated; it reads one line about each story (`Verdict`). All else that is said
is for a person whose story went wrong.
"""

import asyncio
import time
import traceback
from collections.abc import Collection

from tests.lab.plugin import PluginProcess
from tests.vm.machine.node import VmNode, run, settle
from tests.vm.machine.stories import Stage, Story, name
from tests.vm.machine.usbip import PORTS, Port
from tests.vm.machine.verdicts import Verdict
from tests.vm.stories import ALONE, BESIDE, IN_THE_END, TOGETHER

AT_ONCE = 4
"""More of them take as long in all, and each waits longer for udevd."""


async def tell(plugin: PluginProcess, names: Collection[str]) -> None:
    """Tells these stories, with a plugin that has been started."""
    await run("modprobe", "vhci_hcd")
    await settle()
    node = VmNode()
    await node.start(plugin)
    teller = _Teller(node, names)
    await teller.tell(TOGETHER, at_once=AT_ONCE)
    await teller.tell(IN_THE_END, at_once=1)
    await asyncio.gather(teller.tell(ALONE, at_once=1), teller.tell(BESIDE, at_once=1))
    await node.wait_until_all_is_out()
    await node.stop()


class _Teller:
    def __init__(self, node: VmNode, names: Collection[str]) -> None:
        self._node = node
        self._names = names
        self._free = iter([Port(number) for number in range(PORTS)])

    async def tell(self, stories: Collection[Story], *, at_once: int) -> None:
        turns = asyncio.Semaphore(at_once)
        await asyncio.gather(*(self._tell(story, turns) for story in stories if name(story) in self._names))

    async def _tell(self, story: Story, turns: asyncio.Semaphore) -> None:
        async with turns:
            start = time.monotonic()
            failure = await self._failure_of(story)
            print(Verdict(name(story), time.monotonic() - start, failure).to_line(), flush=True)  # noqa: T201 - to pytest

    async def _failure_of(self, story: Story) -> str | None:
        try:
            with Stage(self._node, self._free) as stage:
                await story(stage)
        except Exception as error:
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            return f"{''.join(told.format())}\nThe plugin has said:\n{self._node.said()}"
        return None
