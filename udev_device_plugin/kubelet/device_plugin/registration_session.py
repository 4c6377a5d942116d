"""One registration of a resource, from the first attempt to its end.

Event loop only. It ends once and for one reason: the kubelet closed the stream, never opened it, removed the socket or
restarted, or the plugin stops. The server is not a part of it: that goes on with the next registration.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class RegistrationSession:
    """The state of one registration, for plugin, servicer and plugin directory.

    Attributes:
        opened: set once the kubelet has opened a stream.
        refusal: the kubelet's last one, "" for none.
    """

    def __init__(self) -> None:
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.opened = asyncio.Event()
        self.refusal = ""
        self._streams = 0
        self._closed = asyncio.Event()
        self._closed.set()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._ended.done()

    @property
    def is_connected(self) -> bool:
        """Whether the kubelet has a stream open."""
        return self.opened.is_set() and not self.is_over

    def end(self, reason: str) -> None:
        """End it; ``reason`` is for the log. If it has ended before, that reason stays."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def on_end(self, call: Callable[[], None]) -> None:
        """Call ``call`` on the loop when it has ended."""
        self._ended.add_done_callback(lambda _: call())

    async def ended(self) -> str:
        """Wait for its end; return the reason."""
        return await asyncio.shield(self._ended)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """The context in which the kubelet has a stream open.

        A second one is that of an earlier attempt, which the kubelet went on with. Which of them it listens to cannot
        be known, so there is a new registration once both have ended.
        """
        if self._streams:
            self.end("the kubelet has opened two streams, one for an earlier attempt to register")
        self._streams += 1
        self.opened.set()
        self._closed.clear()
        try:
            yield
        finally:
            self._streams -= 1
            if not self._streams:
                self._closed.set()
            self.end("the kubelet closed the ListAndWatch stream")

    async def closed(self) -> None:
        """Wait until the streams that the kubelet has opened have ended as well."""
        await self._closed.wait()
