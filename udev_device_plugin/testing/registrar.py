"""The embedded kubelet's Registration service, and a task for every connection that it makes.

The kubelet's event loop only. It has the fault of the real one: when a stream ends, it drops the plugin that has the
resource's name *now*, which may be the one that replaced the plugin whose stream ended.
"""

import asyncio

import grpc

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.testing.book import Book
from udev_device_plugin.testing.client import PluginClient
from udev_device_plugin.testing.misbehaviour import Misbehaviour
from udev_device_plugin.testing.names import objection


class Registrar(api_pb2_grpc.RegistrationServicer):
    """Serves registrations for one run of a kubelet."""

    def __init__(self, directory: str, book: Book, misbehaviour: Misbehaviour, dial_timeout: float) -> None:
        self._directory = directory
        self._book = book
        self._misbehaviour = misbehaviour
        self._dial_timeout = dial_timeout
        self._holders: dict[str, PluginClient] = {}  # by resource: the plugin that registered last
        self._latest: dict[str, PluginClient] = {}  # by resource: the plugin for allocations, connected or not
        self._connections: dict[PluginClient, asyncio.Task[None]] = {}  # also replaced ones
        self._closing = asyncio.Event()

    def client(self, resource: str) -> PluginClient | None:
        """Return the plugin that registered a resource last, connected or not; None: none since the start."""
        return self._latest.get(resource)

    async def Register(  # noqa: N802 - the contract's name
        self, request: api_pb2.RegisterRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> api_pb2.Empty:
        """Check the request, dial the plugin and ask for its options, and only then answer."""
        self._book.attempted(request.resource_name)
        if self._misbehaviour.mute:
            await self._closing.wait()
        problem = self._objection(request) or await self._connect(request.resource_name, request.endpoint)
        if self._closing.is_set():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the kubelet is stopping")
        if problem:
            await context.abort(grpc.StatusCode.UNKNOWN, problem)  # what Go makes of a plain error
        return api_pb2.Empty()

    def disconnect(self, resource: str) -> None:
        """Drop the plugin that has the resource's name, and its devices."""
        holder = self._holders.pop(resource, None)
        if holder is None:
            return
        task = self._connections.get(holder)
        if task is not None and holder.is_connected and task is not asyncio.current_task():
            task.cancel()
        self._book.disconnected(resource)

    async def close(self) -> None:
        """End every connection, and wait for its task."""
        self._closing.set()
        tasks = tuple(self._connections.values())
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _objection(self, request: api_pb2.RegisterRequest) -> str | None:
        refusal = self._misbehaviour.refusal(request.resource_name)
        return refusal or objection(request.version, request.resource_name)

    async def _connect(self, resource: str, endpoint: str) -> str:
        """Start a connection; return what went wrong, "" if it succeeded."""
        if self._closing.is_set():
            return ""
        client = PluginClient(resource, endpoint, f"{self._directory}/{endpoint}")
        self._holders[resource] = client
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._run(client, answer), name=f"plugin of {resource}")
        self._connections[client] = task
        task.add_done_callback(lambda _: self._end(client, answer))
        # Shielded: the real one goes on when the plugin does not wait for the answer any more.
        return await asyncio.shield(answer)

    def _end(self, client: PluginClient, answer: "asyncio.Future[str]") -> None:
        del self._connections[client]
        if not answer.done():
            answer.set_result("the connection ended before the plugin had answered")

    async def _run(self, client: PluginClient, answer: "asyncio.Future[str]") -> None:
        try:
            problem = await client.connect(self._dial_timeout)
            if problem:
                self._holders.pop(client.resource, None)  # whichever plugin has the name now, as in the real one
            else:
                self._latest[client.resource] = client
                self._book.registered(client.resource, client.endpoint)
            answer.set_result(problem)
            if not problem:
                await self._listen(client)
                self.disconnect(client.resource)
        finally:
            await client.close()

    async def _listen(self, client: PluginClient) -> None:
        if self._misbehaviour.opens_no_stream(client.resource):
            await asyncio.Event().wait()
        async for message in client.lists():
            self._book.received(message)
