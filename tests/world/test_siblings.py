"""Nodes of one USB device are told apart by their places in it, never by which of them was announced first.

udevd works on several devices at once: it announces siblings in any order, and sometimes one of them not at all. And
the kernel numbers nodes as it likes: the first port of an adapter may be ttyUSB5.
"""

import itertools
import json
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, Node, every, node, offers
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import camera, dvb_stick, eight_port_adapter, keyboard, sound_card_with_two_captures
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import Allocation

PORTS = ("1-2", "1-3", "1-4.1")

Order = tuple[int, ...]
"""Places in the stick, as they are announced."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A stick with siblings.

    Attributes:
        glob: reaches just them.
        count: how many there are.
        make: the stick, by the kernel's numbers of its places, and its port.
        is_mixed: whether the kernel tells the places apart, so that the numbers need not follow them.
        is_portable: whether it is known by a serial number, and so is the same in another port.
    """

    glob: str
    subsystem: str
    count: int
    make: Callable[[Sequence[int], str], Stick]
    is_mixed: bool = True
    is_portable: bool = False

    def plugged(self, chance: random.Random, port: str = "1-2") -> Stick:
        """The stick as it is after a plug: the kernel has numbered its nodes anew."""
        first = chance.choice((0, 8))
        numbers = [*range(first, first + self.count)]
        return self.make(chance.sample(numbers, self.count) if self.is_mixed else numbers, port)

    def siblings(self, stick: Stick) -> list[FakeDevice]:
        """In the order of their places."""
        return [device for device in stick if device.node and device.subsystem == self.subsystem]

    def orders(self) -> Iterator[Order]:
        """All of them, or 50 random ones, always the same."""
        if self.count <= 4:
            yield from itertools.permutations(range(self.count))
            return
        for seed in range(50):
            yield tuple(random.Random(seed).sample(range(self.count), self.count))

    def few_orders(self) -> Iterator[Order]:
        """Forwards, backwards, and three random ones."""
        yield tuple(range(self.count))
        yield tuple(reversed(range(self.count)))
        for seed in range(100, 103):
            yield tuple(random.Random(seed).sample(range(self.count), self.count))


def ports(count: int, *, links: bool) -> Callable[[Sequence[int], str], Stick]:
    """An adapter with so many ports behind one interface."""

    def make(numbers: Sequence[int], port: str) -> Stick:
        first = min(numbers)
        others = set(range(8)) - {number - first for number in numbers}
        stick = eight_port_adapter(
            first, "MX8", port, links=links, numbers=(*(number - first for number in numbers), *others)
        )
        return Stick(stick.devices[: 2 + 2 * count])

    return make


def three_events(serial: str | None) -> Callable[[Sequence[int], str], Stick]:
    return lambda numbers, port: keyboard(0, port, serial=serial, numbers=numbers)


KINDS = {
    "a camera's two nodes": Kind(
        "/dev/video*", "video4linux", 2, lambda numbers, port: camera(0, "C", port, numbers=numbers), is_portable=True
    ),
    "a camera's four nodes": Kind(
        "/dev/video*", "video4linux", 4, lambda numbers, port: camera(0, None, port, numbers=numbers)
    ),
    "four ttys without links": Kind("/dev/ttyUSB*", "tty", 4, ports(4, links=False)),
    "four ttys with links": Kind("/dev/ttyUSB*", "tty", 4, ports(4, links=True), is_portable=True),
    "eight ttys without links": Kind("/dev/ttyUSB*", "tty", 8, ports(8, links=False)),
    "eight ttys with links": Kind("/dev/ttyUSB*", "tty", 8, ports(8, links=True), is_portable=True),
    "two tuners": Kind(
        "/dev/dvb/*/frontend*",
        "dvb",
        2,
        lambda numbers, port: dvb_stick("D", port, adapters=numbers),
        is_mixed=False,
    ),
    "two capture devices": Kind(
        "/dev/snd/pcm*",
        "sound",
        2,
        lambda numbers, port: sound_card_with_two_captures(min(numbers), port),
        is_mixed=False,
    ),
    "three nodes with one link": Kind("/dev/input/event*", "input", 3, three_events(None), is_mixed=False),
    "three nodes with one link and a serial number": Kind(
        "/dev/input/event*", "input", 3, three_events("K1"), is_mixed=False, is_portable=True
    ),
}
FOUR, EIGHT = KINDS["four ttys without links"], KINDS["eight ttys without links"]
CAMERA = KINDS["a camera's two nodes"]

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def announced(host: FakeHost, kind: Kind, stick: Stick, order: Order) -> AsyncIterator[FakeDevice]:
    """The kernel has made everything; udevd announces the siblings in `order`, each when it is asked for."""
    for device in stick:
        host.appear(device)
    siblings = kind.siblings(stick)
    for device in stick:
        if device not in siblings:
            host.finish(device)
    for place in order:
        host.finish(siblings[place])
        yield siblings[place]


async def plug(host: FakeHost, kind: Kind, stick: Stick, order: Order) -> None:
    async for _ in announced(host, kind, stick, order):
        pass


