"""When changes are published: the first at once, those in its wake together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from tests.lab.inventories import (
    Fact,
    all_devices,
    all_paths,
    described,
    gone,
    node,
    nothing,
    stands,
    unplugged,
)
from udev_device_plugin.advertiser import Advertiser, Holdings, Surroundings
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry
from udev_device_plugin.globs import Glob
from udev_device_plugin.identity import device_id
from udev_device_plugin.interest import Interest
from udev_device_plugin.snapshots import Board, DeviceSet


def spec(name: str, glob: str) -> ResourceSpec:
    return ResourceSpec(f"squat.ai/{name}", (GroupSpec((PathSpec(Glob.parse(glob)),)),))


def entry(path: str) -> PathEntry:
    return node(path, int(path[-1]))


class Host:
    """Answers when the advertiser asks for a look, and remembers where it was asked to."""

    def __init__(self) -> None:
        self.present: set[str] = set()
        self.asked: list[set[str]] = []
        self.identified: list[set[DeviceNumber]] = []
        self.linked: list[DeviceSet] = []
        self.handed_out: frozenset[str] = frozenset()
        self.holdings: Holdings | None = {}
        self.questions = 0

    def look(self, paths: Iterable[str], told: HostDevice | None = None) -> list[Fact]:
        del told
        asked = set(paths)
        if asked:
            self.asked.append(asked)
        return [stands(entry(path)) if path in self.present else gone(path) for path in asked]


def surroundings(host: Host) -> Surroundings:
    async def held() -> Holdings | None:
        host.questions += 1
        return host.holdings

    return Surroundings(
        look=host.look,
        follow=lambda come, _: host.look(come),
        identify=lambda numbers: host.identified.append(set(numbers)),
        link=host.linked.append,
        held=held,
        handed_out=lambda *_: host.handed_out,
        links_directory="/links/",
    )


def advertiser(host: Host | None = None, grace_period: float = 300.0) -> Advertiser:
    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")]
    return Advertiser(specs, surroundings(host or Host()), grace_period)


def looked(host: Host | None = None, grace_period: float = 300.0) -> Advertiser:
    made = advertiser(host, grace_period)
    made.observe(nothing(), 0.0)
    return made


def plug(made: Advertiser, *paths: str) -> None:
    made.observe([stands(entry(path)) for path in paths], 1.0)


async def test_nothing_is_published_before_both_sources_have_looked() -> None:
    made = advertiser()
    made.observe([all_paths([entry("/dev/ttyUSB0")])], 0.0)
    assert made.boards["squat.ai/serial"].snapshot.generation == 0
    assert not made.has_looked.is_set()
    made.observe([all_devices()], 0.0)
    assert made.has_looked.is_set()
    assert made.boards["squat.ai/serial"].snapshot.devices.count == 1


async def test_the_first_change_is_published_at_once_and_those_in_its_wake_together() -> None:
    made = looked()
    board = made.boards["squat.ai/serial"]
    generation = (await board.newer_than(0)).generation
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    assert board.snapshot.devices.count == 1
    for number in range(1, 10):
        plug(made, f"/dev/ttyUSB{number}")
    assert board.snapshot.devices.count == 1
    snapshot = await board.newer_than(generation + 1)
    assert (snapshot.generation, snapshot.devices.count) == (generation + 2, 10)


async def test_a_flap_within_the_window_does_not_reach_the_board() -> None:
    made = looked()
    board = made.boards["squat.ai/serial"]
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    generation = board.snapshot.generation
    made.observe([gone("/dev/ttyUSB0")], 1.0)
    plug(made, "/dev/ttyUSB0")
    await _window_over(made)
    assert board.snapshot.generation == generation


async def test_one_resource_does_not_hold_up_another() -> None:
    made = looked()
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    plug(made, "/dev/other1")
    assert made.boards["squat.ai/other"].snapshot.devices.count == 1


async def test_a_snapshot_knows_when_the_oldest_event_behind_it_was_received() -> None:
    made = looked()
    await _window_over(made)
    made.observe([stands(entry("/dev/ttyUSB0"))], 1.0)
    made.observe([stands(entry("/dev/ttyUSB1"))], 2.0)
    made.observe([stands(entry("/dev/ttyUSB2"))], 3.0)
    board = made.boards["squat.ai/serial"]
    assert board.snapshot.caused_at == 1.0
    assert (await board.newer_than(board.snapshot.generation)).caused_at == 2.0


async def test_udev_speaks_of_a_device_and_the_filesystem_is_asked_whether_it_is_there() -> None:
    host = Host()
    made = looked(host)
    await _window_over(made)
    stick = HostDevice("/sys/devices/1", "tty", DeviceNumber("c", 188, 0), "/dev/ttyUSB0", ("/dev/other0",))
    made.observe([described(stick)], 1.0)
    assert host.asked == [{"/dev/ttyUSB0", "/dev/other0"}]
    assert made.boards["squat.ai/serial"].snapshot.devices.count == 0
    host.present = {"/dev/ttyUSB0"}
    made.observe([described(stick)], 1.0)
    assert made.boards["squat.ai/serial"].snapshot.devices.healthy_count == 1
    await _window_over(made)
    host.present = set()
    made.observe([unplugged("/sys/devices/1")], 1.0)
    assert made.boards["squat.ai/serial"].snapshot.devices.healthy_count == 0


async def test_a_stick_that_was_plugged_elsewhere_is_not_named_by_what_is_left_of_where_it_was() -> None:
    host = Host()
    made = looked(host)
    link = "/dev/serial/by-id/a"
    here = HostDevice(
        "/sys/devices/1", "tty", DeviceNumber("c", 188, 0), "/dev/ttyUSB0", (link,), (link,), serial="A1B2"
    )
    host.present = {"/dev/ttyUSB0"}
    made.observe([described(here)], 1.0)
    host.present = {"/dev/ttyUSB1"}  # and nobody has told yet that the other node has gone
    there = replace(here, sys_path="/sys/devices/2", number=DeviceNumber("c", 188, 1), devnode="/dev/ttyUSB1")
    made.observe([described(there)], 1.0)
    await _window_over(made)
    (device,) = made.boards["squat.ai/serial"].snapshot.devices.devices
    assert (device.identity, device.is_healthy) == ((link,), True)
    assert [member.node for member in device.members] == ["/dev/ttyUSB1"]


async def test_an_absent_device_is_forgotten_when_its_time_is_up_and_no_pod_holds_it() -> None:
    host = Host()
    async with running(looked(host, grace_period=0.01)) as made:
        board = made.boards["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        (id_,) = (await _until(board, lambda devices: devices.count == 1)).by_id
        host.holdings = {"squat.ai/serial": frozenset({id_})}
        made.observe([gone("/dev/ttyUSB0")], 1.0)
        await _until(board, lambda devices: devices.healthy_count == 0)
        while not host.questions:
            await asyncio.sleep(0)
        assert board.snapshot.devices.count == 1
        host.holdings = {}
        made.ask_for_holders()
        assert made._formations["squat.ai/serial"].formed


async def test_what_is_forgotten_within_a_window_is_told_with_it_and_asked_for_once() -> None:
    host = Host()
    async with running(looked(host, grace_period=0.0)) as made:
        board = made.boards["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        await _window_over(made)
        generation, questions = board.snapshot.generation, host.questions
        made.observe([gone("/dev/ttyUSB0")], 1.0)
        await _until(board, lambda devices: devices.count == 0)
        assert board.snapshot.generation == generation + 2
        assert host.questions == questions + 1


async def test_nothing_is_forgotten_while_nobody_knows_what_pods_hold_and_nobody_is_asked_in_vain_for_ever() -> None:
    host = Host()
    host.holdings = None
    async with running(looked(host, grace_period=0.01)) as made:
        board = made.boards["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        made.observe([gone("/dev/ttyUSB0")], 1.0)
        await _until(board, lambda devices: devices.healthy_count == 0)
        while not host.questions:
            await asyncio.sleep(0)
        plug(made, "/dev/ttyUSB1")  # forms the resource anew
        await _until(board, lambda devices: devices.healthy_count == 1)
        await _window_over(made)
        assert (board.snapshot.devices.count, host.questions) == (2, 1)
        host.holdings = {}
        made.ask_for_holders()
        assert (await _until(board, lambda devices: devices.count == 1)).healthy_count == 1


async def test_another_grace_period_counts_for_what_is_absent_already() -> None:
    host = Host()
    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")]
    async with running(looked(host, grace_period=300.0)) as made:
        board = made.boards["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        made.observe([gone("/dev/ttyUSB0")], 1.0)
        await _until(board, lambda devices: devices.healthy_count == 0)
        made.configure(specs, 600.0, Interest.of(specs, 2))
        (absent,) = made._formations["squat.ai/serial"].formed
        assert absent.keep_until == absent.since + 600.0
        made.configure(specs, 0.0, Interest.of(specs, 3))
        await _until(board, lambda devices: devices.count == 0)


async def test_what_pods_hold_and_is_not_here_is_listed_once_somebody_tells() -> None:
    host = Host()
    id_ = device_id("squat.ai/serial", ("/dev/ttyUSB7",), 0)
    host.holdings = {"squat.ai/serial": frozenset({id_, "an-id-of-somebody-else"})}
    async with running(looked(host)) as made:
        made.ask_for_holders()
        board = made.boards["squat.ai/serial"]
        devices = await _until(board, lambda devices: devices.count == 1)
        assert [remembered for remembered, _ in devices.remembered] == [id_]
        plug(made, "/dev/ttyUSB7")
        devices = await _until(board, lambda devices: devices.healthy_count == 1)
        assert (list(devices.by_id), devices.remembered) == ([id_], ())
        assert host.questions == 1


async def test_a_failure_while_taking_in_ends_the_run_and_is_not_swallowed() -> None:
    def look(*_: object) -> list[Fact]:
        raise ZeroDivisionError

    made = Advertiser([spec("serial", "/dev/ttyUSB*")], replace(surroundings(Host()), look=look), 300.0)
    made.observe([all_devices()], 0.0)
    with pytest.raises(ZeroDivisionError):
        await made.run()


@asynccontextmanager
async def running(made: Advertiser) -> AsyncIterator[Advertiser]:
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _until(board: Board, condition: Callable[[DeviceSet], bool]) -> DeviceSet:
    """Wait for a snapshot that meets the condition."""
    async with asyncio.timeout(10):
        while not condition(board.snapshot.devices):
            await board.newer_than(board.snapshot.generation)
    return board.snapshot.devices


async def _window_over(made: Advertiser) -> None:
    """Wait until no gathering window is open any more."""
    while made._windows:
        await asyncio.sleep(0.001)
