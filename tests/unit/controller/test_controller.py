"""When changes are published: the first at once, those in its wake together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from tests.lab.inventories import gone, node, nothing, unknown_to_udev
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.controller.controller import Controller, Dependencies, Holdings
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.devices.model import AssembledResource
from udev_device_plugin.devices.store import DeviceSet, DeviceStore
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, PathEntry
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector


def spec(name: str, glob: str) -> ResourceSpec:
    return ResourceSpec(f"squat.ai/{name}", (GroupSpec((PathSpec(PathSelector(Glob.parse(glob))),)),))


def entry(path: str) -> PathEntry:
    return node(path, int(path[-1])).entry


class Host:
    """Answers what the advertiser asks, and remembers it."""

    def __init__(self) -> None:
        self.linked: list[DeviceSet] = []
        self.handed_out: frozenset[str] = frozenset()
        self.holdings: Holdings | None = {}
        self.questions = 0


def surroundings(host: Host) -> Dependencies:
    async def held() -> Holdings | None:
        host.questions += 1
        return host.holdings

    return Dependencies(
        link=host.linked.append,
        held=held,
        handed_out=lambda *_: host.handed_out,
        links_directory="/links/",
    )


def advertiser(host: Host | None = None, grace_period: float = 300.0) -> Controller:
    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")]
    return Controller(specs, surroundings(host or Host()), grace_period)


def looked(host: Host | None = None, grace_period: float = 300.0) -> Controller:
    made = advertiser(host, grace_period)
    made.observe(nothing())
    return made


def plug(made: Controller, *paths: str) -> None:
    made.observe([plugged(path) for path in paths])


def plugged(path: str, received: float = 1.0) -> HostLook:
    return replace(unknown_to_udev(entry(path)), received=received)


def pulled(path: str) -> HostLook:
    return gone(path, DeviceNumber("c", 188, int(path[-1])))


async def test_nothing_is_published_before_everything_was_looked_at() -> None:
    made = advertiser()
    made.observe([plugged("/dev/ttyUSB0")])
    assert made.stores["squat.ai/serial"].snapshot.generation == 0
    assert not made.has_looked.is_set()
    made.observe([HostLook(complete_for=0)])
    assert made.has_looked.is_set()
    assert made.stores["squat.ai/serial"].snapshot.devices.count == 1


async def test_the_first_change_is_published_at_once_and_those_in_its_wake_together() -> None:
    made = looked()
    board = made.stores["squat.ai/serial"]
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
    board = made.stores["squat.ai/serial"]
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    generation = board.snapshot.generation
    made.observe([pulled("/dev/ttyUSB0")])
    plug(made, "/dev/ttyUSB0")
    await _window_over(made)
    assert board.snapshot.generation == generation


async def test_one_resource_does_not_hold_up_another() -> None:
    made = looked()
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    plug(made, "/dev/other1")
    assert made.stores["squat.ai/other"].snapshot.devices.count == 1


async def test_a_snapshot_knows_when_the_oldest_event_behind_it_was_received() -> None:
    made = looked()
    await _window_over(made)
    made.observe([plugged("/dev/ttyUSB0", 1.0)])
    made.observe([plugged("/dev/ttyUSB1", 2.0)])
    made.observe([plugged("/dev/ttyUSB2", 3.0)])
    board = made.stores["squat.ai/serial"]
    assert board.snapshot.caused_at == 1.0
    assert (await board.newer_than(board.snapshot.generation)).caused_at == 2.0


async def test_an_absent_device_is_forgotten_when_its_time_is_up_and_no_pod_holds_it() -> None:
    host = Host()
    async with running(looked(host, grace_period=0.01)) as made:
        board = made.stores["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        (id_,) = (await _until(board, lambda devices: devices.count == 1)).by_id
        host.holdings = {"squat.ai/serial": frozenset({id_})}
        made.observe([pulled("/dev/ttyUSB0")])
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
        board = made.stores["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        await _window_over(made)
        generation, questions = board.snapshot.generation, host.questions
        made.observe([pulled("/dev/ttyUSB0")])
        await _until(board, lambda devices: devices.count == 0)
        assert board.snapshot.generation == generation + 2
        assert host.questions == questions + 1


async def test_nothing_is_forgotten_while_nobody_knows_what_pods_hold_and_nobody_is_asked_in_vain_for_ever() -> None:
    host = Host()
    host.holdings = None
    async with running(looked(host, grace_period=0.01)) as made:
        board = made.stores["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        made.observe([pulled("/dev/ttyUSB0")])
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
        board = made.stores["squat.ai/serial"]
        plug(made, "/dev/ttyUSB0")
        await _until(board, lambda devices: devices.count == 1)
        made.observe([pulled("/dev/ttyUSB0")])
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
        board = made.stores["squat.ai/serial"]
        devices = await _until(board, lambda devices: devices.count == 1)
        assert [remembered for remembered, _ in devices.remembered] == [id_]
        plug(made, "/dev/ttyUSB7")
        devices = await _until(board, lambda devices: devices.healthy_count == 1)
        assert (list(devices.by_id), devices.remembered) == ([id_], ())
        assert host.questions == 1


async def test_a_failure_while_taking_in_ends_the_run_and_is_not_swallowed() -> None:
    def recall(_: ResourceSpec) -> AssembledResource:
        return AssembledResource(formed=(None,))  # type: ignore[arg-type]  # what nobody can work with

    made = Controller([spec("serial", "/dev/ttyUSB*")], replace(surroundings(Host()), recall=recall), 300.0)
    made.observe(nothing())
    with pytest.raises(AttributeError):
        await made.run()


@asynccontextmanager
async def running(made: Controller) -> AsyncIterator[Controller]:
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _until(board: DeviceStore, condition: Callable[[DeviceSet], bool]) -> DeviceSet:
    """Wait for a snapshot that meets the condition."""
    async with asyncio.timeout(10):
        while not condition(board.snapshot.devices):
            await board.newer_than(board.snapshot.generation)
    return board.snapshot.devices


async def _window_over(made: Controller) -> None:
    """Wait until no gathering window is open any more."""
    while made._windows:
        await asyncio.sleep(0.001)