def unplug(host: FakeHost, stick: Stick) -> None:
    """Whatever of it was announced."""
    for device in reversed(stick.devices):
        host.vanish(device)
    for device in reversed(stick.devices):
        host.forget(device)


def places(kind: Kind, stick: Stick) -> dict[str, int]:
    """The siblings' places, by their nodes."""
    return {device.node.path: place for place, device in enumerate(kind.siblings(stick)) if device.node}


async def known(kubelet: Kubelet, kind: Kind, stick: Stick) -> dict[str, int]:
    """The places of what is offered, by ID."""
    by_node = places(kind, stick)
    return {
        offer.id: by_node[os.path.realpath(offer.devices[0].host_path)]
        for offer in await offers(kubelet)
        if offer.is_healthy
    }


def reached(kind: Kind, stick: Stick, pods: Sequence[Allocation]) -> dict[str, int | None]:
    """The places that pods reach by what they were handed out once, by ID."""
    by_node = places(kind, stick)
    return {pod.ids[0]: by_node.get(os.path.realpath(pod.response.devices[0].host_path)) for pod in pods}


async def hold_all(here: Node, ids: Sequence[str]) -> list[Allocation]:
    return [await here.kubelet.allocate(SERIAL, ids=[id_]) for id_ in ids]


# All orders.


@each_kind
async def test_in_whatever_order_siblings_are_announced_each_pod_gets_its_own(
    host: FakeHost, plugin_directory: str, kind: Kind
) -> None:
    chance = random.Random(kind.glob)
    async with node(plugin_directory, every(kind.glob)) as here:
        stick = kind.plugged(chance)
        await plug(host, kind, stick, tuple(range(kind.count)))
        await here.wait_for(healthy=kind.count)
        before = await known(here.kubelet, kind, stick)
        assert sorted(before.values()) == [*range(kind.count)]
        pods = await hold_all(here, [*before])
        for turn, order in enumerate(kind.orders()):
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=kind.count)
            stick = kind.plugged(chance, port=chance.choice(PORTS) if kind.is_portable else PORTS[0])
            is_alone = turn % 8 == 3  # there is no plugin while it is plugged
            if is_alone:
                await here.plugin.kill()
            await plug(host, kind, stick, order)
            if is_alone:
                await here.plugin.start()
            await here.wait_for(healthy=kind.count)
            assert reached(kind, stick, pods) == before, f"announced in the order {order}"
            for pod in pods:
                await here.start(pod)
        assert here.most_listed() == kind.count


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.count <= 4])
async def test_what_is_offered_while_siblings_are_still_missing_is_right_already(
    host: FakeHost, plugin_directory: str, name: str
) -> None:
    kind = KINDS[name]
    chance = random.Random(kind.glob)
    async with node(plugin_directory, every(kind.glob)) as here:
        stick = kind.plugged(chance)
        await plug(host, kind, stick, tuple(range(kind.count)))
        await here.wait_for(healthy=kind.count)
        before = await known(here.kubelet, kind, stick)
        for order in kind.few_orders():
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=kind.count)
            stick = kind.plugged(chance)
            async for latest in announced(host, kind, stick, order):
                await here.catch_up()
                now = await known(here.kubelet, kind, stick)
                assert now.items() <= before.items(), f"in the order {order}, after {latest.sys_name}"
        assert here.most_listed() == kind.count


@each_kind
async def test_who_is_announced_first_at_the_very_first_time_decides_nothing(
    host: FakeHost, plugin_directory: str, kind: Kind
) -> None:
    chance = random.Random(kind.glob)
    seen: dict[Order, dict[str, int]] = {}
    for order in kind.few_orders():
        async with node(plugin_directory, every(kind.glob)) as here:
            stick = kind.plugged(chance)
            async for _ in announced(host, kind, stick, order):
                await here.landmarks.pass_one(here.kubelet)
            await here.wait_for(healthy=kind.count)
            await here.catch_up()
            seen[order] = await known(here.kubelet, kind, stick)
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=kind.count)
    first = next(iter(seen.values()))
    assert sorted(first.values()) == [*range(kind.count)]
    assert seen == dict.fromkeys(seen, first)


@each_kind
async def test_after_a_restart_of_the_plugin_and_in_another_port_each_sibling_is_itself(
    host: FakeHost, plugin_directory: str, kind: Kind
) -> None:
    chance = random.Random(kind.glob)
    one_way, other_way, mixed, *_ = kind.few_orders()
    async with Kubelet(plugin_directory) as kubelet:
        stick = kind.plugged(chance)
        async with PluginProcess.serving(every(kind.glob), directory=plugin_directory) as plugin:
            await plug(host, kind, stick, one_way)
            await kubelet.wait_for_devices(SERIAL, healthy=kind.count)
            before = await known(kubelet, kind, stick)
            pods = [await kubelet.allocate(SERIAL, ids=[id_]) for id_ in before]
            await plugin.kill()
        unplug(host, stick)
        stick = kind.plugged(chance)
        await plug(host, kind, stick, other_way)
        async with PluginProcess.serving(every(kind.glob), directory=plugin_directory):
            await kubelet.wait_for_devices(SERIAL, healthy=kind.count)
            assert await known(kubelet, kind, stick) == before
            assert reached(kind, stick, pods) == before
            unplug(host, stick)
            await kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=kind.count)
            if kind.is_portable:
                stick = kind.plugged(chance, port="1-4")
                await plug(host, kind, stick, mixed)
                await kubelet.wait_for_devices(SERIAL, healthy=kind.count)
                assert await known(kubelet, kind, stick) == before
                assert reached(kind, stick, pods) == before


