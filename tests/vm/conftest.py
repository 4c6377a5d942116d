"""Tests with real USB drivers, udevd and Debian's rules. They run as `hack/test vm`, in a virtual machine.

One kubelet and one plugin serve all tests, with the specs of the default manifest and some by-id globs.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.lab.node import every
from tests.lab.vm.gadget import Arduino
from tests.lab.vm.node import VmNode, settle
from tests.lab.vm.qemu import Hub, Monitor
from tests.lab.vm.usbip import Port, make_ports

PORTS = 8
HUB_PORT = 1

RULE = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{serial}=="RULED"'


def select(kind: str, name: str, **entry: object) -> str:
    """A spec with one entry of a selector."""
    return json.dumps({"name": name, "groups": [{kind: [entry]}]})


SERIAL_SPEC = json.dumps(
    {
        "name": "serial",
        "groups": [{"paths": [{"path": path}]} for path in ("/dev/ttyUSB*", "/dev/ttyACM*", "/dev/rfcomm*")],
    }
)
SPECS = (
    SERIAL_SPEC,
    every("/dev/serial/by-id/*", name="adapters"),
    every("/dev/video*", name="video"),
    every("/dev/v4l/by-id/*-video-index0", name="cameras"),
    every("/dev/cdc-wdm*", name="modems"),
    select("usb", "lidar", vendor="10c4", product="ea60", serial="LIDAR1", nodes=["tty"]),
    select("usb", "lte", vendor="2c7c", product="0125", nodes={"tty": 4, "usbmisc": 1}),
    select("udev", "ruled", match=RULE, mountPath="/dev/ruled", permissions="rw"),
)


def pytest_configure() -> None:
    if not os.path.exists(os.environ.get("IN_VM", "")):
        raise RuntimeError("this is no virtual machine to plug devices into; run: hack/test vm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests run on one loop, that of the kubelet."""
    for item in items:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node() -> AsyncIterator[VmNode]:
    """The kubelet and the plugin."""
    node = VmNode("/run/plugins", *SPECS)
    await node.start()
    yield node
    await node.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _nothing_is_left_plugged(node: VmNode) -> AsyncIterator[None]:
    yield
    settle()
    await node.wait_until_all_is_out()


@pytest.fixture(scope="session")
def _all_ports() -> tuple[Port, ...]:
    return make_ports(PORTS)


@pytest.fixture
def ports(_all_ports: tuple[Port, ...]) -> Iterator[tuple[Port, ...]]:
    """Ports to plug devices in; what is still plugged in the end is unplugged."""
    yield _all_ports
    for port in _all_ports:
        port.unplug()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub to plug; if still plugged in the end, it is unplugged."""
    with Monitor() as monitor:
        hub = Hub(monitor, HUB_PORT)
        yield hub
        hub.unplug()


@pytest.fixture
def arduino() -> Iterator[Arduino]:
    """An Arduino to plug; if still plugged in the end, it is unplugged."""
    arduino = Arduino("ARD1")
    yield arduino
    arduino.unplug()
