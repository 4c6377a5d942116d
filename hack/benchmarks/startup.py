"""The plugin starts: how long from the process's birth until the kubelet has registered all resources?

Held against the floor: the same packages imported, and a gRPC server without services on its socket.
"""

import time

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.programs import PATIENCE
from hack.benchmarks.scene import MANY, directory, floor_program, plugin_program, resource_names
from udev_device_plugin.testing.kubelet import Kubelet

WITH_ONE = 350.0  # ms


async def measure(runs: int) -> list[Figure]:
    """Start the plugin and the floor so many times each, in turns: what slows the machine down slows all."""
    await _registered_after(1)  # the first reads from the disk, and compiles
    one, many, bare = [], [], []
    for _ in range(runs):
        one.append(await _registered_after(1))
        many.append(await _registered_after(MANY))
        bare.append(await _floor_after())
    section = "start to registered"
    return [
        *distribution(section, one, name="1 resource", median_at_most=WITH_ONE),
        *distribution(section, many, name=f"{MANY} resources"),
        *distribution(section, bare, name="floor (imports, empty server)"),
    ]


async def _registered_after(count: int) -> float:
    names = resource_names(count)
    with directory() as folder:
        async with Kubelet(folder) as kubelet, plugin_program(count, folder) as plugin:
            await kubelet.wait_until(
                lambda it: all(it.resource(name).registrations for name in names), timeout=PATIENCE
            )
            registered = time.monotonic()
            await kubelet.wait_until(lambda it: all(it.resource(name).lists for name in names), timeout=PATIENCE)
            return (registered - plugin.started) * 1000


async def _floor_after() -> float:
    async with floor_program() as floor:
        return (time.monotonic() - floor.started) * 1000