# One that udevd never announces.


@pytest.mark.parametrize("silent", range(FOUR.count))
async def test_a_sibling_that_is_never_announced_shifts_nobody(
    host: FakeHost, plugin_directory: str, silent: int
) -> None:
    chance = random.Random(silent)
    async with node(plugin_directory, every(FOUR.glob)) as here:
        stick = FOUR.plugged(chance)
        await plug(host, FOUR, stick, (3, 1, 0, 2))
        await here.wait_for(healthy=FOUR.count)
        before = await known(here.kubelet, FOUR, stick)
        pods = await hold_all(here, [id_ for id_, place in before.items() if place != silent])
        unplug(host, stick)
        await here.wait_for(healthy=0, unhealthy=FOUR.count)
        stick = FOUR.plugged(chance)
        await plug(host, FOUR, stick, tuple(place for place in (2, 0, 3, 1) if place != silent))
        others = {id_: place for id_, place in before.items() if place != silent}
        await here.kubelet.wait_until(
            lambda kubelet: {*others} <= {*kubelet.resource(SERIAL).healthy}, timeout=PATIENCE
        )
        assert (await known(here.kubelet, FOUR, stick)).items() <= before.items()
        assert reached(FOUR, stick, pods) == others
        for pod in pods:
            await here.start(pod)


# Whole sticks.


def usb(nodes: object, vendor: str, product: str) -> str:
    entry = {"vendor": vendor, "product": product, "nodes": nodes}
    return json.dumps({"name": "serial", "groups": [{"usb": [entry]}]})


@pytest.mark.parametrize("kind", [CAMERA, KINDS["a camera's four nodes"]], ids=["two nodes", "four nodes"])
async def test_a_camera_with_an_open_number_of_nodes_is_whole_in_each_order(
    host: FakeHost, plugin_directory: str, kind: Kind
) -> None:
    chance = random.Random(1)
    async with node(plugin_directory, usb(["video4linux"], "046d", "0825")) as here:
        for order in kind.orders():
            stick = kind.plugged(chance)
            await plug(host, kind, stick, order)
            await here.wait_for(healthy=1)
            (offer,) = await here.offers()
            by_node = places(kind, stick)
            got = [by_node[os.path.realpath(device.host_path)] for device in offer.devices]
            assert got == [*range(kind.count)], f"announced in the order {order}"
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=1)
        assert here.most_listed() == 1


@pytest.mark.parametrize("kind", [CAMERA, KINDS["a camera's four nodes"]], ids=["two nodes", "four nodes"])
async def test_who_asks_for_one_node_of_a_camera_gets_that_to_capture_from(
    host: FakeHost, plugin_directory: str, kind: Kind
) -> None:
    chance = random.Random(2)
    async with node(plugin_directory, usb({"video4linux": 1}, "046d", "0825")) as here:
        for order in kind.orders():
            stick = kind.plugged(chance)
            capture = stick.nodes("video4linux")[0]
            async for _ in announced(host, kind, stick, order):
                await here.landmarks.pass_one(here.kubelet)
                handed_out = [os.path.realpath(o.devices[0].host_path) for o in await here.offers() if o.is_healthy]
                assert handed_out in ([], [capture]), f"announced in the order {order}"
            await here.wait_for(healthy=1)
            (offer,) = await here.offers()
            assert [os.path.realpath(device.host_path) for device in offer.devices] == [capture]
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=1)


async def test_of_a_whole_adapter_the_pod_finds_port_after_port_wherever_it_is_plugged(
    host: FakeHost, plugin_directory: str
) -> None:
    chance = random.Random(3)
    async with node(plugin_directory, usb({"tty": 8}, "110a", "1653")) as here:
        stick = EIGHT.plugged(chance)
        await plug(host, EIGHT, stick, tuple(range(8)))
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        for order, port in zip(EIGHT.few_orders(), ("1-2", "1-3", "1-4", "1-5.1", "1-2"), strict=True):
            unplug(host, stick)
            await here.wait_for(healthy=0, unhealthy=1)
            stick = EIGHT.plugged(chance, port)
            await plug(host, EIGHT, stick, order)
            await here.wait_for(healthy=1)
            await here.start(pod)
            got = [os.path.realpath(device.host_path) for device in pod.response.devices]
            assert got == [*stick.nodes("tty")], f"announced in the order {order}, at {port}"
