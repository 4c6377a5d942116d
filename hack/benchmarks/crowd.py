"""A host with thousands of nodes: what do those that nobody asks for cost, and what those that somebody does?

A made-up host, since it takes no hardware and no minutes. What is asked is the same as in `latency`.
"""

import glob
import time
from collections.abc import Awaitable, Sequence

import grpc

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.latency import judged
from hack.benchmarks.listening import Delays, Post, listening
from hack.benchmarks.made_up import CROWD_LINKS, SUBSYSTEM, MadeUpSticks, gather_crowd, glob_of
from hack.benchmarks.programs import Program
from hack.benchmarks.scene import MANY, plugin_of, spec
from tests.lab.host import FakeHost
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

PRESENT = 10
"""How many sticks are plugged at a time, each of another resource: no window is open when one is pulled."""

CALM = 0.01  # seconds, as the next stick is another resource's
CROWDED = "squat.ai/crowd"
CROWDED_TYPICAL = 15.0  # ms
CROWDED_CALM = 0.15
FEWER = 5
ALLOCATIONS = 1000


async def measure(plugs: int, crowd: int) -> list[Figure]:
    """Plug so many sticks, with few other nodes on the host and with a crowd; then ask for all of the crowd."""
    host = FakeHost()
    few, calls = await _among_few(host, plugs)
    gather_crowd(host, crowd)
    among = await _delays(host, plugs)
    within = await _within(host, max(1, plugs // FEWER), crowd)
    return [
        *judged(f"{MANY} resources, event to list", few),
        *judged(f"{MANY} resources, {PRESENT} of {crowd + PRESENT} nodes match", among),
        *within,
        *calls,
    ]


async def _among_few(host: FakeHost, plugs: int) -> tuple[Delays, list[Figure]]:
    sticks = MadeUpSticks(host, MANY)
    async with listening(_plugin, SUBSYSTEM, _names()) as post:
        delays = await post.delays(sticks, range(plugs), lag=PRESENT, calm=CALM)
        for number in range(PRESENT):
            await post.delay(sticks, "add", number)
        calls = await _calls(post)
        for number in range(PRESENT):
            sticks.unplug(number)
    return delays, calls


async def _delays(host: FakeHost, plugs: int) -> Delays:
    async with listening(_plugin, SUBSYSTEM, _names()) as post:
        return await post.delays(MadeUpSticks(host, MANY), range(plugs), lag=PRESENT, calm=CALM)


async def _within(host: FakeHost, plugs: int, crowd: int) -> list[Figure]:
    """One resource has them all; then each of them twice."""
    sticks = MadeUpSticks(host, links=CROWD_LINKS)
    async with listening(lambda folder: _crowded(folder, 1), SUBSYSTEM, [CROWDED]) as post:
        once = await post.delays(sticks, range(plugs), calm=CROWDED_CALM)
    async with listening(lambda folder: _crowded(folder, 2), SUBSYSTEM, [CROWDED]) as post:
        twice = await post.delays(sticks, range(max(1, plugs // FEWER)), calm=CROWDED_CALM)
        size = post.lists()[-1].size
    section = f"1 resource of {crowd} nodes, listed twice each"
    return [
        *judged(f"1 resource of {crowd} nodes, event to list", once, CROWDED_TYPICAL, None),
        *distribution(section, twice.plugs, name="plugged"),
        Figure(section, f"size of a list of {2 * crowd} devices", size / 1024, "KiB"),
    ]


async def _calls(post: Post) -> list[Figure]:
    """How long the kubelet waits for an answer; held against a call that asks for next to nothing."""
    lists = [one for one in post.lists() if one.new][-PRESENT:]
    allocations, options = [], []
    for one in lists:
        socket = glob.glob(f"{post.folder}/udev-device-plugin-{one.resource.rpartition('/')[2]}-????????.sock")[0]
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            stub = api_pb2_grpc.DevicePluginStub(channel)
            await stub.GetDevicePluginOptions(api_pb2.Empty())
            container = api_pb2.ContainerAllocateRequest(devices_ids=one.new)
            for _ in range(ALLOCATIONS // PRESENT):
                options.append(await _timed(stub.GetDevicePluginOptions(api_pb2.Empty())))
                request = api_pb2.AllocateRequest(container_requests=[container])
                allocations.append(await _timed(stub.Allocate(request)))
    return [*distribution("Allocate", allocations), *distribution("a call that asks for nothing", options)]


async def _timed(call: Awaitable[object]) -> float:
    begun = time.monotonic()
    await call
    return (time.monotonic() - begun) * 1000


def _plugin(folder: str) -> Program:
    return plugin_of(folder, *(spec(f"serial-{number}", glob_of(number)) for number in range(MANY)))


def _names() -> Sequence[str]:
    return [f"squat.ai/serial-{number}" for number in range(MANY)]


def _crowded(folder: str, count: int) -> Program:
    return plugin_of(folder, spec("crowd", f"{CROWD_LINKS}/*", count))
